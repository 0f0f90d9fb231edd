"""Upscales with TensorFlow, by the functions of a SavedModel, tile by tile."""

import contextlib
import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import psutil
import tensorflow as tf

from sr_keras.inference import tiling
from sr_keras.inference.model_info import NOT_FINITE, ModelInfo
from sr_keras.inference.tile_function import TileFunction
from sr_keras.runtime import precision as precisions

# For the work on a tile. On a CPU, more hardly helps; a GPU needs larger tiles.
_CPU_MEMORY_MB, _GPU_MEMORY_MB = 384, 4096
# But where a network sees so far that its tiles would be overlap for the most part, it may be this share of what is free.
_SHARE_OF_FREE = 1 / 8
_MOST_OVERLAP = 2.0


class _Network(Protocol):
    info: ModelInfo

    def tile_function(self, dtype: str, precision: str) -> TileFunction: ...


class TensorFlowEngine:
    """A network that TensorFlow computes; see `engine.Engine`."""

    name = "tensorflow"

    def __init__(
        self, network: _Network, *, precision: str, memory_mb: int | None, tile: int | None, device: str | None
    ) -> None:
        """Args:
        network: loaded to `device`.
        precision, memory_mb, tile, device: see `Upscaler`.
        """
        self._network = network
        self.info = network.info
        self.precision = precisions.resolve_inference(precision)
        self.device = device
        self.tile = tile or self._tile(memory_mb or self._default_memory_mb())

    def _tile(self, memory_mb: int) -> int:
        return tiling.largest_tile(
            memory_mb * 10**6,
            bytes_per_pixel=self.info.peak_values * tf.as_dtype(self.precision).size,
            margin=self.info.peak_margin,
        )

    def _default_memory_mb(self) -> int:
        if tf.config.list_physical_devices("GPU"):
            return _GPU_MEMORY_MB
        most, memory_mb = _SHARE_OF_FREE * psutil.virtual_memory().available / 10**6, _CPU_MEMORY_MB
        # As `overlap_factor` for a photo of many tiles.
        while (1 + self.info.receptive_field / self._tile(memory_mb)) ** 2 > _MOST_OVERLAP and 2 * memory_mb <= most:
            memory_mb *= 2
        return memory_mb

    def upscale_tile(self, window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
        """See `engine.Engine`."""
        function = self._network.tile_function(window.dtype.name, self.precision)
        with _clear_errors(), tf.device(self.device):
            tile: np.ndarray = function(tf.constant(window), tf.constant(start), tf.constant(size)).numpy()
        return tile

    def upscale_to(self, put: tiling.Put, photo: np.ndarray, progress: tiling.Progress) -> None:
        """See `engine.Engine`."""
        tiling.upscale_tiled(
            self.upscale_tile,
            photo,
            put,
            scale=self.info.scale,
            tile=self.tile,
            overlap=self.info.receptive_field,
            grid=self.info.grid,
            progress=progress,
        )

    def overlap_factor(self, height: int, width: int) -> float:
        """See `engine.Engine`. Layers compute no more of a window than later ones need: half of its overlap, on average."""
        factors = []
        for length in (height, width):
            grid = self.info.grid
            spans = tiling.split(math.ceil(length / grid) * grid, self.tile, self.info.receptive_field, grid=grid)
            window = spans[0].window_stop - spans[0].window_start
            size = spans[0].stop - spans[0].start
            factors.append(len(spans) * (window + size) / 2 / length)
        return factors[0] * factors[1]


def devices() -> list[str | None]:
    """Each GPU, or None for the CPU where there is none."""
    return [device.name for device in tf.config.list_logical_devices("GPU")] or [None]


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except tf.errors.ResourceExhaustedError:
        raise MemoryError("out of memory") from None
    except tf.errors.AbortedError as error:
        # What oneDNN says where its own work finds no memory.
        if "Operation received an exception" not in error.message:
            raise
        raise MemoryError("out of memory") from None
    except tf.errors.InvalidArgumentError as error:
        if NOT_FINITE not in error.message:
            raise
        raise ValueError(NOT_FINITE) from None
