"""Divides a network into stages that are computed one after the other, strip of rows by strip of rows. Needs no TensorFlow.

Rows that a later strip needs again are kept, not computed again, so that the whole photo costs little more than its own
arithmetic, in memory that its height does not matter to. Most stages have one layer that sees beyond a pixel, and it reads what
the stages before made: nothing at all is computed twice. Others, which have several in a row, read a few rows beyond their
strip, their margin, which is recomputed.

Sizes are counted in pixels of the photo. Where a network has a grid (see `ModelInfo`), as those that begin with a pixel
unshuffle do, they are counted in blocks of so many pixels along each axis instead, and the photo itself is of that scale.
"""

import collections
import math
from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from sr_keras.inference import layer_graph
from sr_keras.inference.layer_graph import Layer

# A stage at the photo's own size ends before a convolution if no more tensors than these go on to the following ones: one that
# is computed, and one that it is added to. Dense blocks so are one stage each.
_MOST_TENSORS = 2

_CONVOLUTIONS = ("conv", "conv_shuffle", "conv_transpose", "conv_chain")

# Colours: such a convolution makes a picture of features, and belongs to the network's arithmetic in any precision.
COLOURS = 3

# What the last stage has in memory at once.
_LAST_PICTURES = 4

# What works on a tensor in its place.
_IN_PLACE = ("prelu", "leaky_relu", "relu", "silu", "tanh", "rescale", "norm", "add", "multiply")

# The share of a network's arithmetic that may be done again, so that a tensor need not be kept.
_CHEAP_SHARE = 0.01

# How far the two steps of back-projection see, in rows of the photo (see `networks/back_projection`).
_BACK_PROJECTION_MARGIN = 6


class Node(NamedTuple):
    """A layer with its weights, and what must be known to compute it.

    Attributes:
        layer: what it is.
        weights: float32 arrays; a batch norm that follows a convolution is folded into them.
        scale: how many times larger its output is than the photo, along each axis.
        channels: of its output.
        chain: of a `conv_chain`, the layers that it stands for; see `_chained`.
    """

    layer: Layer
    weights: tuple[np.ndarray, ...]
    scale: int
    channels: int
    chain: "tuple[Node, ...]" = ()


class _Size(NamedTuple):
    scale: int
    channels: int


class Value(NamedTuple):
    """A tensor that goes from stage to stage, in rows: its scale and channels.

    Attributes:
        is_picture: whether it is colours, which are float32 in any precision.
        block: pixels of a picture that lie side by side as channels, along each axis: by y, x and colour. So goes the network's
            picture, in blocks of the photo's pixels.
    """

    name: str
    scale: int
    channels: int
    is_picture: bool = False
    block: int = 1


class Stage(NamedTuple):
    """Some layers in a row.

    Attributes:
        nodes: in the order of computation.
        inputs, outputs: tensors that it takes from the stages before it, and gives to those after it.
        beyond: of each input, how many of its own rows it reads beyond a strip, at each side, if it is exact.
        margin: how many rows of the photo it reads beyond its strip, at each side, and computes again, if it is not.
        values: numbers in memory at most, for each pixel of the photo, inputs and outputs with them.
        is_exact: whether its layers that see beyond a pixel read inputs alone, which are zeros beyond the photo's ends, so that
            nothing is computed twice.
        is_picture: whether it adds pictures; that is always float32.
        is_last: whether it gives the result; it has no layers but those that rescale colours, and back-projection where the
            network ends with that.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    beyond: tuple[int, ...]
    margin: int
    values: int
    is_exact: bool
    is_picture: bool
    is_last: bool


def divide(
    layers: Sequence[Layer],
    weights: Sequence[np.ndarray],
    *,
    back_projection: bool,
    grid: int = 1,
    is_whole: bool = False,
) -> list[Stage]:
    """The stages of a network; the last one has the layers that add pictures, and back-projection if the network ends with it.

    Args:
        layers: of a network that takes a photo and gives one picture, the last layer's output.
        weights: of all of them.
        back_projection: whether the network ends with that; it may then have no grid.
        grid: of the network.
        is_whole: whether all layers at the photo's own size are one stage, whose strip should be the whole photo.
    """
    nodes = _chained(_nodes(layers, weights, grid))
    pictures = _picture_layers(nodes)
    last = [node for node in nodes if node.layer.name in pictures]
    before = [node for node in nodes if node.layer.name not in pictures]
    groups = _recomputing(_groups(before, is_whole=is_whole))
    groups += [last] if _is_pointwise(last) else [last, []]
    known = {layer_graph.INPUT: Value(layer_graph.INPUT, grid, COLOURS)}
    known |= {node.layer.name: Value(node.layer.name, node.scale, node.channels, node.channels <= COLOURS) for node in nodes}
    # What the last stage takes.
    picture = known[groups[-1][0].layer.inputs[0] if groups[-1] else nodes[-1].layer.name]
    known[picture.name] = Value(picture.name, 1, picture.channels * picture.scale**2, True, picture.scale)
    return [_stage(groups, index, known, picture.name, pictures, back_projection) for index in range(len(groups))]


def _is_pointwise(nodes: Sequence[Node]) -> bool:
    """Whether layers change the pixels of one picture, each by itself; there may be none."""
    names = [layer_graph.INPUT, *(node.layer.name for node in nodes)]
    follow = all(node.layer.inputs == (name,) for node, name in zip(nodes[1:], names[1:], strict=False))
    return follow and all(node.layer.kind == "rescale" for node in nodes)


def sight(node: Node) -> float:
    """How far an output pixel of a layer sees, in pixels of the photo."""
    growth: int = node.layer.options.get("stride", 1) * node.layer.options.get("block", 1)
    return reach(node) * growth / node.scale


def reach(node: Node) -> int:
    """The same in pixels of the layer's input."""
    if node.layer.kind not in _CONVOLUTIONS:
        return 0
    size: int = node.weights[0].shape[0]
    if node.layer.kind == "conv_transpose":
        stride: int = node.layer.options["stride"]
        before = (size - stride) // 2
        return math.ceil((size - stride - before) / stride)
    return size // 2


def operations(node: Node) -> int:
    """Multiplications and additions of a convolution, for each pixel of the photo."""
    if node.layer.kind not in _CONVOLUTIONS:
        return 0
    growth: int = node.layer.options.get("stride", 1) * node.layer.options.get("block", 1)
    return 2 * node.weights[0].size * (node.scale // growth) ** 2


def _nodes(layers: Sequence[Layer], weights: Sequence[np.ndarray], grid: int = 1) -> list[Node]:
    """The layers with their weights, without the norms that are folded into convolutions."""
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
            nodes[source.layer.name] = source._replace(weights=_folded(source.weights, own, layer.options["epsilon"]))
            renamed[layer.name] = source.layer.name
            continue
        if layer.kind == "conv" and source and source.layer.kind == "depth_to_space" and own[0].shape[3] <= COLOURS:
            layer, own = _conv_shuffle(layer, own, source.layer)
            if takers[source.layer.name] == 1:
                del nodes[source.layer.name]
        sizes[layer.name] = _size(layer, own, [sizes[name] for name in layer.inputs])
        nodes[layer.name] = Node(layer, own, *sizes[layer.name])
    return list(nodes.values())


def _chained(nodes: Sequence[Node]) -> list[Node]:
    """The layers with the convolutions before a picture as one, where nothing but shuffles lies between them.

    All of it is linear, so that one kernel does it, at the size of the first: EDSR's end takes a tenth of the arithmetic.
    """
    takers = collections.Counter(name for node in nodes for name in node.layer.inputs)
    by_name = {node.layer.name: node for node in nodes}
    chained = list(nodes)
    for node in nodes:
        if node.layer.kind != "conv_shuffle":
            continue
        chain = [node]
        while (source := by_name.get(chain[0].layer.inputs[0])) and takers[source.layer.name] == 1:
            if source.layer.kind not in ("conv", "depth_to_space"):
                break
            chain.insert(0, source)
        while chain[0].layer.kind != "conv" and len(chain) > 1:
            del chain[0]
        if len(chain) > 1 and all(len(link.weights) == 2 for link in chain if link.layer.kind != "depth_to_space"):
            place = chained.index(node)
            chained[place] = _chain(chain)
            chained = [other for other in chained if not any(other is link for link in chain)]
    return chained


def _chain(chain: Sequence[Node]) -> Node:
    """Layers in a row, a convolution first and a `conv_shuffle` last, as one convolution before one shuffle.

    Where the layers have zeros around, its result is another: at the photo's edges (see `chain_edge`).
    """
    last = chain[-1]
    kernel, bias = last.weights
    block = last.layer.options["block"]
    for node in reversed(chain[:-1]):
        if node.layer.kind == "conv":
            bias = bias + np.einsum("k,yxkn->n", node.weights[1], kernel)
            kernel = _composed(node.weights[0], kernel)
        else:
            outer = node.layer.options["block"]
            kernel, bias = _before_shuffle(kernel, outer), np.tile(bias, outer**2)
            # Both shuffles as one.
            order = np.arange(len(bias)).reshape(outer, outer, block, block, -1).transpose(0, 2, 1, 3, 4).reshape(-1)
            kernel, bias, block = kernel[..., order], bias[order], outer * block
    layer = last.layer._replace(kind="conv_chain", inputs=chain[0].layer.inputs, options={"block": block})
    return Node(layer, (kernel, bias), last.scale, last.channels, tuple(chain))


def chain_edge(node: Node) -> int:
    """How many pixels at the edges of a chain's input its own kernel gets wrong: as far as all but its first layer see."""
    return math.ceil(sum(map(sight, node.chain[1:])) / _step(node))


def chain_sight(node: Node) -> int:
    """How far a chain sees, in pixels of its input."""
    return math.ceil(sum(map(sight, node.chain)) / _step(node))


def _step(node: Node) -> float:
    """The size of a pixel of a chain's input, in pixels of the photo."""
    block: int = node.layer.options["block"]
    return block / node.scale


def _composed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The kernel of two convolutions in a row."""
    size, added = first.shape[0], second.shape[0]
    whole = np.zeros((size + added - 1, size + added - 1, first.shape[2], second.shape[3]), np.float32)
    for y, x in np.ndindex(added, added):
        whole[y : y + size, x : x + size] += first @ second[y, x]
    return whole


def _conv_shuffle(layer: Layer, weights: tuple[np.ndarray, ...], shuffle: Layer) -> tuple[Layer, tuple[np.ndarray, ...]]:
    """A convolution from a shuffled tensor to colours, as one that comes before the shuffle: all pixels of a block at once.

    Its kernel has zeros for what a pixel of the block does not see. That is more arithmetic, but fills a processor's registers,
    and there is no tensor of the larger size but the picture.
    """
    kernel, bias = weights
    block = shuffle.options["block"]
    layer = layer._replace(kind="conv_shuffle", inputs=shuffle.inputs, options={"block": block})
    return layer, (_before_shuffle(kernel, block), np.tile(bias, block**2))


def _before_shuffle(kernel: np.ndarray, block: int) -> np.ndarray:
    """The kernel that does before a shuffle what a convolution does behind it."""
    size, _, channels, filters = kernel.shape
    margin = size // 2
    sight = -(-margin // block)
    # Of each pixel of a block, the taps of the larger kernel that are those of its own.
    axis = np.zeros((2 * sight + 1, block, block, size), np.float32)
    for tap, inner, outer in np.ndindex(axis.shape[:3]):
        at = block * (tap - sight) + inner - outer + margin
        if 0 <= at < size:
            axis[tap, inner, outer, at] = 1
    whole = np.einsum("tyaj,uxbk,jkmn->tuyxmabn", axis, axis, kernel, optimize=True)
    return np.asarray(whole.reshape(2 * sight + 1, 2 * sight + 1, block**2 * channels, block**2 * filters))


def _folded(conv: tuple[np.ndarray, ...], norm: tuple[np.ndarray, ...], epsilon: float) -> tuple[np.ndarray, ...]:
    slope, offset = affine(norm, epsilon)
    bias = conv[1] if len(conv) > 1 else np.float32(0)
    return conv[0] * slope, bias * slope + offset


def affine(norm: tuple[np.ndarray, ...], epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """Slope and offset of what a trained batch norm does to each channel."""
    gamma, beta, mean, variance = norm
    slope = gamma / np.sqrt(variance + np.float32(epsilon))
    return slope, beta - mean * slope


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


def _picture_layers(nodes: Sequence[Node]) -> set[str]:
    """The layers behind the convolutions that make colours of features; and such a convolution itself, if a shuffle follows."""
    by_name = {node.layer.name: node for node in nodes}
    found, names = set(), [nodes[-1].layer.name]
    while names:
        name = names.pop()
        if name == layer_graph.INPUT:
            continue
        node = by_name[name]
        if node.layer.kind not in ("conv", "conv_shuffle", "conv_chain"):
            found.add(name)
            names += node.layer.inputs
        elif node.channels > COLOURS:  # one that a shuffle follows
            found.add(name)
    return found


def _groups(nodes: Sequence[Node], *, is_whole: bool) -> list[list[Node]]:
    """Divides what comes before the pictures: one layer that sees beyond a pixel in each group, as far as that is cheap."""
    groups: list[list[Node]] = [[]]
    has_sight = False
    cheap = _cheap(nodes)
    for index, node in enumerate(nodes):
        is_new = has_sight and sight(node) > 0
        if is_new and node.scale == 1 and node.layer.kind == "conv":
            is_new = not is_whole and len(_live(nodes, index) - cheap) <= _MOST_TENSORS
        # So that what goes from stage to stage is the smaller tensor.
        is_new |= node.layer.kind == "repeat"
        if is_new and groups[-1]:
            groups.append([])
            has_sight = False
        groups[-1].append(node)
        has_sight |= sight(node) > 0
    return groups


def _recomputing(groups: Sequence[Sequence[Node]]) -> list[list[Node]]:
    """The groups, of which each computes itself what little work makes of the photo, if that was computed long before.

    Features that a network adds to those of its end would wait for all stages, which takes as much memory as anything else.
    """
    by_name = {node.layer.name: node for group in groups for node in group}
    cheap = _cheap(list(by_name.values()))
    changed = [list(groups[0])]
    for index, group in enumerate(groups[1:], 1):
        near = {node.layer.name for group in groups[max(0, index - 2) : index] for node in group}
        names = (_needed_by(group) - near) & cheap
        again = {name for each in names for name in _ancestors(each, by_name)}
        changed.append([*(node for name, node in by_name.items() if name in again), *group])
    return changed


def _cheap(nodes: Sequence[Node]) -> set[str]:
    """The tensors that little of the network's arithmetic makes of the photo."""
    by_name = {node.layer.name: node for node in nodes}
    most = _CHEAP_SHARE * sum(map(operations, nodes))
    return {name for name in by_name if sum(map(operations, _ancestors(name, by_name).values())) <= most}


def _ancestors(name: str, by_name: Mapping[str, Node]) -> dict[str, Node]:
    """The layers that make a tensor of the photo, by name."""
    found: dict[str, Node] = {}
    names = [name]
    while names:
        name = names.pop()
        if name in by_name and name not in found:
            found[name] = by_name[name]
            names += by_name[name].layer.inputs
    return found


def _needed_by(group: Sequence[Node]) -> set[str]:
    """The tensors that a group takes from outside."""
    return {name for node in group for name in node.layer.inputs} - {node.layer.name for node in group}


def _live(nodes: Sequence[Node], index: int) -> set[str]:
    """The tensors of the layers before a place that are taken by those from it on; several in one are several."""
    before = {node.layer.name: node for node in nodes[:index]}
    live: set[str] = set()
    names = [name for node in nodes[index:] for name in node.layer.inputs]
    while names:
        name = names.pop()
        if name in before and before[name].layer.kind == "concat":
            names += before[name].layer.inputs
        elif name in before:
            live.add(name)
    return live


def _stage(
    groups: Sequence[Sequence[Node]],
    index: int,
    known: Mapping[str, Value],
    picture: str,
    pictures: Container[str],
    back_projection: bool,
) -> Stage:
    nodes = groups[index]
    is_last = index == len(groups) - 1
    # What it computes again is for itself.
    before = {node.layer.name for group in groups[:index] for node in group}
    made = {node.layer.name for node in nodes} - before
    taken = _needed_by(nodes)
    later = {name for group in groups[index + 1 :] for name in _needed_by(group)}
    if is_last:
        taken |= {picture, *([layer_graph.INPUT] if back_projection else [])}
    else:
        later.add(picture)
    inputs, outputs = (tuple(known[name] for name in known if name in names) for names in (taken, made & later))
    is_exact = not is_last and _sees_inputs_alone(nodes)
    need = sight_beyond(nodes)
    beyond = tuple(math.ceil(need[value.name] * value.scale) if is_exact else 0 for value in inputs)
    extra = _BACK_PROJECTION_MARGIN if is_last and back_projection else 0
    margin = 0 if is_exact else math.ceil(max(need.values(), default=0)) + extra
    values = _LAST_PICTURES * known[picture].channels if is_last else _values(nodes, inputs)
    is_picture = is_last or nodes[0].layer.name in pictures
    return Stage(tuple(nodes), inputs, outputs, beyond, margin, values, is_exact, is_picture, is_last)


def _sees_inputs_alone(nodes: Sequence[Node]) -> bool:
    """Whether each layer that sees beyond a pixel reads inputs, up to layers that make zeros of zeros."""
    others: set[str] = set()
    for node in nodes:
        is_behind = not others.isdisjoint(node.layer.inputs)
        if sight(node) > 0 and (is_behind or node.chain):
            return False
        if is_behind or node.layer.kind in (*_CONVOLUTIONS, "norm", "rescale"):
            others.add(node.layer.name)
    return True


def sight_beyond(nodes: Sequence[Node]) -> collections.defaultdict[str, float]:
    """How far a stage sees in each of its tensors, inputs among them, in rows of the photo."""
    need: collections.defaultdict[str, float] = collections.defaultdict(float)
    for node in reversed(nodes):
        for name in node.layer.inputs:
            need[name] = max(need[name], need[node.layer.name] + sight(node))
    return need


def _values(nodes: Sequence[Node], inputs: Sequence[Value]) -> int:
    """What a stage's inputs take, and the layer whose output and inputs are the largest."""
    sizes = {node.layer.name: node.channels * node.scale**2 for node in nodes}
    at_once = [
        sum(sizes.get(name, 0) for name in node.layer.inputs)
        + (sizes[node.layer.name] if node.layer.kind not in _IN_PLACE else 0)
        for node in nodes
    ]
    return sum(value.channels * value.scale**2 for value in inputs) + max(at_once, default=0)
