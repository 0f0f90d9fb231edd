"""The receptive field of each layer of a fully convolutional network, and the memory that it needs: from its layers alone.

Needs Keras only.
"""

import collections
import dataclasses
import math
from collections.abc import Mapping
from fractions import Fraction

import keras
from keras import layers

from sr_keras.networks import back_projection
from sr_keras.networks.layers import CropToScale, DepthToSpace, Scale, SpaceToDepth

# What computes each pixel of its output from the same pixel of its inputs.
_POINTWISE = (
    *(layers.PReLU, layers.ReLU, layers.LeakyReLU, layers.Activation),
    *(layers.BatchNormalization, layers.Rescaling, layers.Add, layers.Multiply, layers.Concatenate),
    *(CropToScale, DepthToSpace, Scale),
)


@dataclasses.dataclass(frozen=True)
class Geometry:
    """What `measure` finds. "The output" is the network's last one.

    Attributes:
        scale: how many times larger each tensor is than the input, along each axis, by the tensor's `id`.
        grid: a window must begin at a multiple of so many pixels of the input, and end at one: the smallest tensors have but
            one value for so many. 1 for most networks.
        receptive_field: of the output through each layer, by the layer's name: how far from a pixel's own place lies what it
            depends on in the layer's input, in pixels of the network's input.
        output_scale: how many times larger the output is than the input, along each axis.
        output_receptive_field: no output pixel depends on an input pixel further away, in whole pixels of the input.
        peak_values: how many values the largest layer and its tensors hold, for each pixel of the input.
        peak_margin: how far beyond a tile the layers that take so much must reach, in whole pixels of the input.
    """

    scale: Mapping[int, Fraction]
    grid: int
    receptive_field: Mapping[str, Fraction]
    output_scale: int
    output_receptive_field: int
    peak_values: int
    peak_margin: int


def measure(network: keras.Model) -> Geometry:
    """Follows a functional network from its input to its last output, and back.

    Raises:
        ValueError: a layer moves information in a way that is not known here.
    """
    scale = {id(network.input): Fraction(1)}
    for layer in network.layers[1:]:
        scale[id(layer.output)] = enlargement(layer) * max(scale[id(x)] for x in inputs_of(layer))
    output = network.outputs[-1]
    of_tensor = collections.defaultdict(Fraction, {id(output): Fraction(0)})
    receptive_field = {}
    for layer in reversed(network.layers[1:]):
        inputs = inputs_of(layer)
        receptive_field[layer.name] = of_tensor[id(layer.output)] + _own_receptive_field(layer) / scale[id(inputs[0])]
        for x in inputs:
            of_tensor[id(x)] = max(of_tensor[id(x)], receptive_field[layer.name])
    values = [(_values(layer, scale), math.ceil(of_tensor[id(layer.output)])) for layer in network.layers[1:]]
    # The result is made ready to be written in float32, which counts twice: its input, its output, and a copy.
    peak_values, peak_margin = max([*values, (2 * 3 * 3 * int(scale[id(output)]) ** 2, 0)])
    return Geometry(
        scale,
        max(each.denominator for each in scale.values()),
        receptive_field,
        output_scale=int(scale[id(output)]),
        output_receptive_field=math.ceil(of_tensor[id(network.input)]),
        peak_values=peak_values,
        peak_margin=peak_margin,
    )


def inputs_of(layer: keras.Layer) -> list[keras.KerasTensor]:
    """The tensors that a layer takes."""
    return layer.input if isinstance(layer.input, list) else [layer.input]


def enlargement(layer: keras.Layer) -> Fraction:
    """How many times larger the output of a layer is than its input, along each axis."""
    match layer:
        case layers.Conv2DTranspose():
            return Fraction(layer.strides[0])
        case layers.UpSampling2D():
            return Fraction(layer.size[0])
        case DepthToSpace():
            return Fraction(layer.block_size)
        case SpaceToDepth():
            return Fraction(1, layer.block_size)
    return Fraction(1)


def _own_receptive_field(layer: keras.Layer) -> int:
    """In pixels of the layer's input."""
    if isinstance(layer, layers.Conv2DTranspose):
        # A pixel is written to a window that begins so far before the pixels which take its place, and ends later.
        kernel, stride = int(layer.kernel_size[0]), int(layer.strides[0])
        before = (kernel - stride) // 2
        return math.ceil((kernel - stride - before) / stride)
    if isinstance(layer, layers.Conv2D) and layer.strides == (1, 1):
        return int(layer.kernel_size[0]) // 2
    if isinstance(layer, back_projection.BackProjection):
        return back_projection.RECEPTIVE_FIELD * int(layer.scale)
    if isinstance(layer, SpaceToDepth):
        # From the last pixel of those that become one to the first.
        return int(layer.block_size) - 1
    is_repeat = isinstance(layer, layers.UpSampling2D) and layer.interpolation == "nearest"
    if is_repeat or isinstance(layer, _POINTWISE):
        return 0
    raise ValueError(f"the receptive field of {layer.name} ({type(layer).__name__}) is not known")


def _values(layer: keras.Layer, scale: Mapping[int, Fraction]) -> int:
    # Twice the output: arithmetic on it makes another one before the first is freed.
    tensors = [*inputs_of(layer), layer.output, layer.output]
    values: Fraction = sum((x.shape[-1] * scale[id(x)] ** 2 for x in tensors), start=Fraction(0))
    return math.ceil(values)
