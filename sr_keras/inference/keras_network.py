"""An exported network as a Keras model again, in the precision that is asked for.

The SavedModel's own function `serve` computes in float32 alone.
"""

import os
import pathlib
from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from sr_keras.inference import layer_graph, model_info, saved_model
from sr_keras.inference.layer_graph import INPUT, Layer
from sr_keras.networks import back_projection
from sr_keras.networks.layers import CropToScale, DepthToSpace, PReLU, RepeatPixels, Scale, SpaceToDepth

_OF_SEVERAL = ("add", "multiply", "concat", "crop")


def load(path: str | os.PathLike[str], policy: str = "float32") -> keras.Model:
    """A bundled network, or that of a SavedModel's folder; back-projection, where the network has it, is inside.

    Args:
        path: the folder, or that of its numbered versions; a text may also be the name of a bundled network.
        policy: see `build`.

    Raises:
        ModelError: nothing is there, it is damaged, or it is not ours; or its layers are not in it, as in exports of earlier
            versions.
    """
    folder = model_info.newest_version(model_info.find_model(path) if isinstance(path, str) else pathlib.Path(path))
    info = model_info.read_info(folder)
    network = build(layer_graph.read(folder), saved_model.load_weights(folder), policy)
    return back_projection.with_back_projection(network, info.scale) if info.back_projection else network


def build(graph: Sequence[Layer], weights: Sequence[np.ndarray], policy: str) -> keras.Model:
    """The network of some layers, `[B, h, w, 3]` to `[B, s h, s w, 3]`, any h and w.

    Args:
        graph: as `layer_graph.read` gives them.
        weights: of the network, as `saved_model.load_weights` gives them.
        policy: of Keras, such as mixed_bfloat16. Colours are float32 under each: what has an offset, and all from the last
            convolution on.
    """
    outputs = {INPUT: keras.Input((None, None, 3), name=INPUT)}
    last = max(place for place, layer in enumerate(graph) if layer.kind.startswith("conv"))
    for place, layer in enumerate(graph):
        own = [weights[index] for index in layer.weights]
        is_of_colours = place >= last or layer.options.get("offset", 0.0) != 0.0
        made = _layer(layer, own, "float32" if is_of_colours else policy)
        inputs = [outputs[name] for name in layer.inputs]
        outputs[layer.name] = made(inputs if layer.kind in _OF_SEVERAL else inputs[0])
        made.set_weights(own)
    return keras.Model(outputs[INPUT], outputs[graph[-1].name])


def _layer(layer: Layer, weights: Sequence[np.ndarray], policy: str) -> keras.Layer:
    common = {"name": layer.name, "dtype": policy}
    options = layer.options
    match layer.kind:
        case "conv":
            *size, _, filters = weights[0].shape
            return layers.Conv2D(filters, size, padding="same", use_bias=len(weights) > 1, **common)
        case "conv_transpose":
            *size, filters, _ = weights[0].shape
            return layers.Conv2DTranspose(filters, size, options["stride"], padding="same", use_bias=len(weights) > 1, **common)
        case "norm":
            return layers.BatchNormalization(epsilon=options["epsilon"], **common)
        case "prelu":
            return PReLU(**common)
        case "leaky_relu":
            return layers.LeakyReLU(options["slope"], **common)
        case "relu":
            return layers.ReLU(**common)
        case "silu" | "tanh":
            return layers.Activation(layer.kind, **common)
        case "rescale" if options["offset"] == 0.0:
            return Scale(options["scale"], **common)
        case "rescale":
            return layers.Rescaling(options["scale"], options["offset"], **common)
        case "add":
            return layers.Add(**common)
        case "multiply":
            return layers.Multiply(**common)
        case "concat":
            return layers.Concatenate(**common)
        case "repeat":
            return RepeatPixels(options["block"], **common)
        case "depth_to_space":
            return DepthToSpace(options["block"], **common)
        case "space_to_depth":
            return SpaceToDepth(options["block"], **common)
        case "crop":
            return CropToScale(options["scale"], **common)
    raise layer_graph.UnknownLayerError(f"{layer.name} ({layer.kind}) is of an unknown kind")
