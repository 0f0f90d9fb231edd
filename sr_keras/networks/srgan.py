"""The paper's two networks (figure 1) as Keras functional models; kN-nC-sS is kernel, channels, stride.

Needs Keras only, so the networks run on any of its backends. Their outputs are float32 under every precision policy.
"""

import math
from collections.abc import Callable

import keras
import numpy as np
from keras import KerasTensor, layers, ops

from sr_keras.networks import interpolation, sizes
from sr_keras.networks.layers import BatchNorm, BlockedConv2D, PReLU, leaky_relu, with_spectral_norm

_HEAD_KERNEL = 9


def build_generator(num_blocks: int = 8, num_upscales: int = 2, filters: int = 64, upscale_filters: int = 256) -> keras.Model:
    """The generator of figure 1: `[B, h, w, 3]` to `[B, 2^u h, 2^u w, 3]`, any h and w, RGB in [0, 1].

    The last layer is linear: values may leave [0, 1] a little, and whoever writes a file clips them.

    Args:
        num_blocks: residual blocks (b).
        num_upscales: upscaling blocks (u); each doubles height and width.
        filters: channels of the residual blocks, at least 3.
        upscale_filters: channels of the upscaling blocks, at least 3.

    Raises:
        ValueError: an argument is below its smallest value.
    """
    sizes.require_at_least(0, num_blocks=num_blocks)
    sizes.require_at_least(1, num_upscales=num_upscales)
    sizes.require_at_least(3, filters=filters, upscale_filters=upscale_filters)
    lr = keras.Input((None, None, 3), name="lr")
    x = skip = _prelu(layers.Conv2D(filters, 9, padding="same", name="stem_conv")(lr), "stem_prelu")
    for index in range(num_blocks):
        x = _residual_block(x, filters, f"block{index}")
    x = layers.Add(name="trunk_add")([_conv_norm(x, filters, "trunk_conv", "trunk_norm"), skip])
    for index in range(num_upscales):
        x = _upscale_block(x, upscale_filters, f"up{index}")
    sr = BlockedConv2D(3, _HEAD_KERNEL, padding="same", name="head_conv")(x)
    return keras.Model(lr, sr, name="generator")


def build_discriminator(
    filters: int = 64, head: str = "patch", hr_size: int | None = None, spectral_norm: bool = False
) -> keras.Model:
    """The discriminator of figure 1: `[B, H, W, 3]` in [0, 1] to logits; a large logit means "real".

    The sigmoid that figure 1 ends with is in the loss, where it is stable.

    Args:
        filters: channels of the first convolution; the last ones have 8 times as many.
        head: "patch" applies the dense layers to the last axis, as figure 1 draws them: a logit for each 16x16 region,
            `[B, ceil(H / 16), ceil(W / 16), 1]`, any size. "image" flattens first, as Ledig et al. 2016 do: one logit a
            photo, `[B, 1]`.
        hr_size: height and width of the photos, in pixels; needed by `head="image"` alone.
        spectral_norm: keep the largest singular value of each kernel at 1 (Miyato et al. 2018), so that predictions change no
            faster than photos do. Each training pass divides the kernels.

    Raises:
        ValueError: `head` is unknown, or "image" without `hr_size`.
    """
    if head not in ("patch", "image"):
        raise ValueError(f'head must be "patch" or "image", got {head!r}')
    if head == "image" and hr_size is None:
        raise ValueError('head="image" needs hr_size, got None')
    size = hr_size if head == "image" else None
    wrap = with_spectral_norm if spectral_norm else _as_it_is
    photo = keras.Input((size, size, 3), name="photo")
    x = leaky_relu(wrap(layers.Conv2D(filters, 3, padding="same", name="conv0"))(photo))
    for index, (width, strides) in enumerate([(1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 2)], start=1):
        x = leaky_relu(_conv_norm(x, width * filters, f"conv{index}", f"norm{index}", strides, wrap))
    if head == "image":
        x = layers.Flatten(name="flatten")(x)
    x = leaky_relu(wrap(layers.Dense(1024, name="dense0"))(x))
    logits = wrap(layers.Dense(1, dtype="float32", name="dense1"))(x)
    return keras.Model(photo, logits, name="discriminator")


def init_as_interpolator(generator: keras.Model) -> None:
    """Turns a new `build_generator` network into a plain interpolator, from which training goes on.

    Colours pass through the first three channels: every residual branch starts closed (gamma 0 in its last batch norm), the
    transposed convolutions interpolate linearly, and the last convolution moves the picture to where its pixels belong. All
    other weights stay random. A network that starts at random is worse than bicubic for a long while.

    Raises:
        ValueError: there are more upscaling blocks than the last convolution can compensate for.
    """
    upscales = [layer for layer in generator.layers if isinstance(layer, layers.Conv2DTranspose)]
    # A transposed convolution writes pixel i to 2i + 1, while its middle belongs to 2i + 0.5; u of them add up to this.
    shift = (2 ** len(upscales) - 1) / 2
    if shift + 0.5 > _HEAD_KERNEL // 2:
        raise ValueError(f"an interpolator has at most 3 upscaling blocks, got {len(upscales)}")
    interpolation.pass_colours(generator.get_layer("stem_conv"), np.eye(9)[4])
    for index, conv_transpose in enumerate(upscales):
        interpolation.pass_colours(generator.get_layer(f"up{index}_conv"), np.eye(3)[1])
        interpolation.pass_colours(conv_transpose, np.array([0.5, 1, 0.5]))
    taps = np.zeros(_HEAD_KERNEL)
    taps[_HEAD_KERNEL // 2 + math.floor(shift) : _HEAD_KERNEL // 2 + math.floor(shift) + 2] = 0.5
    interpolation.pass_colours(generator.get_layer("head_conv"), taps)
    for layer in generator.layers:
        if layer.name.endswith("norm2") or layer.name == "trunk_norm":
            layer.gamma.assign(ops.zeros_like(layer.gamma))


def _residual_block(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    branch = _prelu(_conv_norm(x, filters, f"{name}_conv1", f"{name}_norm1"), f"{name}_prelu")
    branch = _conv_norm(branch, filters, f"{name}_conv2", f"{name}_norm2")
    return layers.Add(name=f"{name}_add")([x, branch])


def _upscale_block(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv")(x)
    x = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", name=f"{name}_conv_transpose")(x)
    return _prelu(x, f"{name}_prelu")


def _as_it_is(layer: keras.Layer) -> keras.Layer:
    return layer


def _conv_norm(
    x: KerasTensor, filters: int, conv: str, norm: str, strides: int = 1, wrap: Callable[[keras.Layer], keras.Layer] = _as_it_is
) -> KerasTensor:
    # Batch norm subtracts the mean, and with it any bias.
    x = wrap(layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False, name=conv))(x)
    return BatchNorm(name=norm)(x)


def _prelu(x: KerasTensor, name: str) -> KerasTensor:
    return PReLU(name=name)(x)
