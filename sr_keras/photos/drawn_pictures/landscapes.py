"""Flat shapes: landscapes as cartoons have them, and icons."""

import numpy as np

from sr_keras.photos.drawn_pictures import draws, outlines
from sr_keras.photos.drawn_pictures.canvas import BLACK, HEIGHT, WHITE, WHOLE, WIDTH, Box, Canvas, Colour
from sr_keras.photos.drawn_pictures.draws import Random


def landscape(canvas: Canvas, random: Random) -> None:
    canvas.paste(WHOLE, draws.gradient(random, 0.6, 0.9))
    sun = random.uniform([30, 25], [WIDTH - 30, 80])
    canvas.area(sun + random.uniform(14, 28) * outlines.arc(), draws.any_hue(random, 0.75, 0.9))
    for _ in range(random.integers(1, 4)):
        _cloud(canvas, random)
    outline = BLACK if random.random() < 0.5 else None
    for y, lightness in zip((130, 165, 200), random.permutation([0.3, 0.45, 0.6]), strict=True):
        ridge = _ridge(random, y)
        canvas.area(np.concatenate([ridge, [[WIDTH, HEIGHT], [0, HEIGHT]]]), draws.any_hue(random, lightness, 0.5))
        if outline:
            canvas.line(ridge, outline, 1.5)
        for x in random.uniform(10, WIDTH - 10, random.integers(1, 6)):
            _tree(canvas, random, np.array([x, np.interp(x, *ridge.T) + 8]), y / 5, outline)
    _house(canvas, random, outline)


def _cloud(canvas: Canvas, random: Random) -> None:
    place, size = random.uniform([20, 15], [WIDTH - 60, 90]), random.uniform(8, 16)
    for x, y, radius in ((0, 0.3, 0.75), (1, 0, 1), (2, 0, 1), (3, 0.3, 0.75)):
        canvas.area(place + size * (np.array([x, y]) + radius * outlines.arc()), WHITE)


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
    canvas.area(crown, draws.any_hue(random, 0.3, 0.6))
    if outline:
        canvas.line(crown, outline, 1.2)


def _house(canvas: Canvas, random: Random, outline: Colour | None) -> None:
    size = random.uniform(45, 65)
    x, y = random.uniform([20, 165], [WIDTH - 90, 185])
    canvas.box(Box(x, y, size, 0.65 * size), draws.any_hue(random, 0.85, 0.6), outline)
    roof = np.array([[-0.1, 0], [0.5, -0.45], [1.1, 0]])
    canvas.area([x, y] + size * roof, draws.any_hue(random, 0.4, 0.6))
    canvas.box(Box(x + 0.62 * size, y + 0.2 * size, 0.22 * size, 0.45 * size), draws.any_hue(random, 0.25, 0.5))
    for pane in Box(x + 0.12 * size, y + 0.18 * size, 0.34 * size, 0.3 * size).grid(2, 2):
        canvas.box(pane, (190, 225, 245), (70, 70, 80))


def icons(canvas: Canvas, random: Random) -> None:
    """Tiles with a sign on each."""
    radius = random.uniform(0.05, 0.5)
    for cell in WHOLE.inside(6).grid(*draws.one(random, [(3, 2), (4, 3), (5, 4)])):
        side = 0.8 * min(cell.width, cell.height)
        x, y = cell.centre - side / 2
        colour = draws.any_hue(random, random.uniform(0.3, 0.7), random.uniform(0.4, 1))
        canvas.box(Box(x, y, side, side), colour, radius=radius * side)
        for area in draws.one(random, outlines.SIGNS):
            canvas.area(cell.centre + 0.32 * side * area, WHITE)
