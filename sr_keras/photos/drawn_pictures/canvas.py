"""Paper to draw on: text, and lines and areas with the smooth edges that renderers make."""

import functools
import pathlib
from typing import NamedTuple

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

# Drawn this many times as large, then averaged: edges get 17 levels.
_ZOOM = 4

# Of all drawn pictures, in pixels.
HEIGHT, WIDTH = 256, 320

Colour = tuple[int, int, int]
BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)


class Font(NamedTuple):
    """One of the fonts that come with matplotlib, by its file's name, and a size in pixels."""

    name: str
    size: int


class Box(NamedTuple):
    """A part of the picture, in pixels from its top left."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def centre(self) -> np.ndarray:
        return np.array([self.x + self.width / 2, self.y + self.height / 2])

    def inside(self, margin: float) -> "Box":
        return Box(self.x + margin, self.y + margin, self.width - 2 * margin, self.height - 2 * margin)

    def below(self, height: float) -> "Box":
        """What is left without so much at the top."""
        return Box(self.x, self.y + height, self.width, self.height - height)

    def grid(self, columns: int, rows: int) -> list["Box"]:
        """Equal parts, row by row."""
        width, height = self.width / columns, self.height / rows
        return [Box(self.x + n % columns * width, self.y + n // columns * height, width, height) for n in range(columns * rows)]


WHOLE = Box(0, 0, WIDTH, HEIGHT)


class Canvas:
    """Paper to draw on. Places and lengths are in pixels of the picture, and may be fractions.

    Text lies above all else. If it is `hinted`, FreeType fits its letters to the picture's pixels, as on a screen.
    """

    def __init__(self, width: int, height: int, paper: Colour, *, hinted: bool) -> None:
        self._large = Image.new("RGB", (_ZOOM * width, _ZOOM * height), paper)
        self._pen = ImageDraw.Draw(self._large)
        self._text_zoom = 1 if hinted else _ZOOM
        self._texts: list[tuple[float, float, str, Font, Colour, str]] = []

    def line(self, points: np.ndarray, colour: Colour, width: float = 1) -> None:
        """Through points, `[N, 2]`."""
        self._pen.line([tuple(point) for point in _ZOOM * points], colour, max(1, round(_ZOOM * width)), joint="curve")

    def area(self, points: np.ndarray, colour: Colour) -> None:
        """Between points, `[N, 2]`."""
        self._pen.polygon([tuple(point) for point in _ZOOM * points], colour)

    def box(self, box: Box, fill: Colour | None, outline: Colour | None = None, radius: float = 0) -> None:
        """The outline lies inside, and is a pixel wide."""
        left, top, right, bottom = (round(_ZOOM * length) for length in (box.x, box.y, box.right, box.bottom))
        # Pillow's boxes hold their last row and column.
        corners = (left, top, max(left, right - 1), max(top, bottom - 1))
        self._pen.rounded_rectangle(corners, _ZOOM * radius, fill, outline, width=_ZOOM)

    def paste(self, box: Box, picture: Image.Image) -> None:
        """Fills a box with a picture, which is made as large and stays smooth."""
        left, top, width, height = (round(_ZOOM * length) for length in box)
        self._large.paste(picture.resize((width, height), Image.Resampling.BICUBIC), (left, top))

    def text(self, x: float, y: float, text: str, font: Font, colour: Colour, anchor: str = "ls") -> None:
        """By the left end of the baseline, or by another of Pillow's anchors."""
        self._texts.append((x, y, text, font, colour, anchor))

    def length(self, text: str, font: Font) -> float:
        return _load(font, self._text_zoom).getlength(text) / self._text_zoom

    def picture(self) -> np.ndarray:
        """uint8 `[H, W, 3]`."""
        picture = self._large.reduce(_ZOOM // self._text_zoom)
        pen = ImageDraw.Draw(picture)
        for x, y, text, font, colour, anchor in self._texts:
            place = (round(self._text_zoom * x), round(self._text_zoom * y))
            pen.text(place, text, colour, _load(font, self._text_zoom), anchor)
        return np.asarray(picture.reduce(self._text_zoom))


@functools.cache
def _load(font: Font, zoom: int) -> ImageFont.FreeTypeFont:
    file = pathlib.Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font.name}.ttf"
    # The other layout engine is not in every Pillow.
    return ImageFont.truetype(file, zoom * font.size, layout_engine=ImageFont.Layout.BASIC)
