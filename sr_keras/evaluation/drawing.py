"""Pictures of pictures and of curves, drawn by matplotlib."""

import itertools
from collections.abc import Mapping, Sequence

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
    figure = Figure(figsize=(width / _DPI, (height + _TITLE_HEIGHT) / _DPI), dpi=_DPI, facecolor="white")
    left = 0
    for column, (title, picture) in zip(columns, pictures.items(), strict=True):
        indent = (column - picture.shape[1]) // 2
        figure.figimage(picture, xo=left + indent, yo=height - picture.shape[0], origin="upper", resize=False)
        middle_of_title = 1 - _TITLE_HEIGHT / 2 / (height + _TITLE_HEIGHT)
        figure.text((left + column / 2) / width, middle_of_title, title, ha="center", va="center")
        left += column + _GAP
    return rendered(figure)


def grid(pictures: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """One picture of several uint8 `[H, W, 3]`, row by row on white; all take the room of the largest: uint8 `[H', W', 3]`."""
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    rows = -(-len(pictures) // columns)
    columns = min(columns, len(pictures))
    sheet = np.full((rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3), 255, np.uint8)
    for (row, column), picture in zip(itertools.product(range(rows), range(columns)), pictures, strict=False):
        y, x = row * (height + _GAP), column * (width + _GAP)
        sheet[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return sheet


def rendered(figure: Figure) -> np.ndarray:
    """The pixels of a figure, which is to be one of its own: pyplot would keep it for ever. uint8 `[H, W, 3]`."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
