"""Computes a photo by stages, strip of rows by strip of rows (see `stages.py`): pure arithmetic, NumPy only."""

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from sr_keras.inference.tiling import Span

# Rows of several tensors, by name: `[1, s rows, s width, C]` each, where s is its scale.
Rows = Mapping[str, np.ndarray]


def through(
    compute: Callable[[Rows, int], Rows],
    incoming: Iterator[Rows],
    *,
    height: int,
    strip: int,
    margin: int,
    scales: Mapping[str, int],
) -> Iterator[Rows]:
    """Passes rows through a stage: from consecutive rows of its inputs to consecutive rows of its outputs.

    Rows that a later window needs again are kept.

    Args:
        compute: from a window and its first row to what becomes of its rows. Those within `margin` of its ends are wrong unless
            the photo ends there. All windows have one height.
        incoming: rows from the top of the photo to its end.
        height: of the photo, in rows.
        strip: rows that a window gives, at most.
        margin: rows that a window reads beyond them, at each side.
        scales: of all tensors, those of `incoming` and those that `compute` gives.
    """
    kept: Rows = {}
    first = end = done = 0
    spans = windows(height, strip, margin)
    for span, following in zip(spans, [*spans[1:], None], strict=True):
        while end < span.window_stop:
            kept = _joined(kept, next(incoming))
            end = first + _height(kept, scales)
        window = [_cut(kept, span.window_start - first, span.window_stop - first, scales)]
        if following:
            kept = _rest(_cut(kept, following.window_start - first, end - first, scales), kept)
            first = following.window_start
        else:
            kept = {}
        # The last window slides inward, over rows that are done.
        begin, done = max(span.start, done) - span.window_start, span.stop
        # Popped, so that it is out of memory once it is computed.
        yield _cut(compute(window.pop(), span.window_start), begin, done - span.window_start, scales)


def windows(height: int, strip: int, margin: int) -> list[Span]:
    """Divides rows into the fewest windows of one height that give at most `strip` rows between their margins.

    The first and the last have a margin at one side only, and give more. The last slides inward, over what is done.
    """
    count = max(1, math.ceil((height - 2 * margin) / strip))
    window = min(height, math.ceil((height - 2 * margin) / count) + 2 * margin)
    spans = []
    for index in range(count):
        begin = min(index * (window - 2 * margin), height - window)
        end = begin + window
        spans.append(Span(begin, end, begin + margin if index else 0, end - margin if index < count - 1 else height))
    return spans


def overlap_factor(height: int, strip: int, margin: int) -> float:
    """How many times its own work a stage does, because windows overlap."""
    spans = windows(height, strip, margin)
    return sum(span.window_stop - span.window_start for span in spans) / height


def _height(tensors: Rows, scales: Mapping[str, int]) -> int:
    """In rows of the photo."""
    name = next(iter(tensors))
    return int(tensors[name].shape[1]) // scales[name]


def _rest(rest: Rows, whole: Rows) -> Rows:
    """The last rows of arrays, without keeping all of their rows in memory where most are done."""
    return {name: rows if 2 * rows.shape[1] > whole[name].shape[1] else rows.copy() for name, rows in rest.items()}


def _joined(kept: Rows, block: Rows) -> Rows:
    return {name: np.concatenate([kept[name], rows], axis=1) for name, rows in block.items()} if kept else block


def _cut(tensors: Rows, begin: int, end: int, scales: Mapping[str, int]) -> dict[str, np.ndarray]:
    return {name: rows[:, scales[name] * begin : scales[name] * end] for name, rows in tensors.items()}
