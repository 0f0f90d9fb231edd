"""First weights from a trained EDSR: networks that compute what it does."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from sr_keras.networks import edsr, lapsrn, net2net, srgan


@pytest.fixture(autouse=True)
def seed() -> None:
    keras.utils.set_random_seed(0)


@pytest.fixture
def lr() -> np.ndarray:
    return np.random.default_rng(0).random((1, 40, 36, 3), np.float32)


def trained(num_blocks: int = 2, num_upscales: int = 2, filters: int = 4) -> keras.Model:
    """An EDSR none of whose weights is 0 or regular."""
    network = edsr.build(num_blocks, num_upscales, filters)
    generator = np.random.default_rng(1)
    network.set_weights([w + 0.1 * generator.standard_normal(w.shape) for w in network.get_weights()])
    return network


@pytest.mark.parametrize("num_upscales", [1, 2])
@pytest.mark.parametrize("upscale_filters", [16, 21])
def test_the_papers_generator_grown_from_an_edsr_computes_the_same_but_near_the_edges(
    lr: np.ndarray, num_upscales: int, upscale_filters: int
) -> None:
    donor = trained(num_upscales=num_upscales)
    generator = srgan.build_generator(2, num_upscales, filters=4, upscale_filters=upscale_filters)
    net2net.transfer_weights(generator, donor.get_weights())
    rim = 10 * 2**num_upscales
    inside = np.s_[:, rim:-rim, rim:-rim]
    np.testing.assert_allclose(generator(lr).numpy()[inside], donor(lr).numpy()[inside], atol=1e-5)


@pytest.mark.parametrize("num_upscales", [1, 2])
def test_a_deeper_edsr_computes_the_same(lr: np.ndarray, num_upscales: int) -> None:
    donor, deeper = trained(num_upscales=num_upscales), edsr.build(5, num_upscales, filters=4)
    net2net.transfer_weights(deeper, donor.get_weights())
    np.testing.assert_allclose(deeper(lr), donor(lr), atol=1e-6)


@pytest.mark.parametrize(
    "build", [lambda: srgan.build_generator(2, 2, filters=4, upscale_filters=21), lambda: edsr.build(4, 2, 4)]
)
def test_all_that_was_grown_can_be_trained(lr: np.ndarray, build: Callable[[], keras.Model]) -> None:
    """What is larger has gradients after a few steps at the latest."""
    generator = build()
    net2net.transfer_weights(generator, trained().get_weights())
    optimizer = keras.optimizers.SGD(1e-3)
    hr = np.random.default_rng(2).random((1, 160, 144, 3), np.float32)
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(generator(lr) - hr))
        gradients = tape.gradient(loss, generator.trainable_weights)
        optimizer.apply(gradients, generator.trainable_weights)
    for variable, gradient in zip(generator.trainable_weights, gradients, strict=True):
        assert np.count_nonzero(gradient) > 0.9 * variable.value.shape.num_elements(), variable.path


def test_an_edsr_keeps_some_blocks(lr: np.ndarray) -> None:
    donor = trained(num_blocks=4)
    network = edsr.build(2, filters=4)
    net2net.transfer_weights(network, donor.get_weights(), [1, 3])
    for layer in donor.layers:
        if layer.name.startswith(("block0_conv2", "block2_conv2")):
            layer.set_weights([np.zeros_like(array) for array in layer.get_weights()])
    np.testing.assert_allclose(network(lr), donor(lr), atol=1e-6)


def test_blocks_are_kept_and_the_network_grows_at_once(lr: np.ndarray) -> None:
    donor = trained(num_blocks=3)
    small, generator = edsr.build(2, filters=4), srgan.build_generator(2, filters=4, upscale_filters=16)
    for network in (small, generator):
        net2net.transfer_weights(network, donor.get_weights(), [0, 2])
    inside = np.s_[:, 40:-40, 40:-40]
    np.testing.assert_allclose(generator(lr).numpy()[inside], small(lr).numpy()[inside], atol=1e-5)


def test_weights_of_the_same_sizes_are_taken_as_they_are() -> None:
    weights = srgan.build_generator(1, filters=4, upscale_filters=4).get_weights()
    generator = srgan.build_generator(1, filters=4, upscale_filters=4)
    net2net.transfer_weights(generator, weights)
    for mine, given in zip(generator.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(mine, given)


@pytest.mark.parametrize(
    "generator, weights, kept, message",
    [
        (edsr.build(2, filters=4), edsr.build(3, filters=4), None, "other sizes"),
        (edsr.build(3, filters=4, num_upscales=1), edsr.build(2, filters=4), None, "other sizes"),
        (edsr.build(2, filters=5), edsr.build(2, filters=4), None, "other sizes"),
        (edsr.build(2, filters=4), edsr.build(3, filters=4), [0, 3], "an edsr of 3 blocks has not all of 0, 3"),
        (
            edsr.build(1, filters=4),
            srgan.build_generator(1, filters=4, upscale_filters=4),
            None,
            "neither an edsr nor",
        ),
        (srgan.build_generator(1, filters=4, upscale_filters=15), edsr.build(1, filters=4), None, "other sizes"),
        (srgan.build_generator(1, filters=5, upscale_filters=20), edsr.build(1, filters=4), None, "other sizes"),
        (srgan.build_generator(2, filters=4, upscale_filters=16), edsr.build(1, filters=4), None, "other sizes"),
        (srgan.build_generator(1, 1, filters=4, upscale_filters=16), edsr.build(1, filters=4), None, "other sizes"),
        (lapsrn.build(num_blocks=1, filters=4), edsr.build(1, filters=4), None, "other sizes"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    generator: keras.Model, weights: keras.Model, kept: list[int] | None, message: str
) -> None:
    before = generator.get_weights()
    with pytest.raises(ValueError, match=message):
        net2net.transfer_weights(generator, weights.get_weights(), kept)
    for mine, old in zip(generator.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, old)
