"""Random weights as PyTorch's programs name them, and files as PyTorch and safetensors write them; needs neither."""

import collections
import io
import json
import pathlib
import pickle
import struct
import sys
import types
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

State = dict[str, np.ndarray]


def rrdbnet(
    rng: np.random.Generator, *, blocks: int = 2, upscales: int = 2, filters: int = 6, growth: int = 3, unshuffle: int = 1
) -> State:
    """By Real-ESRGAN's names."""
    convolutions = {"conv_first": (filters, 3 * unshuffle**2)}
    for block in range(blocks):
        for dense in (1, 2, 3):
            for conv in (1, 2, 3, 4, 5):
                convolutions[f"body.{block}.rdb{dense}.conv{conv}"] = (
                    filters if conv == 5 else growth,
                    filters + (conv - 1) * growth,
                )
    convolutions |= dict.fromkeys(("conv_body", *(f"conv_up{n + 1}" for n in range(upscales)), "conv_hr"), (filters, filters))
    return of_convolutions(rng, {**convolutions, "conv_last": (3, filters)})


def srvgg(rng: np.random.Generator, *, convs: int = 2, scale: int = 4, filters: int = 6) -> State:
    state: State = {}
    for index in range(convs + 1):
        state |= of_convolutions(rng, {f"body.{2 * index}": (filters, filters if index else 3)})
        state[f"body.{2 * index + 1}.weight"] = rng.uniform(0.1, 0.4, filters).astype(np.float32)
    return state | of_convolutions(rng, {f"body.{2 * convs + 2}": (3 * scale**2, filters)})


def span(rng: np.random.Generator, *, blocks: int = 2, scale: int = 4, filters: int = 6, is_normalised: bool = True) -> State:
    """As it is trained; `eval_conv` holds what was the sum of the others at some time before."""
    state: State = {} if is_normalised else {"no_norm": np.zeros(1, np.float32)}
    convolutions = {"conv_1": 3, "conv_2": filters}
    convolutions |= {f"block_{block + 1}.c{conv}_r": filters for block in range(blocks) for conv in (1, 2, 3)}
    for name, inputs in convolutions.items():
        state |= of_convolutions(rng, {f"{name}.sk": (filters, inputs), f"{name}.conv.0": (2 * inputs, inputs)}, kernel=1)
        state |= of_convolutions(rng, {f"{name}.conv.1": (2 * filters, 2 * inputs), f"{name}.eval_conv": (filters, inputs)})
        state |= of_convolutions(rng, {f"{name}.conv.2": (filters, 2 * filters)}, kernel=1)
    state |= of_convolutions(rng, {"conv_cat": (filters, 4 * filters)}, kernel=1)
    state |= of_convolutions(rng, {"upsampler.0": (3 * scale**2, filters)})
    # Each convolution is four: of the size that others have, they would make levels in the thousands of [0, 1].
    return {name: array / 2 for name, array in state.items()}


def of_convolutions(rng: np.random.Generator, convolutions: Mapping[str, tuple[int, int]], kernel: int = 3) -> State:
    state: State = {}
    for name, (outputs, inputs) in convolutions.items():
        values = rng.standard_normal((outputs, inputs, kernel, kernel)) / np.sqrt(kernel**2 * inputs)
        state[f"{name}.weight"] = values.astype(np.float32)
        state[f"{name}.bias"] = rng.uniform(-0.1, 0.1, outputs).astype(np.float32)
    return state


def as_esrgan(state: State) -> State:
    """The names of ESRGAN's own program."""
    changes = [("conv_body", "trunk_conv"), ("body.", "RRDB_trunk."), (".rdb", ".RDB"), ("conv_up", "upconv")]
    changes += [("conv_hr", "HRconv")]
    return {_changed(name, changes): array for name, array in state.items()}


def as_old_esrgan(state: State) -> State:
    """The numbers that ESRGAN's first weights have for names."""
    blocks = sum(name.endswith("rdb1.conv1.weight") for name in state)
    upscales = sum(name.startswith("conv_up") and name.endswith("weight") for name in state)
    numbers = {f"conv_up{index}": f"model.{3 * index}" for index in range(1, upscales + 1)}
    numbers |= {"conv_first": "model.0", "conv_body": f"model.1.sub.{blocks}"}
    numbers |= {"conv_hr": f"model.{3 * upscales + 2}", "conv_last": f"model.{3 * upscales + 4}"}

    def renamed(name: str) -> str:
        module, part = name.rsplit(".", 1)
        if module in numbers:
            return f"{numbers[module]}.{part}"
        return f"{module.replace('body', 'model.1.sub').replace('rdb', 'RDB')}.0.{part}"

    return {renamed(name): array for name, array in state.items()}


def _changed(name: str, changes: list[tuple[str, str]]) -> str:
    for before, after in changes:
        name = name.replace(before, after)
    return name


class _Storage:
    def __init__(self, key: str, values: np.ndarray) -> None:
        self.key, self.values = key, values


class _Tensor:
    """Pickles as PyTorch's do."""

    def __init__(self, key: str, values: np.ndarray) -> None:
        self.storage, self.values = _Storage(key, values), values

    def __reduce__(self) -> Any:
        strides = tuple(stride // self.values.itemsize for stride in self.values.strides)
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (self.storage, 0, self.values.shape, strides, False, collections.OrderedDict())


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        if not isinstance(value, _Storage):
            return None
        kind = {"float32": "FloatStorage", "float16": "HalfStorage", "uint16": "BFloat16Storage"}[value.values.dtype.name]
        return "storage", getattr(sys.modules["torch"], kind), value.key, "cpu", value.values.size


@contextmanager
def _pretended_torch() -> Iterator[None]:
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for kind in ("FloatStorage", "HalfStorage", "BFloat16Storage"):
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2() -> None: ...

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules.update({"torch": torch, "torch._utils": utils})
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def write_pth(path: pathlib.Path, state: Any, wrapper: str | None = None, *, compression: int = zipfile.ZIP_STORED) -> None:
    """As `torch.save` does since PyTorch 1.6."""
    tensors = collections.OrderedDict((name, _Tensor(str(n), array)) for n, (name, array) in enumerate(state.items()))
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", _pickled({wrapper: tensors} if wrapper else tensors))
        archive.writestr("archive/byteorder", "little")
        for tensor in tensors.values():
            archive.writestr(f"archive/data/{tensor.storage.key}", tensor.values.tobytes())


def write_legacy_pth(path: pathlib.Path, state: State) -> None:
    """As `torch.save` did before."""
    tensors = collections.OrderedDict((name, _Tensor(str(n), array)) for n, (name, array) in enumerate(state.items()))
    with path.open("wb") as file:
        for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(value, file, protocol=2)
        file.write(_pickled(tensors))
        pickle.dump([tensor.storage.key for tensor in tensors.values()], file, protocol=2)
        for tensor in tensors.values():
            file.write(struct.pack("<q", tensor.values.size) + tensor.values.tobytes())


def _pickled(value: object) -> bytes:
    with _pretended_torch():
        file = io.BytesIO()
        _Pickler(file, protocol=2).dump(value)
    return file.getvalue()


def write_safetensors(path: pathlib.Path, state: State) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    content = b""
    for name, array in state.items():
        dtype = {"float32": "F32", "float16": "F16"}[array.dtype.name]
        header[name] = {
            "dtype": dtype,
            "shape": array.shape,
            "data_offsets": [len(content), len(content) + array.nbytes],
        }
        content += array.tobytes()
    encoded = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + content)


def write_ncnn(path: pathlib.Path, state: State, *, half: bool) -> None:
    """The layers with weights, and those that are counted, as ncnn has them; connections are left out."""
    lines, content = [], b""
    for name, array in state.items():
        if array.ndim == 4:
            lines.append(f"Convolution {name} 1 1 a b 0={array.shape[0]} 1=3 4=1 5=1 6={array.size} -23310=1,2.0e-01")
            values = array.astype(np.float16).tobytes() if half else array.tobytes()
            content += struct.pack("<I", 0x01306B47 if half else 0) + values + bytes(-len(values) % 4)
        elif name.endswith("bias"):
            content += array.tobytes()
        else:
            lines.append(f"PReLU {name} 1 1 a b 0={array.size}")
            content += array.tobytes()
    is_compact = "body.1.weight" in state
    lines += ["Interp resize 1 1 a b 0=1 1=2.0"] * (1 if is_compact else sum("conv_up" in name for name in state) // 2)
    path.write_text("\n".join(["7767517", f"{len(lines)} 1", *lines, ""]))
    path.with_suffix(".bin").write_bytes(content)
