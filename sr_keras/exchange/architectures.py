"""Which network a file of weights is, by the names and shapes in it; and ours of that kind, with those weights."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras
import numpy as np

from sr_keras.networks import rrdbnet, srvgg
from sr_keras.runtime.errors import UserError

Weights = Mapping[str, np.ndarray]

_NAMES_SHOWN = 5

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


def _rrdbnet(weights: Weights) -> Architecture:
    weights = _with_new_names(weights)
    blocks = _count(weights, r"body\.(\d+)\.rdb1\.conv1\.weight")
    upscales = _count(weights, r"conv_up(\d+)\.weight")
    growth, filters = _shape(weights, "body.0.rdb1.conv1.weight")[:2]
    colours_in, colours_out = _shape(weights, "conv_first.weight")[1], _shape(weights, "conv_last.weight")[0]
    if colours_in in (12, 48):
        raise ArchitectureError(
            f"an RRDBNet that first makes {colours_in} channels of a picture's pixels (Real-ESRGAN's x2 and x1): in tiles it "
            "would not give what it gives of the whole, so it is not taken"
        )
    if (colours_in, colours_out) != (3, 3):
        raise ArchitectureError(f"an RRDBNet of {colours_in} channels to {colours_out}, not of 3 colours to 3")
    if not upscales:
        raise ArchitectureError("an RRDBNet that does not enlarge")
    network = rrdbnet.build(blocks, upscales, filters, growth)
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
    _require_all(weights, [f"{name}.{part}" for name in convolutions for part in ("weight", "bias")])
    for theirs, ours in convolutions.items():
        _set(network, ours, _kernel(weights[f"{theirs}.weight"]), weights[f"{theirs}.bias"])
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
    scale = round((shuffled / 3) ** 0.5)
    if colours_in != 3 or 3 * scale**2 != shuffled or last % 2:
        raise ArchitectureError(f"an SRVGGNetCompact of {colours_in} channels to {shuffled}, not of 3 colours to 3")
    if scale < 2:
        raise ArchitectureError("an SRVGGNetCompact that does not enlarge")
    convolutions = range(0, last + 1, 2)
    prelus = range(1, last, 2)
    names = [f"body.{index}.{part}" for index in convolutions for part in ("weight", "bias")]
    _require_all(weights, names + [f"body.{index}.weight" for index in prelus])
    network = srvgg.build(last // 2 - 1, scale, filters)
    for index in convolutions[:-1]:
        _set(network, f"conv{index // 2}", _kernel(weights[f"body.{index}.weight"]), weights[f"body.{index}.bias"])
    for index in prelus:
        _set(network, f"prelu{index // 2}", weights[f"body.{index}.weight"].reshape(1, 1, -1))
    # PyTorch's shuffle has the places of a colour beside each other, ours has the colours of a place.
    order = np.arange(shuffled).reshape(3, scale**2).T.ravel()
    kernel, bias = _kernel(weights[f"body.{last}.weight"]), weights[f"body.{last}.bias"]
    _set(network, "head_conv", kernel[..., order], bias[order])
    return Architecture(f"SRVGGNetCompact, {last // 2 - 1} convolutions of {filters} channels", network)


_KINDS: list[tuple[Callable[[Weights], bool], Callable[[Weights], Architecture]]] = [
    (_is_rrdbnet, _rrdbnet),
    (_is_srvgg, _srvgg),
]


def _kernel(weight: np.ndarray) -> np.ndarray:
    """PyTorch's `[out, in, kh, kw]` to ours, `[kh, kw, in, out]`."""
    return weight.transpose(2, 3, 1, 0)


def _count(weights: Weights, pattern: str) -> int:
    """One more than the largest number in a name; numbers that are from 1 on count as they are."""
    found = [int(match[1]) for name in weights if (match := re.fullmatch(pattern, name))]
    return (max(found) + (min(found) == 0)) if found else 0


def _shape(weights: Weights, name: str) -> tuple[int, ...]:
    _require_all(weights, [name], may_have_others=True)
    return weights[name].shape


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
