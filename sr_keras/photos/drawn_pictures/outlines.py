"""Figures of lines, and signs of flat areas: points `[N, 2]` in [-1, 1], y downwards."""

from collections.abc import Iterator

import numpy as np

# Points that a line goes through, and its width in units of the figure's.
Stroke = tuple[np.ndarray, float]


def arc(begin: float = 0, end: float = 1, count: int = 96) -> np.ndarray:
    """Points of the unit circle from one angle to another, in turns: `[count + 1, 2]`."""
    angles = 2 * np.pi * np.linspace(begin, end, count + 1)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _turned(points: np.ndarray, turns: float) -> np.ndarray:
    cos, sin = arc(turns, turns, 0)[0]
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]))


def _bezier(controls: np.ndarray) -> np.ndarray:
    """Points of a cubic curve, `[49, 2]`, by its controls, `[4, 2]`."""
    t = np.linspace(0, 1, 49)[:, np.newaxis]
    return np.asarray(np.concatenate([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], axis=1) @ controls)


def _log_uniform(random: np.random.Generator, least: float, most: float) -> float:
    return float(least * (most / least) ** random.random())


def _hatched_disc(random: np.random.Generator) -> Iterator[Stroke]:
    yield arc(), 2
    for turns in random.random(random.integers(1, 3)):
        for y in np.arange(-1, 1, random.uniform(0.06, 0.16))[1:]:
            x = np.sqrt(1 - y**2)
            yield _turned(np.array([[-x, y], [x, y]]), turns), 1


def _fan(random: np.random.Generator) -> Iterator[Stroke]:
    """Rays that come nearer to each other than pixels can show."""
    for end in arc(count=int(random.integers(30, 90)))[1:]:
        yield np.stack([0.08 * end, end]), 0.7


def _gear(random: np.random.Generator) -> Iterator[Stroke]:
    """A wheel with teeth, and its axes in dashes."""
    teeth = int(random.integers(8, 20))
    rim = arc(count=4 * teeth) * np.resize([0.9, 0.9, 0.76, 0.76], 4 * teeth + 1)[:, np.newaxis]
    for edge in (rim, 0.6 * arc(), 0.2 * arc()):
        yield edge, 1.5
    for begin in np.arange(-1, 1, 0.2):
        dash = np.array([[begin, 0], [begin + 0.13, 0]])
        yield dash, 0.6
        yield dash[:, ::-1], 0.6


def _cube(random: np.random.Generator) -> Iterator[Stroke]:
    """All edges of a box, and one of its sides hatched."""
    corners = 0.7 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    depth = random.uniform([0.15, -0.35], [0.35, -0.15])
    for edges in (corners - depth, corners + depth, *(corner + np.stack([-depth, depth]) for corner in corners)):
        yield edges, 1
    for part in np.arange(0, 1, random.uniform(0.05, 0.12)):
        yield corners[1] + part * (corners[2] - corners[1]) + np.stack([-depth, depth]), 0.6


def _rosette(random: np.random.Generator) -> Iterator[Stroke]:
    """The path of a point on a circle that rolls in another one."""
    inner = random.uniform(0.3, 0.5)
    yield (1 - inner) * arc(count=720) + inner * arc(0, -int(random.integers(5, 12)), 720), 1


def _curves(random: np.random.Generator) -> Iterator[Stroke]:
    """Bézier curves from one to another."""
    first, last = random.uniform(-1, 1, (2, 4))
    for part in np.linspace(0, 1, random.integers(5, 16)):
        yield _bezier(np.stack([[-1, -0.3, 0.3, 1], first + part * (last - first)], axis=1)), 1


def _straight_lines(random: np.random.Generator) -> Iterator[Stroke]:
    """Thin and thick, at all angles."""
    for ends in random.uniform(-0.9, 0.9, (random.integers(4, 9), 2, 2)):
        yield ends, _log_uniform(random, 0.4, 4)


def _diagonals(random: np.random.Generator) -> Iterator[Stroke]:
    """All lines between a polygon's corners."""
    corners = _turned(arc(count=int(random.integers(5, 12)))[1:], random.random())
    for n, corner in enumerate(corners):
        for other in corners[:n]:
            yield np.stack([corner, other]), 1


def _arcs(random: np.random.Generator) -> Iterator[Stroke]:
    """Parts of circles around one centre, thin and thick."""
    for radius in np.arange(1, 0, -random.uniform(0.08, 0.16)):
        begin = random.random()
        yield radius * arc(begin, begin + random.uniform(0.2, 0.9)), _log_uniform(random, 0.5, 2)


FIGURES = (_hatched_disc, _fan, _gear, _cube, _rosette, _curves, _straight_lines, _diagonals, _arcs)


def outline(text: str) -> np.ndarray:
    """Points, `[N, 2]`, of `x y, x y` and so on."""
    return np.array([point.split() for point in text.split(",")], float)


def _star(points: int, inner: float) -> np.ndarray:
    return _turned(arc(count=2 * points)[1:] * np.resize([inner, 1], 2 * points)[:, np.newaxis], -0.25)


def _heart() -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, 97)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([np.sin(t) ** 3, -y / 16], axis=1)


def _ring(begin: float = 0, end: float = 1, inner: float = 0.7) -> np.ndarray:
    return np.concatenate([arc(begin, end), inner * arc(end, begin)])


# The areas of each, one on the other: star, sun, heart, clock, bolt, play, tick, plus, home, bars, mail, magnifier, wireless.
SIGNS = (
    [_star(5, 0.4)],
    [_star(12, 0.7)],
    [_heart()],
    [_ring(inner=0.8), outline("-0.1 -0.6, 0.1 -0.6, 0.1 0, 0.5 0.3, 0.4 0.45, -0.1 0.1")],
    [outline("0.2 -1, -0.6 0.15, -0.05 0.15, -0.2 1, 0.6 -0.2, 0.05 -0.2")],
    [outline("-0.6 -0.9, 0.9 0, -0.6 0.9")],
    [outline("-1 0.1, -0.75 -0.15, -0.3 0.3, 0.75 -0.75, 1 -0.5, -0.3 0.8")],
    [outline("-0.2 -1, 0.2 -1, 0.2 1, -0.2 1"), outline("-1 -0.2, 1 -0.2, 1 0.2, -1 0.2")],
    [outline("-1 0, 0 -0.9, 1 0"), outline("-0.7 0, 0.7 0, 0.7 0.9, 0.2 0.9, 0.2 0.3, -0.2 0.3, -0.2 0.9, -0.7 0.9")],
    [outline(f"{x} {y}, {x + 0.4} {y}, {x + 0.4} 0.9, {x} 0.9") for x, y in ((-0.9, 0.2), (-0.2, -0.3), (0.5, -0.9))],
    [outline("-1 -0.7, 1 -0.7, 0 0.15"), outline("-1 -0.5, 0 0.35, 1 -0.5, 1 0.7, -1 0.7")],
    [0.7 * _ring() - 0.2, outline("0.2 0.35, 0.35 0.2, 1 0.85, 0.85 1")],
    [[0, 0.7] + radius * _ring(0.63, 0.87, 1 - 0.25 / radius) for radius in (0.5, 1, 1.5)],
)
