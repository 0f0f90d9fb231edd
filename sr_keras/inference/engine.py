"""What computes a network: TensorFlow, or on processors OpenVINO, which is faster there and does without TensorFlow."""

import importlib.util
import os
import pathlib
from typing import Literal, Protocol

import numpy as np

from sr_keras.inference import layer_graph, tiling
from sr_keras.inference.model_info import ModelInfo
from sr_keras.runtime import extras, quiet_tensorflow

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


def resolve(name: str, folder: pathlib.Path, precision: str, device: str | None = None) -> str:
    """The engine that computes a SavedModel; nothing is measured here.

    For "auto" that is OpenVINO, where it is installed and computes the network and the precision, for it was the faster one on
    all processors that were tried (docs/benchmarks.md). On a GPU, and on a device that has a name, it is TensorFlow.

    Raises:
        ValueError: the name is none of `NAMES`, or its library is not installed.
    """
    if name not in NAMES:
        raise ValueError(f"engine must be one of {', '.join(NAMES)}, got {name!r}")
    if name != "auto":
        _require_installed(name)
        return name
    if not _is_installed("tensorflow"):
        _require_installed("openvino")
        return "openvino"
    is_possible = _is_installed("openvino") and precision != "float16" and layer_graph.is_in(folder)
    return "openvino" if is_possible and device is None and not _has_gpu() else "tensorflow"


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
