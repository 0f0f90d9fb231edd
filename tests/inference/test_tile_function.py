"""The optimised graph of a network, against the network itself."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from sr_keras.inference import model_info, tile_function
from sr_keras.networks import back_projection, generators, receptive_field
from tests.small_networks import imported, last_picture, small
from tests.types import Noise


def trained(network: keras.Model, rng: np.random.Generator) -> keras.Model:
    """Moves every weight a little, as training does; pictures stay pictures."""
    network.set_weights(
        [w + 0.03 * rng.standard_normal(w.shape) * (w.std() if w.ndim == 4 else 1) for w in network.get_weights()]
    )
    sr = last_picture(network, rng.random((1, 24, 24, 3), dtype=np.float32))
    assert sr.std() > 0.1
    assert ((sr > 0) & (sr < 1)).mean() > 0.8
    return network


@pytest.fixture(params=generators.FAMILIES)
def network(request: pytest.FixtureRequest, rng: np.random.Generator) -> keras.Model:
    """A small network of each kind that makes pictures, as it is exported: it began as an interpolator."""
    network = small(request.param)
    generators.FAMILIES[request.param].init_as_interpolator(network)
    return back_projection.with_back_projection(trained(network, rng), scale=4)


def tile(
    network: keras.Model,
    precision: str,
    window: np.ndarray,
    start: Sequence[int],
    size: Sequence[int],
    photo_type: tf.DType = tf.uint8,
) -> np.ndarray:
    function = tf.function(tile_function.tile_function(network, photo_type, precision), autograph=False)
    return np.asarray(function(tf.constant(window), tf.constant(start), tf.constant(size)))


def whole(network: keras.Model, precision: str, photo: np.ndarray, **options: Any) -> np.ndarray:
    return tile(network, precision, photo, [0, 0], photo.shape[:2], **options)


def plain(network: keras.Model, photo: np.ndarray, white: float = 255) -> np.ndarray:
    sr = last_picture(network, photo[np.newaxis] / np.float32(white))[0]
    return np.asarray(sr.clip(0, 1) * white)


@pytest.mark.parametrize("name", ["rrdbnet x1", "srvgg x1", "span x1"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_networks_that_do_not_enlarge_take_odd_sizes(noise: Noise, rng: np.random.Generator, name: str, precision: str) -> None:
    network, photo = imported(name, rng), noise(9, 15)
    difference = np.abs(whole(network, precision, photo) - plain(network, photo))
    assert difference.mean() < {"float32": 0.3, "bfloat16": 1.0}[precision]


@pytest.mark.parametrize("size", [(1, 1), (9, 14)])
def test_float32_is_the_network(noise: Noise, network: keras.Model, size: tuple[int, int]) -> None:
    """Rounding to 8 bits aside; in 16 bits to 1e-4 of white."""
    photo = noise(*size)
    np.testing.assert_allclose(whole(network, "float32", photo), plain(network, photo), atol=0.51)
    photo = photo.astype(np.uint16) * 257
    sr = whole(network, "float32", photo, photo_type=tf.uint16)
    assert sr.dtype == np.uint16
    np.testing.assert_allclose(sr, plain(network, photo, 65535), atol=65535e-4)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_reduced_precisions_are_near_the_network(network: keras.Model, precision: str) -> None:
    """On what photos are made of: slopes. Half a level on average."""
    ramp = np.linspace(20, 235, 24)
    photo = np.stack(np.broadcast_arrays(ramp[:, np.newaxis], ramp, 128), axis=-1).astype(np.uint8)
    difference = np.abs(whole(network, precision, photo) - np.rint(plain(network, photo)))
    assert difference.mean() < 0.5
    assert difference.max() <= 6


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", generators.FAMILIES)
def test_an_interpolator_keeps_flat_areas_in_reduced_precisions(name: str, precision: str) -> None:
    network = small(name)
    generators.FAMILIES[name].init_as_interpolator(network)
    colours = np.arange(20, 236, 24, dtype=np.uint8)
    photo = np.stack([colours, colours[::-1], np.roll(colours, 4)], axis=-1).repeat(20, axis=0)[np.newaxis].repeat(20, axis=0)
    sr = whole(network, precision, photo)
    np.testing.assert_array_equal(sr[40, 40::80], np.rint(plain(network, photo))[40, 40::80])


@pytest.mark.parametrize("shape", [(3, 3, 8, 8), (9, 9, 8, 3), (1, 1, 4, 4)])
def test_rounding_a_kernel_keeps_its_sums(rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    """So flat areas keep their colour; plain rounding is ten times as far off."""
    kernel = tf.constant(rng.standard_normal(shape), tf.float32)

    def change(rounded: tf.Tensor) -> float:
        return float(np.abs(tf.reduce_sum(tf.cast(rounded, tf.float32) - kernel, axis=(0, 1))).mean())

    rounded = tile_function.rounded(kernel, tf.bfloat16)
    assert rounded.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(rounded, tf.float32), kernel, atol=0.1)
    if shape[0] > 1:
        assert change(rounded) < change(tf.cast(kernel, tf.bfloat16)) / 10


@pytest.mark.parametrize("precision", model_info.PRECISIONS)
def test_a_tile_is_that_part_of_the_whole(noise: Noise, network: keras.Model, precision: str) -> None:
    photo, size = noise(60, 55), (12, 14)
    reach = receptive_field.measure(network).output_receptive_field
    picture = whole(network, precision, photo).astype(int)
    for start in [(0, 0), (7, 20), (26, 26), (48, 41)]:
        window_start = [max(0, begin - reach) for begin in start]
        window_stop = [begin + extent + reach for begin, extent in zip(start, size, strict=True)]
        window = photo[window_start[0] : window_stop[0], window_start[1] : window_stop[1]]
        place = [begin - first for begin, first in zip(start, window_start, strict=True)]
        y, x = (slice(4 * begin, 4 * (begin + extent)) for begin, extent in zip(start, size, strict=True))
        difference = np.abs(tile(network, precision, window, place, size) - picture[y, x])
        assert difference.max() <= (1 if precision == "float32" else 2), start


def test_a_window_that_is_too_small_shows(noise: Noise, network: keras.Model) -> None:
    """The property above can fail: without anything around it, the tile differs."""
    photo = noise(60, 60)
    small = tile(network, "float32", photo[20:40, 20:40], [0, 0], [20, 20])
    assert np.abs(small.astype(int) - whole(network, "float32", photo)[80:160, 80:160]).max() > 2


def test_no_convolution_has_an_odd_number_of_channels(network: keras.Model) -> None:
    """In bfloat16 that was seen to give NaN, depending on what lay in memory."""
    specs = [tf.TensorSpec([None, None, 3], tf.uint8), tf.TensorSpec([2], tf.int32), tf.TensorSpec([2], tf.int32)]
    function = tf.function(tile_function.tile_function(network, tf.uint8, "bfloat16"), autograph=False)
    operations = function.get_concrete_function(*specs).graph.get_operations()
    inputs = [operation.inputs[0] for operation in operations if operation.type == "Conv2D"]
    channels = [x.shape[-1] for x in inputs if x.dtype == tf.bfloat16]
    assert len(channels) >= 2
    assert all(number % 2 == 0 for number in channels)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_an_error(noise: Noise, network: keras.Model, value: float) -> None:
    network.weights[-1].assign(np.full(network.weights[-1].shape, value))
    with pytest.raises(tf.errors.InvalidArgumentError, match=tile_function.NOT_FINITE):
        whole(network, "float32", noise(4, 4))


def test_later_weights_show(noise: Noise, network: keras.Model) -> None:
    photo = noise(6, 6)
    function = tf.function(tile_function.tile_function(network, tf.uint8, "float32"), autograph=False)
    arguments = tf.constant(photo), tf.constant([0, 0]), tf.constant([6, 6])
    before = function(*arguments).numpy()
    for weight in network.weights:
        weight.assign(weight * 1.5)
    assert (function(*arguments).numpy().astype(int) - before).max() > 10


def test_layers_that_are_not_known_are_refused() -> None:
    photo = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match="sigmoid"):
        network = keras.Model(photo, keras.layers.Activation("sigmoid", name="sigmoid")(photo))
        whole(network, "float32", np.zeros((2, 2, 3), np.uint8))
