"""Single layers as OpenVINO computes them, channels first.

A convolution with few output channels computes 2x2 pixels at once (see `networks/layers.blocked_conv`).
"""

from collections.abc import Sequence

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from sr_keras.inference.kernels import affine
from sr_keras.inference.layer_graph import Layer
from sr_keras.inference.nodes import COLOURS, Node
from sr_keras.inference.openvino_ops import constant, integers, per_channel, sliced


def apply(node: Node, inputs: Sequence[ov.Output], *, is_exact: bool = False) -> ov.Output:
    """What a layer makes of its inputs; `is_exact` is as in `conv`."""
    x, weights, options = inputs[0], node.weights, node.layer.options
    match node.layer.kind:
        case "conv" if node.channels <= COLOURS and node.scale % 2 == 0:
            return _blocked_conv(x, weights, is_exact=is_exact)
        case "conv":
            return conv(x, weights, is_exact=is_exact)
        case "conv_shuffle":
            return ops.depth_to_space(conv(x, weights, is_exact=is_exact), "blocks_first", options["block"])
        case "conv_chain":
            return ops.depth_to_space(conv_chain(node, x), "blocks_first", options["block"])
        case "conv_transpose":
            return _conv_transpose(x, *weights, stride=options["stride"], beyond=node.kernel_radius if is_exact else 0)
        case "norm":
            slope, offset = affine(weights, options["epsilon"])
            return ops.add(ops.multiply(x, per_channel(slope)), per_channel(offset))
        case "prelu":
            return ops.prelu(x, constant(weights[0].reshape(-1)))
        case "leaky_relu":
            return ops.prelu(x, constant([options["slope"]]))
        case "relu":
            return ops.relu(x)
        case "silu":
            return ops.swish(x)
        case "tanh":
            return ops.tanh(x)
        case "rescale":
            return rescaled(x, node.layer)
        case "add":
            return ops.add(inputs[0], inputs[1])
        case "multiply":
            return ops.multiply(inputs[0], inputs[1])
        case "concat":
            return ops.concat(inputs, 1)
        case "repeat":
            return _repeated(x, options["block"])
        case "depth_to_space":
            return ops.depth_to_space(x, "blocks_first", options["block"])
        case "space_to_depth":
            return ops.space_to_depth(x, "blocks_first", options["block"])
    raise ValueError(f"{node.layer.name}: OpenVINO has no {node.layer.kind}")


def rescaled(x: ov.Output, layer: Layer, block: int = 1) -> ov.Output:
    """Features, or colours in blocks of so many pixels along each axis."""
    # A number, or one per channel.
    scale, offset = (
        np.tile(each, block**2 if np.ndim(each) else 1) for each in (layer.options["scale"], layer.options["offset"])
    )
    return ops.add(ops.multiply(x, per_channel(scale)), per_channel(offset))


def _repeated(x: ov.Output, block: int) -> ov.Output:
    """Each pixel as block x block equal ones."""
    sides = integers([block * side for side in x.get_output_shape(0)[2:]])
    options = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor", "axes": integers([2, 3])}
    return ops.interpolate(x, sides, "nearest", "sizes", **options)


def conv(x: ov.Output, weights: Sequence[np.ndarray], stride: int = 1, *, is_exact: bool = False) -> ov.Output:
    """A convolution with zeros around; the kernel is `[k, k, m, n]`, and a bias may follow it.

    Args:
        is_exact: whether the rows above and below are in `x`.
    """
    constants = [constant(each) for each in layout(weights)]
    return convolved(x, constants, weights[0].shape[0], stride, is_exact=is_exact)


def convolved(x: ov.Output, weights: Sequence[ov.Output], size: int, stride: int = 1, *, is_exact: bool = False) -> ov.Output:
    """The same with weights as OpenVINO takes them, and a kernel of a size."""
    kernel, *biases = weights
    side = (size - stride + 1) // 2
    margin = [0 if is_exact else side, side]
    x = ops.convolution(x, kernel, [stride] * 2, margin, margin, [1, 1])
    return ops.add(x, biases[0]) if biases else x


def _blocked_conv(x: ov.Output, weights: tuple[np.ndarray, ...], *, is_exact: bool) -> ov.Output:
    """The same for 2x2 output pixels at once: few output channels leave a processor's registers unused."""
    kernel, *biases = weights
    offsets = [(0, 0), (0, 1), (1, 0), (1, 1)]
    kernels = [np.pad(kernel, [(dy, 1 - dy), (dx, 1 - dx), (0, 0), (0, 0)]) for dy, dx in offsets]
    blocked = (np.concatenate(kernels, axis=-1), *(np.tile(bias, 4) for bias in biases))
    return ops.depth_to_space(conv(x, blocked, stride=2, is_exact=is_exact), "blocks_first", 2)


def conv_chain(node: Node, x: ov.Output) -> ov.Output:
    """Convolutions in a row as one, and at the edges, where each has zeros around, as they are; before their shuffle."""
    edge = node.chain_edge
    window = edge + node.chain_radius
    _, _, rows, width = x.get_output_shape(0)
    if min(rows, width) < 2 * window:
        return _one_by_one(node, x)
    inner = conv(x, node.weights)
    left = sliced(_one_by_one(node, sliced(x, 3, 0, window)), 3, 0, edge)
    right = sliced(_one_by_one(node, sliced(x, 3, width - window, width)), 3, window - edge, window)
    whole = ops.concat([left, sliced(inner, 3, edge, width - edge), right], 3)
    top = sliced(_one_by_one(node, sliced(x, 2, 0, window)), 2, 0, edge)
    bottom = sliced(_one_by_one(node, sliced(x, 2, rows - window, rows)), 2, window - edge, window)
    return ops.concat([top, sliced(whole, 2, edge, rows - edge), bottom], 2)


def _one_by_one(node: Node, x: ov.Output) -> ov.Output:
    for link in node.chain:
        x = apply(link, [x])
    return ops.space_to_depth(x, "blocks_first", node.layer.options["block"])


def _conv_transpose(x: ov.Output, kernel: np.ndarray, bias: np.ndarray, *, stride: int, beyond: int) -> ov.Output:
    """As Keras pads it; `kernel` is `[k, k, n, m]`, and `x` has so many rows more above and below."""
    cut = kernel.shape[0] - stride
    begin, end = ([side + beyond * stride, side] for side in (cut // 2, cut - cut // 2))
    weights = constant(kernel.transpose(3, 2, 0, 1))
    x = ops.convolution_backprop_data(x, weights, [stride] * 2, None, begin, end, [1, 1])
    return ops.add(x, per_channel(bias))


def layout(weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """A convolution's kernel, `[k, k, m, n]`, and its bias, if it has one, as OpenVINO takes them."""
    kernel, *biases = weights
    shaped = [kernel.transpose(3, 2, 0, 1), *(bias.reshape(1, -1, 1, 1) for bias in biases)]
    return [np.ascontiguousarray(each, np.float32) for each in shaped]
