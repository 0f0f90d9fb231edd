"""How steady a network is in films: by how much frames of a slow pan differ once the pan is undone."""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from sr_keras.photos import rgb

# Pixels of the large frame on each side: a network guesses what lies beyond.
_BORDER = 16
# Of the pan.
_NUM_FRAMES = 5


def flicker(upscale: Callable[[np.ndarray], np.ndarray], photo: np.ndarray, *, scale: int) -> float:
    """Mean absolute difference of neighbouring frames of a pan over a still photo, once the pan is undone; in levels of 255.

    The pan goes by one pixel of the large photo a frame, right and down. That is a part of a pixel of the small frames, so that
    each of them samples the photo at other places: what a network makes of that should stay where it is.

    Args:
        upscale: uint8 `[h, w, 3]` to `[scale h, scale w, 3]`.
        photo: uint8 `[H, W, 3]`, of at least `37 + 2 scale` pixels on each side.
        scale: how many times smaller the small frames are.

    Raises:
        ValueError: the photo is too small.
    """
    least = 2 * _BORDER + 2 * scale + _NUM_FRAMES
    if min(photo.shape[:2]) < least:
        raise ValueError(f"photos must have at least {least} pixels a side, got {photo.shape[:2]}")
    frames = (upscale(small) for small in _pan(photo, scale))
    differences = [np.abs(_inside(before[1:, 1:]) - _inside(after[:-1, :-1])) for before, after in itertools.pairwise(frames)]
    return float(np.mean(differences))


def mean_flicker(upscale: Callable[[np.ndarray], np.ndarray], photos: Sequence[np.ndarray], *, scale: int) -> float:
    """The mean of `flicker` over photos."""
    return float(np.mean([flicker(upscale, photo, scale=scale) for photo in photos]))


def _pan(photo: np.ndarray, scale: int) -> Iterator[np.ndarray]:
    height, width = (scale * ((length - _NUM_FRAMES + 1) // scale) for length in photo.shape[:2])
    for place in range(_NUM_FRAMES):
        window = photo[place : place + height, place : place + width]
        yield rgb.resize_bicubic(window, height // scale, width // scale)


def _inside(frame: np.ndarray) -> np.ndarray:
    return frame[_BORDER:-_BORDER, _BORDER:-_BORDER].astype(np.int16)
