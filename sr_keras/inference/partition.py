"""Cuts a network into groups of layers that are computed one after the other: small enough to need few rows of each tensor."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sr_keras.inference import layer_graph
from sr_keras.inference.nodes import COLOURS, Node

# A group at the photo's own size ends before a convolution if no more tensors than these go on to the following ones: one that
# is computed, and one that it is added to. Dense blocks so are one group each.
_MOST_TENSORS = 2

# The share of a network's arithmetic that may be done again, so that a tensor need not be kept.
_CHEAP_SHARE = 0.01


class Partition(NamedTuple):
    """The layers of a network in groups, which are computed in this order.

    Attributes:
        features: those before the pictures. What little work makes of the photo may be in several groups.
        pictures: the layers that work on colours; there may be none.
    """

    features: list[list[Node]]
    pictures: list[Node]


def partition(nodes: Sequence[Node], *, is_whole: bool) -> Partition:
    """Cuts a network.

    Args:
        nodes: its layers in the order of computation; the last one makes its picture.
        is_whole: whether all layers at the photo's own size are one group.

    Raises:
        ValueError: there are no layers but those that work on colours.
    """
    names = _picture_layers(nodes)
    pictures = [node for node in nodes if node.layer.name in names]
    features = [node for node in nodes if node.layer.name not in names]
    if not features:
        raise ValueError("no layer comes before the pictures")
    return Partition(_recomputing(_groups(features, is_whole=is_whole)), pictures)


def needed_by(group: Sequence[Node]) -> set[str]:
    """The tensors that a group takes from outside."""
    return {name for node in group for name in node.layer.inputs} - {node.layer.name for node in group}


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
    sees = False
    cheap = _cheap(nodes)
    for index, node in enumerate(nodes):
        is_new = sees and node.receptive_field > 0
        if is_new and node.scale == 1 and node.layer.kind == "conv":
            is_new = not is_whole and len(_live(nodes, index) - cheap) <= _MOST_TENSORS
        # So that what goes from stage to stage is the smaller tensor.
        is_new |= node.layer.kind == "repeat"
        if is_new and groups[-1]:
            groups.append([])
            sees = False
        groups[-1].append(node)
        sees |= node.receptive_field > 0
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
        names = (needed_by(group) - near) & cheap
        again = {name for each in names for name in _ancestors(each, by_name)}
        changed.append([*(node for name, node in by_name.items() if name in again), *group])
    return changed


def _cheap(nodes: Sequence[Node]) -> set[str]:
    """The tensors that little of the network's arithmetic makes of the photo."""
    by_name = {node.layer.name: node for node in nodes}
    most = _CHEAP_SHARE * sum(node.operations for node in nodes)
    return {name for name in by_name if sum(node.operations for node in _ancestors(name, by_name).values()) <= most}


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
