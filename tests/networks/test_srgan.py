import itertools
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from sr_keras.networks import srgan, unet_discriminator
from sr_keras.networks.layers import BatchNorm
from tests.types import TinyGenerator


def conv(kernel: int, inputs: int, outputs: int, bias: bool) -> int:
    return kernel * kernel * inputs * outputs + (outputs if bias else 0)


def norm(channels: int) -> int:
    return 4 * channels  # gamma, beta, and the moving mean and variance


def test_generator_has_the_parameters_of_figure_1() -> None:
    stem = conv(9, 3, 64, bias=True) + 64
    block = conv(3, 64, 64, bias=False) + norm(64) + 64 + conv(3, 64, 64, bias=False) + norm(64)
    trunk = conv(3, 64, 64, bias=False) + norm(64)
    first_upscale = conv(3, 64, 256, bias=True) + conv(3, 256, 256, bias=True) + 256
    second_upscale = conv(3, 256, 256, bias=True) + conv(3, 256, 256, bias=True) + 256
    head = conv(9, 256, 3, bias=True)
    expected = stem + 8 * block + trunk + first_upscale + second_upscale + head
    assert expected == 2_627_907
    assert srgan.build_generator().count_params() == expected


def test_generator_sizes_follow_the_arguments() -> None:
    stem = conv(9, 3, 5, bias=True) + 5
    trunk = conv(3, 5, 5, bias=False) + norm(5)
    upscale = conv(3, 5, 7, bias=True) + conv(3, 7, 7, bias=True) + 7
    generator = srgan.build_generator(num_blocks=0, num_upscales=1, filters=5, upscale_filters=7)
    assert generator.count_params() == stem + trunk + upscale + conv(9, 7, 3, bias=True)


def discriminator_convolutions() -> int:
    widths = [64, 64, 128, 128, 256, 256, 512, 512]
    later = [conv(3, i, o, bias=False) + norm(o) for i, o in itertools.pairwise(widths)]
    return conv(3, 3, 64, bias=True) + sum(later)


def test_discriminator_has_the_parameters_of_figure_1() -> None:
    dense = 512 * 1024 + 1024 + 1024 + 1
    assert discriminator_convolutions() + dense == 5_217_281
    assert srgan.build_discriminator().count_params() == 5_217_281


def test_image_head_flattens_first() -> None:
    discriminator = srgan.build_discriminator(head="image", hr_size=32)
    dense = 2 * 2 * 512 * 1024 + 1024 + 1024 + 1
    assert discriminator.count_params() == discriminator_convolutions() + dense
    assert discriminator(np.zeros((3, 32, 32, 3), np.float32)).shape == (3, 1)


@pytest.mark.parametrize("height, width, regions", [(256, 256, (16, 16)), (16, 33, (1, 3))])
def test_patch_head_predicts_for_each_16x16_region(height: int, width: int, regions: tuple[int, int]) -> None:
    logits = srgan.build_discriminator(filters=2)(np.zeros((1, height, width, 3), np.float32))
    assert logits.shape == (1, *regions, 1)


def test_unet_discriminator_has_the_parameters_of_its_paper() -> None:
    down = conv(4, 64, 128, bias=False) + conv(4, 128, 256, bias=False) + conv(4, 256, 512, bias=False)
    up = conv(3, 512, 256, bias=False) + conv(3, 256, 128, bias=False) + conv(3, 128, 64, bias=False)
    last = 2 * conv(3, 64, 64, bias=False) + conv(3, 64, 1, bias=True)
    expected = conv(3, 3, 64, bias=True) + down + up + last
    assert expected == 4_376_897
    discriminator = unet_discriminator.build()
    assert sum(np.prod(variable.shape) for variable in discriminator.trainable_variables) == expected
    # A vector for each kernel that is normalised, as long as its outputs.
    assert discriminator.count_params() == expected + 128 + 256 + 512 + 256 + 128 + 64 + 64 + 64


@pytest.mark.parametrize("height, width", [(8, 8), (32, 48)])
def test_unet_discriminator_predicts_for_each_pixel(height: int, width: int) -> None:
    logits = unet_discriminator.build(filters=2)(np.zeros((3, height, width, 3), np.float32))
    assert logits.shape == (3, height, width, 1)


def test_unet_discriminator_trains_every_variable(rng: np.random.Generator) -> None:
    discriminator = unet_discriminator.build(filters=2)
    with tf.GradientTape() as tape:
        logits = discriminator(rng.random((2, 16, 16, 3), dtype=np.float32), training=True)
        loss = tf.reduce_mean(tf.square(logits - 1))
    gradients = tape.gradient(loss, discriminator.trainable_variables)
    assert all(np.any(gradient != 0) for gradient in gradients)


@pytest.mark.parametrize("num_upscales", [1, 2, 3])
@pytest.mark.parametrize("height, width", [(1, 1), (5, 8)])
def test_generator_takes_any_size(tiny_generator: TinyGenerator, num_upscales: int, height: int, width: int) -> None:
    sr = tiny_generator(num_upscales)(np.zeros((2, height, width, 3), np.float32))
    assert sr.shape == (2, height * 2**num_upscales, width * 2**num_upscales, 3)


@pytest.mark.parametrize("build", [srgan.build_generator, srgan.build_discriminator, unet_discriminator.build])
def test_every_layer_is_used_once(build: Callable[[], keras.Model]) -> None:
    model = build()
    assert all(len(layer._inbound_nodes) == 1 for layer in model.layers)
    assert len({layer.name for layer in model.layers}) == len(model.layers)


@pytest.mark.parametrize("num_upscales", [1, 2, 3])
def test_interpolator_start_interpolates(tiny_generator: TinyGenerator, num_upscales: int) -> None:
    """A ramp stays a ramp, at the places where an enlargement has its pixels; borders see zeros and are left out."""
    generator = tiny_generator(num_upscales)
    srgan.init_as_interpolator(generator)
    scale = 2**num_upscales
    ramp = np.arange(16, dtype=np.float32) / 16
    lr = np.broadcast_to(ramp[:, np.newaxis, np.newaxis], (16, 12, 3))
    places = (np.arange(16 * scale) + 0.5) / scale - 0.5
    sr = np.array(generator(lr[np.newaxis]))[0]
    inside = slice(4 * scale, -4 * scale)
    np.testing.assert_allclose(
        sr[inside, inside, 1], np.broadcast_to(places[inside, np.newaxis] / 16, (8 * scale, 4 * scale)), atol=1e-5
    )


def test_interpolator_start_keeps_colours(tiny_generator: TinyGenerator) -> None:
    generator = tiny_generator()
    srgan.init_as_interpolator(generator)
    lr = np.broadcast_to(np.array([0.2, 0.5, 0.9], np.float32), (1, 12, 12, 3))
    sr = np.array(generator(lr))[0, 16:-16, 16:-16]
    np.testing.assert_allclose(sr, np.broadcast_to(np.array([0.2, 0.5, 0.9], np.float32), sr.shape), atol=1e-5)


def test_interpolator_refuses_what_it_cannot_compensate(tiny_generator: TinyGenerator) -> None:
    with pytest.raises(ValueError, match="at most 3 upscaling blocks, got 4"):
        srgan.init_as_interpolator(tiny_generator(num_upscales=4))


def test_last_convolution_is_a_plain_one(rng: np.random.Generator, tiny_generator: TinyGenerator) -> None:
    head = tiny_generator().get_layer("head_conv")
    head.bias.assign([0.1, 0.2, 0.3])
    x = rng.random((2, 14, 22, 4), dtype=np.float32)
    plain = keras.ops.conv(x, head.kernel, padding="same") + head.bias
    np.testing.assert_allclose(head(x), plain, atol=1e-5)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_outputs_are_float32_in_every_precision(
    policy: Callable[[str], None], precision: str, tiny_generator: TinyGenerator
) -> None:
    policy(precision)
    photo = np.zeros((1, 16, 16, 3), np.float32)
    normalised = srgan.build_discriminator(filters=2, spectral_norm=True)
    for model in (tiny_generator(), srgan.build_discriminator(filters=2), normalised, unet_discriminator.build(filters=2)):
        assert keras.backend.standardize_dtype(model(photo).dtype) == "float32"


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: srgan.build_generator(num_blocks=-1), "num_blocks must be at least 0, got -1"),
        (lambda: srgan.build_generator(num_upscales=0), "num_upscales must be at least 1, got 0"),
        (lambda: srgan.build_generator(filters=2), "filters must be at least 3, got 2"),
        (lambda: srgan.build_discriminator(head="round"), "got 'round'"),
        (lambda: srgan.build_discriminator(head="image"), "needs hr_size, got None"),
    ],
)
def test_wrong_sizes_are_refused(build: Callable[[], keras.Model], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("shape", [(3, 6, 8, 4), (1, 1, 1, 4)])
def test_batch_norm_trains_as_that_of_keras(rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    ours, kerass = BatchNorm(), keras.layers.BatchNormalization()
    x, slopes = (tf.constant(rng.normal(size=shape), tf.float32) for _ in range(2))
    found = []
    for layer in (ours, kerass):
        layer.build(shape)
        layer.set_weights(list(np.array([[0.5, 1, 2, 3], [0, 1, 2, 3], [0, 0, 1, 1], [1, 2, 3, 4]], np.float32)))
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(slopes * layer(x, training=True))
        gradients = tape.gradient(loss, [x, *layer.trainable_variables])
        found.append([loss, *gradients, *layer.get_weights(), layer(x, training=False)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_batch_norm_trains_in_every_precision(policy: Callable[[str], None], rng: np.random.Generator, precision: str) -> None:
    policy(precision)
    norm = BatchNorm()
    x = rng.normal(3, 2, size=(4, 8, 8, 4)).astype(np.float32)
    y = tf.cast(norm(x, training=True), tf.float32)
    np.testing.assert_allclose(tf.math.reduce_std(y, axis=(0, 1, 2)), np.ones(4), atol=0.02)
    assert norm.moving_variance.dtype == "float32"


@pytest.mark.parametrize("precision", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_spectral_norm_brings_the_largest_singular_value_to_1(policy: Callable[[str], None], precision: str) -> None:
    policy(precision)
    discriminator = unet_discriminator.build(filters=2)
    train = tf.function(lambda: discriminator(tf.zeros((1, 8, 8, 3)), training=True))
    for _ in range(200):
        train()
    kernels = [layer.kernel for layer in discriminator.layers if layer.name.endswith("_spectral")]
    assert len(kernels) == 8
    for kernel in kernels:
        largest = np.linalg.norm(np.reshape(kernel, (-1, kernel.shape[-1])), 2)
        assert largest == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_spectral_norm_rounds_no_kernel(policy: Callable[[str], None], precision: str) -> None:
    """What it does to kernels is the same in every precision."""
    exact = unet_discriminator.build(filters=2)
    policy(precision)
    rounded = unet_discriminator.build(filters=2)
    rounded.set_weights(exact.get_weights())
    for discriminator in (exact, rounded):
        discriminator(np.zeros((1, 8, 8, 3), np.float32), training=True)
    for one, other in zip(exact.get_weights(), rounded.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
