"""How steady a network is in films: by how much frames of a slow pan differ once the pan is undone."""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from sr_keras.photos import rgb

# Pixels of the large frame on each side: a network guesses what lies beyond.
_BORDER = 16


def flicker(upscale: Callable[[np.ndarray], np.ndarray], photo: np.ndarray, *, scale: int, num_frames: int = 5) -> float:
    """Mean absolute difference of neighbouring frames of a pan over a still photo, once the pan is undone; in levels of 255.

    The pan goes by one pixel of the large photo a frame, right and down. That is a part of a pixel of the small frames, so that
    each of them samples the photo at other places: what a network makes of that should stay where it is.

    Args:
        upscale: uint8 `[h, w, 3]` to `[scale h, scale w, 3]`.
        photo: uint8 `[H, W, 3]`, larger than `smallest_side(scale, num_frames)` on each side.
        scale: how many times smaller the small frames are.
        num_frames: of the pan.

    Raises:
        ValueError: the photo is too small.
    """
    least = smallest_side(scale, num_frames)
    if min(photo.shape[:2]) < least:
        raise ValueError(f"photos must have at least {least} pixels a side, got {photo.shape[:2]}")
    frames = (upscale(small) for small in _pan(photo, scale, num_frames))
    differences = [np.abs(_inside(before[1:, 1:]) - _inside(after[:-1, :-1])) for before, after in itertools.pairwise(frames)]
    return float(np.mean(differences))


def smallest_side(scale: int, num_frames: int) -> int:
    """The least height and width of a photo that `flicker` can measure."""
    return 2 * _BORDER + 2 * scale + num_frames


def mean_flicker(
    upscale: Callable[[np.ndarray], np.ndarray], photos: Sequence[np.ndarray], *, scale: int, num_frames: int = 5
) -> float:
    """The mean of `flicker` over photos."""
    return float(np.mean([flicker(upscale, photo, scale=scale, num_frames=num_frames) for photo in photos]))


def _pan(photo: np.ndarray, scale: int, num_frames: int) -> Iterator[np.ndarray]:
    height, width = (scale * ((length - num_frames + 1) // scale) for length in photo.shape[:2])
    for place in range(num_frames):
        window = photo[place : place + height, place : place + width]
        yield rgb.resize_bicubic(window, height // scale, width // scale)


def _inside(frame: np.ndarray) -> np.ndarray:
    return frame[_BORDER:-_BORDER, _BORDER:-_BORDER].astype(np.int16)
