"""What computes a network: TensorFlow, or on processors OpenVINO, which is faster there and does without TensorFlow."""

import importlib.util
from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np

from sr_keras.inference.model_info import ModelInfo

Name = Literal["auto", "tensorflow", "openvino"]
NAMES: tuple[Name, ...] = ("auto", "tensorflow", "openvino")

# Part of every exported graph: another text would not be recognised in the bundled networks.
NOT_FINITE = "the network gave numbers that are not finite"


class Engine(Protocol):
    """Computes one network.

    Attributes:
        name: one of `NAMES`, but not "auto".
        info: of the network.
        precision: float32, bfloat16 or float16.
        tile: height and width at most of what `upscale_tile` is to be given as a tile, in pixels of the photo.
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
        """Upscales the tile `[start, start + size)` of a window, uint8 or uint16 `[h, w, 3]`, to the same type.

        Raises:
            ValueError: the network computed a value that is not finite.
            MemoryError: there is too little.
        """

    def upscale_to(
        self, put: Callable[[int, int, np.ndarray], None], photo: np.ndarray, progress: Callable[[float], None]
    ) -> None:
        """Upscales a photo part by part, each of which is passed to `put(y, x, part)`; see `Upscaler.upscale_to`."""


def is_installed(name: str) -> bool:
    """Whether the library of an engine is there."""
    return importlib.util.find_spec(name) is not None
