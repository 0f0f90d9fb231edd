"""How good a picture is: measures of a uint8 photo against its reference, and of one alone."""

import importlib.util
import itertools
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from sr_keras.photos import rgb

# As video has it: luma lies in 16..235.
_LUMA_WEIGHTS = np.array(rgb.LUMA_WEIGHTS) * (235 - 16) / 255
_LUMA_OFFSET = 16

# The rim of a photo, in pixels, that `edge_loss` compares with the inside.
_EDGE = 16

# The side of the windows whose spectrum is taken.
_WINDOW = 64

# Flat areas: this share of squares of this side, those where the reference has the least fine detail.
_FLAT_SHARE, _FLAT_SIDE = 0.05, 16
# Fine is what is smaller than about this many pixels; in flat areas that is noise.
_FINE = 9
_JPEG_BLOCK = 8


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
    """The mean gradient as a share of the reference's: the mean difference of neighbours in luma, along both axes.

    Args:
        hr, sr: uint8 `[H, W, 3]`.

    Returns:
        1 is as sharp, more is sharper (or noisier); NaN if the reference is flat.
    """

    def gradient(photo: np.ndarray) -> float:
        return sum(float(np.abs(np.diff(luma(photo), axis=axis)).mean()) for axis in (0, 1))

    of_hr = gradient(hr)
    return gradient(sr) / of_hr if of_hr else math.nan


def seam_ratio(photo: np.ndarray, rows: Sequence[int], columns: Sequence[int], period: int = 1) -> float:
    """How much larger the steps of luma across some lines are than all others; about 1 where nobody can see the lines.

    Args:
        photo: uint8 `[H, W, 3]`.
        rows, columns: the lines; 5 stands for the line between pixels 4 and 5. At least one.
        period: only lines at multiples of this many pixels are compared.

    Returns:
        NaN if there are no steps across the others.
    """
    compared = [np.arange(period, length, period) for length in photo.shape[:2]]
    across = [np.abs(np.diff(luma(photo)[..., 0], axis=axis)).mean(axis=1 - axis)[compared[axis] - 1] for axis in (0, 1)]
    at_lines = [np.isin(places, lines) for places, lines in zip(compared, (rows, columns), strict=True)]
    steps, is_line = np.concatenate(across), np.concatenate(at_lines)
    elsewhere = float(steps[~is_line].mean())
    return float(steps[is_line].mean()) / elsewhere if elsewhere else math.nan


def blockiness(photo: np.ndarray, scale: int) -> float:
    """How much larger steps of luma are between JPEG's blocks than within them; about 1 where blocks can't be seen.

    Args:
        photo: uint8 `[H, W, 3]`, enlarged from a JPEG.
        scale: how many times.

    Returns:
        NaN if the small photo had one block, or if blocks are flat.
    """
    rows, columns = (range(_JPEG_BLOCK * scale, length, _JPEG_BLOCK * scale) for length in photo.shape[:2])
    # What is enlarged has its largest steps between the small photo's pixels, with and without JPEG: those alone are compared.
    return seam_ratio(photo, rows, columns, period=scale) if rows or columns else math.nan


def flat_noise(hr: np.ndarray, sr: np.ndarray) -> float:
    """How much noise flat areas have: the standard deviation of what is finer than 8 pixels, in levels of luma.

    Args:
        hr, sr: uint8 `[H, W, 3]`. Flat is the twentieth of all squares of 16x16 pixels where `hr` has the least fine detail.

    Returns:
        NaN if there is no such square.
    """
    detail, noise = (np.square(_squares(_fine(luma(photo)[..., 0]))).mean(axis=(1, 2)) for photo in (hr, sr))
    if not len(noise):
        return math.nan
    flattest = np.argsort(detail, kind="stable")[: max(1, round(_FLAT_SHARE * len(detail)))]
    return float(np.sqrt(noise[flattest].mean()))


def _squares(numbers: np.ndarray) -> np.ndarray:
    """`[H, W]` to `[N, 16, 16]`."""
    rows, columns = (length // _FLAT_SIDE for length in numbers.shape)
    cut = numbers[: rows * _FLAT_SIDE, : columns * _FLAT_SIDE]
    return cut.reshape(rows, _FLAT_SIDE, columns, _FLAT_SIDE).swapaxes(1, 2).reshape(-1, _FLAT_SIDE, _FLAT_SIDE)


def _fine(numbers: np.ndarray) -> np.ndarray:
    """`[H, W]` less the mean over a square around each; sides are reflected."""
    mean = numbers
    for axis in (0, 1):
        margin = [(_FINE // 2, _FINE // 2) if along == axis else (0, 0) for along in (0, 1)]
        mean = np.lib.stride_tricks.sliding_window_view(np.pad(mean, margin, "reflect"), _FINE, axis=axis).mean(axis=-1)
    return np.asarray(numbers - mean)


def spectrum(photo: np.ndarray) -> np.ndarray:
    """What waves a photo is made of: the power of each in dB, `[64, 64]`, the mean of dB over windows of 64x64 pixels.

    Index k stands for k / 64 waves a pixel, along the height and along the width. The mean of dB counts flat windows as much as
    busy ones.

    Args:
        photo: uint8 `[H, W, 3]`, at least 64 high and wide.
    """
    windows = np.lib.stride_tricks.sliding_window_view(luma(photo)[..., 0], (_WINDOW, _WINDOW))[
        :: _WINDOW // 2, :: _WINDOW // 2
    ]
    taper = np.outer(np.hanning(_WINDOW), np.hanning(_WINDOW))
    power = np.square(np.abs(np.fft.fft2((windows - windows.mean((2, 3), keepdims=True)) * taper)))
    # What rounding to whole levels puts into a flat window anyway.
    rounding = np.square(taper).sum() / 12
    return np.asarray(10 * np.log10(power + rounding).mean((0, 1)))


def grid(photo: np.ndarray, period: int) -> float:
    """By how many dB the waves of a grid stand out from those beside them; about 0 where there is no grid.

    Args:
        photo: uint8 `[H, W, 3]`.
        period: of the grid, in pixels; a power of 2. Enlarging networks leave that of their scale (Odena et al. 2016).

    Returns:
        NaN if the photo is less than 64 pixels high or wide.
    """
    if min(photo.shape[:2]) < _WINDOW:
        return math.nan
    power = spectrum(photo)
    step, away = _WINDOW // period, _WINDOW // period // 4
    excess = []
    for y, x in itertools.product(range(0, _WINDOW, step), repeat=2):
        if not (y or x):
            continue
        # Horizontal and vertical edges have power of their own, all along an axis: its waves are compared with others there.
        beside = [power[(y + (y and d)) % _WINDOW, (x + (x and d)) % _WINDOW] for d in (-away, away)]
        # The quickest waves come in one phase only, which halves what chance gives them in a mean of dB.
        alone = 10 * math.log10(2) if 2 * y % _WINDOW == 2 * x % _WINDOW == 0 else 0
        excess.append(power[y, x] + alone - np.mean(beside))
    return float(np.mean(excess))


def edge_loss(hr: np.ndarray, sr: np.ndarray) -> float:
    """By how many dB the outer 16 pixels are worse than the inside; negative where they are better.

    Args:
        hr, sr: uint8 `[H, W, 3]`, more than 32 pixels high and wide.

    Returns:
        NaN if the inside equals the reference.

    Raises:
        ValueError: they are smaller.
    """
    if min(hr.shape[:2]) <= 2 * _EDGE:
        raise ValueError(f"photos must be larger than {2 * _EDGE} pixels on each side, got {hr.shape[:2]}")
    error = np.square(luma(hr) - luma(sr))
    inside = error[_EDGE:-_EDGE, _EDGE:-_EDGE]
    if not inside.any():
        return math.nan
    outside = (error.sum() - inside.sum()) / (error.size - inside.size)
    return float(10 * np.log10(outside / inside.mean()))


def piqe(photo: np.ndarray) -> float:
    """PIQE (Venkatanath et al. 2015), a metric that does not see the reference: 0 is best, 100 is worst.

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
