import keras
import numpy as np
import pytest
import tensorflow as tf

from sr_keras.networks import back_projection


@pytest.fixture
def photo(rng: np.random.Generator) -> np.ndarray:
    return rng.random((2, 16, 24, 3), dtype=np.float32)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_reduction_is_bicubic_and_antialiased(photo: np.ndarray, scale: int) -> None:
    expected = tf.image.resize(photo, [16 // scale, 24 // scale], "bicubic", antialias=True)
    np.testing.assert_allclose(back_projection.reduced(photo, scale), expected, atol=1e-6)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_enlargement_is_bilinear(photo: np.ndarray, scale: int) -> None:
    np.testing.assert_allclose(
        back_projection.enlarged(photo, scale), tf.image.resize(photo, [16 * scale, 24 * scale]), atol=1e-6
    )


def stray(size: int) -> keras.Model:
    """Interpolates, and gets all colours wrong, in each region in another way."""
    lr = keras.Input((None, None, 3))
    sr = keras.layers.UpSampling2D(4)(lr)
    error = keras.layers.UpSampling2D(4 * size // 2)(keras.layers.AveragePooling2D(size // 2)(lr))
    return keras.Model(lr, sr + 0.3 * error - 0.1)


def test_colours_stay_those_of_the_small_photo(photo: np.ndarray) -> None:
    """The mean of each region, however wrong the network; 0.5 of 255 levels."""
    lr = photo[:, :16, :16]
    network = stray(16)
    wrong, right = np.array(network(lr)), np.array(back_projection.with_back_projection(network, 4)(lr))
    for sr, is_right in ((wrong, False), (right, True)):
        assert (np.abs(sr.mean((1, 2)) - lr.mean((1, 2))).max() < 0.5 / 255) == is_right


def test_a_result_that_fits_stays_as_it_is(photo: np.ndarray) -> None:
    lr = back_projection.reduced(photo, 4)
    np.testing.assert_allclose(back_projection.BackProjection(4)([photo, lr]), photo, atol=1e-6)


def test_what_is_beyond_white_and_cut_off_is_made_good(rng: np.random.Generator) -> None:
    """Texture around a bright colour darkens the picture when it is cut off: by less than half as much with the layer."""
    lr = np.full((1, 8, 8, 3), 0.9, np.float32)
    sr = lr.repeat(4, axis=1).repeat(4, axis=2) + 0.5 * rng.standard_normal((1, 32, 32, 3)).astype(np.float32)
    once = sr + back_projection.enlarged(lr - back_projection.reduced(sr, 4), 4)
    corrected = back_projection.BackProjection(4)([sr, lr])
    darker = [0.9 - np.clip(picture, 0, 1).mean() for picture in (once, corrected)]
    assert darker[1] < darker[0] / 2
