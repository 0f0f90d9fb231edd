"""Pictures of pictures, drawn by matplotlib pixel for pixel."""

from collections.abc import Mapping

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_DPI = 100
_TITLE_HEIGHT = 28
_GAP = 8
# A title of some twenty letters needs as much.
_NARROWEST_COLUMN = 150


def side_by_side(pictures: Mapping[str, np.ndarray]) -> np.ndarray:
    """One picture of several uint8 `[H, W, 3]`, each under its title; no pixel is resampled: uint8 `[H', W', 3]`."""
    columns = [max(picture.shape[1], _NARROWEST_COLUMN) for picture in pictures.values()]
    height = max(picture.shape[0] for picture in pictures.values())
    width = sum(columns) + _GAP * (len(columns) - 1)
    # A figure of its own, not pyplot's: pyplot keeps every figure until it is closed.
    figure = Figure(figsize=(width / _DPI, (height + _TITLE_HEIGHT) / _DPI), dpi=_DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    left = 0
    for column, (title, picture) in zip(columns, pictures.items(), strict=True):
        indent = (column - picture.shape[1]) // 2
        figure.figimage(picture, xo=left + indent, yo=height - picture.shape[0], origin="upper", resize=False)
        middle_of_title = 1 - _TITLE_HEIGHT / 2 / (height + _TITLE_HEIGHT)
        figure.text((left + column / 2) / width, middle_of_title, title, ha="center", va="center")
        left += column + _GAP
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
