"""Which part of a photo is taken."""

import pathlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sr_keras.data import sources
from tests.data.streams import flat, make_stream, take


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize(
    "limits, sides",
    [
        ({"max_reduction": 1.0}, {32}),
        ({}, set(range(32, 65))),
        ({"max_reduction": 1.0, "max_enlargement": 1.5}, set(range(22, 33))),
    ],
)
def test_windows_are_square_pieces_of_the_photo(
    tmp_path: pathlib.Path, suffix: str, limits: dict[str, Any], sides: set[int]
) -> None:
    """Each pixel's colour says where it is, so a window says what it shows."""
    y, x = np.mgrid[0:64, 0:100]
    photo = np.dstack([2 * y, 2 * x, 0 * x]).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / f"photo{suffix}", quality=100)
    seen = set()
    stream = make_stream([str(tmp_path / f"photo{suffix}")], batch_size=30, **limits)
    for _, batch in take(stream, 4):
        for hr in batch:
            height, width = (np.ptp(hr[..., axis].mean(axis=1 - axis)) * 255 / 2 * 32 / 31 for axis in (0, 1))
            assert height == pytest.approx(width, abs=1.5)
            seen.add(round(height))
    assert min(seen) >= min(sides) - 1
    assert max(seen) <= max(sides) + 1
    assert len(seen) >= len(sides) / 2
    assert stream.enlarged == 0


def test_small_photos_are_enlarged_and_counted(tmp_path: pathlib.Path) -> None:
    stream = make_stream(flat(tmp_path, [(10, 20, 30)], size=(20, 50)), batch_size=3)
    [(_, hr)] = take(stream, 1)
    assert hr.shape == (3, 32, 32, 3)
    assert stream.enlarged == 3
    as_asked = make_stream(flat(tmp_path, [(10, 20, 30)], size=(20, 50)), batch_size=3, max_enlargement=2)
    assert take(as_asked, 1)[0][1].shape == (3, 32, 32, 3)
    assert as_asked.enlarged == 0


def test_large_enough_photos_are_never_enlarged(folder: pathlib.Path) -> None:
    stream = make_stream(sources.list_photos(folder))
    take(stream, 6)
    assert stream.enlarged == 0
