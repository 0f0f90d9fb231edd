"""Upscales with OpenVINO: on processors faster than TensorFlow, which it does without. See `stages.py` for how.

Strips, stages and what is compiled count in blocks of the network's grid, which are pixels for most networks.
"""

import contextlib
import functools
import itertools
import math
import pathlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import openvino as ov

from sr_keras.inference import (
    checkpoint,
    layer_graph,
    model_info,
    openvino_models,
    openvino_runner,
    stages,
    strip_heights,
    tiling,
)
from sr_keras.inference.nodes import COLOURS
from sr_keras.inference.openvino_models import Models, Shape
from sr_keras.inference.picture_buffer import PictureBuffer
from sr_keras.inference.stages import Stage
from sr_keras.runtime import malloc

# For the work on a strip, in MB, at most.
MEMORY_MB = 900

# Where that is not to be had, nothing is.
_LEAST_MEMORY = 2**18


class _Plan(NamedTuple):
    """How a photo is computed.

    Attributes:
        division: the stages.
        heights: of the strips of each.
        is_whole: whether all layers at the photo's own size are one stage, of the whole photo.
    """

    division: list[Stage]
    heights: tuple[int, ...]
    is_whole: bool


class OpenVinoNetwork:
    """A network that OpenVINO is to compute; see `engine.Network`.

    Attributes:
        info: its metadata.
        stages: what it is divided into.
        whole_stages: the same for photos that all layers at their own size have memory for at once: fewer stages.
        is_finite: whether all of its weights are.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        """Reads a SavedModel's folder.

        Raises:
            ModelError: it is damaged or not ours, or was exported without its layers.
        """
        self.info = model_info.read_info(folder)
        weights = checkpoint.read_weights(folder)
        # A ReLU makes 0 of what is no number, so that the result can't tell.
        self.is_finite = all(np.isfinite(weight).all() for weight in weights)
        try:
            layers = layer_graph.read(folder)
            info = self.info
            divide = functools.partial(stages.divide, layers, weights, back_projection=info.back_projection, grid=info.grid)
            self.stages, self.whole_stages = divide(), divide(is_whole=True)
        except (ValueError, IndexError, KeyError) as error:
            raise model_info.ModelError(f"{folder}: damaged ({type(error).__name__})") from None
        [enlargement] = (value.block for value in self.stages[-1].inputs if value.is_picture)
        if enlargement != info.scale * info.grid:
            raise model_info.ModelError(f"{folder}: the network does not enlarge {info.scale} times, as its model info says")

    def engine(self, *, precision: str, memory_mb: int | None, tile: int | None, device: str | None) -> "OpenVinoEngine":
        """See `engine.Network`.

        Raises:
            ValueError: OpenVINO does not compute the precision on this processor.
        """
        return OpenVinoEngine(self, precision=precision, memory_mb=memory_mb, tile=tile)


class OpenVinoEngine:
    """Computes a network on the processor; see `engine.Engine`. Nothing is compiled before there is a photo."""

    name = "openvino"
    device = None

    def __init__(self, network: OpenVinoNetwork, *, precision: str, memory_mb: int | None, tile: int | None) -> None:
        """Args:
        precision, memory_mb, tile: see `Upscaler`.

        Raises:
            ValueError: this processor does not have the precision.
        """
        self.info = network.info
        self._stages, self._whole_stages = network.stages, network.whole_stages
        self._is_finite = network.is_finite
        core = ov.Core()
        self.precision = openvino_models.resolved(precision, core)
        self._models = Models(core, self.info)
        self._memory = (memory_mb or MEMORY_MB) * 10**6
        self._tile = tile

    @property
    def tile(self) -> int:
        """See `engine.Engine`; whole photos are not computed in tiles."""
        # Of a tile's result there are several copies, one of them in 32 bits.
        return self._tile or min(self._widest(self._memory), math.isqrt(self._memory // (30 * self.info.scale**2)))

    def upscale_tile(self, window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
        """See `engine.Engine`."""
        scale = self.info.scale
        y, x = (slice(scale * begin, scale * (begin + extent)) for begin, extent in zip(start, size, strict=True))
        result = np.empty((scale * window.shape[0], scale * window.shape[1], COLOURS), window.dtype)
        for row, band in self._bands(window, self._memory):
            result[row : row + len(band)] = band
        return result[y, x]

    def upscale_to(self, put: tiling.Put, photo: np.ndarray, progress: tiling.Progress) -> None:
        """See `engine.Engine`. Where there is too little memory, smaller strips go on from the rows that are done."""
        photo, put = tiling.on_grid(photo, put, self.info.scale, self.info.grid)
        memory, begin = self._memory, 0
        while begin < photo.shape[0]:
            try:
                begin = self._upscale_from(begin, put, photo, progress, memory)
            except _OutOfMemoryError as error:
                if memory < _LEAST_MEMORY:
                    raise MemoryError("out of memory") from None
                memory, begin = memory // 4, error.row
                tiling.logger.warning("out of memory: goes on from row %d with smaller strips", begin)

    def overlap_factor(self, height: int, width: int) -> float:
        """See `engine.Engine`."""
        grid = self.info.grid
        rows, places = (math.ceil(length / grid) for length in (height, width))
        columns = self._columns(places * grid, self._memory)
        window = (columns[0].window_stop - columns[0].window_start) // grid
        division, heights, _ = self._plan(rows, window, self._memory, self.precision)
        return strip_heights.overlap_factor(division, rows, heights) * len(columns) * window / places

    def _columns(self, width: int, memory: int) -> list[tiling.Span]:
        widest = self._tile or self._widest(memory)
        return tiling.split(width, widest, self.info.receptive_field, grid=self.info.grid)

    def _widest(self, memory: int) -> int:
        """The width up to which a photo is computed in one column, in its pixels: strips are high enough to overlap little."""
        return self.info.grid * strip_heights.widest(self._stages, memory, self.precision)

    def _plan(self, height: int, width: int, memory: int, precision: str) -> _Plan:
        is_whole = self._tile is None and strip_heights.is_whole(self._whole_stages[0], height, width, memory, precision)
        division = self._whole_stages if is_whole else self._stages
        if self._tile:
            return _Plan(division, (max(1, self._tile // self.info.grid),) * len(division), is_whole)
        return _Plan(division, strip_heights.choose(division, height, width, memory, precision), is_whole)

    def _upscale_from(
        self,
        begin: int,
        put: tiling.Put,
        photo: np.ndarray,
        progress: tiling.Progress,
        memory: int,
    ) -> int:
        """Upscales all rows from one on, and returns the photo's height."""
        height, width, _ = photo.shape
        scale, grid = self.info.scale, self.info.grid
        top = max(0, begin - math.ceil(self.info.receptive_field / grid) * grid)
        columns = self._columns(width, memory)
        for index, column in enumerate(columns):
            window = photo[top:, column.window_start : column.window_stop]
            x = slice(scale * (column.start - column.window_start), scale * (column.stop - column.window_start))
            done = begin
            try:
                for y, band in _ahead(self._bands(window, memory)):
                    band = band[max(0, scale * (begin - top) - y) :, x]
                    if len(band):
                        put(scale * done, scale * column.start, band)
                        done += len(band) // scale
                        share = (index + (done - begin) / (height - begin)) / len(columns)
                        progress((begin + (height - begin) * share) / height)
            except MemoryError:
                # Of several columns, the rows of the others are missing.
                raise _OutOfMemoryError(done if len(columns) == 1 else begin) from None
        return len(photo)

    def _bands(self, photo: np.ndarray, memory: int) -> Iterator[tuple[int, np.ndarray]]:
        """The result in bands of its whole width, from the top on, each with its first row.

        A band may change when the one after the next is asked for.
        """
        if not self._is_finite:
            raise ValueError(model_info.NOT_FINITE)
        height, width = (length // self.info.grid for length in photo.shape[:2])
        precision = self.precision if photo.dtype == np.uint8 else "float32"
        division, heights, is_whole = self._plan(height, width, memory, precision)
        shape = Shape(height, width, photo.dtype.name, precision, is_whole, heights)
        keeps_memory = is_whole or strip_heights.work_memory(division, height, width, heights, precision) <= memory
        if not is_whole:
            malloc.return_freed()  # a photo of 512x512 so takes half of the memory
        with _clear_errors():
            models = self._models.of(division, shape)
            y = 0
            # One is taken while the next one is made.
            buffers = itertools.cycle([PictureBuffer(), PictureBuffer()])
            computed = openvino_runner.run(division, models, shape, photo, keeps_memory=keeps_memory)
            for blocks, buffer in zip(computed, buffers, strict=False):
                band = buffer.unblocked(blocks, self.info.scale * self.info.grid)
                yield y, band
                y += len(band)


class _OutOfMemoryError(Exception):
    """Memory ended; all rows before `row` are done."""

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


def _ahead(bands: Iterator[tuple[int, np.ndarray]]) -> Iterator[tuple[int, np.ndarray]]:
    """Computes the next band while the present one is taken."""
    with ThreadPoolExecutor(1, "strip") as executor:
        coming = executor.submit(next, bands, None)
        while (band := coming.result()) is not None:
            coming = executor.submit(next, bands, None)
            yield band


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        # OpenVINO has no error of its own for it.
        if not any(words in str(error) for words in ("bad_alloc", "allocate", "out of memory")):
            raise
        raise MemoryError("out of memory") from None
