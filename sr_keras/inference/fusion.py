"""Makes fewer layers of those of a network, with the same result, before they are computed. Needs no TensorFlow.

Norms are folded into the convolutions before them. What makes colours of a shuffled tensor is computed before the shuffle,
and with the convolutions before it, as one: nothing of the picture's size but the picture is in memory.
"""

import collections
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from sr_keras.inference import kernels, layer_graph
from sr_keras.inference.layer_graph import Layer
from sr_keras.inference.nodes import COLOURS, Node


class _Size(NamedTuple):
    scale: int
    channels: int


def fused(layers: Sequence[Layer], weights: Sequence[np.ndarray], grid: int = 1) -> list[Node]:
    """The layers with their weights, of which some do the work of several.

    Args:
        layers: of a network that takes a photo.
        weights: of all of them.
        grid: of the network; see `ModelInfo`.
    """
    return _chained(_nodes(layers, weights, grid))


def _nodes(layers: Sequence[Layer], weights: Sequence[np.ndarray], grid: int) -> list[Node]:
    """Without the norms that are folded into convolutions, and with colours before their shuffle."""
    takers = collections.Counter(name for layer in layers for name in layer.inputs)
    sizes = {layer_graph.INPUT: _Size(grid, COLOURS)}
    nodes: dict[str, Node] = {}
    renamed: dict[str, str] = {}
    for layer in layers:
        layer = layer._replace(inputs=tuple(renamed.get(name, name) for name in layer.inputs))
        if layer.kind == "crop":  # by whoever has reflected the photo up to its grid
            renamed[layer.name] = layer.inputs[0]
            continue
        own = tuple(weights[place] for place in layer.weights)
        source = nodes.get(layer.inputs[0])
        if layer.kind == "norm" and source and source.layer.kind == "conv" and takers[source.layer.name] == 1:
            nodes[source.layer.name] = source._replace(weights=kernels.with_norm(source.weights, own, layer.options["epsilon"]))
            renamed[layer.name] = source.layer.name
            continue
        if layer.kind == "conv" and source and source.layer.kind == "depth_to_space" and own[0].shape[3] <= COLOURS:
            layer, own = _conv_shuffle(layer, own, source.layer)
            if takers[source.layer.name] == 1:
                del nodes[source.layer.name]
        sizes[layer.name] = _size(layer, own, [sizes[name] for name in layer.inputs])
        nodes[layer.name] = Node(layer, own, *sizes[layer.name])
    return list(nodes.values())


def _conv_shuffle(layer: Layer, weights: tuple[np.ndarray, ...], shuffle: Layer) -> tuple[Layer, tuple[np.ndarray, ...]]:
    """A convolution from a shuffled tensor to colours, as one that comes before the shuffle: all pixels of a block at once.

    Its kernel has zeros for what a pixel of the block does not see. That is more arithmetic, but fills a processor's registers,
    and there is no tensor of the larger size but the picture.
    """
    kernel, bias = weights
    block = shuffle.options["block"]
    layer = layer._replace(kind="conv_shuffle", inputs=shuffle.inputs, options={"block": block})
    return layer, (kernels.before_shuffle(kernel, block), np.tile(bias, block**2))


def _size(layer: Layer, weights: tuple[np.ndarray, ...], inputs: Sequence[_Size]) -> _Size:
    """That of a layer's output."""
    scale, channels = inputs[0]
    match layer.kind:
        case "conv":
            return _Size(scale, weights[0].shape[3])
        case "conv_transpose":
            return _Size(scale * layer.options["stride"], weights[0].shape[2])
        case "conv_shuffle":
            return _Size(scale * layer.options["block"], weights[0].shape[3] // layer.options["block"] ** 2)
        case "depth_to_space":
            return _Size(scale * layer.options["block"], channels // layer.options["block"] ** 2)
        case "space_to_depth":
            return _Size(scale // layer.options["block"], channels * layer.options["block"] ** 2)
        case "repeat":
            return _Size(scale * layer.options["block"], channels)
        case "concat":
            return _Size(scale, sum(size.channels for size in inputs))
    return _Size(scale, channels)


def _chained(nodes: Sequence[Node]) -> list[Node]:
    """The layers with the convolutions before a picture as one, where nothing but shuffles lies between them.

    All of it is linear, so that one kernel does it, at the size of the first: EDSR's end takes a tenth of the arithmetic.
    """
    takers = collections.Counter(name for node in nodes for name in node.layer.inputs)
    only_taken = {node.layer.name: node for node in nodes if takers[node.layer.name] == 1}
    chained = list(nodes)
    for node in nodes:
        chain = _linear_row(node, only_taken) if node.layer.kind == "conv_shuffle" else []
        if len(chain) > 1 and all(len(link.weights) == 2 for link in chain if link.layer.kind != "depth_to_space"):
            place = chained.index(node)
            chained[place] = _chain(chain)
            chained = [other for other in chained if not any(other is link for link in chain)]
    return chained


def _linear_row(end: Node, only_taken: Mapping[str, Node]) -> list[Node]:
    """The convolutions and shuffles in a row that lead to a layer, from a convolution on; what others take is none of them.

    Args:
        end: the last of them.
        only_taken: the layers whose output one layer takes, by name.
    """
    row = [end]
    while (source := only_taken.get(row[0].layer.inputs[0])) and source.layer.kind in ("conv", "depth_to_space"):
        row.insert(0, source)
    while row[0].layer.kind != "conv" and len(row) > 1:
        del row[0]
    return row


def _chain(chain: Sequence[Node]) -> Node:
    """Layers in a row, a convolution first and a `conv_shuffle` last, as one convolution before one shuffle.

    Where the layers have zeros around, its result is another: at the photo's edges (see `Node.chain_edge`).
    """
    last = chain[-1]
    kernel, bias = last.weights
    block = last.layer.options["block"]
    for node in reversed(chain[:-1]):
        if node.layer.kind == "conv":
            bias = bias + np.einsum("k,yxkn->n", node.weights[1], kernel)
            kernel = kernels.composed(node.weights[0], kernel)
        else:
            outer = node.layer.options["block"]
            kernel, bias = kernels.before_shuffle(kernel, outer), np.tile(bias, outer**2)
            # Both shuffles as one.
            order = np.arange(len(bias)).reshape(outer, outer, block, block, -1).transpose(0, 2, 1, 3, 4).reshape(-1)
            kernel, bias, block = kernel[..., order], bias[order], outer * block
    layer = last.layer._replace(kind="conv_chain", inputs=chain[0].layer.inputs, options={"block": block})
    return Node(layer, (kernel, bias), last.scale, last.channels, tuple(chain))
