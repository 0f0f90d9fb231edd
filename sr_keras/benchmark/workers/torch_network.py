"""An exported network in PyTorch, as its users compute one on a processor: channels last, and bfloat16 if it has that."""

import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.nn import functional

from sr_keras.inference import checkpoint, layer_graph, model_info
from sr_keras.inference.layer_graph import Layer

Network = Callable[[np.ndarray], np.ndarray]


def load(folder: pathlib.Path, precision: str) -> Network:
    """The network of a SavedModel's folder: from a photo, uint8 `[h, w, 3]`, to the larger one.

    Args:
        folder: of a network whose layers are written beside it.
        precision: "float32" or "bfloat16"; back-projection is always float32.
    """
    info = model_info.read_info(folder)
    layers = layer_graph.read(folder)
    kind = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    tensors = [torch.from_numpy(_torch_order(weight).copy()) for weight in checkpoint.read_weights(folder)]
    _reorder_shuffled(layers, tensors)
    weights = {layer.name: [_as(tensors[place], kind) for place in layer.weights] for layer in layers}

    def upscale(photo: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            lr = torch.tensor(photo).permute(2, 0, 1)[None].float().div(255).contiguous(memory_format=torch.channels_last)
            values = {layer_graph.INPUT: lr.to(kind)}
            for layer in layers:
                values[layer.name] = _computed(layer, [values[name] for name in layer.inputs], weights[layer.name])
            sr = values[layers[-1].name].float()
            for _ in range(2 if info.back_projection else 0):
                missing = lr - functional.interpolate(sr, lr.shape[2:], mode="bicubic", antialias=True)
                sr = (sr + functional.interpolate(missing, sr.shape[2:], mode="bilinear")).clamp(0, 1)
            levels = sr.clamp(0, 1).mul(255).round().to(torch.uint8)
            return np.asarray(levels[0].permute(1, 2, 0).contiguous())

    return upscale


def _torch_order(weight: np.ndarray) -> np.ndarray:
    """A kernel `[k, k, m, n]` as `[n, m, k, k]`; of a transposed convolution, `[k, k, n, m]` as `[m, n, k, k]`."""
    return weight.transpose(3, 2, 0, 1) if weight.ndim == 4 else weight.reshape(-1)


def _as(tensor: torch.Tensor, kind: torch.dtype) -> torch.Tensor:
    tensor = tensor.to(kind)
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor


def _reorder_shuffled(layers: Sequence[Layer], tensors: list[torch.Tensor]) -> None:
    """Keras shuffles channels by y, x and colour, PyTorch by colour, y and x: convolutions before a shuffle get its order."""
    by_name = {layer.name: layer for layer in layers}
    for layer in layers:
        if layer.kind == "depth_to_space":
            block = layer.options["block"]
            for place in by_name[layer.inputs[0]].weights:
                filters = torch.arange(len(tensors[place])).reshape(block, block, -1).permute(2, 0, 1).reshape(-1)
                tensors[place] = tensors[place][filters]


def _computed(layer: Layer, inputs: Sequence[torch.Tensor], weights: Sequence[torch.Tensor]) -> torch.Tensor:
    x, options = inputs[0], layer.options
    match layer.kind:
        case "conv":
            return functional.conv2d(x, *weights, padding="same")
        case "conv_transpose":
            size, stride = weights[0].shape[2], options["stride"]
            cut = size - stride
            whole = functional.conv_transpose2d(x, *weights, stride=stride)
            return whole[:, :, cut // 2 : whole.shape[2] - (cut - cut // 2), cut // 2 : whole.shape[3] - (cut - cut // 2)]
        case "norm":
            gamma, beta, mean, variance = weights
            return functional.batch_norm(x, mean, variance, gamma, beta, eps=options["epsilon"])
        case "prelu":
            return functional.prelu(x, weights[0])
        case "leaky_relu":
            return functional.leaky_relu(x, options["slope"])
        case "relu":
            return functional.relu(x)
        case "silu":
            return functional.silu(x)
        case "tanh":
            return torch.tanh(x)
        case "rescale":
            scale, offset = (torch.as_tensor(options[name]).reshape(-1, 1, 1).to(x.dtype) for name in ("scale", "offset"))
            return x * scale + offset
        case "add":
            return inputs[0] + inputs[1]
        case "multiply":
            return inputs[0] * inputs[1]
        case "concat":
            return torch.cat(list(inputs), dim=1)
        case "repeat":
            return functional.interpolate(x, scale_factor=options["block"], mode="nearest")
        case "depth_to_space":
            return functional.pixel_shuffle(x, options["block"])
    raise ValueError(f"{layer.name}: PyTorch has no {layer.kind} here")
