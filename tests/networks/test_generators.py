import inspect
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from sr_keras.networks import edsr, espcn, generators, lapsrn
from tests.small_networks import small


def conv(inputs: int, outputs: int, kernel: int = 3) -> int:
    return kernel * kernel * inputs * outputs + outputs


def test_edsr_has_the_parameters_of_its_paper() -> None:
    """1.5 million (table 1)."""
    expected = conv(3, 64) + 16 * 2 * conv(64, 64) + conv(64, 64) + 2 * conv(64, 256) + conv(64, 3)
    assert expected == 1_517_571
    assert edsr.build().count_params() == expected


def test_espcn_has_the_parameters_of_its_paper() -> None:
    """For three colours, each in 16 places."""
    expected = conv(3, 64, kernel=5) + conv(64, 32) + conv(32, 16 * 3)
    assert expected == 37_200
    assert espcn.build().count_params() == expected
    assert espcn.build(num_upscales=1).count_params() == expected - conv(32, 16 * 3) + conv(32, 4 * 3)


def test_lapsrn_has_the_parameters_of_its_paper() -> None:
    level = 10 * conv(64, 64) + conv(64, 64, kernel=4) + conv(64, 3) + conv(3, 3, kernel=4)
    assert conv(3, 64) + 2 * level == 875_308
    assert lapsrn.build().count_params() == conv(3, 64) + 2 * level
    assert lapsrn.build(num_upscales=1).count_params() == conv(3, 64) + level


@pytest.mark.parametrize("name", generators.FAMILIES)
@pytest.mark.parametrize("num_upscales", [1, 2])
def test_a_new_generator_takes_any_size(name: str, num_upscales: int) -> None:
    network = small(name, num_upscales=num_upscales)
    levels = tf.nest.flatten(network(np.zeros((2, 5, 8, 3), np.float32)))
    scales = [2**level for level in range(1, num_upscales + 1)] if name == "lapsrn" else [2**num_upscales]
    assert [picture.shape for picture in levels] == [(2, 5 * scale, 8 * scale, 3) for scale in scales]
    assert len({layer.name for layer in network.layers}) == len(network.layers)


@pytest.mark.parametrize("name", generators.FAMILIES)
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_pictures_are_float32_under_every_precision_policy(policy: Callable[[str], None], name: str, precision: str) -> None:
    policy(precision)
    levels = tf.nest.flatten(small(name)(np.zeros((1, 4, 4, 3), np.float32)))
    assert all(picture.dtype == tf.float32 for picture in levels)


@pytest.mark.parametrize("name", generators.FAMILIES)
def test_an_interpolator_keeps_ramps_and_colours(name: str) -> None:
    network = small(name)
    generators.FAMILIES[name].init_as_interpolator(network)
    ramp = np.arange(16, dtype=np.float32)[:, np.newaxis, np.newaxis] / 16 * np.array([1, 0.5, 0.2], np.float32)
    lr = np.broadcast_to(ramp[:, np.newaxis, 0], (16, 12, 3))[np.newaxis]
    # ESPCN's tanh is nearly straight where it lies.
    tolerance = 1.3 / 255 if name == "espcn" else 1e-5
    for sr in tf.nest.flatten(network(lr)):
        scale = sr.shape[1] // 16
        places = (np.arange(16 * scale) + 0.5) / scale - 0.5
        expected = places[:, np.newaxis, np.newaxis] / 16 * np.array([1, 0.5, 0.2], np.float32)
        inside = slice(4 * scale, -4 * scale)
        actual = np.array(sr)[0, inside, inside]
        np.testing.assert_allclose(actual, np.broadcast_to(expected[inside], actual.shape), atol=tolerance)


@pytest.mark.parametrize("name", generators.FAMILIES)
def test_an_interpolator_can_learn(name: str, rng: np.random.Generator) -> None:
    """Nothing is closed for good: after three steps, every weight has moved."""
    network = small(name)
    generators.FAMILIES[name].init_as_interpolator(network)
    lr, before = rng.random((1, 8, 8, 3), dtype=np.float32), network.get_weights()
    optimizer = keras.optimizers.SGD(1.0)
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.add_n([tf.reduce_mean(tf.square(sr - 0.3)) for sr in tf.nest.flatten(network(lr, training=True))])
        optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
    names = [weight.path for weight in network.weights]
    unmoved = [name for name, old, new in zip(names, before, network.get_weights(), strict=True) if np.array_equal(old, new)]
    assert unmoved == []


def test_a_size_that_a_family_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="the generator edsr has no upscale_filters"):
        generators.build("edsr", upscale_filters=8)


@pytest.mark.parametrize(
    "name, size, smallest",
    [
        *(("srgan", "num_blocks", 0), ("srgan", "num_upscales", 1), ("srgan", "filters", 3)),
        *(("edsr", "num_blocks", 0), ("edsr", "num_upscales", 1), ("edsr", "filters", 3)),
        *(("lapsrn", "num_blocks", 0), ("lapsrn", "num_upscales", 1), ("lapsrn", "filters", 1)),
        ("espcn", "num_upscales", 1),
    ],
)
def test_sizes_that_make_no_network_are_refused(name: str, size: str, smallest: int) -> None:
    assert size in inspect.signature(generators.FAMILIES[name].build).parameters
    with pytest.raises(ValueError, match=f"{size} must be at least {smallest}, got {smallest - 1}"):
        generators.build(name, **{size: smallest - 1})
