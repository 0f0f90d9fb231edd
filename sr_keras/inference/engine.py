"""What computes a network: TensorFlow, or on processors OpenVINO, which is faster there and does without TensorFlow."""

import importlib.util
import os
import pathlib
from typing import Literal, NamedTuple, Protocol

import numpy as np

from sr_keras.inference import engine_speeds, layer_graph, tiling
from sr_keras.inference.engine_speeds import Place
from sr_keras.inference.model_info import ModelInfo
from sr_keras.runtime import extras, processor, quiet_tensorflow

Name = Literal["auto", "tensorflow", "openvino"]
NAMES: tuple[Name, ...] = ("auto", "tensorflow", "openvino")


class Engine(Protocol):
    """Computes one network on one device, in one precision.

    Attributes:
        name: one of `NAMES`, but not "auto".
        info: of the network.
        precision: float32, bfloat16 or float16.
        tile: height and width, at most, of the tiles that `upscale_tile` should be given, in pixels of the photo.
        device: where the network is, as TensorFlow names it.
    """

    @property
    def name(self) -> str: ...

    @property
    def info(self) -> ModelInfo: ...

    @property
    def precision(self) -> str: ...

    @property
    def tile(self) -> int: ...

    @property
    def device(self) -> str | None: ...

    def upscale_tile(self, window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
        """Upscales the tile `[start, start + size)` of a window, `[h, w, 3]` of a type that `Upscaler` takes, to the same type.

        Raises:
            ValueError: the network computed a value that is not finite.
            MemoryError: there is too little.
        """

    def upscale_to(self, put: tiling.Put, photo: np.ndarray, progress: tiling.Progress) -> None:
        """Upscales a photo part by part, each of which is passed to `put(y, x, part)`; see `Upscaler.upscale_to`.

        Raises:
            ValueError: the network computed a value that is not finite.
            MemoryError: there is too little even for the smallest parts.
        """

    def overlap_factor(self, height: int, width: int) -> float:
        """How many times a photo's own arithmetic is done, because the windows of its parts overlap."""


class Network(Protocol):
    """A loaded network.

    Attributes:
        info: its metadata.
    """

    info: ModelInfo

    def engine(self, *, precision: str, memory_mb: int | None, tile: int | None, device: str | None) -> Engine:
        """What computes it; see `Upscaler` for the arguments."""


class Resolved(NamedTuple):
    """An engine, and why it was taken.

    Attributes:
        name: one of `NAMES`, but not "auto".
        why: in words; empty where it was asked for.
    """

    name: str
    why: str = ""


def resolve(name: str, folder: pathlib.Path, precision: str, device: str | None = None) -> Resolved:
    """The engine that computes a SavedModel.

    For "auto" that is the one that was measured to be the fastest (see `engine_speeds`) for networks of the same layers on
    this kind of processor. Where that was not measured, it is OpenVINO. On a GPU, on a device that has a name, and where
    OpenVINO is not installed or does not compute the network or the precision, it is TensorFlow.

    Raises:
        ValueError: the name is none of `NAMES`, or its library is not installed.
        ModelError: what the network's layers are is damaged.
    """
    if name not in NAMES:
        raise ValueError(f"engine must be one of {', '.join(NAMES)}, got {name!r}")
    if name != "auto":
        _require_installed(name)
        return Resolved(name)
    if not _is_installed("tensorflow"):
        _require_installed("openvino")
        return Resolved("openvino", "TensorFlow is not installed")
    if reason := _against_openvino(folder, precision, device):
        return Resolved("tensorflow", reason)
    if precision == "auto":
        precision = "bfloat16" if processor.multiplies_bfloat16() else "float32"
    place = Place(processor.kind(), precision, engine_speeds.family(folder))
    speeds = engine_speeds.measured_at(place)
    if speeds is None:
        return Resolved("openvino", f"not measured with {place.kind}; it is taken where that is so")
    where = f"as measured of {speeds.network} on {speeds.processor}"
    return Resolved(
        speeds.fastest,
        f"the fastest with {place.kind}, {where}; seconds of {speeds.cores} cores for start and megapixel: {speeds.in_words()}",
    )


def _against_openvino(folder: pathlib.Path, precision: str, device: str | None) -> str:
    """Why OpenVINO can't compute a network, or is not to; empty if it can."""
    if device is not None:
        return f"the device {device} was asked for"
    if not _is_installed("openvino"):
        return f"OpenVINO is not installed: {extras.install('cpu')}"
    if _has_gpu():
        return "there is a GPU"
    if precision == "float16":
        return "float16 is what TensorFlow alone computes"
    return "" if layer_graph.is_in(folder) else "the network has layers that TensorFlow alone computes"


def load(name: str, folder: pathlib.Path, device: str | None = None) -> Network:
    """Loads the network of a SavedModel's folder for an engine of `NAMES` that is not "auto".

    Raises:
        ModelError: the network is damaged or not ours, or its layers are not written beside it, which OpenVINO needs.
    """
    if name == "openvino":
        from sr_keras.inference import openvino_engine

        return openvino_engine.OpenVinoNetwork(folder)
    with quiet_tensorflow.tensorflow_import():
        import tensorflow as tf

        from sr_keras.inference import saved_model
    with tf.device(device):
        return saved_model.ExportedNetwork(folder)


def devices(name: str = "auto") -> list[str | None]:
    """Each GPU, or None for the processor where there is none or the engine computes on it alone: for `Upscaler.load`.

    Raises:
        ValueError: the engine's library is not installed.
    """
    if name != "auto":
        _require_installed(name)
    if name == "openvino" or not _has_gpu() or not _is_installed("tensorflow"):
        return [None]
    with quiet_tensorflow.tensorflow_import():
        from sr_keras.inference import tensorflow_engine
    return tensorflow_engine.devices()


def _require_installed(name: str) -> None:
    if not _is_installed(name):
        raise ValueError(f"engine {name} is not installed: {extras.install('cpu' if name == 'openvino' else 'gpu')}")


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _has_gpu() -> bool:
    """Whether there may be a GPU that TensorFlow computes on; to ask TensorFlow itself would take seconds."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return any(pathlib.Path(path).exists() for path in ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg"))
