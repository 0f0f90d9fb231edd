"""How far each layer of a fully convolutional network sees, and how much memory its work needs: from its layers alone.

Needs Keras only.
"""

import collections
import dataclasses
import math
from collections.abc import Mapping

import keras
from keras import layers

from sr_keras.networks import back_projection, blocks

# What computes each pixel of its output from the same pixel of its inputs.
_POINTWISE = (
    *(layers.PReLU, layers.ReLU, layers.LeakyReLU, layers.Activation),
    *(layers.BatchNormalization, layers.Rescaling, layers.Add, blocks.DepthToSpace),
)


@dataclasses.dataclass(frozen=True)
class Geometry:
    """What `measure` finds. "The output" is the network's last one.

    Attributes:
        scale: how many times larger each tensor is than the input, along each axis, by the tensor's `id`.
        reach: how far the output sees, through each layer, beyond the place of a pixel of what that layer takes, in pixels of
            the input, by the layer's name.
        scale_of_output: how many times larger the output is than the input, along each axis.
        reach_of_output: no output pixel depends on an input pixel further away, in whole pixels of the input.
        peak_values: how many numbers a layer and its tensors take at most, for each pixel of the input.
        peak_margin: how far beyond a tile the layers that take so much must reach, in whole pixels of the input.
        operations: multiplications and additions of the convolutions, for each pixel of the input.
    """

    scale: Mapping[int, int]
    reach: Mapping[str, float]
    scale_of_output: int
    reach_of_output: int
    peak_values: int
    peak_margin: int
    operations: int


def measure(network: keras.Model) -> Geometry:
    """Follows a functional network from its input to its last output, and back.

    Raises:
        ValueError: a layer moves information in a way that is not known here.
    """
    scale = {id(network.input): 1}
    for layer in network.layers[1:]:
        scale[id(layer.output)] = enlargement(layer) * max(scale[id(x)] for x in inputs_of(layer))
    output = network.outputs[-1]
    reach_of_tensor = collections.defaultdict(float, {id(output): 0.0})
    reach = {}
    for layer in reversed(network.layers[1:]):
        inputs = inputs_of(layer)
        reach[layer.name] = reach_of_tensor[id(layer.output)] + _own_reach(layer) / scale[id(inputs[0])]
        for x in inputs:
            reach_of_tensor[id(x)] = max(reach_of_tensor[id(x)], reach[layer.name])
    values = [(_values(layer, scale), math.ceil(reach_of_tensor[id(layer.output)])) for layer in network.layers[1:]]
    # The result is made ready to be written in float32, which counts twice: what a step takes, what it gives, and a copy.
    peak_values, peak_margin = max([*values, (2 * 3 * 3 * scale[id(output)] ** 2, 0)])
    return Geometry(
        scale,
        reach,
        scale_of_output=scale[id(output)],
        reach_of_output=math.ceil(reach_of_tensor[id(network.input)]),
        peak_values=peak_values,
        peak_margin=peak_margin,
        operations=sum(_operations(layer, scale) for layer in network.layers[1:]),
    )


def inputs_of(layer: keras.Layer) -> list[keras.KerasTensor]:
    """The tensors that a layer takes."""
    return layer.input if isinstance(layer.input, list) else [layer.input]


def enlargement(layer: keras.Layer) -> int:
    """How many times larger the output of a layer is than its input, along each axis."""
    if isinstance(layer, layers.Conv2DTranspose):
        return layer.strides[0]
    return layer.block_size if isinstance(layer, blocks.DepthToSpace) else 1


def _own_reach(layer: keras.Layer) -> int:
    """In pixels of the layer's input."""
    if isinstance(layer, layers.Conv2DTranspose):
        # A pixel is written to a window that begins so far before the pixels which take its place, and ends later.
        before = (layer.kernel_size[0] - layer.strides[0]) // 2
        return math.ceil((layer.kernel_size[0] - layer.strides[0] - before) / layer.strides[0])
    if isinstance(layer, layers.Conv2D) and layer.strides == (1, 1):
        return layer.kernel_size[0] // 2
    if isinstance(layer, back_projection.BackProjection):
        return back_projection.REACH * layer.scale
    if isinstance(layer, _POINTWISE):
        return 0
    raise ValueError(f"how far {layer.name} ({type(layer).__name__}) sees is not known")


def _operations(layer: keras.Layer, scale: Mapping[int, int]) -> int:
    if not isinstance(layer, (layers.Conv2D, layers.Conv2DTranspose)):
        return 0
    # A convolution multiplies its kernel with every pixel that it gives, a transposed one with every pixel that it takes.
    pixels = scale[id(layer.input if isinstance(layer, layers.Conv2DTranspose) else layer.output)] ** 2
    return 2 * math.prod(layer.kernel.shape) * pixels


def _values(layer: keras.Layer, scale: Mapping[int, int]) -> int:
    # Twice the output: arithmetic on it makes another one before the first is freed.
    tensors = [*inputs_of(layer), layer.output, layer.output]
    return sum(x.shape[-1] * scale[id(x)] ** 2 for x in tensors)
