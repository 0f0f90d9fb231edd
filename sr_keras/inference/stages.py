"""Divides a network into stages that are computed one after the other, strip of rows by strip of rows. Needs no TensorFlow.

Rows that a later strip needs again are kept, not computed again, so that the whole photo costs little more than its own
arithmetic, in memory that its height does not matter to. Most stages have one layer that sees beyond a pixel, and it reads what
the stages before made: nothing at all is computed twice. Others, which have several in a row, read a few rows beyond their
strip, their margin, which is recomputed.

Sizes are counted in pixels of the photo. Where a network has a grid (see `ModelInfo`), as those that begin with a pixel
unshuffle do, they are counted in blocks of so many pixels along each axis instead, and the photo itself is of that scale.
"""

import collections
import itertools
import math
from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from sr_keras.inference import fusion, layer_graph
from sr_keras.inference.layer_graph import Layer
from sr_keras.inference.nodes import COLOURS, Node
from sr_keras.inference.partition import needed_by, partition

# What the last stage has in memory at once.
_LAST_PICTURES = 4

# What works on a tensor in its place.
_IN_PLACE = ("prelu", "leaky_relu", "relu", "silu", "tanh", "rescale", "norm", "add", "multiply")

# How far the two steps of back-projection see, in rows of the photo (see `networks/back_projection`).
_BACK_PROJECTION_MARGIN = 6


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
    nodes = fusion.fused(layers, weights, grid)
    features, pictures = partition(nodes, is_whole=is_whole)
    groups = [*features, pictures] if _is_pointwise(pictures) else [*features, pictures, []]
    known = {layer_graph.INPUT: Value(layer_graph.INPUT, grid, COLOURS)}
    known |= {node.layer.name: Value(node.layer.name, node.scale, node.channels, node.channels <= COLOURS) for node in nodes}
    # What the last stage takes.
    picture = known[groups[-1][0].layer.inputs[0] if groups[-1] else nodes[-1].layer.name]
    blocks = Value(picture.name, 1, picture.channels * picture.scale**2, is_picture=True, block=picture.scale)
    known[picture.name] = blocks
    before = [_stage(groups, index, known, picture.name, is_picture=index >= len(features)) for index in range(len(groups) - 1)]
    return [*before, _last_stage(groups[-1], known, blocks, back_projection=back_projection)]


def _is_pointwise(nodes: Sequence[Node]) -> bool:
    """Whether layers change the pixels of one picture, each by itself; there may be none."""
    follow = all(after.layer.inputs == (before.layer.name,) for before, after in itertools.pairwise(nodes))
    return follow and all(node.layer.kind == "rescale" for node in nodes)


def _stage(
    groups: Sequence[Sequence[Node]], index: int, known: Mapping[str, Value], picture: str, *, is_picture: bool
) -> Stage:
    """The stage of a group, but for the last one."""
    nodes = groups[index]
    # What it computes again is for itself.
    before = {node.layer.name for group in groups[:index] for node in group}
    made = {node.layer.name for node in nodes} - before
    later = {picture, *(name for group in groups[index + 1 :] for name in needed_by(group))}
    inputs, outputs = _named(known, needed_by(nodes)), _named(known, made & later)
    is_exact = _sees_inputs_alone(nodes)
    need = _receptive_fields(nodes)
    beyond = tuple(math.ceil(need[value.name] * value.scale) if is_exact else 0 for value in inputs)
    margin = 0 if is_exact else math.ceil(max(need.values()))
    return Stage(tuple(nodes), inputs, outputs, beyond, margin, _values(nodes, inputs), is_exact, is_picture, is_last=False)


def _last_stage(nodes: Sequence[Node], known: Mapping[str, Value], picture: Value, *, back_projection: bool) -> Stage:
    inputs = _named(known, {picture.name, *([layer_graph.INPUT] if back_projection else [])})
    margin = _BACK_PROJECTION_MARGIN if back_projection else 0
    values = _LAST_PICTURES * picture.channels
    return Stage(tuple(nodes), inputs, (), (0,) * len(inputs), margin, values, is_exact=False, is_picture=True, is_last=True)


def _named(known: Mapping[str, Value], names: Container[str]) -> tuple[Value, ...]:
    """In the order of computation."""
    return tuple(value for name, value in known.items() if name in names)


def _sees_inputs_alone(nodes: Sequence[Node]) -> bool:
    """Whether each layer that sees beyond a pixel reads inputs, up to layers that make zeros of zeros."""
    others: set[str] = set()
    for node in nodes:
        is_behind = not others.isdisjoint(node.layer.inputs)
        if node.receptive_field > 0 and (is_behind or node.chain):
            return False
        if is_behind or node.is_convolution or node.layer.kind in ("norm", "rescale"):
            others.add(node.layer.name)
    return True


def _receptive_fields(nodes: Sequence[Node]) -> collections.defaultdict[str, float]:
    """How far a stage sees in each of its tensors, inputs among them, in rows of the photo."""
    need: collections.defaultdict[str, float] = collections.defaultdict(float)
    for node in reversed(nodes):
        for name in node.layer.inputs:
            need[name] = max(need[name], need[node.layer.name] + node.receptive_field)
    return need


def _values(nodes: Sequence[Node], inputs: Sequence[Value]) -> int:
    """What a stage's inputs take, and the layer whose output and inputs are the largest."""
    sizes = {node.layer.name: node.channels * node.scale**2 for node in nodes}
    at_once = [
        sum(sizes.get(name, 0) for name in node.layer.inputs)
        + (sizes[node.layer.name] if node.layer.kind not in _IN_PLACE else 0)
        for node in nodes
    ]
    return sum(value.channels * value.scale**2 for value in inputs) + max(at_once)
