"""Weights from the files of ncnn, `.param` and `.bin`, by the names that PyTorch's programs have for the same networks.

Source of the format: the wiki of ncnn, "param and model file structure".
"""

import pathlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sr_keras.runtime.errors import UserError

_MAGIC = "7767517"
# What stands before the weights of a convolution: their type.
_FLOAT32, _FLOAT16 = 0, 0x01306B47
_WITH_WEIGHTS = ("Convolution", "PReLU")
# These networks have no other layers.
_KNOWN = {*_WITH_WEIGHTS, "BinaryOp", "Concat", "Eltwise", "Input", "Interp", "PixelShuffle", "Split"}
_CONVOLUTIONS_OF_A_BLOCK = 15


class NcnnFileError(UserError):
    """The files hold no network that can be read; the message names them."""


class _Layer(NamedTuple):
    kind: str
    options: dict[int, str]


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The weights of a network, by Real-ESRGAN's names.

    Args:
        path: of the `.param`; the `.bin` lies beside it.

    Raises:
        NcnnFileError: it is none, is damaged, or has layers of other networks.
        OSError: a file can't be read.
    """
    try:
        layers = _layers(path.read_text(encoding="utf-8", errors="replace"))
        weights = list(_weights(layers, path.with_suffix(".bin").read_bytes()))
    except NcnnFileError as error:
        raise NcnnFileError(f"{path}: {error}") from None
    except OSError:
        raise
    # A damaged file raises whatever its reader stumbles over, in words about Python.
    except Exception:
        raise NcnnFileError(f"{path}: damaged, or no file of ncnn") from None
    kinds = [layer.kind for layer in layers]
    if "PReLU" in kinds:
        names = [f"body.{index}" for index in range(len(weights))]
        if kinds.count("Interp") != 1:
            raise NcnnFileError(
                f"{path}: resizes its result at the end, as SRVGGNetCompact does not; "
                "the file without that, often named x4, can be imported, and upscale --scale makes other sizes"
            )
    else:
        names = _names_of_rrdbnet(len(weights), kinds.count("Interp"))
    return {
        f"{name}.{part}": array
        for name, arrays in zip(names, weights, strict=True)
        for part, array in zip(("weight", "bias"), arrays, strict=False)
    }


def _names_of_rrdbnet(convolutions: int, upscales: int) -> list[str]:
    """In the order in which they compute."""
    blocks = (convolutions - 4 - upscales) // _CONVOLUTIONS_OF_A_BLOCK
    return [
        "conv_first",
        *(f"body.{block}.rdb{dense}.conv{conv}" for block in range(blocks) for dense in (1, 2, 3) for conv in (1, 2, 3, 4, 5)),
        "conv_body",
        *(f"conv_up{index}" for index in range(1, upscales + 1)),
        *("conv_hr", "conv_last"),
    ]


def _layers(text: str) -> list[_Layer]:
    magic, _, *lines = text.split("\n")
    if magic.strip() != _MAGIC:
        raise NcnnFileError("not a text of ncnn's layers")
    layers = []
    for words in filter(None, map(str.split, lines)):
        options = dict(word.split("=", 1) for word in words[4:] if "=" in word)
        layers.append(_Layer(words[0], {int(number): value for number, value in options.items()}))
    if others := {layer.kind for layer in layers} - _KNOWN:
        raise NcnnFileError(f"layers that were not understood: {', '.join(sorted(others))}")
    return layers


def _weights(layers: list[_Layer], content: bytes) -> Iterator[tuple[np.ndarray, ...]]:
    """Kernel `[out, in, k, k]` and bias of each convolution, slopes of each PReLU."""
    place = 0

    def take(count: int, dtype: str) -> np.ndarray:
        nonlocal place
        values = np.frombuffer(content, dtype, count, place).astype(np.float32)
        # The next begins at a multiple of four bytes.
        place += -(-values.size * np.dtype(dtype).itemsize // 4) * 4
        return values

    for layer in layers:
        if layer.kind == "PReLU":
            yield (take(int(layer.options[0]), "<f4"),)
        elif layer.kind == "Convolution":
            outputs, side, size = (int(layer.options[number]) for number in (0, 1, 6))
            kind = int.from_bytes(content[place : place + 4], "little")
            place += 4
            if kind not in (_FLOAT32, _FLOAT16):
                raise NcnnFileError("holds weights that are neither float32 nor float16")
            kernel = take(size, "<f2" if kind == _FLOAT16 else "<f4")
            yield kernel.reshape(outputs, -1, side, side), take(outputs, "<f4")
    if place != len(content):
        raise NcnnFileError("the weights are of other layers")
