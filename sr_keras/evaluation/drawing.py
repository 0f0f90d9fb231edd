"""Pictures of pictures and of curves, drawn by matplotlib."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_DPI = 100
_TITLE_HEIGHT = 28
_GAP = 8
_CROP_ZOOM = 3
_SPECTRUM_ZOOM = 4
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


def crop_sheet(lines: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
    """Lines of zoomed crops with their titles, one below the other: uint8 `[H', W', 3]`.

    Args:
        lines: pictures of one size in each, uint8 `[H, W, 3]`, by title.
    """
    drawn = [side_by_side({title: _zoomed(crop, _CROP_ZOOM) for title, crop in line.items()}) for line in lines]
    width = max(line.shape[1] for line in drawn)
    return np.concatenate(
        [
            np.pad(line, ((0, _GAP), (0, width - line.shape[1]), (0, 0)), constant_values=255)  # white
            for line in drawn
        ]
    )


def spectrum_sheet(spectra: Mapping[str, np.ndarray]) -> np.ndarray:
    """Spectra side by side, all on one scale: uint8 `[H, W, 3]`.

    Bright are the waves that a method's pictures have, the slowest in the middle. A grid shows as dots.

    Args:
        spectra: as `metrics.spectrum` has them, by title.
    """
    darkest, brightest = (limit([limit(spectrum) for spectrum in spectra.values()]) for limit in (np.min, np.max))

    def picture(spectrum: np.ndarray) -> np.ndarray:
        levels = 255 * (np.fft.fftshift(spectrum) - darkest) / (brightest - darkest)
        return np.stack([_zoomed(levels.astype(np.uint8), _SPECTRUM_ZOOM)] * 3, axis=-1)

    return side_by_side({title: picture(spectrum) for title, spectrum in spectra.items()})


def rendered(figure: Figure) -> np.ndarray:
    """The pixels of a figure, which is to be one of its own: pyplot would keep it for ever. uint8 `[H, W, 3]`."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _zoomed(picture: np.ndarray, zoom: int) -> np.ndarray:
    """Each pixel as a square, so that nothing is added."""
    return picture.repeat(zoom, axis=0).repeat(zoom, axis=1)
