"""The optimised graph of a trained generator: the same arithmetic on the same weights, arranged for the processor.

- Batch norms are folded into the convolutions before them.
- Features are bfloat16 or float16 where the caller asks for it. The photo's levels enter as whole numbers, which these formats
  hold exactly, and pictures are float32. A network's last convolution returns the difference from an interpolated photo, which
  is small where the photo is smooth; so flat areas come out exact. Where the network adds pictures itself, or shuffles colours
  at the end, that convolution is a small share of the work, and all in float32.
- A layer computes what the layers after it need for the tile, not the whole window.
"""

import collections
import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import keras
import tensorflow as tf
from keras import layers

from sr_keras.inference import model_info
from sr_keras.networks import back_projection, receptive_field
from sr_keras.networks.layers import CropToScale, DepthToSpace, Scale, SpaceToDepth, blocked_conv

# A crop copies its tensor: to save fewer pixels than that at each side costs more than it brings.
_LEAST_CROP = 6

NOT_FINITE = model_info.NOT_FINITE

TileFunction = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


def tile_function(network: keras.Model, photo_type: tf.DType, precision: str) -> TileFunction:
    """A function `(window, start, size)` that upscales the tile `[start, start + size)` of a window.

    It accepts `[h, w, 3]` and twice int32 `[2]` (y, x), and returns `[s * size[0], s * size[1], 3]`. It sees later changes of
    the network's weights. It raises InvalidArgumentError where the network computes values that are not finite.

    Args:
        network: a functional model that computes in float32.
        photo_type: uint8 or uint16, of the window and of the result.
        precision: one of `model_info.PRECISIONS`.
    """

    def upscale(window: tf.Tensor, start: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        sr = _Pass(network, tf.as_dtype(precision), window, start, size).run()
        sr = tf.clip_by_value(tf.debugging.check_numerics(sr, NOT_FINITE), 0.0, 1.0)
        return tf.cast(tf.round(sr * photo_type.max), photo_type)

    return upscale


def rounded(kernel: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Rounds a float32 kernel `[kh, kw, m, n]` and keeps the sums over its window, and with them the colour of flat areas.

    The rounding error of a sum is added to the smallest weight in it, which has the finest steps.
    """
    if dtype == tf.float32:
        return kernel
    taps = tf.reshape(kernel, [-1, *kernel.shape[2:]])
    plainly = tf.cast(tf.cast(taps, dtype), tf.float32)
    smallest = tf.one_hot(tf.argmin(tf.abs(taps), axis=0), depth=taps.shape[0], axis=0)
    return tf.cast(tf.reshape(plainly + smallest * tf.reduce_sum(taps - plainly, axis=0), kernel.shape), dtype)


class _Map(NamedTuple):
    """A tensor `[1, h, w, C]` of the tile and `margin` pixels of the input around it; None is the whole window."""

    tensor: tf.Tensor
    scale: Fraction
    margin: int | None = None


class _Tile:
    """Where the tile lies in its window: int32 `[2]` (y, x), in pixels of the input."""

    def __init__(self, window_size: tf.Tensor, start: tf.Tensor, size: tf.Tensor) -> None:
        self.window_size, self._start, self._size = window_size, start, size
        self._regions: dict[int | None, tuple[tf.Tensor, tf.Tensor]] = {None: (tf.zeros_like(window_size), window_size)}

    def crop(self, x: _Map, margin: int | None) -> _Map:
        """Cuts a map down to a margin."""
        if x.margin == margin:
            return x
        (start, size), (outer_start, _) = self._region(margin), self._region(x.margin)
        begin = tf.concat([[0], _scaled(start - outer_start, x.scale), [0]], 0)
        shape = tf.concat([[1], _scaled(size, x.scale), [x.tensor.shape[-1]]], 0)
        return _Map(tf.slice(x.tensor, begin, shape), x.scale, margin)

    def _region(self, margin: int | None) -> tuple[tf.Tensor, tf.Tensor]:
        """Where a map with such a margin begins in the window, and its size."""
        if margin is not None and margin not in self._regions:
            # Like windows, it slides inward at the edges of the photo: so the maps of all tiles have one shape.
            size = tf.minimum(self.window_size, self._size + 2 * margin)
            self._regions[margin] = tf.clip_by_value(self._start - margin, 0, self.window_size - size), size
        return self._regions[margin]


def _scaled(pixels: tf.Tensor, scale: Fraction) -> tf.Tensor:
    """Whole pixels of the input as those of a map."""
    if scale.denominator == 1:
        return scale.numerator * pixels
    return scale.numerator * pixels // scale.denominator


class _Pass:
    """One pass of a window through a functional network, layer by layer, as it is traced."""

    def __init__(self, network: keras.Model, dtype: tf.DType, window: tf.Tensor, start: tf.Tensor, size: tf.Tensor) -> None:
        self._network = network
        self._dtype = dtype
        self._tile = _Tile(tf.shape(window)[:2], start, size)
        # The tensors that hold the photo's levels in another arrangement: whole numbers, up to white.
        self._levels = {id(network.input): _Map(tf.cast(window, tf.float32)[tf.newaxis], Fraction(1))}
        self._white = float(window.dtype.max)
        measured = receptive_field.measure(network)
        # The margin around a tile that each layer must still have in its input.
        self._needed, self._grid = measured.receptive_field, measured.grid
        self._folded = _folded_norms(network)
        self._of_pictures = _picture_layers(network)
        self._last, self._after_last = _last_convolution(network)

    def run(self) -> tf.Tensor:
        """`[s * size[0], s * size[1], 3]`, float32, near [0, 1]."""
        photo = id(self._network.input)
        maps = {photo: _Map(self._levels[photo].tensor / self._white, Fraction(1))}
        for layer in self._network.layers[1:]:
            inputs = self._cropped([maps[id(symbol)] for symbol in receptive_field.inputs_of(layer)], self._needed[layer.name])
            scale = inputs[0].scale * receptive_field.enlargement(layer)
            maps[id(layer.output)] = _Map(self._apply(layer, inputs), scale, inputs[0].margin)
        return self._tile.crop(maps[id(self._network.outputs[-1])], 0).tensor[0]

    def _cropped(self, inputs: list[_Map], needed: Fraction) -> list[_Map]:
        """Brings the inputs of a layer to one margin: the smallest that does, if that saves enough."""
        margins = [x.margin for x in inputs if x.margin is not None]
        smallest = math.ceil(needed / self._grid) * self._grid
        if not margins or min(margins) - smallest >= _LEAST_CROP:
            margins = [smallest]
        return [self._tile.crop(x, min(margins)) for x in inputs]

    def _apply(self, layer: keras.Layer, inputs: list[_Map]) -> tf.Tensor:
        x = inputs[0].tensor
        match layer:
            case layers.Conv2DTranspose():
                return self._conv_transpose(layer, x)
            case layers.Conv2D():
                convolve = self._conv_to_colours if layer in self._of_pictures else self._conv
                return convolve(layer, inputs[0])
            case layers.BatchNormalization() if layer in self._folded.values():
                return x
            case layers.BatchNormalization():
                slope, offset = _affine(layer)
                return x * self._cast(slope) + self._cast(offset)
            case layers.PReLU():
                return tf.where(x > 0, x, self._cast(layer.alpha) * x)
            case layers.LeakyReLU():
                return tf.nn.leaky_relu(x, layer.negative_slope)
            case layers.ReLU():
                return tf.nn.relu(x)
            case layers.Activation() if layer.activation is keras.activations.tanh:
                return tf.tanh(x)
            case layers.Rescaling():
                return tf.cast(x, tf.float32) * layer.scale + layer.offset
            case layers.Activation() if layer.activation is keras.activations.silu:
                return tf.nn.silu(x)
            case layers.Multiply():
                return math.prod((other.tensor for other in inputs[1:]), start=x)
            case layers.Add():
                return tf.add_n([x.tensor for x in inputs])
            case layers.Concatenate():
                return tf.concat([x.tensor for x in inputs], axis=-1)
            case layers.UpSampling2D() if layer.interpolation == "nearest":
                return tf.repeat(tf.repeat(x, layer.size[0], axis=1), layer.size[1], axis=2)
            case Scale():
                # A factor in 16 bits would be off by the same share everywhere.
                return tf.cast(tf.cast(x, tf.float32) * layer.factor, x.dtype)
            case DepthToSpace():
                # TensorFlow refuses blocks of one pixel.
                return tf.nn.depth_to_space(x, layer.block_size) if layer.block_size > 1 else x
            case SpaceToDepth():
                return self._space_to_depth(layer, x)
            case CropToScale():
                # Windows end where blocks do, so that nothing was reflected.
                return x
            case back_projection.BackProjection():
                return layer.call([x.tensor for x in inputs])
        raise ValueError(f"the optimised graph has no {type(layer).__name__} ({layer.name})")

    def _conv(self, layer: layers.Conv2D, x: _Map) -> tf.Tensor:
        kernel, bias = self._weights(layer)
        tensor = x.tensor
        if levels := self._levels.get(id(layer.input)):
            # Levels up to 255 are exact in every format; their 255th parts are not.
            tensor, kernel = self._tile.crop(levels, x.margin).tensor, kernel / self._white
        tensor, kernel = _paired(tensor, kernel)
        return tf.nn.bias_add(tf.nn.conv2d(self._cast(tensor), rounded(kernel, self._dtype), 1, "SAME"), self._cast(bias))

    def _space_to_depth(self, layer: SpaceToDepth, x: tf.Tensor) -> tf.Tensor:
        if levels := self._levels.get(id(layer.input)):
            blocks = tf.nn.space_to_depth(levels.tensor, layer.block_size)
            self._levels[id(layer.output)] = _Map(blocks, levels.scale / layer.block_size)
        return tf.nn.space_to_depth(x, layer.block_size)

    def _conv_transpose(self, layer: layers.Conv2DTranspose, x: tf.Tensor) -> tf.Tensor:
        batch, height, width, _ = tf.unstack(tf.shape(x))
        stride = layer.strides[0]
        shape = tf.stack([batch, stride * height, stride * width, layer.filters])
        dtype = tf.float32 if layer in self._of_pictures else self._dtype
        kernel = rounded(tf.convert_to_tensor(layer.kernel), dtype)
        sums = tf.nn.conv2d_transpose(tf.cast(x, dtype), kernel, shape, stride, "SAME")
        return tf.nn.bias_add(sums, tf.cast(layer.bias, dtype))

    def _conv_to_colours(self, layer: layers.Conv2D, x: _Map) -> tf.Tensor:
        kernel, bias = self._weights(layer)
        if self._dtype == tf.float32 or layer.name != self._last:
            features = tf.cast(x.tensor, tf.float32)
            if layer.filters > 3:  # places of pixels to be, which the layers after it shuffle
                return tf.nn.conv2d(features, kernel, 1, "SAME") + bias
            return self._conv_to_few(features, kernel, x.scale) + bias
        # The sums are exact, but what a convolution returns is rounded to the format. So it also subtracts an interpolated
        # photo, within the sums; that is added again in float32.
        photo = self._interpolated(x)
        middle = layer.kernel_size[0] // 2
        subtract = tf.pad(-tf.eye(3)[tf.newaxis, tf.newaxis], [[middle, middle], [middle, middle], [0, 0], [0, 0]])
        features, kernel = _paired(tf.concat([x.tensor, photo], axis=-1), tf.concat([kernel, subtract], axis=2))
        difference = self._conv_to_few(features, rounded(kernel, self._dtype), x.scale)
        return difference + tf.cast(photo, tf.float32) + bias

    def _conv_to_few(self, features: tf.Tensor, kernel: tf.Tensor, scale: Fraction) -> tf.Tensor:
        """A convolution of few output channels, float32; 2x2 pixels at once where height and width are even at any size."""
        if scale * self._grid % 2 == 0:
            return blocked_conv(features, kernel)
        return tf.cast(tf.nn.conv2d(features, kernel, 1, "SAME"), tf.float32)

    def _interpolated(self, x: _Map) -> tf.Tensor:
        """The photo in the size and the units of the last convolution's output, rounded to the format."""
        levels = self._levels[id(self._network.input)].tensor
        photo = tf.image.resize(levels / self._white, _scaled(self._tile.window_size, x.scale), "bilinear")
        for rescaling in self._after_last:
            photo = (photo - rescaling.offset) / rescaling.scale
        return self._cast(self._tile.crop(_Map(photo, x.scale), x.margin).tensor)

    def _weights(self, layer: layers.Conv2D) -> tuple[tf.Tensor, tf.Tensor]:
        """Kernel and bias in float32, with the batch norm that follows."""
        kernel = tf.convert_to_tensor(layer.kernel)
        bias = tf.convert_to_tensor(layer.bias) if layer.use_bias else tf.zeros([layer.filters])
        if norm := self._folded.get(layer.name):
            slope, offset = _affine(norm)
            return kernel * slope, bias * slope + offset
        return kernel, bias

    def _cast(self, x: tf.Tensor | keras.Variable) -> tf.Tensor:
        return tf.cast(tf.convert_to_tensor(x), self._dtype)


def _paired(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Adds a channel of zeros where their number is odd.

    oneDNN takes bfloat16 channels in pairs. With 259 channels its convolution was seen to give NaN, depending on what lay in
    memory behind the last one; with 260 it does not.
    """
    if x.shape[-1] % 2 == 0:
        return x, kernel
    return tf.pad(x, [[0, 0], [0, 0], [0, 0], [0, 1]]), tf.pad(kernel, [[0, 0], [0, 0], [0, 1], [0, 0]])


def _folded_norms(network: keras.Model) -> dict[str, layers.BatchNormalization]:
    """The batch norms whose input is a convolution's output that nothing else takes, by the convolution's name."""
    takers = collections.Counter(id(x) for layer in network.layers[1:] for x in receptive_field.inputs_of(layer))
    convolutions = {id(layer.output): layer.name for layer in network.layers if type(layer) is layers.Conv2D}
    return {
        convolutions[id(layer.input)]: layer
        for layer in network.layers
        if isinstance(layer, layers.BatchNormalization) and id(layer.input) in convolutions and takers[id(layer.input)] == 1
    }


def _picture_layers(network: keras.Model) -> list[keras.Layer]:
    """The layers that return pictures: the convolutions from features to colours, and all layers after them."""
    producers = _producers(network)
    found, symbols = [], [network.outputs[-1]]
    while symbols:
        layer = producers[id(symbols.pop())]
        found.append(layer)
        if not isinstance(layer, (layers.Conv2D, layers.InputLayer)):
            symbols += receptive_field.inputs_of(layer)
    return found


def _last_convolution(network: keras.Model) -> tuple[str | None, list[layers.Rescaling]]:
    """The name of the convolution that computes the colours, if the network ends with one, and the rescalings after it."""
    producers = _producers(network)
    layer, after = producers[id(network.outputs[-1])], []
    if isinstance(layer, back_projection.BackProjection):
        layer = producers[id(receptive_field.inputs_of(layer)[0])]
    if isinstance(layer, CropToScale):
        layer = producers[id(receptive_field.inputs_of(layer)[0])]
    while isinstance(layer, layers.Rescaling):
        after.append(layer)
        layer = producers[id(layer.input)]
    return (layer.name, after) if isinstance(layer, layers.Conv2D) else (None, [])


def _producers(network: keras.Model) -> dict[int, keras.Layer]:
    """The layer that returns a tensor, by the tensor's `id`."""
    return {id(layer.output): layer for layer in network.layers}


def _affine(norm: layers.BatchNormalization) -> tuple[tf.Tensor, tf.Tensor]:
    """Slope and offset of what a batch norm does to each channel once it is trained."""
    slope = norm.gamma * tf.math.rsqrt(norm.moving_variance + norm.epsilon)
    return slope, norm.beta - norm.moving_mean * slope
