"""Pictures of what photos hardly hold: text, line art, flat shapes, windows of programs, pages.

They are drawn here, so nobody needs a folder of them. Picture number `i` is a function of `i` alone (and of the versions of
NumPy, Pillow and matplotlib's fonts). The first ones measure; training takes others.
"""

import colorsys
import string
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import Image

from sr_keras.photos import rgb
from sr_keras.photos.drawn_pictures import outlines
from sr_keras.photos.drawn_pictures.canvas import Box, Canvas, Colour, Font

MEASURED = range(20)
FIRST_FOR_TRAINING = 1000
HEIGHT, WIDTH = 256, 320

_SERIF = ("DejaVuSerif", "STIXGeneral")
_BOLD = ("DejaVuSans-Bold", "DejaVuSerif-Bold", "STIXGeneralBol")
_FONTS = ("DejaVuSans", "DejaVuSansMono", "DejaVuSans-Oblique", "DejaVuSerif-Italic", *_SERIF, *_BOLD)
_TEXT = (
    "a the of and to in is for was with on by at from as it or an be are not this that water light paper window river field "
    "engine signal measure between mountain question quality kilometre figure chapter village quick jumping wizard oxygen "
    "Zürich façade naïve Ångström señor Größe été øre Москва книга свет λόγος φως ΔE µm 5° ±2 €9.50 100% f(x)"
)
_WORDS = _TEXT.split()
_CODE = ("if", "for x in", "return", "def f(x):", "self.", "= 0", "+= 1", "[i]", "('a')", "# ok", "{}")
_MENUS = ("File", "Edit", "View", "Insert", "Tools", "Window", "Help")

Random = np.random.Generator
Item = TypeVar("Item")

_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_WHOLE = Box(0, 0, WIDTH, HEIGHT)


class _Theme(NamedTuple):
    """The colours of a window's parts."""

    ink: Colour
    paper: Colour
    panel: Colour
    border: Colour
    accent: Colour


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
    canvas = Canvas(WIDTH, HEIGHT, _WHITE, hinted=random.random() < 0.5)
    for part in _WHOLE.grid(1, int(random.integers(1, 4))):
        ink, paper = _ink_and_paper(random)
        canvas.box(part, paper)
        x, y = random.uniform(4, 16), part.y + random.uniform(0, 12)
        while (room := part.bottom - y) > 12:
            # Small ones more often.
            size = min(int(8 * 5 ** random.random()), int(0.75 * room))
            box = Box(x, y, WIDTH - x - random.uniform(4, 60), min(70, room - 0.3 * size))
            y = _set_words(canvas, random, box, Font(_one(random, _FONTS), size), _or_other(random, ink)) + 0.5 * size
    return canvas.picture()


def _lines(random: Random) -> np.ndarray:
    """A sheet of figures, of thin and thick lines."""
    ink, paper = _ink_and_paper(random)
    canvas = Canvas(WIDTH, HEIGHT, paper, hinted=False)
    cells = _WHOLE.grid(*_one(random, [(2, 2), (3, 2), (4, 3)]))
    for cell, figure in zip(cells, np.resize(random.permutation(len(outlines.FIGURES)), len(cells)), strict=True):
        radius = random.uniform(0.36, 0.46) * min(cell.width, cell.height)
        width, colour = random.uniform(0.5, 2.2), _or_other(random, ink)
        for points, relative_width in outlines.FIGURES[figure](random):
            canvas.line(cell.centre + radius * points, colour, relative_width * width)
    return canvas.picture()


def _shapes(random: Random) -> np.ndarray:
    """A landscape as cartoons have it, or icons."""
    canvas = Canvas(WIDTH, HEIGHT, _colour(random, random.uniform(0.85, 1), 0.3), hinted=False)
    _one(random, (_landscape, _icons))(canvas, random)
    return canvas.picture()


def _window(random: Random) -> np.ndarray:
    """A program's window of one or two parts, as a screenshot shows it."""
    theme = _theme(random)
    canvas = Canvas(WIDTH, HEIGHT, _BLACK, hinted=random.random() < 0.8)
    canvas.paste(_WHOLE, _gradient(random, 0.3, 0.7))
    left, top, right, bottom = (int(length) for length in random.integers(2, 12, 4))
    window = Box(left, top, WIDTH - left - right, HEIGHT - top - bottom)
    canvas.box(Box(left + 2, top + 2, window.width, window.height), (70, 70, 70))  # a shadow
    canvas.box(window, theme.paper, theme.border)
    body = _frame(canvas, random, theme, window)
    parts = random.choice(len(_PARTS), random.integers(1, 3), replace=False)
    for n, box in zip(parts, body.grid(len(parts), 1), strict=True):
        box = Box(round(box.x), box.y, round(box.width) - 1, box.height)
        canvas.box(Box(box.right, box.y, 1, box.height), theme.border)
        _PARTS[n](canvas, random, theme, box.inside(6))
    return canvas.picture()


def _page(random: Random) -> np.ndarray:
    """A printed page: a heading, columns of small text, a picture in one of them."""
    ink, paper = _colour(random, random.uniform(0, 0.15), 0.2), _colour(random, random.uniform(0.94, 1), random.uniform(0, 0.5))
    canvas = Canvas(WIDTH, HEIGHT, paper, hinted=random.random() < 0.3)
    body = _heading(canvas, random, Box(12, 8, WIDTH - 24, HEIGHT - 8), ink)
    font = Font(_one(random, _SERIF), int(random.integers(8, 11)))
    columns = [box.inside(4) for box in body.grid(int(random.integers(2, 4)), 1)]
    with_picture = random.integers(len(columns))
    for n, column in enumerate(columns):
        if n == with_picture:
            height = round(random.uniform(0.6, 0.9) * column.width)
            canvas.paste(Box(column.x, column.y, column.width, height), _blurred_photo(random))
            column = column.below(height + 4)
        _set_words(canvas, random, column, font, ink, is_justified=True)
    return canvas.picture()


KINDS: dict[str, Callable[[Random], np.ndarray]] = {
    "text": _text,
    "lines": _lines,
    "shapes": _shapes,
    "window": _window,
    "page": _page,
}


def _one(random: Random, items: Sequence[Item]) -> Item:
    return items[int(random.integers(len(items)))]


def _colour(random: Random, lightness: float, saturation: float) -> Colour:
    """Of any hue."""
    red, green, blue = (round(255 * level) for level in colorsys.hls_to_rgb(random.random(), lightness, saturation))
    return red, green, blue


def _or_other(random: Random, colour: Colour) -> Colour:
    """The colour itself, or sometimes one of another hue that is about as dark or light."""
    return colour if random.random() < 0.7 else _like(random, colour)


def _like(random: Random, colour: Colour) -> Colour:
    """A strong colour, about as dark or light."""
    return _colour(random, float(np.clip(sum(colour) / 765, 0.3, 0.75)), random.uniform(0.6, 1))


def _ink_and_paper(random: Random) -> tuple[Colour, Colour]:
    """Dark on light or light on dark, in colours or nearly black and white."""
    if random.random() < 0.3:
        dark, light = _colour(random, random.uniform(0.15, 0.35), 0.8), _colour(random, random.uniform(0.75, 0.9), 0.8)
    else:
        dark, light = _colour(random, random.uniform(0, 0.2), 0.3), _colour(random, random.uniform(0.9, 1), 0.3)
    return (light, dark) if random.random() < 0.3 else (dark, light)


def _gradient(random: Random, darkest: float, lightest: float) -> Image.Image:
    """From side to side or from top to bottom, 2x2 pixels."""
    ends = np.array([_colour(random, random.uniform(darkest, lightest), 0.6) for _ in range(2)], np.uint8)
    return Image.fromarray(np.stack([ends, ends], axis=int(random.integers(2))))


def _blurred_photo(random: Random) -> Image.Image:
    """Large soft spots of light and colour, with small faint ones on them; 16x16 pixels."""
    large, small = (
        rgb.to_uint8(0.5 + random.normal(0, 0.25, (side, side, 1)) + random.normal(0, 0.12, (side, side, 3)))
        for side in (4, 16)
    )
    return Image.blend(Image.fromarray(large).resize((16, 16), Image.Resampling.BICUBIC), Image.fromarray(small), 0.25)


def _word(random: Random) -> str:
    """Of the list, or letters and digits that no network can guess."""
    if random.random() < 0.15:
        return "".join(_one(random, string.ascii_letters + string.digits) for _ in range(random.integers(1, 9)))
    word = _one(random, _WORDS)
    if random.random() < 0.15:
        word = word.capitalize()
    return word + _one(random, ",.;:!?") if random.random() < 0.12 else word


def _words(canvas: Canvas, random: Random, width: float, font: Font) -> list[str]:
    """As many as a line of that width takes; at least one."""
    words = [_word(random)]
    while True:
        words.append(_word(random))
        if canvas.length(" ".join(words), font) > width:
            return words[:-1]


def _set_words(canvas: Canvas, random: Random, box: Box, font: Font, colour: Colour, *, is_justified: bool = False) -> float:
    """Fills a box with lines of words, at least one; returns where the last one ends."""
    leading = random.uniform(1.15, 1.45) * font.size
    baseline = box.y + font.size
    while True:
        words = _words(canvas, random, box.width, font)
        lengths = [canvas.length(word, font) for word in words]
        gap = (box.width - sum(lengths)) / max(1, len(words) - 1) if is_justified else canvas.length(" ", font)
        for word, x in zip(words, box.x + np.cumsum([0, *lengths[:-1]]) + gap * np.arange(len(words)), strict=True):
            canvas.text(x, baseline, word, font, colour)
        if baseline + leading > box.bottom:
            return baseline + 0.3 * font.size
        baseline += leading


def _landscape(canvas: Canvas, random: Random) -> None:
    canvas.paste(_WHOLE, _gradient(random, 0.6, 0.9))
    sun = random.uniform([30, 25], [WIDTH - 30, 80])
    canvas.area(sun + random.uniform(14, 28) * outlines.arc(), _colour(random, 0.75, 0.9))
    for _ in range(random.integers(1, 4)):
        _cloud(canvas, random)
    outline = _BLACK if random.random() < 0.5 else None
    for y, lightness in zip((130, 165, 200), random.permutation([0.3, 0.45, 0.6]), strict=True):
        ridge = _ridge(random, y)
        canvas.area(np.concatenate([ridge, [[WIDTH, HEIGHT], [0, HEIGHT]]]), _colour(random, lightness, 0.5))
        if outline:
            canvas.line(ridge, outline, 1.5)
        for x in random.uniform(10, WIDTH - 10, random.integers(1, 6)):
            _tree(canvas, random, np.array([x, np.interp(x, *ridge.T) + 8]), y / 5, outline)
    _house(canvas, random, outline)


def _cloud(canvas: Canvas, random: Random) -> None:
    place, size = random.uniform([20, 15], [WIDTH - 60, 90]), random.uniform(8, 16)
    for x, y, radius in ((0, 0.3, 0.75), (1, 0, 1), (2, 0, 1), (3, 0.3, 0.75)):
        canvas.area(place + size * (np.array([x, y]) + radius * outlines.arc()), _WHITE)


def _ridge(random: Random, y: float) -> np.ndarray:
    """A long wave and a short one: `[161, 2]`."""
    x = np.linspace(0, WIDTH, 161)
    long, short = np.sin(random.uniform([[0.01], [0.03]], [[0.03], [0.05]]) * x + random.uniform(0, 7, (2, 1)))
    return np.stack([x, y + random.uniform(5, 20) * long + random.uniform(5, 8) * short], axis=1)


def _tree(canvas: Canvas, random: Random, foot: np.ndarray, height: float, outline: Colour | None) -> None:
    """With a crown that is a triangle or a disc."""
    canvas.line(foot + np.array([[0, 0], [0, -0.5 * height]]), (94, 62, 38), height / 9)
    triangle, disc = np.array([[-0.3, -0.35], [0, -1.1], [0.3, -0.35], [-0.3, -0.35]]), 0.35 * outlines.arc() - [0, 0.7]
    crown = foot + height * (triangle if random.random() < 0.5 else disc)
    canvas.area(crown, _colour(random, 0.3, 0.6))
    if outline:
        canvas.line(crown, outline, 1.2)


def _house(canvas: Canvas, random: Random, outline: Colour | None) -> None:
    size = random.uniform(45, 65)
    x, y = random.uniform([20, 165], [WIDTH - 90, 185])
    canvas.box(Box(x, y, size, 0.65 * size), _colour(random, 0.85, 0.6), outline)
    roof = np.array([[-0.1, 0], [0.5, -0.45], [1.1, 0]])
    canvas.area([x, y] + size * roof, _colour(random, 0.4, 0.6))
    canvas.box(Box(x + 0.62 * size, y + 0.2 * size, 0.22 * size, 0.45 * size), _colour(random, 0.25, 0.5))
    for pane in Box(x + 0.12 * size, y + 0.18 * size, 0.34 * size, 0.3 * size).grid(2, 2):
        canvas.box(pane, (190, 225, 245), (70, 70, 80))


def _icons(canvas: Canvas, random: Random) -> None:
    """Tiles with a sign on each."""
    radius = random.uniform(0.05, 0.5)
    for cell in _WHOLE.inside(6).grid(*_one(random, [(3, 2), (4, 3), (5, 4)])):
        side = 0.8 * min(cell.width, cell.height)
        x, y = cell.centre - side / 2
        colour = _colour(random, random.uniform(0.3, 0.7), random.uniform(0.4, 1))
        canvas.box(Box(x, y, side, side), colour, radius=radius * side)
        for area in _one(random, outlines.SIGNS):
            canvas.area(cell.centre + 0.32 * side * area, _WHITE)


def _theme(random: Random) -> _Theme:
    """Light or dark."""
    accent = _colour(random, 0.36, 0.75)  # white is to be read on it, even where it is yellow
    ink, paper, panel, border = (0, 255, 236, 180) if random.random() < 0.6 else (236, 36, 50, 84)
    return _Theme((ink,) * 3, (paper,) * 3, (panel,) * 3, (border,) * 3, accent)


def _frame(canvas: Canvas, random: Random, theme: _Theme, window: Box) -> Box:
    """Draws title bar, menu and status line; returns what is left."""
    font = Font("DejaVuSans", int(random.integers(8, 11)))
    inner = window.inside(1)
    _title_bar(canvas, random, theme, inner)
    canvas.box(Box(inner.x, inner.y + 19, inner.width, 17), theme.panel)
    canvas.box(Box(inner.x, inner.y + 36, inner.width, 1), theme.border)
    x = inner.x + 7
    for name in random.choice(_MENUS, 5, replace=False):
        canvas.text(x, inner.y + 31, str(name), font, theme.ink)
        x += canvas.length(str(name), font) + 11
    canvas.box(Box(inner.x, inner.bottom - 15, inner.width, 15), theme.panel)
    place = f"Ln {random.integers(1, 900)}, Col {random.integers(1, 90)}   UTF-8"
    canvas.text(inner.x + 7, inner.bottom - 4, place, font, theme.ink)
    canvas.text(inner.right - 7, inner.bottom - 4, f"{random.integers(20, 400)} %", font, theme.ink, "rs")
    return Box(inner.x, inner.y + 37, inner.width, inner.height - 52)


def _title_bar(canvas: Canvas, random: Random, theme: _Theme, window: Box) -> None:
    fill, ink = _one(random, [(theme.accent, _WHITE), (theme.panel, theme.ink)])
    font = Font("DejaVuSans-Bold", int(random.integers(9, 12)))
    canvas.box(Box(window.x, window.y, window.width, 19), fill)
    canvas.text(window.x + 7, window.y + 13, " ".join(_words(canvas, random, window.width - 80, font)[:4]), font, ink)
    _one(random, (_dots, _buttons))(canvas, window.right - 13, window.y + 9, ink)


def _dots(canvas: Canvas, right: float, y: float, _ink: Colour) -> None:
    for n, colour in enumerate([(237, 106, 94), (245, 191, 79), (98, 197, 84)]):
        canvas.area([right - 15 * n, y] + 4.5 * outlines.arc(), colour)


def _buttons(canvas: Canvas, right: float, y: float, ink: Colour) -> None:
    """Smaller, larger, close."""
    canvas.box(Box(right - 39, y + 3, 8, 1), ink)
    canvas.box(Box(right - 21, y - 4, 8, 8), None, ink)
    diagonal = np.array([[-3.5, -3.5], [3.5, 3.5]])
    for line in (diagonal, diagonal * [1, -1]):
        canvas.line(np.array([right, y]) + line, ink)


def _table(canvas: Canvas, random: Random, theme: _Theme, box: Box) -> None:
    """Names and numbers under bold headings; one row is chosen."""
    font = Font(_one(random, ["DejaVuSans", "DejaVuSansMono"]), int(random.integers(8, 11)))
    step = font.size + int(random.integers(5, 9))
    num_rows, num_columns = int(box.height) // step, int(box.width) // 62
    chosen = random.integers(1, num_rows)
    for n in range(num_rows):
        row = Box(box.x, box.y + n * step, box.width, step)
        canvas.box(row, theme.accent if n == chosen else theme.panel if n % 2 else theme.paper)
        _row(canvas, random, row.grid(num_columns, 1), font, _WHITE if n == chosen else theme.ink, is_heading=n == 0)
    for cell in box.grid(num_columns, 1)[1:]:
        canvas.box(Box(round(cell.x), box.y, 1, num_rows * step), theme.border)
    canvas.box(Box(box.x, box.y, box.width, num_rows * step), None, theme.border)


def _row(canvas: Canvas, random: Random, cells: Sequence[Box], font: Font, ink: Colour, *, is_heading: bool) -> None:
    for n, cell in enumerate(cells):
        if is_heading:
            canvas.text(cell.x + 4, cell.bottom - 5, _word(random)[:7], Font("DejaVuSans-Bold", font.size), ink)
        elif n == 0:
            canvas.text(cell.x + 4, cell.bottom - 5, _word(random)[:8], font, ink)
        else:
            canvas.text(cell.right - 4, cell.bottom - 5, _number(random), font, ink, "rs")


def _number(random: Random) -> str:
    time = f"{random.integers(24):02d}:{random.integers(60):02d}"
    return _one(random, [f"{random.integers(10000)}", f"{random.normal(0, 30):.2f}", time])


def _chart(canvas: Canvas, random: Random, theme: _Theme, box: Box) -> None:
    """Curves or bars over a grid, between axes with numbers."""
    font = Font("DejaVuSans", 8)
    plot = Box(box.x + 22, box.y + 14, box.width - 26, box.height - 28)
    canvas.text(plot.centre[0], box.y + 9, _word(random)[:12].title(), Font("DejaVuSans-Bold", 9), theme.ink, "ms")
    unit = _one(random, [0.2, 0.5, 1, 5, 25])
    for n in range(6):
        y = round(plot.bottom - n * plot.height / 5.5)
        canvas.box(Box(plot.x, y, plot.width, 1), theme.border)
        canvas.text(plot.x - 3, y + 3, f"{n * unit:g}", font, theme.ink, "rs")
    for n in range(5):
        x = round(plot.x + n * plot.width / 4.5)
        canvas.box(Box(x, plot.y, 1, plot.height), theme.border)
        canvas.text(x, plot.bottom + 11, str(10 * n), font, theme.ink, "ms")
    _one(random, (_graphs, _bars))(canvas, random, plot)
    canvas.box(Box(plot.x, plot.bottom, plot.width, 1), theme.ink)
    canvas.box(Box(plot.x, plot.y, 1, plot.height), theme.ink)


def _graphs(canvas: Canvas, random: Random, plot: Box) -> None:
    x = np.linspace(plot.x, plot.right, 40)
    for _ in range(random.integers(1, 4)):
        walk = random.normal(0, 1, len(x)).cumsum()
        heights = 0.05 + random.uniform(0.4, 0.9) * (walk - walk.min()) / np.ptp(walk)
        canvas.line(
            np.stack([x, plot.bottom - plot.height * heights], axis=1), _colour(random, 0.45, 0.8), random.uniform(1, 2)
        )


def _bars(canvas: Canvas, random: Random, plot: Box) -> None:
    colour = _colour(random, 0.5, 0.7)
    for cell in plot.grid(int(random.integers(5, 14)), 1):
        canvas.box(Box(cell.x + 2, cell.y, cell.width - 4, cell.height).below(random.uniform(0.05, 0.9) * cell.height), colour)


def _form(canvas: Canvas, random: Random, theme: _Theme, box: Box) -> None:
    """Labels beside fields and boxes to tick, a progress bar and buttons."""
    font = Font("DejaVuSans", int(random.integers(9, 11)))
    for y in np.arange(box.y + 2, box.bottom - 62, 22):
        canvas.text(box.x, y + 12, f"{_word(random)[:9].title()}:", font, theme.ink)
        _one(random, (_field, _tick_box))(canvas, random, theme, Box(box.x + 62, y, box.width - 62, 17), font)
    bar = Box(box.x, box.bottom - 36, box.width, 7)
    canvas.box(bar, theme.panel, theme.border, 3.5)
    canvas.box(Box(bar.x, bar.y, random.uniform(0.2, 0.9) * bar.width, 7), theme.accent, radius=3.5)
    for right, text, fill, ink, border in (
        (box.right, "OK", theme.accent, _WHITE, theme.accent),
        (box.right - 70, "Cancel", theme.panel, theme.ink, theme.border),
    ):
        canvas.box(Box(right - 64, box.bottom - 22, 64, 20), fill, border, 3)
        canvas.text(right - 32, box.bottom - 8, text, font, ink, "ms")


def _field(canvas: Canvas, random: Random, theme: _Theme, box: Box, font: Font) -> None:
    canvas.box(box, theme.paper, theme.border, 2)
    canvas.text(box.x + 4, box.y + 12, " ".join(_words(canvas, random, box.width - 30, font)), font, theme.ink)


def _tick_box(canvas: Canvas, random: Random, theme: _Theme, box: Box, font: Font) -> None:
    is_ticked = random.random() < 0.6
    canvas.box(Box(box.x, box.y + 3, 11, 11), theme.accent if is_ticked else theme.paper, theme.border, 2)
    if is_ticked:
        canvas.line(np.array([box.x, box.y + 3]) + outlines.outline("2.5 5.5, 4.5 8, 8.5 3"), _WHITE, 1.5)
    canvas.text(box.x + 16, box.y + 12, _word(random)[:9], font, theme.ink)


def _code(canvas: Canvas, random: Random, theme: _Theme, box: Box) -> None:
    """Lines with their numbers, words in several colours."""
    font = Font("DejaVuSansMono", int(random.integers(8, 11)))
    colours = [theme.ink, *(_like(random, theme.ink) for _ in range(3))]
    indent = 0
    for n, y in enumerate(np.arange(box.y + font.size, box.bottom, font.size + 3), 1):
        canvas.text(box.x + 16, y, str(n), font, theme.border, "rs")
        x = box.x + 22 + 14 * indent
        for token in random.choice([*_CODE, *_WORDS[:9]], random.integers(8)):
            if x + canvas.length(str(token), font) < box.right:
                canvas.text(x, y, str(token), font, _one(random, colours))
            x += canvas.length(f"{token} ", font)
        indent = int(np.clip(indent + random.integers(-1, 2), 0, 3))


_PARTS = (_table, _chart, _form, _code)


def _heading(canvas: Canvas, random: Random, box: Box, ink: Colour) -> Box:
    """A large line, a small one and a rule; returns what is left."""
    large, small = Font(_one(random, _BOLD), int(random.integers(16, 27))), Font("DejaVuSerif-Italic", 9)
    y = box.y + large.size
    canvas.text(box.centre[0], y, " ".join(_words(canvas, random, box.width, large)), large, ink, "ms")
    canvas.text(box.x + 4, y + 16, " ".join(_words(canvas, random, box.width / 2, small)), small, ink)
    canvas.text(box.right - 4, y + 16, f"{random.integers(1, 400)}", small, ink, "rs")
    canvas.box(Box(box.x, y + 21, box.width, 1), ink)
    return box.below(large.size + 24)
