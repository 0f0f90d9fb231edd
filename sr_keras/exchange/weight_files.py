"""Weights from files of PyTorch (`.pth`, `.pt`) and of safetensors, without PyTorch and without running what a file says.

A `.pth` is a pickle, and a pickle is a program. Here only what names tensors is obeyed: dictionaries, and PyTorch's two ways to
say "a tensor of that storage"; whatever else a file calls for is refused, by its name.
"""

import collections
import io
import json
import math
import pathlib
import pickle
import zipfile
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

import numpy as np

from sr_keras.runtime.errors import UserError

# How PyTorch and safetensors call the types that weights have.
_STORAGES = {
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "DoubleStorage": "float64",
    "LongStorage": "int64",
    "IntStorage": "int32",
}
_SAFETENSORS_TYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F64": "float64", "I64": "int64", "I32": "int32"}
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
# A header is a few hundred bytes a tensor.
_LARGEST_HEADER = 100_000_000
# What training programs put weights under; an average of them comes first.
_WRAPPERS = ("params_ema", "params-ema", "params", "state_dict", "model_state_dict", "model", "net_g", "net")


class WeightFileError(UserError):
    """A file holds no weights that can be read; the message names it."""


class _Tensor(NamedTuple):
    """Where a tensor lies in its storage."""

    storage: str
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
    """All tensors of a file, by name: float32 where they are of a floating type.

    Raises:
        WeightFileError: it is none of these files, is damaged, or calls for more than tensors.
        OSError: it can't be read.
    """
    try:
        with path.open("rb") as file:
            return _read(file)
    except WeightFileError as error:
        raise WeightFileError(f"{path}: {error}") from None
    except OSError:
        raise
    # A damaged file raises whatever its reader stumbles over, in words about Python.
    except Exception:
        raise WeightFileError(f"{path}: damaged, or no file of weights") from None


def _read(file: IO[bytes]) -> dict[str, np.ndarray]:
    start = file.read(16)
    file.seek(0)
    if start.startswith(b"PK"):
        return _of_zip(zipfile.ZipFile(file))
    if start[8:9] == b"{":
        return _of_safetensors(file)
    if start.startswith(b"\x80"):
        return _of_legacy(file)
    raise WeightFileError("neither a file of PyTorch nor of safetensors")


def _of_safetensors(file: IO[bytes]) -> dict[str, np.ndarray]:
    length = int.from_bytes(file.read(8), "little")
    if length > _LARGEST_HEADER:
        raise WeightFileError("its header is too long")
    header = json.loads(file.read(length))
    content = file.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            tensors[name] = _array(content[begin:end], _SAFETENSORS_TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def _of_zip(archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
    [pickled] = [name for name in archive.namelist() if name.endswith("/data.pkl")] or [""]
    if not pickled:
        raise WeightFileError("a zip file, but not one of PyTorch")
    folder = pickled.removesuffix("/data.pkl")
    if f"{folder}/byteorder" in archive.namelist() and archive.read(f"{folder}/byteorder") != b"little":
        raise WeightFileError("its numbers are in the other order of bytes")
    tensors = _tensors(_Unpickler(io.BytesIO(_stored(archive, pickled))).load())

    def storage(key: str) -> bytes:
        return _stored(archive, f"{folder}/data/{key}")

    return _resolved(tensors, {tensor.storage: storage(tensor.storage) for tensor in tensors.values()})


def _stored(archive: zipfile.ZipFile, name: str) -> bytes:
    # PyTorch never compresses; what is compressed could be a thousand times as large as it looks.
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise WeightFileError("compressed, as PyTorch's files are not")
    return archive.read(name)


def _of_legacy(file: IO[bytes]) -> dict[str, np.ndarray]:
    """The format of PyTorch before 1.6: pickles one after the other, then the storages."""
    if _Unpickler(file).load() != _LEGACY_MAGIC:
        raise WeightFileError("a pickle, but not one of PyTorch")
    for _ in ("version", "system"):
        _Unpickler(file).load()
    tensors = _tensors(_Unpickler(file).load())
    sizes = {tensor.storage: np.dtype(_numpy_type(tensor.dtype)).itemsize for tensor in tensors.values()}
    storages = {}
    for key in _Unpickler(file).load():
        count = int.from_bytes(file.read(8), "little")
        if str(key) not in sizes:
            raise WeightFileError("holds a storage of no tensor")
        storages[str(key)] = file.read(count * sizes[str(key)])
    return _resolved(tensors, storages)


class _Unpickler(pickle.Unpickler):
    """Knows dictionaries and tensors alone."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _rebuild_parameter
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise WeightFileError(f"refused, for it calls for {module}.{name}; save the weights alone (state_dict)")

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        kind, dtype, key, *_ = pid
        if kind != "storage" or not isinstance(dtype, str):
            raise WeightFileError("refused, for it calls for something else than a storage")
        return str(key), dtype


def _rebuild_tensor(storage: tuple[str, str], offset: int, shape: Any, strides: Any, *_: object) -> _Tensor:
    return _Tensor(*storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


def _rebuild_parameter(tensor: _Tensor, *_: object) -> _Tensor:
    return tensor


def _tensors(loaded: Any) -> dict[str, _Tensor]:
    """Those of a state, or of what it lies in."""
    if isinstance(loaded, Mapping):
        found = {str(name): value for name, value in loaded.items() if isinstance(value, _Tensor)}
        if found:
            return found
        for wrapper in _WRAPPERS:
            if isinstance(loaded.get(wrapper), Mapping):
                return _tensors(loaded[wrapper])
    raise WeightFileError("holds no weights")


def _resolved(tensors: Mapping[str, _Tensor], storages: Mapping[str, bytes]) -> dict[str, np.ndarray]:
    return {name: _resolve(tensor, _array(storages[tensor.storage], tensor.dtype)) for name, tensor in tensors.items()}


def _resolve(tensor: _Tensor, values: np.ndarray) -> np.ndarray:
    last = tensor.offset + sum((length - 1) * stride for length, stride in zip(tensor.shape, tensor.strides, strict=True))
    if (
        min(tensor.offset, *tensor.shape, *tensor.strides, 0) < 0
        or last >= len(values)
        or math.prod(tensor.shape) > len(values)
    ):
        raise WeightFileError("a tensor lies outside of its storage")
    strides = [stride * values.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides).copy()


def _array(content: bytes, dtype: str) -> np.ndarray:
    values = np.frombuffer(content, _numpy_type(dtype))
    if dtype == "bfloat16":
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float32) if values.dtype.kind == "f" else values


def _numpy_type(dtype: str) -> str:
    """bfloat16 is the upper half of a float32."""
    return {"bfloat16": "<u2", "float16": "<f2", "float32": "<f4", "float64": "<f8", "int32": "<i4", "int64": "<i8"}[dtype]
