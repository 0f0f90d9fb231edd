"""The layers of an exported network as plain data, so that engines other than TensorFlow can build it. Needs no TensorFlow.

They are written beside the SavedModel; the weights stay in its own files (see `checkpoint.py`).
"""

import json
import pathlib
import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sr_keras.inference import model_info

if TYPE_CHECKING:  # it takes seconds to import
    import keras

_FILE = pathlib.PurePath("assets.extra", "layers.json")

# The name of the network's input, float32 `[B, h, w, 3]` in [0, 1].
INPUT = "lr"


class UnknownLayerError(ValueError):
    """A layer is of a kind that has no name here: TensorFlow alone computes it."""


class Layer(NamedTuple):
    """One layer, in the order of computation.

    Attributes:
        name: of the layer and of its output.
        kind: "conv", "conv_transpose", "norm", "prelu", "leaky_relu", "relu", "silu", "tanh", "rescale", "add", "multiply",
            "concat" (of channels), "repeat" (of pixels), "depth_to_space", "space_to_depth" (after a reflection up to whole
            blocks) or "crop" (of a picture to a multiple of the photo's size).
        inputs: the names of the layers whose outputs it takes.
        weights: places among the network's weights, in Keras's order: kernel, bias; gamma, beta, mean, variance; alpha.
        options: of a conv_transpose "stride", of a norm "epsilon", of a leaky_relu "slope", of a rescale "scale" and "offset"
            (a number each, or one per channel), of a repeat, a depth_to_space and a space_to_depth "block", of a crop "scale".
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    weights: tuple[int, ...] = ()
    options: Mapping[str, Any] = types.MappingProxyType({})


def describe(generator: "keras.Model") -> list[Layer]:
    """The layers of a functional generator that lead to its last output.

    Raises:
        UnknownLayerError: a layer is of an unknown kind.
    """
    from sr_keras.networks import receptive_field

    places = {id(weight): place for place, weight in enumerate(generator.weights)}
    names = {id(generator.input): INPUT} | {id(layer.output): layer.name for layer in generator.layers[1:]}
    layers = []
    for layer in generator.layers[1:]:
        kind, options = _kind(layer)
        inputs = tuple(names[id(x)] for x in receptive_field.inputs_of(layer))
        layers.append(Layer(layer.name, kind, inputs, tuple(places[id(weight)] for weight in layer.weights), options))
    return _needed(layers, names[id(generator.outputs[-1])])


def to_json(layers: Sequence[Layer]) -> str:
    """A line for each layer."""
    lines = ",\n".join(json.dumps(layer._asdict() | {"options": dict(layer.options)}) for layer in layers)
    return f"[\n{lines}\n]\n"


def write(text: str, folder: pathlib.Path) -> None:
    """Writes layers, as `to_json` has them, into the folder of a SavedModel."""
    path = folder / _FILE
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def is_in(folder: pathlib.Path) -> bool:
    """Whether the SavedModel in a folder comes with its layers; those of earlier versions don't."""
    return (folder / _FILE).is_file()


def read(folder: pathlib.Path) -> list[Layer]:
    """Reads the layers from a SavedModel's folder.

    Raises:
        ModelError: they are missing or damaged.
    """
    try:
        rows = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return [
            Layer(row["name"], row["kind"], tuple(row["inputs"]), tuple(row["weights"]), dict(row["options"])) for row in rows
        ]
    except FileNotFoundError:
        reason = "exported by an earlier version of sr_keras, or a network that TensorFlow alone computes"
        raise model_info.ModelError(f"{folder}: {_FILE} is missing: {reason}") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise model_info.ModelError(f"{folder}: {_FILE} is damaged ({type(error).__name__})") from None


def _needed(layers: Sequence[Layer], output: str) -> list[Layer]:
    """The layers that an output depends on."""
    needed = {output}
    for layer in reversed(layers):
        if layer.name in needed:
            needed.update(layer.inputs)
    return [layer for layer in layers if layer.name in needed]


def _kind(layer: "keras.Layer") -> tuple[str, dict[str, Any]]:
    import keras
    from keras import layers

    from sr_keras.networks.layers import CropToScale, DepthToSpace, Scale, SpaceToDepth

    match layer:
        case layers.Conv2DTranspose():
            return "conv_transpose", {"stride": layer.strides[0]}
        case layers.Conv2D():
            return "conv", {}
        case layers.BatchNormalization():
            return "norm", {"epsilon": layer.epsilon}
        case layers.PReLU():
            return "prelu", {}
        case layers.LeakyReLU():
            return "leaky_relu", {"slope": float(layer.negative_slope)}
        case layers.ReLU():
            return "relu", {}
        case layers.Activation() if layer.activation is keras.activations.tanh:
            return "tanh", {}
        case layers.Activation() if layer.activation is keras.activations.silu:
            return "silu", {}
        case layers.Rescaling():
            return "rescale", {"scale": layer.scale, "offset": layer.offset}
        case Scale():
            return "rescale", {"scale": layer.factor, "offset": 0.0}
        case layers.Add():
            return "add", {}
        case layers.Multiply():
            return "multiply", {}
        case layers.Concatenate():
            return "concat", {}
        case layers.UpSampling2D() if layer.interpolation == "nearest":
            return "repeat", {"block": layer.size[0]}
        case DepthToSpace():
            return "depth_to_space", {"block": layer.block_size}
        case SpaceToDepth():
            return "space_to_depth", {"block": layer.block_size}
        case CropToScale():
            return "crop", {"scale": layer.scale}
    raise UnknownLayerError(f"{layer.name} ({type(layer).__name__}) is of an unknown kind")
