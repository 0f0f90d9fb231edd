"""Upscales with OpenVINO: on processors faster than TensorFlow, which it does without. See `stages.py` for how.

Strips, stages and what is compiled count in blocks of the network's grid, which are pixels for most networks.
"""

import collections
import contextlib
import ctypes
import functools
import itertools
import math
import pathlib
import threading
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import openvino as ov

from sr_keras.inference import (
    checkpoint,
    layer_graph,
    model_info,
    openvino_ops,
    openvino_stage,
    stages,
    strip_heights,
    strips,
    tiling,
)
from sr_keras.inference.nodes import COLOURS
from sr_keras.inference.openvino_stage import value_type
from sr_keras.inference.stages import Stage
from sr_keras.inference.strips import Rows
from sr_keras.runtime import threads

# For the work on a strip, in MB, at most.
MEMORY_MB = 900

# Where that is not to be had, nothing is.
_LEAST_MEMORY = 2**18

# Of the photos in a folder, several sizes may take turns: what is compiled for so many sizes is kept.
_KEPT_SIZES = 2

# Of larger stages of photos that are not computed whole, what their work took is given back before another stage works; it is
# found anew the next time, which takes a quarter of the time.
_SMALL_STAGE = 4_000_000

# Of glibc's malloc.h.
_MALLOPT_MMAP_THRESHOLD = -3

_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_CAPABILITIES = {"float32": "FP32", "bfloat16": "BF16", "float16": "FP16"}
# How NumPy holds each number format.
_ARRAY_TYPES = {"float32": np.float32, "bfloat16": np.uint16, "float16": np.uint16, "uint8": np.uint8, "uint16": np.uint16}


# What the last stage gives.
_RESULT = "result"


class _Model(NamedTuple):
    """A compiled stage, whether it takes its weights, and what keeps threads from taking its memory away from each other."""

    compiled: ov.CompiledModel
    is_shared: bool
    lock: threading.Lock


class _Shape(NamedTuple):
    """What the stages are compiled for."""

    height: int
    width: int
    photo_type: str
    precision: str
    is_whole: bool
    strips: tuple[int, ...]


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
        self._core = ov.Core()
        self.precision = _resolved(precision, self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
        self._memory = (memory_mb or MEMORY_MB) * 10**6
        self._tile = tile
        self._compiled: collections.OrderedDict[_Shape, list[_Model]] = collections.OrderedDict()
        self._lock = threading.Lock()

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
        division = self._division(self._is_whole(rows, window, self._memory, self.precision))
        heights = self._strips(division, rows, window, self._memory, self.precision)
        return strip_heights.overlap_factor(division, rows, heights) * len(columns) * window / places

    def _columns(self, width: int, memory: int) -> list[tiling.Span]:
        widest = self._tile or self._widest(memory)
        return tiling.split(width, widest, self.info.receptive_field, grid=self.info.grid)

    def _is_whole(self, height: int, width: int, memory: int, precision: str) -> bool:
        return self._tile is None and strip_heights.is_whole(self._whole_stages[0], height, width, memory, precision)

    def _division(self, is_whole: bool) -> list[Stage]:
        return self._whole_stages if is_whole else self._stages

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
        is_whole = self._is_whole(height, width, memory, precision)
        division = self._division(is_whole)
        heights = self._strips(division, height, width, memory, precision)
        shape = _Shape(height, width, photo.dtype.name, precision, is_whole, heights)
        keeps_memory = is_whole or strip_heights.work_memory(division, height, width, heights, precision) <= memory
        if not is_whole:
            _return_freed_memory()
        spans = strip_heights.spans(division, height, heights)
        tensors = _tensors(division, height, width, photo.dtype.name, precision)
        with _clear_errors():
            steps = [
                strips.Step(
                    _Runner(stage, model, precision, photo.dtype.name, keeps_memory=keeps_memory),
                    {value.name: beyond for value, beyond in zip(stage.inputs, stage.beyond, strict=True)},
                    tuple(value.name for value in stage.outputs) or (_RESULT,),
                    windows,
                )
                for stage, windows, model in zip(division, spans, self._models(shape), strict=True)
            ]
            rows = strips.through(steps, tensors, {layer_graph.INPUT: photo[np.newaxis]}, height=height)
            y = 0
            # One is taken while the next one is made.
            buffers = itertools.cycle([_Memory(), _Memory()])
            for block, own in zip(rows, buffers, strict=False):
                band = _unblocked(block[_RESULT][0], self.info.scale * self.info.grid, own)
                yield y, band
                y += len(band)

    def _models(self, shape: _Shape) -> list[_Model]:
        with self._lock:
            if shape not in self._compiled:
                self._compiled[shape] = self._compile_all(shape)
            for other in self._compiled:
                if other != shape:
                    _release(self._compiled[other])
            self._compiled.move_to_end(shape)
            while len(self._compiled) > _KEPT_SIZES:
                self._compiled.popitem(last=False)
            return self._compiled[shape]

    def _compile_all(self, shape: _Shape) -> list[_Model]:
        """The model of each stage; stages that differ in nothing but weights share one."""
        division = self._division(shape.is_whole)
        windows = strip_heights.spans(division, shape.height, shape.strips)
        keys = [(openvino_stage.signature(stage), strip) for stage, strip in zip(division, shape.strips, strict=True)]
        models: dict[Hashable, _Model] = {}
        for stage, key, (first, *_) in zip(division, keys, windows, strict=True):
            if key not in models:
                is_shared = keys.count(key) > 1
                compiled = self._compile(stage, first.window_stop - first.window_start, shape, is_shared=is_shared)
                models[key] = _Model(compiled, is_shared, threading.Lock())
        return [models[key] for key in keys]

    def _compile(self, stage: Stage, rows: int, shape: _Shape, *, is_shared: bool) -> ov.CompiledModel:
        model = openvino_stage.build(
            stage,
            rows=rows,
            width=shape.width,
            precision=shape.precision,
            photo_type=shape.photo_type,
            scale=self.info.scale * self.info.grid,
            back_projection=self.info.back_projection,
            is_shared=is_shared,
        )
        options = {
            "INFERENCE_PRECISION_HINT": _HINTS["float32" if stage.is_picture else shape.precision],
            "PERFORMANCE_HINT": "LATENCY",
            # Threads that are bound to a core wait where something else runs there.
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_NUM_THREADS": threads.limit() or 0,  # 0 is all
        }
        return self._core.compile_model(model, "CPU", options)

    def _strips(self, division: Sequence[Stage], height: int, width: int, memory: int, precision: str) -> tuple[int, ...]:
        """The height of each stage's strips: the smallest that make little overlap, if they fit into memory."""
        if self._tile:
            return (max(1, self._tile // self.info.grid),) * len(division)
        return strip_heights.choose(division, height, width, memory, precision)

    def _widest(self, memory: int) -> int:
        """The width up to which a photo is computed in one column, in its pixels: strips are high enough to overlap little."""
        return self.info.grid * strip_heights.widest(self._stages, memory, self.precision)


class _Runner:
    """Runs a compiled stage on windows."""

    def __init__(self, stage: Stage, model: _Model, precision: str, photo_type: str, *, keeps_memory: bool) -> None:
        """Args:
        precision: of the tensors between stages.
        photo_type: "uint8", "uint16" or "float32".
        keeps_memory: whether what the work of a window took is kept for the next one's.
        """
        self._stage, self._model, self._keeps_memory = stage, model, keeps_memory
        self._types = {value.name: value_type(value, precision, photo_type) for value in (*stage.inputs, *stage.outputs)}
        self._types[_RESULT] = photo_type
        self._weights = openvino_stage.shared_weights(stage) if model.is_shared else []

    def __call__(self, window: Rows, first_row: int, outputs: Rows) -> None:
        """See `strips.Step`."""
        compiled = self._model.compiled
        # A new one for each window: it holds on to what it was given.
        request = compiled.create_infer_request()
        # OpenVINO reads the arrays where they are, and does not keep them in memory: they must outlive the request.
        inputs = [np.ascontiguousarray(window[value.name]) for value in self._stage.inputs]
        for index, value in enumerate(self._stage.inputs):
            request.set_input_tensor(index, self._tensor(value.name, inputs[index]))
        for index, weight in enumerate(self._weights, len(inputs)):
            request.set_input_tensor(index, ov.Tensor(weight))
        for index, (name, rows) in enumerate(outputs.items()):
            request.set_output_tensor(index, self._tensor(name, rows))
        with self._model.lock:
            request.infer(share_outputs=True)  # else it copies them for the dictionary that it returns
            if not self._keeps_memory and self._stage.margin and sum(rows.size for rows in inputs) > _SMALL_STAGE:
                compiled.release_memory()
        if self._stage.is_last and not np.isfinite(request.get_output_tensor(1).data).all():
            raise ValueError(model_info.NOT_FINITE)

    def _tensor(self, name: str, array: np.ndarray) -> ov.Tensor:
        return ov.Tensor(array, ov.Shape(array.shape), openvino_ops.TYPES[self._types[name]])


def _tensors(division: Sequence[Stage], height: int, width: int, photo_type: str, precision: str) -> dict[str, strips.Tensor]:
    """Those of a photo, by name."""
    values = {value.name: value for stage in division for value in (*stage.inputs, *stage.outputs)}
    tensors = {
        name: strips.Tensor(
            value.scale, value.scale * width, value.channels, np.dtype(_ARRAY_TYPES[value_type(value, precision, photo_type)])
        )
        for name, value in values.items()
    }
    [picture] = [value for value in division[-1].inputs if value.name != layer_graph.INPUT]
    return tensors | {_RESULT: tensors[picture.name]._replace(dtype=np.dtype(photo_type))}


class _OutOfMemoryError(Exception):
    """Memory ended; all rows before `row` are done."""

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


class _Memory:
    """Memory that is used again, for new one takes long."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, np.uint8)

    def take(self, size: int) -> np.ndarray:
        """So many bytes, which are not set."""
        if self._bytes.size < size:
            self._bytes = np.empty(size, np.uint8)
        return self._bytes[:size]


def _unblocked(blocks: np.ndarray, scale: int, memory: _Memory) -> np.ndarray:
    """Blocks of pixels, `[h, w, s s 3]`, as a picture, `[s h, s w, 3]`, in memory of its own."""
    height, width, _ = blocks.shape
    # A block's row of pixels is moved as one piece, which takes half of the time.
    piece = np.dtype((np.void, COLOURS * scale * blocks.itemsize))
    picture = memory.take(blocks.nbytes).view(piece).reshape(height, scale, width)
    picture[...] = blocks.view(piece).reshape(height, width, scale).transpose(0, 2, 1)
    return picture.view(blocks.dtype).reshape(scale * height, scale * width, COLOURS)


def _return_freed_memory() -> None:
    """Lets tensors of more than 1 MB go back to the system when they are freed, which glibc keeps otherwise.

    A photo of 512x512 so takes half of the memory.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(_MALLOPT_MMAP_THRESHOLD, 2**20)


def _resolved(precision: str, capabilities: Sequence[str]) -> str:
    if precision == "auto":
        return "bfloat16" if _CAPABILITIES["bfloat16"] in capabilities else "float32"
    if _CAPABILITIES[precision] not in capabilities:
        raise ValueError(f"precision {precision} is not what OpenVINO computes on this processor")
    return precision


def _release(models: Sequence[_Model]) -> None:
    """Gives back what the work of stages took, but for those at work."""
    for model in models:
        if model.lock.acquire(blocking=False):
            try:
                model.compiled.release_memory()
            finally:
                model.lock.release()


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
