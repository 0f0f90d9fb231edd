"""Which network a file of weights is, by the names and shapes in it; and ours of that kind, with those weights."""

import math
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras
import numpy as np

from sr_keras.networks import rrdbnet, span, srvgg
from sr_keras.runtime.errors import UserError

Weights = Mapping[str, np.ndarray]

_NAMES_SHOWN = 5
_PARTS = ("weight", "bias")

# ESRGAN's own names, and those of the program that it was made with, to Real-ESRGAN's.
_RRDB_SPELLINGS = [
    (r"RRDB_trunk\.(\d+)\.RDB(\d)\.conv(\d)", r"body.\1.rdb\2.conv\3"),
    (r"trunk_conv", "conv_body"),
    (r"upconv(\d)", r"conv_up\1"),
    (r"HRconv", "conv_hr"),
    (r"model\.0", "conv_first"),
    (r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0", r"body.\1.rdb\2.conv\3"),
    (r"model\.1\.sub\.\d+", "conv_body"),
]
# To our layers' names; blocks are counted from 0 there.
_RRDB_LAYERS = {
    "conv_first": "stem_conv",
    "conv_body": "trunk_conv",
    "conv_hr": "features_conv",
    "conv_last": "head_conv",
}


class ArchitectureError(UserError):
    """The weights are of no network that is known here; the message says which names were not understood."""


class Architecture(NamedTuple):
    """A network with the weights of a file.

    Attributes:
        name: what it is, for a person.
        network: `[B, h, w, 3]` to `[B, s h, s w, 3]`, RGB in [0, 1].
    """

    name: str
    network: keras.Model


def recognise(weights: Weights) -> Architecture:
    """The network that the weights are of.

    Raises:
        ArchitectureError: there is none.
    """
    weights = {name.removeprefix("module."): array for name, array in weights.items()}
    for is_kind, build in _KINDS:
        if is_kind(weights):
            return build(weights)
    raise _not_understood(weights)


def _is_rrdbnet(weights: Weights) -> bool:
    return any(re.search(r"(RDB|rdb)1\.conv1", name) for name in weights)


def _is_srvgg(weights: Weights) -> bool:
    return "body.0.weight" in weights and "body.1.weight" in weights and weights["body.1.weight"].ndim == 1


def _is_span(weights: Weights) -> bool:
    return any(name.startswith("block_1.c1_r.") for name in weights)


def _rrdbnet(weights: Weights) -> Architecture:
    weights = _with_new_names(weights)
    blocks = _count(weights, r"body\.(\d+)\.rdb1\.conv1\.weight")
    upscales = _count(weights, r"conv_up(\d+)\.weight")
    growth, filters = _shape(weights, "body.0.rdb1.conv1.weight")[:2]
    colours_in, colours_out = _shape(weights, "conv_first.weight")[1], _shape(weights, "conv_last.weight")[0]
    unshuffle = _side_of_block(colours_in)
    if unshuffle not in (1, 2, 4) or colours_out != 3:
        raise ArchitectureError(f"an RRDBNet of {colours_in} channels to {colours_out}, not of 3 colours to 3")
    if 2**upscales < unshuffle:
        raise ArchitectureError("an RRDBNet that makes its picture smaller")
    network = rrdbnet.build(blocks, upscales, filters, growth, unshuffle)
    convolutions = {
        **_RRDB_LAYERS,
        **{f"conv_up{index}": f"up{index}_conv" for index in range(1, upscales + 1)},
        **{
            f"body.{block}.rdb{dense}.conv{conv}": f"block{block + 1}_dense{dense}_conv{conv}"
            for block in range(blocks)
            for dense in (1, 2, 3)
            for conv in (1, 2, 3, 4, 5)
        },
    }
    _require_all(weights, [f"{name}.{part}" for name in convolutions for part in _PARTS])
    weights = {**weights, "conv_first.weight": weights["conv_first.weight"][:, _by_place(unshuffle)]}
    _set_convolutions(network, weights, convolutions)
    return Architecture(f"RRDBNet, {blocks} blocks of {filters} channels", network)


def _with_new_names(weights: Weights) -> Weights:
    """All spellings to that of Real-ESRGAN."""

    def renamed(name: str) -> str:
        module, _, part = name.rpartition(".")
        for pattern, replacement in _RRDB_SPELLINGS:
            if re.fullmatch(pattern, module):
                return f"{re.sub(pattern, replacement, module)}.{part}"
        return name

    # The layers after the blocks have numbers alone: some that enlarge, then two.
    numbers = sorted({int(found[1]) for name in weights if (found := re.fullmatch(r"model\.(\d+)\.weight", name))} - {0})
    roles = [f"conv_up{index}" for index in range(1, len(numbers) - 1)] + ["conv_hr", "conv_last"]
    last = {f"model.{number}": role for number, role in zip(numbers, roles, strict=True)} if len(numbers) >= 2 else {}

    def of_last(name: str) -> str:
        module, _, part = name.rpartition(".")
        return f"{last[module]}.{part}" if module in last else name

    return {of_last(renamed(name)): array for name, array in weights.items()}


def _srvgg(weights: Weights) -> Architecture:
    last = _count(weights, r"body\.(\d+)\.weight") - 1
    filters, colours_in = _shape(weights, "body.0.weight")[:2]
    shuffled = _shape(weights, f"body.{last}.weight")[0]
    scale = _side_of_block(shuffled)
    if colours_in != 3 or not scale or last % 2:
        raise ArchitectureError(f"an SRVGGNetCompact of {colours_in} channels to {shuffled}, not of 3 colours to 3")
    convolutions = range(0, last + 1, 2)
    prelus = range(1, last, 2)
    names = [f"body.{index}.{part}" for index in convolutions for part in _PARTS]
    _require_all(weights, names + [f"body.{index}.weight" for index in prelus])
    network = srvgg.build(last // 2 - 1, scale, filters)
    _set_convolutions(network, weights, {f"body.{index}": f"conv{index // 2}" for index in convolutions[:-1]})
    for index in prelus:
        _set(network, f"prelu{index // 2}", weights[f"body.{index}.weight"].reshape(1, 1, -1))
    _set_before_shuffle(network, weights, f"body.{last}", scale)
    return Architecture(f"SRVGGNetCompact, {last // 2 - 1} convolutions of {filters} channels", network)


def _span(weights: Weights) -> Architecture:
    is_normalised = "no_norm" not in weights
    weights = {name: array for name, array in fused(weights).items() if name != "no_norm"}
    filters, colours_in = _shape(weights, "conv_1.weight")[:2]
    shuffled = _shape(weights, "upsampler.0.weight")[0]
    scale = _side_of_block(shuffled)
    if colours_in != 3 or not scale:
        raise ArchitectureError(f"a SPAN of {colours_in} channels to {shuffled}, not of 3 colours to 3")
    blocks = _count(weights, r"block_(\d+)\.c1_r\.weight")
    network = span.build(blocks, scale, filters, is_normalised=is_normalised)
    convolutions = {
        **{"conv_1": "stem_conv", "conv_2": "trunk_conv", "conv_cat": "fusion_conv"},
        **{f"block_{block}.c{conv}_r": f"block{block}_conv{conv}" for block in range(1, blocks + 1) for conv in (1, 2, 3)},
    }
    _require_all(weights, [f"{name}.{part}" for name in (*convolutions, "upsampler.0") for part in _PARTS])
    _set_convolutions(network, weights, convolutions)
    _set_before_shuffle(network, weights, "upsampler.0", scale)
    return Architecture(f"SPAN, {blocks} blocks of {filters} channels", network)


def fused(weights: Weights) -> dict[str, np.ndarray]:
    """SPAN with one convolution in place of each that was trained as several (section 3.2, "re-parameterization").

    That is a convolution of 1x1, one of 3x3 without padding and one of 1x1, beside one of 1x1. A file may also hold the sum, as
    it was when it was last computed, or that alone.
    """
    fused = {name: array for name, array in weights.items() if not re.search(r"\.(sk|eval_conv|conv\.[012])\.\w+$", name)}
    for name in {name.rpartition(".eval_conv.")[0] for name in weights if ".eval_conv." in name}:
        fused |= {f"{name}.{part}": weights[f"{name}.eval_conv.{part}"] for part in _PARTS}
    for name in {name.rpartition(".sk.")[0] for name in weights if ".sk." in name}:
        layers = [f"{name}.{layer}" for layer in ("conv.0", "conv.1", "conv.2", "sk")]
        _require_all(weights, [f"{layer}.{part}" for layer in layers for part in _PARTS], may_have_others=True)
        kernels, biases = ([weights[f"{layer}.{part}"] for layer in layers] for part in _PARTS)
        try:
            fused |= dict(zip((f"{name}.{part}" for part in _PARTS), _summed(kernels, biases), strict=True))
        except (ValueError, IndexError):
            raise ArchitectureError(f"the weights of {name} do not fit each other") from None
    return fused


def _summed(kernels: list[np.ndarray], biases: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of one convolution that computes three, one after the other, and one beside them."""
    middle = kernels[1]
    first, last, skip = (kernels[index][:, :, 0, 0] for index in (0, 2, 3))
    kernel = np.einsum("om,mnyx,ni->oiyx", last, middle, first, optimize=True)
    kernel[:, :, 1, 1] += skip
    return kernel, last @ (middle.sum((2, 3)) @ biases[0] + biases[1]) + biases[2] + biases[3]


_KINDS: list[tuple[Callable[[Weights], bool], Callable[[Weights], Architecture]]] = [
    (_is_rrdbnet, _rrdbnet),
    (_is_srvgg, _srvgg),
    (_is_span, _span),
]


def _side_of_block(channels: int) -> int:
    """How many pixels a square block has along each side, whose colours have so many values; 0 if there is none."""
    side = math.isqrt(channels // 3)
    return side if 3 * side**2 == channels else 0


def _by_place(side: int) -> np.ndarray:
    """PyTorch's shuffles have the places of a colour beside each other, ours have the colours of a place: ours by theirs."""
    return np.arange(3 * side**2).reshape(3, side**2).T.ravel()


def _set_convolutions(network: keras.Model, weights: Weights, convolutions: Mapping[str, str]) -> None:
    """Sets convolutions by their names to ours. PyTorch has kernels as `[out, in, kh, kw]`."""
    for theirs, ours in convolutions.items():
        _shape(weights, f"{theirs}.weight")
        _set(network, ours, weights[f"{theirs}.weight"].transpose(2, 3, 1, 0), weights[f"{theirs}.bias"])


def _set_before_shuffle(network: keras.Model, weights: Weights, name: str, scale: int) -> None:
    """Sets the convolution whose channels become pixels."""
    order = _by_place(scale)
    ordered = {f"{name}.{part}": weights[f"{name}.{part}"][order] for part in _PARTS}
    _set_convolutions(network, ordered, {name: "head_conv"})


def _count(weights: Weights, pattern: str) -> int:
    """One more than the largest number in a name; numbers that are from 1 on count as they are."""
    found = [int(match[1]) for name in weights if (match := re.fullmatch(pattern, name))]
    return (max(found) + (min(found) == 0)) if found else 0


def _shape(weights: Weights, name: str) -> tuple[int, ...]:
    """Of a convolution's kernel."""
    _require_all(weights, [name], may_have_others=True)
    shape = weights[name].shape
    if len(shape) != 4:
        raise ArchitectureError(f"{name} has the shape {list(shape)}, and is no convolution's")
    return shape


def _require_all(weights: Weights, names: list[str], *, may_have_others: bool = False) -> None:
    """Raises ArchitectureError if one is missing, or if there are others and there may be none."""
    if missing := [name for name in names if name not in weights]:
        raise ArchitectureError(f"weights are missing: {_some(missing)}")
    if not may_have_others and (others := [name for name in weights if name not in names]):
        raise _not_understood(others)


def _set(network: keras.Model, name: str, *arrays: np.ndarray) -> None:
    layer = network.get_layer(name)
    for weight, array in zip(layer.weights, arrays, strict=True):
        if tuple(weight.shape) != array.shape:
            raise ArchitectureError(f"the weights of {name} have the shape {list(array.shape)}, not {list(weight.shape)}")
    layer.set_weights(arrays)


def _not_understood(names: Mapping[str, np.ndarray] | list[str]) -> ArchitectureError:
    return ArchitectureError(f"names that were not understood: {_some(list(names))}")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
