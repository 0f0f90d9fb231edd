"""A picture of zoomed-in crops: a line for each photo, and in it the same place of each method's picture."""

from collections.abc import Mapping, Sequence

import numpy as np

from sr_keras.evaluation import drawing, metrics

_SIDE = 80
_ZOOM = 3
_GAP = 8


def sheet(lines: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
    """Lines of pictures with their titles, one below the other: uint8 `[H', W', 3]`.

    Args:
        lines: pictures of one size in each, uint8 `[H, W, 3]`, by title.
    """
    drawn = [drawing.side_by_side({title: _enlarged(crop) for title, crop in line.items()}) for line in lines]
    width = max(line.shape[1] for line in drawn)
    return np.concatenate(
        [
            np.pad(line, ((0, _GAP), (0, width - line.shape[1]), (0, 0)), constant_values=255)  # white
            for line in drawn
        ]
    )


def busiest_place(hr: np.ndarray, sr: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns of at most 80x80 pixels where a picture is furthest from the original, by squared error of luma.

    Args:
        hr, sr: uint8 `[H, W, 3]`.
    """
    error = np.square(metrics.luma(hr) - metrics.luma(sr))[..., 0]
    height, width = (min(length, _SIDE) for length in error.shape)
    # Sums over all windows, as differences of sums from the corner on.
    total = np.pad(error.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums = total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    y, x = np.unravel_index(sums.argmax(), sums.shape)
    return slice(int(y), int(y) + height), slice(int(x), int(x) + width)


def _enlarged(crop: np.ndarray) -> np.ndarray:
    """Each pixel as a square, so that nothing is added."""
    return crop.repeat(_ZOOM, axis=0).repeat(_ZOOM, axis=1)
