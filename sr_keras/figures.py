"""Pictures of pictures, drawn by matplotlib pixel for pixel."""

from collections.abc import Mapping

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_DPI = 100
_TITLE_HEIGHT = 28
_GAP = 8


def side_by_side(pictures: Mapping[str, np.ndarray]) -> np.ndarray:
    """One picture of several uint8 `[H, W, 3]`, each under its title; no pixel is resampled: uint8 `[H', W', 3]`."""
    height = max(picture.shape[0] for picture in pictures.values())
    width = sum(picture.shape[1] for picture in pictures.values()) + _GAP * (len(pictures) - 1)
    # A figure of its own, not pyplot's: pyplot keeps every figure until it is closed.
    figure = Figure(figsize=(width / _DPI, (height + _TITLE_HEIGHT) / _DPI), dpi=_DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    left = 0
    for title, picture in pictures.items():
        figure.figimage(picture, xo=left, yo=height - picture.shape[0], origin="upper", resize=False)
        middle = (left + picture.shape[1] / 2) / width
        figure.text(middle, 1 - _TITLE_HEIGHT / 2 / (height + _TITLE_HEIGHT), title, ha="center", va="center")
        left += picture.shape[1] + _GAP
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
