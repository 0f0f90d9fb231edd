"""Tells clean photos from worn ones, by what JPEG and noise leave in the pixels. Needs no TensorFlow.

- JPEG rounds the waves of each block of 8x8 pixels to multiples of its steps. So in a photo that once was a JPEG, whatever file
  it lies in now, these waves keep to a comb whose spacing says how coarse the steps were (Fan & de Queiroz 2003).
- Noise is as strong in the shortest waves as in longer ones, where the texture of photos fades. It is looked for where the
  photo is flattest.
- A scan of 1 bit is neither; but the tones in between are lost, so it is no clean photo.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sr_keras.photos import rgb

# JPEG of at least this quality, and noise below this many levels, are clean: there a network that restores is as near to the
# reference as one that only enlarges, and takes more texture (by PSNR on Set5 and a fifth of BSD100).
CLEAN_QUALITY = 90
CLEAN_NOISE = 2.5

_BLOCK = 8
# A large photo is examined in this many windows of this side, in pixels.
_WINDOWS, _WINDOW = 16, 256
_QUALITIES = np.arange(20, 96)
# The waves of a block by which the comb is found: the slowest, which are the last to vanish.
_COMB_WAVES = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1))
_COMB_PIXELS = 65_536  # more tell nothing new
# Heights of waves are counted in thirds of a level, up to 160.
_FINENESS, _RANGE = 3, 480
# Chance alone, at the best of 64 places, stays below 5.5; JPEG of quality 92 has 5 to 17, of 75 from 9 on (150 photos of
# 80x110 pixels).
_LEAST_COMB = 6.0
_LEAST_WAVES = 8
# Noise is white: in the flattest of blocks the shortest waves have at least this share of the power of longer ones.
_FLAT_SHARE, _LEAST_BLOCKS, _WHITE = 0.02, 6, 0.65
# Where it is nearly black or white, noise is cut off.
_DARKEST, _BRIGHTEST = 10, 245

# The steps of quality 50 for luma (ISO 10918-1, annex K), from which the others are made.
_STEPS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
_LUMA = np.array(rgb.LUMA_WEIGHTS, np.float32)


class Condition(NamedTuple):
    """What was found.

    Attributes:
        jpeg_quality: of the JPEG that the photo is or once was, 1 to 100; None if there is no trace of one.
        noise: standard deviation of noise in levels of 255; 0 if none was found.
        bilevel: whether it is black and white alone, as scans of 1 bit are. Noise and JPEG leave other tones.
    """

    jpeg_quality: int | None
    noise: float
    bilevel: bool = False

    @property
    def wear(self) -> str:
        """What is wrong with the photo, in words; empty if it is clean."""
        found = []
        if self.jpeg_quality is not None and self.jpeg_quality < CLEAN_QUALITY:
            found.append(f"JPEG of quality {self.jpeg_quality}")
        if self.noise >= CLEAN_NOISE:
            found.append(f"noise of {self.noise:.0f} levels")
        if self.bilevel:
            found.append("1 bit a pixel")
        return " and ".join(found)


def examine(photo: np.ndarray, steps: Sequence[int] | None = None) -> Condition:
    """Looks at a photo: uint8 `[H, W, 3]` or `[H, W]`.

    Args:
        photo: of any size.
        steps: the quantisation table for luma of the JPEG file that it comes from, 64 values row by row.
    """
    if is_bilevel(photo):
        return Condition(None, 0.0, bilevel=True)
    windows = [_luma(window) for window in _windows(photo)]
    of_file = [] if steps is None else [quality_of(steps)]
    of_pixels = [quality for quality in [_comb_quality(windows)] if quality is not None]
    return Condition(min(of_file + of_pixels, default=None), _noise(windows))


def is_bilevel(photo: np.ndarray) -> bool:
    """Whether a photo, uint8 `[H, W]` or `[H, W, 3]`, has pixels of black and of white, and no others."""
    strips = (photo[start : start + _WINDOW] for start in range(0, len(photo), _WINDOW))
    has_two_tones = all(((strip == 0) | (strip == 255)).all() for strip in strips)
    is_grey = photo.ndim == 2 or (has_two_tones and bool((photo == photo[..., :1]).all()))
    return has_two_tones and is_grey and photo.min() != photo.max()


def quality_of(steps: Sequence[int]) -> int:
    """The quality, 1 to 100, whose standard table is nearest to 64 steps."""
    tables = np.stack([_table(quality) for quality in range(1, 101)])
    return 1 + int(np.abs(np.log(tables) - np.log(np.reshape(steps, (8, 8)))).sum((1, 2)).argmin())


def _table(quality: int) -> np.ndarray:
    """The steps of a quality, as libjpeg makes them."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.asarray(((_STEPS * percent + 50) // 100).clip(1, 255))


def _windows(photo: np.ndarray) -> list[np.ndarray]:
    """Parts of a photo, all of a small one; where they begin is a multiple of JPEG's blocks."""
    starts = [range(0, max(1, length - _WINDOW + 1), _BLOCK) for length in photo.shape[:2]]
    most = int(_WINDOWS**0.5)
    rows, columns = (places[:: max(1, -(-len(places) // most))][:most] for places in starts)
    side = max(_WINDOW, *photo.shape[:2]) if len(rows) == len(columns) == 1 else _WINDOW
    return [photo[y : y + side, x : x + side] for y, x in itertools.product(rows, columns)]


def _luma(window: np.ndarray) -> np.ndarray:
    return window.astype(np.float32) if window.ndim == 2 else window.astype(np.float32) @ _LUMA


def _comb_quality(windows: Sequence[np.ndarray]) -> int | None:
    """The quality whose comb fits best, if any does. Blocks begin anywhere: photos are cropped."""
    side = int((_COMB_PIXELS / len(windows)) ** 0.5)
    counts = np.float32(sum(_counts(window[:side, :side]) for window in windows))
    combs, telling = _combs()
    # How far waves keep to each quality's comb, in units of chance, by quality and where blocks begin.
    number = telling @ counts
    fits = np.where(number > _LEAST_WAVES, combs @ counts / np.sqrt(np.maximum(number, 1)), 0).max(axis=1)
    return int(_QUALITIES[fits.argmax()]) if fits.max() > _LEAST_COMB else None


def _counts(window: np.ndarray) -> np.ndarray:
    """How often each wave differs by each height from a block to the next: by wave and height, and by where blocks begin."""
    most, heights, places = np.array(window.shape) - _BLOCK + 1, 2 * _RANGE + 1, _BLOCK**2
    if min(most) < 1 or most[1] <= _BLOCK:
        return np.zeros((len(_COMB_WAVES) * heights, places))
    blocks = np.lib.stride_tricks.sliding_window_view(window, (_BLOCK, _BLOCK)).reshape(-1, places)
    waves = (blocks @ _slow_waves()).reshape(*most, -1)
    # Differences keep to the comb too. In a sky that grows brighter, a wave itself is the same in all blocks, without any comb.
    steps = _FINENESS * (waves[:, _BLOCK:] - waves[:, :-_BLOCK])
    height = np.rint(np.clip(steps, -_RANGE, _RANGE)).astype(np.int32) + _RANGE
    y, x = (np.arange(length, dtype=np.int32) % _BLOCK for length in steps.shape[:2])
    place = (_BLOCK * y[:, np.newaxis] + x)[..., np.newaxis]
    cell = (heights * np.arange(len(_COMB_WAVES), dtype=np.int32) + height) * places + place
    return np.bincount(cell.ravel(), minlength=len(_COMB_WAVES) * heights * places).reshape(-1, places)


@functools.cache
def _combs() -> tuple[np.ndarray, np.ndarray]:
    """By quality, for each wave and height: its place on the comb, 1 at a tooth and -1 between two; and whether it tells.

    Heights near 0 are near a multiple of any step, and a step of 1 is that of all whole numbers. From half a step on, whole
    periods are counted: that there are fewer high waves than low ones tells nothing.
    """
    heights = np.arange(-_RANGE, _RANGE + 1) / _FINENESS
    steps = np.array([[_table(int(quality))[wave] for wave in _COMB_WAVES] for quality in _QUALITIES])[..., np.newaxis]
    telling = (np.abs(heights) >= 0.5 * steps) & (steps > 1) & (np.abs(heights) < _RANGE / _FINENESS)
    combs = np.cos(2 * np.pi / steps * heights) * telling
    return np.float32(combs).reshape(len(combs), -1), np.float32(telling).reshape(len(combs), -1)


@functools.cache
def _slow_waves() -> np.ndarray:
    """What a block `[64]` is multiplied with: `[64, 7]`."""
    cosines = _cosines()
    return np.stack([np.outer(cosines[y], cosines[x]).ravel() for y, x in _COMB_WAVES], axis=1)


@functools.cache
def _cosines() -> np.ndarray:
    """The cosine transform of 8 numbers, `[8, 8]`, orthonormal."""
    places = np.arange(_BLOCK)
    cosines = np.cos(np.outer(places, 2 * places + 1) * np.pi / (2 * _BLOCK)) / 2
    cosines[0] /= np.sqrt(2)
    return cosines.astype(np.float32)


def _waves(windows: Sequence[np.ndarray]) -> np.ndarray:
    """The cosine transform of all blocks of 8x8 pixels: `[N, 8, 8]`."""
    return np.asarray(_cosines() @ np.concatenate([_blocks(window) for window in windows]) @ _cosines().T)


def _blocks(window: np.ndarray) -> np.ndarray:
    rows, columns = (length // _BLOCK for length in window.shape)
    cut = window[: rows * _BLOCK, : columns * _BLOCK]
    return cut.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2).reshape(-1, _BLOCK, _BLOCK)


def _noise(windows: Sequence[np.ndarray]) -> float:
    waves = _waves(windows)
    mean = waves[:, 0, 0] / _BLOCK
    waves = waves[(mean > _DARKEST) & (mean < _BRIGHTEST)]
    if len(waves) < _LEAST_BLOCKS:
        return 0.0
    power, order = np.square(waves), np.add.outer(np.arange(_BLOCK), np.arange(_BLOCK))
    longer, shortest = power[:, (order >= 2) & (order <= 4)].mean(1), power[:, order >= 7].mean(1)
    flattest = np.argsort(longer, kind="stable")[: max(_LEAST_BLOCKS, int(_FLAT_SHARE * len(waves)))]
    is_white = shortest[flattest].mean() > _WHITE * longer[flattest].mean()
    return float(np.sqrt(shortest[flattest].mean())) if is_white else 0.0
