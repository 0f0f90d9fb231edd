"""Computes a photo by stages, strip of rows by strip of rows (see `stages.py`): pure arithmetic, NumPy only."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from sr_keras.inference import tiling

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
    spans = tiling.split(height, strip, margin)
    for span, following in zip(spans, [*spans[1:], None], strict=True):
        while end < span.window_stop:
            kept = _joined(kept, next(incoming))
            name, rows = next(iter(kept.items()))
            end = first + rows.shape[1] // scales[name]
        window = [_cut(kept, span.window_start - first, span.window_stop - first, scales)]
        if following:
            kept = _cut(kept, following.window_start - first, end - first, scales)
            first = following.window_start
        else:
            kept = {}
        # The last window slides inward, over rows that are done.
        begin, done = max(span.start, done) - span.window_start, span.stop
        # Popped, so that it is out of memory once it is computed.
        yield _cut(compute(window.pop(), span.window_start), begin, done - span.window_start, scales)


def overlap_factor(height: int, strip: int, margin: int) -> float:
    """How many times its own work a stage does, because windows overlap."""
    spans = tiling.split(height, strip, margin)
    return sum(span.window_stop - span.window_start for span in spans) / height


def _joined(kept: Rows, block: Rows) -> Rows:
    # Without its last rows an array stays whole in memory, so what is kept of one is copied before the next is added.
    return {name: np.concatenate([kept[name], rows], axis=1) for name, rows in block.items()} if kept else block


def _cut(tensors: Rows, begin: int, end: int, scales: Mapping[str, int]) -> dict[str, np.ndarray]:
    return {name: rows[:, scales[name] * begin : scales[name] * end] for name, rows in tensors.items()}
