"""Computes a photo by stages, strip of rows by strip of rows (see `stages.py`): pure arithmetic, NumPy only."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from sr_keras.inference.tiling import Span

# So much memory that nobody uses is kept.
_FREE = 6

# Rows of several tensors, by name: `[1, s rows, s width, C]` each, where s is its scale.
Rows = Mapping[str, np.ndarray]


class Tensor(NamedTuple):
    """A tensor of the whole photo, `[1, scale height, width, channels]`, of which a few rows are in memory at once.

    Attributes:
        scale: its rows for each row of the photo.
        width, channels: of it.
        dtype: as NumPy names it.
    """

    scale: int
    width: int
    channels: int
    dtype: np.dtype

    def empty(self, rows: int) -> np.ndarray:
        """Memory for so many of its rows."""
        return np.empty((1, rows, self.width, self.channels), self.dtype)


class Step(NamedTuple):
    """What is done for all rows of the photo, window by window.

    Attributes:
        compute: takes the rows of its inputs and the memory for the rows of its outputs; these are as many rows of the photo as
            a window has. Rows within the margin of a window's ends are wrong unless the photo ends there.
        reads: its inputs, and how many of an input's own rows it reads beyond a window, at each side; they are zeros beyond the
            photo's ends.
        makes: its outputs.
        windows: see `windows`.
    """

    compute: Callable[[Rows, Rows], None]
    reads: Mapping[str, int]
    makes: tuple[str, ...]
    windows: Sequence[Span]


def through(steps: Sequence[Step], tensors: Mapping[str, Tensor], photo: Rows, *, height: int) -> Iterator[Rows]:
    """Computes the last step's outputs, some rows at a time, from the top on.

    Each step goes on when one after it needs rows, and rows are kept until the last one that reads them has done so. What is
    yielded may change when the next rows are asked for.

    Args:
        steps: in their order; each but the last makes what later ones read.
        tensors: all of them by name.
        photo: what no step makes: all of its rows.
        height: of the photo.
    """
    readers = {name: [step for step in steps if name in step.reads] for name in tensors}
    memory = _Memory()
    kept = {name: _Kept(tensor, height, len(readers[name]), memory) for name, tensor in tensors.items()}
    for name, rows in photo.items():
        kept[name].fill(rows)
    runs: dict[str, _Run] = {}
    for step in steps:
        places = {name: [each is step for each in readers[name]].index(True) for name in step.reads}
        run = _Run(step, kept, runs, places)
        runs |= dict.fromkeys(step.makes, run)
    last = steps[-1]
    for span in last.windows:
        run.advance()
        yield {name: kept[name].rows(kept[name].first, tensors[name].scale * span.stop) for name in last.makes}
        for name in last.makes:
            kept[name].forget(0, tensors[name].scale * span.stop)


class _Run:
    """How far a step is.

    Attributes:
        most_rows: of the photo, that a window gives.
    """

    def __init__(self, step: Step, kept: "Mapping[str, _Kept]", runs: "Mapping[str, _Run]", places: Mapping[str, int]) -> None:
        """Args:
        kept, runs: of all tensors, and what makes each of them.
        places: of this step, among those that read an input.
        """
        self._step, self._kept, self._runs, self._places = step, kept, runs, places
        self.most_rows = max(span.stop - span.start for span in step.windows)
        self._next = 0
        self._scratch: dict[str, np.ndarray] = {}

    def advance(self) -> None:
        """Computes the next window, and what it needs before."""
        step, span = self._step, self._step.windows[self._next]
        needed = {name: self._needed(name, span) for name in step.reads}
        for name, (_, end) in needed.items():
            self._fill(name, min(end, self._kept[name].height))
        # All of them at last, for what others compute moves rows that were there.
        window = {name: self._kept[name].rows(begin, end) for name, (begin, end) in needed.items()}
        done = self._step.windows[self._next - 1].stop if self._next else 0
        is_new = done == span.window_start and span.stop == span.window_stop
        outputs = {name: self._place(name, span.window_stop - span.window_start, is_new=is_new) for name in step.makes}
        step.compute(window, outputs)
        if not is_new:
            begin, end = max(span.start, done) - span.window_start, span.stop - span.window_start
            for name, rows in outputs.items():
                scale = self._kept[name].tensor.scale
                self._kept[name].space(scale * (end - begin))[...] = rows[:, scale * begin : scale * end]
        self._next += 1
        window.clear()
        following = step.windows[self._next].window_start if self._next < len(step.windows) else math.inf
        if following == math.inf:
            self._scratch = {}
        for name, beyond in step.reads.items():
            self._kept[name].forget(self._places[name], self._kept[name].tensor.scale * following - beyond)

    def _fill(self, name: str, end: int) -> None:
        """Has the rows of an input computed, up to one."""
        kept = self._kept[name]
        if kept.end >= end:
            return
        maker = self._runs[name]
        most = kept.tensor.scale * maker.most_rows
        if end - kept.end > most:
            # The last of several windows may go beyond; one alone finds room by itself.
            kept.reserve(end + most)
        while kept.end < end:
            maker.advance()

    def _needed(self, name: str, span: Span) -> tuple[int, int]:
        """The rows of an input that a window takes."""
        scale, beyond = self._kept[name].tensor.scale, self._step.reads[name]
        return scale * span.window_start - beyond, scale * span.window_stop + beyond

    def _place(self, name: str, rows: int, *, is_new: bool) -> np.ndarray:
        """Memory for an output's rows: where they are kept, if all of them are."""
        tensor = self._kept[name].tensor
        if is_new:
            return self._kept[name].space(tensor.scale * rows)
        if name not in self._scratch:
            self._scratch[name] = tensor.empty(tensor.scale * rows)
        return self._scratch[name]


class _Memory:
    """Memory that is used again, for new one takes long: where steps take turns, their windows need it one after the other."""

    def __init__(self) -> None:
        self._free: list[np.ndarray] = []

    def take(self, tensor: Tensor, rows: int) -> np.ndarray:
        """Memory for so many rows, which are not set."""
        shape = (1, rows, tensor.width, tensor.channels)
        size = math.prod(shape) * tensor.dtype.itemsize
        fitting = [index for index, array in enumerate(self._free) if size <= array.size <= 2 * size]
        flat = self._free.pop(fitting[0]) if fitting else np.empty(size, np.uint8)
        return flat[:size].view(tensor.dtype).reshape(shape)

    def give(self, array: np.ndarray) -> None:
        """Memory that `take` returned, and that nobody uses any more."""
        while isinstance(array.base, np.ndarray):
            array = array.base
        self._free.append(array)
        del self._free[:-_FREE]


class _Kept:
    """Consecutive rows of a tensor, which come at one end and go at the other.

    Attributes:
        tensor: what it is.
        height: of all of it, in its own rows.
        first, end: the rows that there are.
    """

    def __init__(self, tensor: Tensor, height: int, readers: int, memory: _Memory) -> None:
        self.tensor, self.height = tensor, tensor.scale * height
        self.first = self.end = 0
        self._memory = memory
        # Where each reader goes on.
        self._needed: list[float] = [0] * max(1, readers)
        self._array = tensor.empty(0)
        # Which row of the array is the first.
        self._place = 0

    def fill(self, rows: np.ndarray) -> None:
        """All rows, which are not copied."""
        self._array, self.end = rows, self.height

    def rows(self, begin: int, end: int) -> np.ndarray:
        """Rows from one to another; beyond the photo's ends they are zeros."""
        shift = self._place - self.first
        rows = self._array[:, max(0, begin) + shift : min(end, self.height) + shift]
        if begin >= 0 and end <= self.height:
            return rows
        return np.pad(rows, [(0, 0), (max(0, -begin), max(0, end - self.height)), (0, 0), (0, 0)])

    def reserve(self, end: int) -> None:
        """Makes room for all rows up to one, so that they need not be moved again and again while they come."""
        room = min(end, self.height) - self.first
        if self._place + room > self._array.shape[1]:
            self._move(room)

    def space(self, count: int) -> np.ndarray:
        """Memory for so many rows more at the end, which count as there."""
        present = self.end - self.first
        if self._place + present + count > self._array.shape[1]:
            self._move(present + count)
        self.end += count
        return self._array[:, self._place + present : self._place + present + count]

    def forget(self, reader: int, row: float) -> None:
        """A reader needs no rows before one any more."""
        self._needed[reader] = row
        first = min(self._needed)
        if first >= self.height:
            self._array, self.first, self._place = self.tensor.empty(0), self.end, 0
        elif first > self.first:
            self._place += int(first) - self.first
            self.first = int(first)
            # All rows of a photo, which others made, stay where they are.
            if self.end < self.height and 2 * (self.end - self.first) <= self._array.shape[1]:
                self._move(self.end - self.first)

    def _move(self, room: int) -> None:
        """Moves the rows to the beginning of memory for so many."""
        rows, old = self.rows(self.first, self.end), self._array
        self._array, self._place = self._memory.take(self.tensor, room), 0
        self._array[:, : rows.shape[1]] = rows
        if old.size:
            self._memory.give(old)


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


def blocks(height: int, strip: int, lag: int) -> list[Span]:
    """Divides rows, from so many before the first on, into windows of `strip` rows that follow each other.

    Where a step's windows lag behind those of the step whose rows it reads by as far as it sees, no others have to wait.
    """
    begins = range(-lag, height, strip)
    return [Span(begin, begin + strip, max(0, begin), min(begin + strip, height)) for begin in begins if begin + strip > 0]


def overlap_factor(spans: Sequence[Span], height: int) -> float:
    """How many times its own work a stage does, because windows overlap or go beyond the photo."""
    return sum(span.window_stop - span.window_start for span in spans) / height
