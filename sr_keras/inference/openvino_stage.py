"""A stage of a network as OpenVINO computes it. Needs no TensorFlow.

- Tensors between stages have their channels last: so a strip of rows is one piece of memory, and OpenVINO's convolutions read
  and write it as it is. Shapes are fixed, for its kernels are slower where they are not.
- The layers before the pictures compute in the precision that is asked for, and the stage of the pictures in float32.
- A convolution with few output channels computes 2x2 pixels at once (see `networks/layers.blocked_conv`).
- Back-projection (see `networks/back_projection`) works at the size of the photo, where the pixels of the result lie side by
  side as channels: its sums are the same, and nothing of the result's size is read more than once.
"""

from collections.abc import Container, Hashable, Sequence

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from sr_keras.inference import layer_graph, stages
from sr_keras.inference.layer_graph import Layer
from sr_keras.inference.stages import COLOURS, Node, Stage, Value, affine

TYPES = {"float32": ov.Type.f32, "bfloat16": ov.Type.bf16, "float16": ov.Type.f16, "uint8": ov.Type.u8, "uint16": ov.Type.u16}

_TO_CHANNELS_FIRST, _TO_CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def value_type(value: Value, precision: str, photo_type: str) -> str:
    """The number format in which a tensor goes from stage to stage: pictures are float32, the photo is as it came."""
    if value.name == layer_graph.INPUT:
        return photo_type
    return "float32" if value.is_picture else precision


def shared_weights(stage: Stage) -> list[np.ndarray]:
    """The weights that a stage's model can take as inputs, so that stages with the same layers can share it: the same speed.

    OpenVINO keeps memory for a model's inputs as long as there is the model, and compiling it takes time.
    """
    return [array for node in _with_shared_weights(stage) for array in _layout(node.weights)]


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


def _layout(weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """A convolution's kernel, `[k, k, m, n]`, and its bias, if it has one, as OpenVINO takes them."""
    kernel, *biases = weights
    shaped = [kernel.transpose(3, 2, 0, 1), *(bias.reshape(1, -1, 1, 1) for bias in biases)]
    return [np.ascontiguousarray(each, np.float32) for each in shaped]


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
        tensors.put(value.name, _transposed(_converted(parameter, "float32"), _TO_CHANNELS_FIRST), value.scale)
    for node in _with_shared_weights(stage) if is_shared else ():
        tensors.weights[node.layer.name] = [ops.parameter(each.shape, ov.Type.f32) for each in _layout(node.weights)]
        parameters += tensors.weights[node.layer.name]
    if stage.is_last:
        picture = tensors.get(next(value.name for value in stage.inputs if value.name != layer_graph.INPUT))
        for node in stage.nodes:
            picture = _rescaled(picture, node.layer, scale)
        photo = tensors.get(layer_graph.INPUT) if back_projection else None
        return ov.Model(_picture(picture, photo, scale, white, photo_type), parameters, "stage")
    *nodes, end = stage.nodes
    for node in nodes:
        tensors.put(node.layer.name, _computed(node, tensors), node.scale)
    results = []
    for value in stage.outputs:
        if value.block > 1:
            result = _transposed(_blocks(end, tensors, value.block), _TO_CHANNELS_LAST)
        elif end.layer.name == value.name and end.layer.kind == "depth_to_space":
            # A shuffle is cheaper where channels are last: it moves pieces of memory.
            block = end.layer.options["block"]
            features = _transposed(tensors.get(end.layer.inputs[0]), _TO_CHANNELS_LAST)
            result = _shuffled(features, block, value.scale // block * rows, value.scale // block * width, value.channels)
        else:
            if end.layer.name == value.name:
                tensors.put(value.name, _computed(end, tensors), value.scale)
            result = _transposed(tensors.get(value.name), _TO_CHANNELS_LAST)
        results.append(_converted(result, value_type(value, precision, photo_type)))
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
        return ops.multiply(x, _constant(1 / self.white)) if name in self.levels else x

    def get_as_put(self, name: str, beyond: int = 0) -> ov.Output:
        """The same, but levels as levels."""
        x, rows = self._tensors[name]
        present = x.get_output_shape(0)[2]
        excess = (present - rows) // 2 - beyond
        return _sliced(x, 2, excess, present - excess) if self.is_exact and excess else x

    def beyond(self, names: Sequence[str]) -> int:
        """How many rows beyond the strip all of some tensors of one scale have."""
        heights = [(int(x.get_output_shape(0)[2]), rows) for x, rows in (self._tensors[name] for name in names)]
        return min((present - rows) // 2 for present, rows in heights)


def _computed(node: Node, tensors: _Tensors) -> ov.Output:
    [source, *_] = node.layer.inputs
    if node.layer.name in tensors.levels:
        return _apply(node, [tensors.get_as_put(source, tensors.beyond([source]))])
    if node.layer.kind == "conv" and source in tensors.levels:
        # Levels up to 255 are exact in every format; their 255th parts are not.
        weights = (node.weights[0] / np.float32(tensors.white), *node.weights[1:])
        return _conv(tensors.get_as_put(source, stages.reach(node)), weights, is_exact=tensors.is_exact)
    if node.layer.name in tensors.weights:
        size = node.weights[0].shape[0]
        [x] = _inputs(node, tensors)
        return _convolved(x, tensors.weights[node.layer.name], size, is_exact=tensors.is_exact)
    return _apply(node, _inputs(node, tensors), is_exact=tensors.is_exact)


def _inputs(node: Node, tensors: _Tensors) -> list[ov.Output]:
    """What a layer takes, with the rows that it sees; what sees a pixel alone takes all that there are."""
    beyond = stages.reach(node) or tensors.beyond(node.layer.inputs)
    return [tensors.get(name, beyond) for name in node.layer.inputs]


def _blocks(node: Node, tensors: _Tensors, block: int) -> ov.Output:
    """The picture that a layer makes, as blocks of pixels: what its shuffle would take apart, or a picture put together."""
    if node.layer.options.get("block") == block and node.scale == block:
        match node.layer.kind:
            case "depth_to_space":
                return tensors.get(node.layer.inputs[0])
            case "conv_shuffle":
                return _conv(_inputs(node, tensors)[0], node.weights, is_exact=tensors.is_exact)
            case "conv_chain":
                return _conv_chain(node, _inputs(node, tensors)[0])
    return ops.space_to_depth(_computed(node, tensors), "blocks_first", block)


def _apply(node: Node, inputs: Sequence[ov.Output], *, is_exact: bool = False) -> ov.Output:
    x, weights, options = inputs[0], node.weights, node.layer.options
    match node.layer.kind:
        case "conv" if node.channels <= COLOURS and node.scale % 2 == 0:
            return _blocked_conv(x, weights, is_exact=is_exact)
        case "conv":
            return _conv(x, weights, is_exact=is_exact)
        case "conv_shuffle":
            return ops.depth_to_space(_conv(x, weights, is_exact=is_exact), "blocks_first", options["block"])
        case "conv_chain":
            return ops.depth_to_space(_conv_chain(node, x), "blocks_first", options["block"])
        case "conv_transpose":
            return _conv_transpose(x, *weights, stride=options["stride"], beyond=stages.reach(node) if is_exact else 0)
        case "norm":
            slope, offset = affine(weights, options["epsilon"])
            return ops.add(ops.multiply(x, _per_channel(slope)), _per_channel(offset))
        case "prelu":
            return ops.prelu(x, _constant(weights[0].reshape(-1)))
        case "leaky_relu":
            return ops.prelu(x, _constant([options["slope"]]))
        case "relu":
            return ops.relu(x)
        case "silu":
            return ops.swish(x)
        case "tanh":
            return ops.tanh(x)
        case "rescale":
            return _rescaled(x, node.layer)
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


def _rescaled(x: ov.Output, layer: Layer, block: int = 1) -> ov.Output:
    """Features, or colours in blocks of so many pixels along each axis."""
    # A number, or one per channel.
    scale, offset = (
        np.tile(each, block**2 if np.ndim(each) else 1) for each in (layer.options["scale"], layer.options["offset"])
    )
    return ops.add(ops.multiply(x, _per_channel(scale)), _per_channel(offset))


def _repeated(x: ov.Output, block: int) -> ov.Output:
    """Each pixel as block x block equal ones."""
    sides = _integers([block * side for side in x.get_output_shape(0)[2:]])
    options = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor", "axes": _integers([2, 3])}
    return ops.interpolate(x, sides, "nearest", "sizes", **options)


def _conv(x: ov.Output, weights: Sequence[np.ndarray], stride: int = 1, *, is_exact: bool = False) -> ov.Output:
    """A convolution with zeros around; the kernel is `[k, k, m, n]`, and a bias may follow it.

    Args:
        is_exact: whether the rows above and below are in `x`.
    """
    constants = [_constant(each) for each in _layout(weights)]
    return _convolved(x, constants, weights[0].shape[0], stride, is_exact=is_exact)


def _convolved(x: ov.Output, weights: Sequence[ov.Output], size: int, stride: int = 1, *, is_exact: bool = False) -> ov.Output:
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
    return ops.depth_to_space(_conv(x, blocked, stride=2, is_exact=is_exact), "blocks_first", 2)


def _conv_chain(node: Node, x: ov.Output) -> ov.Output:
    """Convolutions in a row as one, and at the edges, where each has zeros around, as they are; before their shuffle."""
    edge = stages.chain_edge(node)
    window = edge + stages.chain_sight(node)
    _, _, rows, width = x.get_output_shape(0)
    if min(rows, width) < 2 * window:
        return _one_by_one(node, x)
    inner = _conv(x, node.weights)
    left = _sliced(_one_by_one(node, _sliced(x, 3, 0, window)), 3, 0, edge)
    right = _sliced(_one_by_one(node, _sliced(x, 3, width - window, width)), 3, window - edge, window)
    whole = ops.concat([left, _sliced(inner, 3, edge, width - edge), right], 3)
    top = _sliced(_one_by_one(node, _sliced(x, 2, 0, window)), 2, 0, edge)
    bottom = _sliced(_one_by_one(node, _sliced(x, 2, rows - window, rows)), 2, window - edge, window)
    return ops.concat([top, _sliced(whole, 2, edge, rows - edge), bottom], 2)


def _one_by_one(node: Node, x: ov.Output) -> ov.Output:
    for link in node.chain:
        x = _apply(link, [x])
    return ops.space_to_depth(x, "blocks_first", node.layer.options["block"])


def _sliced(x: ov.Output, axis: int, begin: int, end: int) -> ov.Output:
    return ops.slice(x, *(_integers([value]) for value in (begin, end, 1, axis)))


def _conv_transpose(x: ov.Output, kernel: np.ndarray, bias: np.ndarray, *, stride: int, beyond: int) -> ov.Output:
    """As Keras pads it; `kernel` is `[k, k, n, m]`, and `x` has so many rows more above and below."""
    cut = kernel.shape[0] - stride
    begin, end = ([side + beyond * stride, side] for side in (cut // 2, cut - cut // 2))
    weights = _constant(kernel.transpose(3, 2, 0, 1))
    x = ops.convolution_backprop_data(x, weights, [stride] * 2, None, begin, end, [1, 1])
    return ops.add(x, _per_channel(bias))


def _picture(pixels: ov.Output, photo: ov.Output | None, scale: int, white: float, photo_type: str) -> list[ov.Output]:
    """What the last stage gives, of a picture `[1, s s 3, rows, width]`: channels by y, x and colour."""
    # Before anything is clipped, for OpenVINO clips what is no number to 0.
    checked = pixels
    if photo is not None:
        missing = checked = _missing(pixels, photo, scale)
        pixels = _back_projected(pixels, missing, photo, scale)
    levels = ops.clamp(pixels, 0.0, 1.0)
    if photo_type != "float32":
        levels = _converted(ops.round(ops.multiply(levels, _constant(white)), "half_to_even"), photo_type)
    total = ops.reduce_sum(checked, _integers([0, 1, 2, 3]), keep_dims=False)
    return [ops.result(_transposed(levels, _TO_CHANNELS_LAST)), ops.result(total)]


def _back_projected(pixels: ov.Output, missing: ov.Output, photo: ov.Output, scale: int) -> ov.Output:
    """Two steps of back-projection.

    Args:
        pixels: `[1, s s 3, rows, width]`.
        missing: what they lack.
        photo: `[1, 3, rows, width]`, in [0, 1].
    """
    clipped = ops.clamp(ops.add(pixels, _enlarged(missing, scale)), 0.0, 1.0)
    return ops.add(clipped, _enlarged(_missing(clipped, photo, scale), scale))


def _missing(pixels: ov.Output, photo: ov.Output, scale: int) -> ov.Output:
    """What the picture lacks once it is downscaled by bicubic (Keys 1981), antialiased: `[1, 3, rows, width]`."""
    distance = np.abs((np.arange(4 * scale) + 0.5) / scale - 2)
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    # The window begins within the second pixel of the photo before its own one, and ends within the second after it.
    taps = np.zeros((5, scale))
    taps.reshape(-1)[scale // 2 : scale // 2 + 4 * scale] = np.where(distance < 1, near, far)
    along_x = np.einsum("ab,tp,cd->acbpdt", np.eye(scale), taps, np.eye(3)).reshape(3 * scale, 3 * scale**2, 1, 5)
    along_y = np.einsum("tp,cd->cpdt", taps, np.eye(3)).reshape(3, 3 * scale, 5, 1)
    x = ops.convolution(pixels, _constant(along_x), [1, 1], [0, 2], [0, 2], [1, 1])
    x = ops.convolution(x, _constant(along_y), [1, 1], [2, 0], [2, 0], [1, 1])
    # At the edges, where there is nothing beyond, the taps that remain count for more.
    shares = [np.convolve(np.pad(np.ones(length), 2), taps.sum(axis=1), "valid") for length in pixels.get_output_shape(0)[2:]]
    return ops.subtract(photo, ops.multiply(x, _constant(1 / np.outer(*shares)[np.newaxis, np.newaxis])))


def _enlarged(x: ov.Output, scale: int) -> ov.Output:
    """Bilinear: `[1, 3, h, w]` to `[1, s s 3, h, w]`."""
    places = (np.arange(scale) + 0.5) / scale - 0.5
    taps = np.maximum(0, 1 - np.abs(places[:, np.newaxis] - [-1, 0, 1]))
    along_x = np.einsum("pt,cd->pcdt", taps, np.eye(3)).reshape(3 * scale, 3, 1, 3)
    along_y = np.einsum("qt,ab->qabt", taps, np.eye(3 * scale)).reshape(3 * scale**2, 3 * scale, 3, 1)
    x = ops.pad(x, _integers([0, 0, 1, 1]), _integers([0, 0, 1, 1]), "edge")
    x = ops.convolution(x, _constant(along_x), [1, 1], [0, 0], [0, 0], [1, 1])
    return ops.convolution(x, _constant(along_y), [1, 1], [0, 0], [0, 0], [1, 1])


def _shuffled(x: ov.Output, block: int, rows: int, width: int, channels: int) -> ov.Output:
    """`[1, rows, width, r r C]` to `[1, r rows, r width, C]`."""
    x = _transposed(ops.reshape(x, _integers([rows, width, block, block * channels]), False), [0, 2, 1, 3])
    return ops.reshape(x, _integers([1, block * rows, block * width, channels]), False)


def _transposed(x: ov.Output, axes: Sequence[int]) -> ov.Output:
    return ops.transpose(x, _integers(axes))


def _converted(x: ov.Output, number_format: str) -> ov.Output:
    return ops.convert(x, TYPES[number_format].to_string())


def _constant(values: object) -> ov.Output:
    return ops.constant(np.ascontiguousarray(values, np.float32))


def _per_channel(values: object) -> ov.Output:
    return _constant(np.reshape(np.asarray(values, np.float32), (1, -1, 1, 1)))


def _integers(values: Sequence[int]) -> ov.Output:
    return ops.constant(np.array(values, np.int64))
