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
    keeps_memory: bool = True,
) -> Iterator[Rows]:
    """Passes rows through a stage: from consecutive rows of its inputs to consecutive rows of its outputs.

    Rows that a later window needs again are kept. What is yielded may change when the next rows are asked for.

    Args:
        compute: from a window and its first row to what becomes of its rows, in memory that its next call may use again. Rows
            within `margin` of its ends are wrong unless the photo ends there. All windows have one height.
        incoming: rows from the top of the photo to its end, which are copied at once, unless they are all of them.
        height: of the photo, in rows.
        strip: rows that a window gives, at most.
        margin: rows that a window reads beyond them, at each side.
        scales: of all tensors, those of `incoming` and those that `compute` gives.
        keeps_memory: whether the memory of rows that are no longer needed is used again, which is faster, or given back.
    """
    kept = _Kept(height, scales)
    done = 0
    spans = windows(height, strip, margin)
    for span, following in zip(spans, [*spans[1:], None], strict=True):
        kept.drop(span.window_start)
        while kept.end < span.window_stop:
            kept.append(next(incoming))
        window = [kept.rows(span.window_start, span.window_stop)]
        if following is None:
            kept.clear()
        elif not keeps_memory:
            kept.shrink(following.window_start)
        # The last window slides inward, over rows that are done.
        begin, done = max(span.start, done) - span.window_start, span.stop
        # Popped, so that it is out of memory once it is computed.
        yield _cut(compute(window.pop(), span.window_start), begin, done - span.window_start, scales)


class _Kept:
    """Consecutive rows, which come at one end and go at the other, in memory that is used again: new memory takes long.

    Attributes:
        end: the row behind the last one.
    """

    def __init__(self, height: int, scales: Mapping[str, int]) -> None:
        self.end = 0
        self._height, self._scales = height, scales
        self._arrays: dict[str, np.ndarray] = {}
        # Its first row, and which row of the arrays that is.
        self._first = self._place = 0

    def rows(self, begin: int, end: int) -> dict[str, np.ndarray]:
        shift = self._place - self._first
        return _cut(self._arrays, begin + shift, end + shift, self._scales)

    def append(self, block: Rows) -> None:
        count = _height(block, self._scales)
        if count == self._height:
            self._arrays, self.end = dict(block), count
            return
        self._make_room(block, count)
        shift = self._place - self._first
        places = _cut(self._arrays, self.end + shift, self.end + shift + count, self._scales)
        for name, place in places.items():
            place[...] = block[name]
        self.end += count

    def drop(self, first: int) -> None:
        """Forgets the rows before one."""
        self._place += first - self._first
        self._first = first

    def shrink(self, first: int) -> None:
        """Forgets the rows before one, and moves the others to memory of their size."""
        self._arrays = {name: rows.copy() for name, rows in self.rows(first, self.end).items()}
        self._first, self._place = first, 0

    def clear(self) -> None:
        self._arrays = {}

    def _make_room(self, block: Rows, count: int) -> None:
        present = self.end - self._first
        room = _height(self._arrays, self._scales) if self._arrays else 0
        if self._place + present + count <= room:
            return
        kept = self.rows(self._first, self.end) if self._arrays else {}
        if present + count > room:
            self._arrays = {name: _with_height(rows, self._scales[name] * (present + count)) for name, rows in block.items()}
        self._place = 0
        for name, place in _cut(self._arrays, 0, present, self._scales).items():
            if present:
                place[...] = kept[name]


def _with_height(like: np.ndarray, height: int) -> np.ndarray:
    return np.empty((like.shape[0], height, *like.shape[2:]), like.dtype)


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


def _cut(tensors: Rows, begin: int, end: int, scales: Mapping[str, int]) -> dict[str, np.ndarray]:
    return {name: rows[:, scales[name] * begin : scales[name] * end] for name, rows in tensors.items()}
