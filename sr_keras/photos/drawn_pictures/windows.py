"""A program's window and what it shows: tables, charts, forms, code."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sr_keras.photos.drawn_pictures import draws, outlines
from sr_keras.photos.drawn_pictures.canvas import WHITE, Box, Canvas, Colour, Font
from sr_keras.photos.drawn_pictures.draws import Random

_CODE = ("if", "for x in", "return", "def f(x):", "self.", "= 0", "+= 1", "[i]", "('a')", "# ok", "{}")
_MENUS = ("File", "Edit", "View", "Insert", "Tools", "Window", "Help")


class Theme(NamedTuple):
    """The colours of a window's parts."""

    ink: Colour
    paper: Colour
    panel: Colour
    border: Colour
    accent: Colour


def theme_of(random: Random) -> Theme:
    """Light or dark."""
    accent = draws.any_hue(random, 0.36, 0.75)  # white is to be read on it, even where it is yellow
    ink, paper, panel, border = (0, 255, 236, 180) if random.random() < 0.6 else (236, 36, 50, 84)
    return Theme((ink,) * 3, (paper,) * 3, (panel,) * 3, (border,) * 3, accent)


def frame(canvas: Canvas, random: Random, theme: Theme, window: Box) -> Box:
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


def _title_bar(canvas: Canvas, random: Random, theme: Theme, window: Box) -> None:
    fill, ink = draws.one(random, [(theme.accent, WHITE), (theme.panel, theme.ink)])
    font = Font("DejaVuSans-Bold", int(random.integers(9, 12)))
    canvas.box(Box(window.x, window.y, window.width, 19), fill)
    canvas.text(
        window.x + 7, window.y + 13, " ".join(draws.line_of_words(canvas, random, window.width - 80, font)[:4]), font, ink
    )
    draws.one(random, (_dots, _buttons))(canvas, window.right - 13, window.y + 9, ink)


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


def _table(canvas: Canvas, random: Random, theme: Theme, box: Box) -> None:
    """Names and numbers under bold headings; one row is chosen."""
    font = Font(draws.one(random, ["DejaVuSans", "DejaVuSansMono"]), int(random.integers(8, 11)))
    step = font.size + int(random.integers(5, 9))
    num_rows, num_columns = int(box.height) // step, int(box.width) // 62
    chosen = random.integers(1, num_rows)
    for n in range(num_rows):
        row = Box(box.x, box.y + n * step, box.width, step)
        canvas.box(row, theme.accent if n == chosen else theme.panel if n % 2 else theme.paper)
        _row(canvas, random, row.grid(num_columns, 1), font, WHITE if n == chosen else theme.ink, is_heading=n == 0)
    for cell in box.grid(num_columns, 1)[1:]:
        canvas.box(Box(round(cell.x), box.y, 1, num_rows * step), theme.border)
    canvas.box(Box(box.x, box.y, box.width, num_rows * step), None, theme.border)


def _row(canvas: Canvas, random: Random, cells: Sequence[Box], font: Font, ink: Colour, *, is_heading: bool) -> None:
    for n, cell in enumerate(cells):
        if is_heading:
            canvas.text(cell.x + 4, cell.bottom - 5, draws.word(random)[:7], Font("DejaVuSans-Bold", font.size), ink)
        elif n == 0:
            canvas.text(cell.x + 4, cell.bottom - 5, draws.word(random)[:8], font, ink)
        else:
            canvas.text(cell.right - 4, cell.bottom - 5, _number(random), font, ink, "rs")


def _number(random: Random) -> str:
    time = f"{random.integers(24):02d}:{random.integers(60):02d}"
    return draws.one(random, [f"{random.integers(10000)}", f"{random.normal(0, 30):.2f}", time])


def _chart(canvas: Canvas, random: Random, theme: Theme, box: Box) -> None:
    """Curves or bars over a grid, between axes with numbers."""
    font = Font("DejaVuSans", 8)
    plot = Box(box.x + 22, box.y + 14, box.width - 26, box.height - 28)
    canvas.text(plot.centre[0], box.y + 9, draws.word(random)[:12].title(), Font("DejaVuSans-Bold", 9), theme.ink, "ms")
    unit = draws.one(random, [0.2, 0.5, 1, 5, 25])
    for n in range(6):
        y = round(plot.bottom - n * plot.height / 5.5)
        canvas.box(Box(plot.x, y, plot.width, 1), theme.border)
        canvas.text(plot.x - 3, y + 3, f"{n * unit:g}", font, theme.ink, "rs")
    for n in range(5):
        x = round(plot.x + n * plot.width / 4.5)
        canvas.box(Box(x, plot.y, 1, plot.height), theme.border)
        canvas.text(x, plot.bottom + 11, str(10 * n), font, theme.ink, "ms")
    draws.one(random, (_graphs, _bars))(canvas, random, plot)
    canvas.box(Box(plot.x, plot.bottom, plot.width, 1), theme.ink)
    canvas.box(Box(plot.x, plot.y, 1, plot.height), theme.ink)


def _graphs(canvas: Canvas, random: Random, plot: Box) -> None:
    x = np.linspace(plot.x, plot.right, 40)
    for _ in range(random.integers(1, 4)):
        walk = random.normal(0, 1, len(x)).cumsum()
        heights = 0.05 + random.uniform(0.4, 0.9) * (walk - walk.min()) / np.ptp(walk)
        canvas.line(
            np.stack([x, plot.bottom - plot.height * heights], axis=1),
            draws.any_hue(random, 0.45, 0.8),
            random.uniform(1, 2),
        )


def _bars(canvas: Canvas, random: Random, plot: Box) -> None:
    colour = draws.any_hue(random, 0.5, 0.7)
    for cell in plot.grid(int(random.integers(5, 14)), 1):
        canvas.box(Box(cell.x + 2, cell.y, cell.width - 4, cell.height).below(random.uniform(0.05, 0.9) * cell.height), colour)


def _form(canvas: Canvas, random: Random, theme: Theme, box: Box) -> None:
    """Labels beside fields and boxes to tick, a progress bar and buttons."""
    font = Font("DejaVuSans", int(random.integers(9, 11)))
    for y in np.arange(box.y + 2, box.bottom - 62, 22):
        canvas.text(box.x, y + 12, f"{draws.word(random)[:9].title()}:", font, theme.ink)
        draws.one(random, (_field, _tick_box))(canvas, random, theme, Box(box.x + 62, y, box.width - 62, 17), font)
    bar = Box(box.x, box.bottom - 36, box.width, 7)
    canvas.box(bar, theme.panel, theme.border, 3.5)
    canvas.box(Box(bar.x, bar.y, random.uniform(0.2, 0.9) * bar.width, 7), theme.accent, radius=3.5)
    for right, text, fill, ink, border in (
        (box.right, "OK", theme.accent, WHITE, theme.accent),
        (box.right - 70, "Cancel", theme.panel, theme.ink, theme.border),
    ):
        canvas.box(Box(right - 64, box.bottom - 22, 64, 20), fill, border, 3)
        canvas.text(right - 32, box.bottom - 8, text, font, ink, "ms")


def _field(canvas: Canvas, random: Random, theme: Theme, box: Box, font: Font) -> None:
    canvas.box(box, theme.paper, theme.border, 2)
    canvas.text(box.x + 4, box.y + 12, " ".join(draws.line_of_words(canvas, random, box.width - 30, font)), font, theme.ink)


def _tick_box(canvas: Canvas, random: Random, theme: Theme, box: Box, font: Font) -> None:
    is_ticked = random.random() < 0.6
    canvas.box(Box(box.x, box.y + 3, 11, 11), theme.accent if is_ticked else theme.paper, theme.border, 2)
    if is_ticked:
        canvas.line(np.array([box.x, box.y + 3]) + outlines.outline("2.5 5.5, 4.5 8, 8.5 3"), WHITE, 1.5)
    canvas.text(box.x + 16, box.y + 12, draws.word(random)[:9], font, theme.ink)


def _code(canvas: Canvas, random: Random, theme: Theme, box: Box) -> None:
    """Lines with their numbers, words in several colours."""
    font = Font("DejaVuSansMono", int(random.integers(8, 11)))
    colours = [theme.ink, *(draws.like(random, theme.ink) for _ in range(3))]
    indent = 0
    for n, y in enumerate(np.arange(box.y + font.size, box.bottom, font.size + 3), 1):
        canvas.text(box.x + 16, y, str(n), font, theme.border, "rs")
        x = box.x + 22 + 14 * indent
        for token in random.choice([*_CODE, *draws.WORDS[:9]], random.integers(8)):
            if x + canvas.length(str(token), font) < box.right:
                canvas.text(x, y, str(token), font, draws.one(random, colours))
            x += canvas.length(f"{token} ", font)
        indent = int(np.clip(indent + random.integers(-1, 2), 0, 3))


PARTS = (_table, _chart, _form, _code)
