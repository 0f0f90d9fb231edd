"""Resizing in the graph against TensorFlow's own, Pillow's, and kernels that are written out here."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sr_keras.data import resampling
from sr_keras.data.pairs import DOWNSCALE_METHODS
from tests.types import Noise

PILLOWS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos3": Image.Resampling.LANCZOS,
}


@pytest.fixture
def photo(rng: np.random.Generator) -> np.ndarray:
    return rng.random((20, 29, 3), dtype=np.float32)


def along_both_axes(weights_of: Callable[[int, int], np.ndarray], photo: np.ndarray, side: int) -> np.ndarray:
    """`weights_of(length, side)` is `[side, length]`: what each new pixel takes of the old ones."""
    rows, columns = (weights_of(length, side) for length in photo.shape[:2])
    return np.asarray(np.einsum("ay,bx,yxc->abc", rows, columns, photo))


def shares_of_area(length: int, side: int) -> np.ndarray:
    """As if each pixel were first cut into `side` equal parts."""
    return np.asarray(np.eye(length).repeat(side, axis=0).reshape(side, length, length).mean(axis=1))


def cubic(length: int, side: int) -> np.ndarray:
    """The cubic of Keys (1981), a = -0.5, of the four nearest pixels; those beyond the sides do not count."""
    distance = np.abs((np.arange(side)[:, np.newaxis] + 0.5) * length / side - 0.5 - np.arange(length))
    near, far = 1.5 * distance**3 - 2.5 * distance**2 + 1, -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("method", DOWNSCALE_METHODS)
@pytest.mark.parametrize("height, width", [(37, 21), (9, 40)])
def test_resizing_is_that_of_tensorflow(noise: Noise, method: str, height: int, width: int) -> None:
    photo = noise(height, width)
    expected = tf.image.resize(photo, [16, 16], method, antialias=True)
    np.testing.assert_allclose(resampling.resize(photo, 16, method), expected, atol=1e-3)


@pytest.mark.parametrize("method", PILLOWS)
@pytest.mark.parametrize("side", [5, 13, 24])
def test_antialiased_kernels_are_pillows(photo: np.ndarray, method: str, side: int) -> None:
    channels = [np.asarray(Image.fromarray(photo[..., c]).resize((side, side), PILLOWS[method])) for c in range(3)]
    np.testing.assert_allclose(resampling.resize(photo, side, method), np.dstack(channels), atol=1e-5)


@pytest.mark.parametrize("side", [5, 13, 24])
def test_area_is_the_mean_over_each_new_pixel(photo: np.ndarray, side: int) -> None:
    expected = along_both_axes(shares_of_area, photo, side)
    np.testing.assert_allclose(resampling.resize(photo, side, "area"), expected, atol=1e-5)


@pytest.mark.parametrize("side", [5, 13, 24])
def test_bicubic_without_antialiasing_takes_four_pixels(photo: np.ndarray, side: int) -> None:
    # TensorFlow has its kernel in a table.
    expected = along_both_axes(cubic, photo, side)
    np.testing.assert_allclose(resampling.resize(photo, side, "bicubic", antialias=False), expected, atol=2e-3)


def test_the_side_may_be_a_tensor(photo: np.ndarray) -> None:
    resize = tf.function(lambda side: resampling.resize(photo, side, "bicubic"))
    for side in (7, 30):
        np.testing.assert_array_equal(resize(tf.constant(side)), resampling.resize(photo, side, "bicubic"))
