"""The paper's two networks (figure 1) as Keras functional models; kN-nC-sS is kernel, channels, stride.

Needs Keras only, so the networks run on any of its backends. Their outputs are float32 under every precision policy.
"""

import math

import keras
import numpy as np
from keras import KerasTensor, layers, ops

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
        ValueError: a number is below its smallest value.
    """
    _require_at_least(0, num_blocks=num_blocks)
    _require_at_least(1, num_upscales=num_upscales)
    _require_at_least(3, filters=filters, upscale_filters=upscale_filters)
    lr = keras.Input((None, None, 3), name="lr")
    x = skip = _prelu(layers.Conv2D(filters, 9, padding="same", name="stem_conv")(lr), "stem_prelu")
    for index in range(num_blocks):
        x = _residual_block(x, filters, f"block{index}")
    x = layers.Add(name="trunk_add")([_conv_norm(x, filters, "trunk_conv", "trunk_norm"), skip])
    for index in range(num_upscales):
        x = _upscale_block(x, upscale_filters, f"up{index}")
    sr = _BlockedConv2D(3, _HEAD_KERNEL, padding="same", name="head_conv")(x)
    return keras.Model(lr, sr, name="generator")


def build_discriminator(filters: int = 64, head: str = "patch", hr_size: int | None = None) -> keras.Model:
    """The discriminator of figure 1: `[B, H, W, 3]` in [0, 1] to logits; a large logit says "an original".

    The sigmoid that figure 1 ends with is in the loss, where it is stable.

    Args:
        filters: channels of the first convolution; the last ones have 8 times as many.
        head: "patch" applies the dense layers to the last axis, as figure 1 draws them: a verdict on each 16x16 region,
            `[B, ceil(H / 16), ceil(W / 16), 1]`, any size. "image" flattens first, as Ledig et al. 2016 do: one verdict a
            photo, `[B, 1]`.
        hr_size: height and width of the photos, in pixels; needed by `head="image"` alone.

    Raises:
        ValueError: `head` is unknown, or "image" without `hr_size`.
    """
    if head not in ("patch", "image"):
        raise ValueError(f'head must be "patch" or "image", got {head!r}')
    if head == "image" and hr_size is None:
        raise ValueError('head="image" needs hr_size, got None')
    size = hr_size if head == "image" else None
    photo = keras.Input((size, size, 3), name="photo")
    x = _leaky_relu(layers.Conv2D(filters, 3, padding="same", name="conv0")(photo))
    for index, (width, strides) in enumerate([(1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 2)], start=1):
        x = _leaky_relu(_conv_norm(x, width * filters, f"conv{index}", f"norm{index}", strides))
    if head == "image":
        x = layers.Flatten(name="flatten")(x)
    x = _leaky_relu(layers.Dense(1024, name="dense0")(x))
    logits = layers.Dense(1, dtype="float32", name="dense1")(x)
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
    _pass_colours(generator.get_layer("stem_conv"), np.eye(9)[4])
    for index, conv_transpose in enumerate(upscales):
        _pass_colours(generator.get_layer(f"up{index}_conv"), np.eye(3)[1])
        _pass_colours(conv_transpose, np.array([0.5, 1, 0.5]))
    taps = np.zeros(_HEAD_KERNEL)
    taps[_HEAD_KERNEL // 2 + math.floor(shift) : _HEAD_KERNEL // 2 + math.floor(shift) + 2] = 0.5
    _pass_colours(generator.get_layer("head_conv"), taps)
    for layer in generator.layers:
        if layer.name.endswith("norm2") or layer.name == "trunk_norm":
            layer.gamma.assign(ops.zeros_like(layer.gamma))


def scale_and_reach(generator: keras.Model) -> tuple[int, int]:
    """How much a fully convolutional network enlarges, and how far it sees.

    Returns:
        `(scale, reach)`: an output pixel depends on no input pixel more than `reach` input pixels away from its own place.

    Raises:
        ValueError: a layer moves information in a way that is not known here.
    """
    seen = {id(generator.input): (1, 0.0)}
    for layer in generator.layers[1:]:
        scale, reach = map(max, zip(*(seen[id(x)] for x in _as_list(layer.input)), strict=True))
        if isinstance(layer, layers.Conv2DTranspose):
            reach += (layer.kernel_size[0] // 2) / scale
            scale *= layer.strides[0]
        elif isinstance(layer, layers.Conv2D) and layer.strides == (1, 1):
            reach += (layer.kernel_size[0] // 2) / scale
        elif not isinstance(layer, (layers.PReLU, layers.BatchNormalization, layers.Add)):
            raise ValueError(f"how far {layer.name} ({type(layer).__name__}) sees is not known")
        seen[id(layer.output)] = (scale, reach)
    scale, reach = seen[id(generator.output)]
    return scale, math.ceil(reach)


class _BlockedConv2D(layers.Conv2D):
    """A convolution of few output channels, computed for 2x2 output pixels at once; height and width must be even.

    The same sums on the same weights. With 3 output channels a CPU runs it at 2 to 3 times the speed of the plain form, because
    the channels fill its vector registers better. The output is float32 under every precision policy.
    """

    def call(self, inputs: KerasTensor) -> KerasTensor:
        offsets = [(0, 0), (0, 1), (1, 0), (1, 1)]
        kernel = ops.concatenate([ops.pad(self.kernel, [[y, 1 - y], [x, 1 - x], [0, 0], [0, 0]]) for y, x in offsets], axis=-1)
        blocks = ops.conv(inputs, kernel, strides=2, padding="same")
        # Depth to space, written out: Keras 3.12, the last for Python 3.10, has no operation for it.
        batch, height, width, _ = ops.shape(blocks)
        pixels = ops.reshape(ops.cast(blocks, "float32"), (batch, height, width, 2, 2, self.filters))
        pixels = ops.reshape(ops.transpose(pixels, (0, 1, 3, 2, 4, 5)), (batch, 2 * height, 2 * width, self.filters))
        return pixels + ops.cast(self.bias, "float32")

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return KerasTensor(self.compute_output_shape(inputs.shape), "float32")


def _residual_block(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    branch = _prelu(_conv_norm(x, filters, f"{name}_conv1", f"{name}_norm1"), f"{name}_prelu")
    branch = _conv_norm(branch, filters, f"{name}_conv2", f"{name}_norm2")
    return layers.Add(name=f"{name}_add")([x, branch])


def _upscale_block(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv")(x)
    x = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", name=f"{name}_conv_transpose")(x)
    return _prelu(x, f"{name}_prelu")


def _conv_norm(x: KerasTensor, filters: int, conv: str, norm: str, strides: int = 1) -> KerasTensor:
    # Batch norm subtracts the mean, and with it any bias.
    x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False, name=conv)(x)
    return layers.BatchNormalization(name=norm)(x)


def _prelu(x: KerasTensor, name: str) -> KerasTensor:
    # One slope per channel: a slope per pixel would tie the network to one size.
    return layers.PReLU(shared_axes=[1, 2], name=name)(x)


def _leaky_relu(x: KerasTensor) -> KerasTensor:
    return layers.LeakyReLU(negative_slope=0.2)(x)


def _pass_colours(layer: keras.Layer, taps: np.ndarray) -> None:
    """Makes the first three output channels of a convolution the first three input channels, each filtered by `taps`."""
    kernel = np.array(layer.kernel)
    transposed = isinstance(layer, layers.Conv2DTranspose)
    colours = kernel.swapaxes(2, 3) if transposed else kernel  # a view: [kh, kw, in, out]
    colours[..., :3] = 0
    colours[:, :, range(3), range(3)] = np.outer(taps, taps)[..., np.newaxis]
    layer.kernel.assign(kernel)


def _as_list(tensors: KerasTensor | list[KerasTensor]) -> list[KerasTensor]:
    return tensors if isinstance(tensors, list) else [tensors]


def _require_at_least(smallest: int, **numbers: int) -> None:
    for name, number in numbers.items():
        if number < smallest:
            raise ValueError(f"{name} must be at least {smallest}, got {number}")
