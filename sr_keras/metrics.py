"""How good a picture is: measures of one uint8 photo against its original, and of one alone."""

import importlib.util
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

# ITU-R BT.601, from RGB in 0..255 to luma in 16..235.
_LUMA_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255
_LUMA_OFFSET = 16


def psnr_ssim(hr: np.ndarray, sr: np.ndarray, border: int) -> tuple[float, float]:
    """Peak signal-to-noise ratio in dB, and structural similarity (Wang et al. 2004, 11x11 Gaussian window), of luma.

    Args:
        hr, sr: uint8 `[H, W, 3]`, at least `smallest_side(border)` high and wide.
        border: pixels removed on each side; the field takes the scale.

    Raises:
        ValueError: the shapes differ, or nothing is left without the border.
    """
    if hr.shape != sr.shape:
        raise ValueError(f"hr and sr must have one shape, got {hr.shape} and {sr.shape}")
    if min(hr.shape[:2]) < smallest_side(border):
        raise ValueError(f"photos must have at least {smallest_side(border)} pixels a side, got {hr.shape[:2]}")
    pair = [tf.constant(luma(photo)[border : hr.shape[0] - border, border : hr.shape[1] - border]) for photo in (hr, sr)]
    return float(tf.image.psnr(*pair, max_val=255)), float(tf.image.ssim(*pair, max_val=255))


def smallest_side(border: int) -> int:
    """The least height and width that `psnr_ssim` can measure: SSIM's window fits in once."""
    return 2 * border + 11


def luma(photo: np.ndarray) -> np.ndarray:
    """uint8 `[H, W, 3]` to float64 `[H, W, 1]` in 16..235, not rounded."""
    return (photo @ _LUMA_WEIGHTS + _LUMA_OFFSET)[..., np.newaxis]


def colour_error(hr: np.ndarray, sr: np.ndarray) -> float:
    """How far the mean colour is off, in levels of 255: the largest difference of a channel's means.

    Args:
        hr, sr: uint8 `[H, W, 3]`; sizes may differ.
    """
    return float(np.abs(sr.mean((0, 1)) - hr.mean((0, 1))).max())


def sharpness(hr: np.ndarray, sr: np.ndarray) -> float:
    """The mean gradient as a share of the original's: the mean difference of neighbours in luma, along both axes.

    Args:
        hr, sr: uint8 `[H, W, 3]`.

    Returns:
        1 is as sharp, more is sharper (or noisier); NaN if the original is flat.
    """

    def gradient(photo: np.ndarray) -> float:
        return sum(float(np.abs(np.diff(luma(photo), axis=axis)).mean()) for axis in (0, 1))

    of_hr = gradient(hr)
    return gradient(sr) / of_hr if of_hr else math.nan


def seam_ratio(photo: np.ndarray, rows: Sequence[int], columns: Sequence[int]) -> float:
    """How much larger the steps of luma across some lines are than all others; about 1 where nobody can see the lines.

    Args:
        photo: uint8 `[H, W, 3]`.
        rows, columns: the lines; 5 stands for the line between pixels 4 and 5. At least one.
    """
    across = [np.abs(np.diff(luma(photo)[..., 0], axis=axis)).mean(axis=1 - axis) for axis in (0, 1)]
    at_lines = [np.isin(np.arange(1, len(steps) + 1), lines) for steps, lines in zip(across, (rows, columns), strict=True)]
    steps, is_line = np.concatenate(across), np.concatenate(at_lines)
    return float(steps[is_line].mean() / steps[~is_line].mean())


def edge_loss(hr: np.ndarray, sr: np.ndarray, width: int = 16) -> float:
    """By how many dB the outer `width` pixels are worse than the inside; negative where they are better.

    Args:
        hr, sr: uint8 `[H, W, 3]`, more than twice `width` high and wide.

    Returns:
        NaN if the inside is the original's.

    Raises:
        ValueError: they are smaller.
    """
    if min(hr.shape[:2]) <= 2 * width:
        raise ValueError(f"photos must be larger than {2 * width} pixels on each side, got {hr.shape[:2]}")
    error = np.square(luma(hr) - luma(sr))
    inside = error[width:-width, width:-width]
    if not inside.any():
        return math.nan
    outside = (error.sum() - inside.sum()) / (error.size - inside.size)
    return float(10 * np.log10(outside / inside.mean()))


def piqe(photo: np.ndarray) -> float:
    """What PIQE (Venkatanath et al. 2015) thinks of a photo without seeing the original: 0 is best, 100 is worst.

    It was trained on nothing: it counts blocks of 16x16 pixels that are washed out or noisy.

    Args:
        photo: uint8 `[H, W, 3]`, not all black.

    Raises:
        ImportError: pypiqe, an optional library, is not installed.
    """
    import pypiqe

    # It takes the order of OpenCV: blue, green, red.
    return float(pypiqe.piqe(np.ascontiguousarray(photo[..., ::-1]))[0])


def has_piqe() -> bool:
    return importlib.util.find_spec("pypiqe") is not None
