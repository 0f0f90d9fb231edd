"""How windows are flipped, transposed and darkened."""

import dataclasses
import pathlib

import numpy as np
import pytest
from PIL import Image

from sr_keras.photos import rgb
from tests.data.streams import PLAIN, flat, make_stream, take
from tests.types import Noise


@pytest.mark.parametrize("change", ["flip_left_right", "flip_up_down", "darken", "brightness", "saturation", "transpose"])
def test_a_change_happens_as_often_as_it_should(tmp_path: pathlib.Path, noise: Noise, change: str) -> None:
    path = tmp_path / "photo.png"
    photo = noise(32, 32)
    Image.fromarray(photo).save(path)
    augmentation = dataclasses.replace(PLAIN, **{change: 0.25})
    batches = take(make_stream([str(path)], batch_size=50, augmentation=augmentation), 8)
    unchanged = [np.array_equal(rgb.to_uint8(hr), photo) for _, batch in batches for hr in batch]
    assert 0.65 < np.mean(unchanged) < 0.85


@pytest.mark.parametrize("change, axis", [("flip_left_right", 1), ("flip_up_down", 0)])
def test_flips_flip(tmp_path: pathlib.Path, noise: Noise, change: str, axis: int) -> None:
    photo = noise(32, 32)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    augmentation = dataclasses.replace(PLAIN, **{change: 1.0})
    [(_, hr)] = take(make_stream([str(tmp_path / "photo.png")], batch_size=1, augmentation=augmentation), 1)
    np.testing.assert_array_equal(rgb.to_uint8(hr[0]), np.flip(photo, axis))


def test_transposing_exchanges_rows_and_columns(tmp_path: pathlib.Path, noise: Noise) -> None:
    photo = noise(32, 32)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    augmentation = dataclasses.replace(PLAIN, transpose=1.0)
    [(_, hr)] = take(make_stream([str(tmp_path / "photo.png")], batch_size=1, augmentation=augmentation), 1)
    np.testing.assert_array_equal(rgb.to_uint8(hr[0]), photo.transpose(1, 0, 2))


def test_darkening_only_darkens(tmp_path: pathlib.Path) -> None:
    augmentation = dataclasses.replace(PLAIN, darken=1.0)
    [(_, hr)] = take(make_stream(flat(tmp_path, [(200, 100, 50)]), batch_size=20, augmentation=augmentation), 1)
    share = hr[:, 0, 0] / (np.array([200, 100, 50], np.float32) / 255)
    assert 0.5 <= share.min() < share.max() <= 1.0001
    np.testing.assert_allclose(share, np.broadcast_to(share[:, :1], share.shape), rtol=1e-4)
