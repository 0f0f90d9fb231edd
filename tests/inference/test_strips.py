import numpy as np
import pytest

from sr_keras.inference import strips
from sr_keras.inference.strips import Rows, Step, Tensor
from sr_keras.inference.tiling import Span

MARGIN = 2
X = Tensor(1, 3, 2, np.dtype(np.float64))
TENSORS = {"photo": X, "x": X, "y": X._replace(scale=2), "sum": X._replace(scale=2)}


def sums(rows: np.ndarray) -> np.ndarray:
    """Over five rows each, where there are five."""
    return np.asarray(sum(rows[:, shift : rows.shape[1] - 2 * MARGIN + shift] for shift in range(2 * MARGIN + 1)))


def blur(window: Rows, outputs: Rows) -> None:
    """Sums of the photo with zeros beyond the window."""
    outputs["x"][...] = sums(np.pad(window["photo"], [(0, 0), (MARGIN, MARGIN), (0, 0), (0, 0)]))


def exact_blur(window: Rows, outputs: Rows) -> None:
    """Sums of rows that are all there; what is computed beyond the photo is no zero."""
    outputs["y"][...] = (sums(window["x"]) + 1).repeat(2, axis=1)


def add(window: Rows, outputs: Rows) -> None:
    """To what was before: rows of another step wait for it."""
    outputs["sum"][...] = window["y"] + window["x"].repeat(2, axis=1)


def added(photo: np.ndarray, first: list[Span], second: list[Span], third: list[Span]) -> np.ndarray:
    steps = [
        Step(blur, {"photo": 0}, ("x",), first),
        Step(exact_blur, {"x": MARGIN}, ("y",), second),
        Step(add, {"x": 0, "y": 0}, ("sum",), third),
    ]
    bands = strips.through(steps, TENSORS, {"photo": photo}, height=photo.shape[1])
    return np.concatenate([band["sum"].copy() for band in bands], axis=1)


@pytest.mark.parametrize("height, strip, block, lag", [(1, 4, 1, 0), (3, 1, 2, 1), (23, 23, 9, 2), (41, 6, 7, 9)])
def test_strips_equal_the_whole(height: int, strip: int, block: int, lag: int) -> None:
    photo = np.random.default_rng(0).random((1, height, 3, 2))
    whole = [Span(0, height, 0, height)]
    windows, blocks = strips.windows(height, strip, MARGIN), strips.blocks(height, block, lag)
    result = added(photo, windows, blocks, strips.windows(height, 5, 0))
    np.testing.assert_array_equal(result, added(photo, whole, whole, whole))


def test_a_margin_that_is_too_small_shows() -> None:
    """The property above can fail."""
    photo = np.random.default_rng(0).random((1, 20, 3, 2))
    whole = [Span(0, 20, 0, 20)]
    narrow = strips.windows(20, 4, MARGIN - 1)
    assert not np.array_equal(added(photo, narrow, whole, whole), added(photo, whole, whole, whole))


def test_blocks_cover_the_photo_once() -> None:
    for lag in range(9):
        spans = strips.blocks(20, 4, lag)
        assert [row for span in spans for row in range(span.start, span.stop)] == list(range(20))
        assert {span.window_stop - span.window_start for span in spans} == {4}


def test_what_is_done_twice_is_counted() -> None:
    assert strips.overlap_factor(strips.windows(100, 100, MARGIN), 100) == 1
    assert strips.overlap_factor(strips.windows(100, 24, MARGIN), 100) == 4 * (24 + 2 * MARGIN) / 100
    assert strips.overlap_factor(strips.blocks(100, 25, 0), 100) == 1
    assert strips.overlap_factor(strips.blocks(100, 25, 1), 100) == 1.25


def test_few_rows_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a tall photo's tensors, where steps follow each other block by block."""
    most = []
    take = strips._Memory.take

    def counting(self: strips._Memory, tensor: Tensor, rows: int) -> np.ndarray:
        most.append(rows // tensor.scale)
        return take(self, tensor, rows)

    monkeypatch.setattr(strips._Memory, "take", counting)
    blocks = strips.blocks(400, 10, MARGIN)
    added(np.zeros((1, 400, 3, 2)), strips.windows(400, 10, MARGIN), blocks, blocks)
    assert max(most) <= 40


def test_rows_of_low_strips_are_moved_once_for_a_high_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not again for each of those that it waits for."""
    moves = []
    move = strips._Kept._move

    def counting(self: strips._Kept, room: int) -> None:
        moves.append(room)
        move(self, room)

    monkeypatch.setattr(strips._Kept, "_move", counting)
    high = strips.windows(400, 50, 0)
    added(np.zeros((1, 400, 3, 2)), high, strips.blocks(400, 5, MARGIN), high)
    # Three tensors, each of which also gives back its memory.
    assert len(moves) <= 2 * 3 * len(high)
