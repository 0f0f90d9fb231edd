from collections.abc import Iterator

import numpy as np
import pytest

from sr_keras.inference import strips
from sr_keras.inference.strips import Rows

MARGIN = 2
SCALES = {"x": 1, "y": 2, "far": 1}


def blur(window: Rows, first_row: int) -> Rows:
    """Twice as many rows after a sum over five, with zeros beyond the window; the rows of another tensor pass by."""
    padded = np.pad(window["x"], [(0, 0), (MARGIN, MARGIN), (0, 0), (0, 0)])
    total = sum(padded[:, shift : shift + window["x"].shape[1]] for shift in range(2 * MARGIN + 1))
    return {"y": np.asarray(total).repeat(2, axis=1), "far": window["far"]}


def incoming(photo: np.ndarray, rows: int) -> Iterator[Rows]:
    for begin in range(0, photo.shape[1], rows):
        block = photo[:, begin : begin + rows]
        yield {"x": block, "far": -block}


@pytest.mark.parametrize("height, strip, rows", [(1, 4, 1), (3, 1, 2), (20, 4, 3), (23, 9, 23), (40, 40, 7), (41, 6, 1)])
def test_strips_equal_the_whole(height: int, strip: int, rows: int) -> None:
    photo = np.random.default_rng(0).random((1, height, 3, 2))
    through = strips.through(blur, incoming(photo, rows), height=height, strip=strip, margin=MARGIN, scales=SCALES)
    bands = [{name: band[name].copy() for name in band} for band in through]
    whole = blur({"x": photo, "far": -photo}, 0)
    for name in ("y", "far"):
        np.testing.assert_array_equal(np.concatenate([band[name] for band in bands], axis=1), whole[name])


def test_a_margin_that_is_too_small_shows() -> None:
    """The property above can fail."""
    photo = np.random.default_rng(0).random((1, 20, 3, 2))
    bands = strips.through(blur, incoming(photo, 5), height=20, strip=4, margin=MARGIN - 1, scales=SCALES)
    assert not np.array_equal(np.concatenate([band["y"] for band in bands], axis=1), blur({"x": photo, "far": photo}, 0)["y"])


def test_what_is_done_twice_is_counted() -> None:
    assert strips.overlap_factor(100, 100, MARGIN) == 1
    assert strips.overlap_factor(100, 24, MARGIN) == 4 * (24 + 2 * MARGIN) / 100
