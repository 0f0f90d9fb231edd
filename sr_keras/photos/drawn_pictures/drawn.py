"""Pictures of what photos hardly hold: text, line art, flat shapes, windows of programs, pages.

They are drawn here, so nobody needs a folder of them. Picture number `i` is a function of `i` alone (and of the versions of
NumPy, Pillow and matplotlib's fonts). The first ones measure; training takes others.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from sr_keras.photos import rgb
from sr_keras.photos.drawn_pictures import draws, landscapes, outlines, windows
from sr_keras.photos.drawn_pictures.canvas import BLACK, HEIGHT, WHITE, WHOLE, WIDTH, Box, Canvas, Colour, Font
from sr_keras.photos.drawn_pictures.draws import Random

MEASURED = range(20)
FIRST_FOR_TRAINING = 1000

_SERIF = ("DejaVuSerif", "STIXGeneral")
_BOLD = ("DejaVuSans-Bold", "DejaVuSerif-Bold", "STIXGeneralBol")
_FONTS = ("DejaVuSans", "DejaVuSansMono", "DejaVuSans-Oblique", "DejaVuSerif-Italic", *_SERIF, *_BOLD)


def picture(number: int) -> np.ndarray:
    """Picture number `number`, from 0 on: uint8 `[HEIGHT, WIDTH, 3]`."""
    return KINDS[_kind(number)](np.random.default_rng(number))


def file_name(number: int) -> str:
    """The name tells the kind, so that a table by photos does."""
    return f"{number:04d}_{_kind(number)}.png"


def _kind(number: int) -> str:
    return list(KINDS)[number % len(KINDS)]


def _text(random: Random) -> np.ndarray:
    """Paragraphs of several fonts and sizes, on one paper or several."""
    canvas = Canvas(WIDTH, HEIGHT, WHITE, hinted=random.random() < 0.5)
    for part in WHOLE.grid(1, int(random.integers(1, 4))):
        ink, paper = draws.ink_and_paper(random)
        canvas.box(part, paper)
        x, y = random.uniform(4, 16), part.y + random.uniform(0, 12)
        while (room := part.bottom - y) > 12:
            # Small ones more often.
            size = min(int(8 * 5 ** random.random()), int(0.75 * room))
            box = Box(x, y, WIDTH - x - random.uniform(4, 60), min(70, room - 0.3 * size))
            font = Font(draws.one(random, _FONTS), size)
            y = draws.set_words(canvas, random, box, font, draws.or_other(random, ink)) + 0.5 * size
    return canvas.picture()


def _lines(random: Random) -> np.ndarray:
    """A sheet of figures, of thin and thick lines."""
    ink, paper = draws.ink_and_paper(random)
    canvas = Canvas(WIDTH, HEIGHT, paper, hinted=False)
    cells = WHOLE.grid(*draws.one(random, [(2, 2), (3, 2), (4, 3)]))
    for cell, figure in zip(cells, np.resize(random.permutation(len(outlines.FIGURES)), len(cells)), strict=True):
        radius = random.uniform(0.36, 0.46) * min(cell.width, cell.height)
        width, colour = random.uniform(0.5, 2.2), draws.or_other(random, ink)
        for points, relative_width in outlines.FIGURES[figure](random):
            canvas.line(cell.centre + radius * points, colour, relative_width * width)
    return canvas.picture()


def _shapes(random: Random) -> np.ndarray:
    """A landscape as cartoons have it, or icons."""
    canvas = Canvas(WIDTH, HEIGHT, draws.any_hue(random, random.uniform(0.85, 1), 0.3), hinted=False)
    draws.one(random, (landscapes.landscape, landscapes.icons))(canvas, random)
    return canvas.picture()


def _window(random: Random) -> np.ndarray:
    """A program's window of one or two parts, as a screenshot shows it."""
    theme = windows.theme_of(random)
    canvas = Canvas(WIDTH, HEIGHT, BLACK, hinted=random.random() < 0.8)
    canvas.paste(WHOLE, draws.gradient(random, 0.3, 0.7))
    left, top, right, bottom = (int(length) for length in random.integers(2, 12, 4))
    window = Box(left, top, WIDTH - left - right, HEIGHT - top - bottom)
    canvas.box(Box(left + 2, top + 2, window.width, window.height), (70, 70, 70))  # a shadow
    canvas.box(window, theme.paper, theme.border)
    body = windows.frame(canvas, random, theme, window)
    parts = random.choice(len(windows.PARTS), random.integers(1, 3), replace=False)
    for n, box in zip(parts, body.grid(len(parts), 1), strict=True):
        box = Box(round(box.x), box.y, round(box.width) - 1, box.height)
        canvas.box(Box(box.right, box.y, 1, box.height), theme.border)
        windows.PARTS[n](canvas, random, theme, box.inside(6))
    return canvas.picture()


def _page(random: Random) -> np.ndarray:
    """A printed page: a heading, columns of small text, a picture in one of them."""
    ink = draws.any_hue(random, random.uniform(0, 0.15), 0.2)
    paper = draws.any_hue(random, random.uniform(0.94, 1), random.uniform(0, 0.5))
    canvas = Canvas(WIDTH, HEIGHT, paper, hinted=random.random() < 0.3)
    body = _heading(canvas, random, Box(12, 8, WIDTH - 24, HEIGHT - 8), ink)
    font = Font(draws.one(random, _SERIF), int(random.integers(8, 11)))
    columns = [box.inside(4) for box in body.grid(int(random.integers(2, 4)), 1)]
    with_picture = random.integers(len(columns))
    for n, column in enumerate(columns):
        if n == with_picture:
            height = round(random.uniform(0.6, 0.9) * column.width)
            canvas.paste(Box(column.x, column.y, column.width, height), _blurred_photo(random))
            column = column.below(height + 4)
        draws.set_words(canvas, random, column, font, ink, is_justified=True)
    return canvas.picture()


KINDS: dict[str, Callable[[Random], np.ndarray]] = {
    "text": _text,
    "lines": _lines,
    "shapes": _shapes,
    "window": _window,
    "page": _page,
}


def _blurred_photo(random: Random) -> Image.Image:
    """Large soft spots of light and colour, with small faint ones on them; 16x16 pixels."""
    large, small = (
        rgb.to_uint8(0.5 + random.normal(0, 0.25, (side, side, 1)) + random.normal(0, 0.12, (side, side, 3)))
        for side in (4, 16)
    )
    return Image.blend(Image.fromarray(large).resize((16, 16), Image.Resampling.BICUBIC), Image.fromarray(small), 0.25)


def _heading(canvas: Canvas, random: Random, box: Box, ink: Colour) -> Box:
    """A large line, a small one and a rule; returns what is left."""
    large, small = Font(draws.one(random, _BOLD), int(random.integers(16, 27))), Font("DejaVuSerif-Italic", 9)
    y = box.y + large.size
    canvas.text(box.centre[0], y, " ".join(draws.line_of_words(canvas, random, box.width, large)), large, ink, "ms")
    canvas.text(box.x + 4, y + 16, " ".join(draws.line_of_words(canvas, random, box.width / 2, small)), small, ink)
    canvas.text(box.right - 4, y + 16, f"{random.integers(1, 400)}", small, ink, "rs")
    canvas.box(Box(box.x, y + 21, box.width, 1), ink)
    return box.below(large.size + 24)
