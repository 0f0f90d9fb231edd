"""A stage of a network as OpenVINO computes it. Needs no TensorFlow.

- Tensors between stages have their channels last: so a strip of rows is one piece of memory, and OpenVINO's convolutions read
  and write it as it is. Shapes are fixed, for its kernels are slower where they are not.
- The layers before the pictures compute in the precision that is asked for, and the stage of the pictures in float32.

Its layers are in `openvino_layers.py`, the end of the last one in `openvino_picture.py`.
"""

from collections.abc import Container, Hashable, Sequence

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from sr_keras.inference import layer_graph, openvino_layers, openvino_picture
from sr_keras.inference.nodes import COLOURS, Node
from sr_keras.inference.openvino_ops import (
    TO_CHANNELS_FIRST,
    TO_CHANNELS_LAST,
    TYPES,
    constant,
    converted,
    shuffled,
    sliced,
    transposed,
)
from sr_keras.inference.stages import Stage, Value


def value_type(value: Value, precision: str, photo_type: str) -> str:
    """The number format in which a tensor goes from stage to stage: pictures are float32, the photo is as it came."""
    if value.name == layer_graph.INPUT:
        return photo_type
    return "float32" if value.is_picture else precision


def shared_weights(stage: Stage) -> list[np.ndarray]:
    """The weights that a stage's model can take as inputs, so that stages with the same layers can share it: the same speed.

    OpenVINO keeps memory for a model's inputs as long as there is the model, and compiling it takes time.
    """
    return [array for node in _with_shared_weights(stage) for array in openvino_layers.layout(node.weights)]


def signature(stage: Stage) -> Hashable:
    """What a stage's model depends on, but for `shared_weights`."""
    places = {name: place for place, name in enumerate(value.name for value in stage.inputs)}
    nodes, shared = [], {node.layer.name for node in _with_shared_weights(stage)}
    for node in stage.nodes:
        weights = [each.shape if node.layer.name in shared else id(each) for each in node.weights]
        inputs = tuple(places[name] for name in node.layer.inputs)
        nodes.append((node.layer.kind, repr(dict(node.layer.options)), node.scale, inputs, tuple(weights)))
        places[node.layer.name] = len(places)
    values = [tuple(value._replace(name=str(places.get(value.name)))) for value in (*stage.inputs, *stage.outputs)]
    return tuple(nodes), tuple(values), stage.beyond, stage.is_last


def _with_shared_weights(stage: Stage) -> list[Node]:
    """The layers that `shared_weights` are of."""
    levels = _levels(stage)
    convolutions = [node for node in stage.nodes if node.layer.kind == "conv" and node.channels > COLOURS]
    return [node for node in convolutions if node.layer.inputs[0] not in levels] if stage.is_exact else []


def _levels(stage: Stage) -> set[str]:
    """The tensors that hold the photo's levels, as they came or rearranged: whole numbers."""
    rearranged = [node for node in stage.nodes if node.layer.kind == "space_to_depth"]
    return {layer_graph.INPUT, *(node.layer.name for node in rearranged if node.layer.inputs == (layer_graph.INPUT,))}


def build(
    stage: Stage,
    *,
    rows: int,
    width: int,
    precision: str,
    photo_type: str,
    scale: int,
    back_projection: bool,
    is_shared: bool = False,
) -> ov.Model:
    """A model of a stage: channels last, `[1, s rows, s width, C]` for each of its tensors of scale s.

    The last stage's results are the picture in the photo's type, `[1, rows, width, s s 3]` in blocks of s x s pixels, and a
    number that is finite if all of the picture is.

    Args:
        rows, width: of the window, in pixels of the photo.
        precision: of the tensors between stages.
        photo_type: "uint8", "uint16", or "float32" with values in [0, 1].
        scale: of the network.
        back_projection: whether it ends with that.
        is_shared: whether the model takes `shared_weights`, behind the stage's inputs.
    """
    white = 1.0 if photo_type == "float32" else float(np.iinfo(photo_type).max)
    shapes = [
        [1, value.scale * rows + 2 * beyond, value.scale * width, value.channels]
        for value, beyond in zip(stage.inputs, stage.beyond, strict=True)
    ]
    types = [TYPES[value_type(value, precision, photo_type)] for value in stage.inputs]
    parameters = [ops.parameter(shape, kind) for shape, kind in zip(shapes, types, strict=True)]
    tensors = _Tensors(rows, is_exact=stage.is_exact, levels=_levels(stage), white=white)
    for value, parameter in zip(stage.inputs, parameters, strict=True):
        tensors.put(value.name, transposed(converted(parameter, "float32"), TO_CHANNELS_FIRST), value.scale)
    for node in _with_shared_weights(stage) if is_shared else ():
        tensors.weights[node.layer.name] = [
            ops.parameter(each.shape, ov.Type.f32) for each in openvino_layers.layout(node.weights)
        ]
        parameters += tensors.weights[node.layer.name]
    if stage.is_last:
        picture = tensors.get(next(value.name for value in stage.inputs if value.name != layer_graph.INPUT))
        for node in stage.nodes:
            picture = openvino_layers.rescaled(picture, node.layer, scale)
        photo = tensors.get(layer_graph.INPUT) if back_projection else None
        return ov.Model(openvino_picture.picture(picture, photo, scale, white, photo_type), parameters, "stage")
    *nodes, end = stage.nodes
    for node in nodes:
        tensors.put(node.layer.name, _computed(node, tensors), node.scale)
    results = []
    for value in stage.outputs:
        if value.block > 1:
            result = transposed(_blocks(end, tensors, value.block), TO_CHANNELS_LAST)
        elif end.layer.name == value.name and end.layer.kind == "depth_to_space":
            # A shuffle is cheaper where channels are last: it moves pieces of memory.
            block = end.layer.options["block"]
            features = transposed(tensors.get(end.layer.inputs[0]), TO_CHANNELS_LAST)
            result = shuffled(features, block, value.scale // block * rows, value.scale // block * width, value.channels)
        else:
            if end.layer.name == value.name:
                tensors.put(value.name, _computed(end, tensors), value.scale)
            result = transposed(tensors.get(value.name), TO_CHANNELS_LAST)
        results.append(converted(result, value_type(value, precision, photo_type)))
    return ov.Model([ops.result(result) for result in results], parameters, "stage")


class _Tensors:
    """The tensors of a stage, channels first, by name.

    Attributes:
        is_exact: whether rows beyond the strip's ends are in the tensors, as far as they are seen; else they are what layers
            take for zeros.
        levels: the names of those that are put as levels, up to white.
        white: the highest level.
        weights: those that are inputs, by the name of their layer.
    """

    def __init__(self, rows: int, *, is_exact: bool, levels: Container[str], white: float) -> None:
        self.is_exact = is_exact
        self.levels, self.white = levels, white
        self.weights: dict[str, list[ov.Output]] = {}
        self._rows = rows
        self._tensors: dict[str, tuple[ov.Output, int]] = {}

    def put(self, name: str, x: ov.Output, scale: int) -> None:
        """Adds one, with all rows that it has."""
        self._tensors[name] = x, scale * self._rows

    def get(self, name: str, beyond: int = 0) -> ov.Output:
        """One with so many of its own rows beyond the strip, at each side; levels as shares of white."""
        x = self.get_as_put(name, beyond)
        return ops.multiply(x, constant(1 / self.white)) if name in self.levels else x

    def get_as_put(self, name: str, beyond: int = 0) -> ov.Output:
        """The same, but levels as levels."""
        x, rows = self._tensors[name]
        present = x.get_output_shape(0)[2]
        excess = (present - rows) // 2 - beyond
        return sliced(x, 2, excess, present - excess) if self.is_exact and excess else x

    def beyond(self, names: Sequence[str]) -> int:
        """How many rows beyond the strip all of some tensors of one scale have."""
        heights = [(int(x.get_output_shape(0)[2]), rows) for x, rows in (self._tensors[name] for name in names)]
        return min((present - rows) // 2 for present, rows in heights)


def _computed(node: Node, tensors: _Tensors) -> ov.Output:
    [source, *_] = node.layer.inputs
    if node.layer.name in tensors.levels:
        return openvino_layers.apply(node, [tensors.get_as_put(source, tensors.beyond([source]))])
    if node.layer.kind == "conv" and source in tensors.levels:
        # Levels up to 255 are exact in every format; their 255th parts are not.
        weights = (node.weights[0] / np.float32(tensors.white), *node.weights[1:])
        return openvino_layers.conv(tensors.get_as_put(source, node.kernel_radius), weights, is_exact=tensors.is_exact)
    if node.layer.name in tensors.weights:
        size = node.weights[0].shape[0]
        [x] = _inputs(node, tensors)
        return openvino_layers.convolved(x, tensors.weights[node.layer.name], size, is_exact=tensors.is_exact)
    return openvino_layers.apply(node, _inputs(node, tensors), is_exact=tensors.is_exact)


def _inputs(node: Node, tensors: _Tensors) -> list[ov.Output]:
    """What a layer takes, with the rows that it sees; what sees a pixel alone takes all that there are."""
    beyond = node.kernel_radius or tensors.beyond(node.layer.inputs)
    return [tensors.get(name, beyond) for name in node.layer.inputs]


def _blocks(node: Node, tensors: _Tensors, block: int) -> ov.Output:
    """The picture that a layer makes, as blocks of pixels: what its shuffle would take apart, or a picture put together."""
    if node.layer.options.get("block") == block and node.scale == block:
        match node.layer.kind:
            case "depth_to_space":
                return tensors.get(node.layer.inputs[0])
            case "conv_shuffle":
                return openvino_layers.conv(_inputs(node, tensors)[0], node.weights, is_exact=tensors.is_exact)
            case "conv_chain":
                return openvino_layers.conv_chain(node, _inputs(node, tensors)[0])
    return ops.space_to_depth(_computed(node, tensors), "blocks_first", block)
