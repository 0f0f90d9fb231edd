"""Upscales with OpenVINO: on processors faster than TensorFlow, which it does without. See `stages.py` for how."""

import collections
import contextlib
import math
import pathlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import openvino as ov

from sr_keras.inference import checkpoint, layer_graph, model_info, openvino_stage, stages, strips, tiling
from sr_keras.inference.engine import NOT_FINITE
from sr_keras.inference.openvino_stage import value_type
from sr_keras.inference.stages import Stage
from sr_keras.inference.strips import Rows

# For the work on a strip, in MB, at most.
MEMORY_MB = 512

# The share of a stage's work that may be done twice, because windows overlap; smaller strips take less memory.
_OVERLAP = 0.02
# Of the last stage, which has little arithmetic but large tensors.
_LAST_OVERLAP = 0.15

# Of the photos in a folder, several sizes may take turns: what is compiled for so many sizes is kept.
_KEPT_SIZES = 2

# Of larger stages, what their work took is given back before another stage works; it is found anew the next time.
_SMALL_STAGE = 4_000_000

_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_CAPABILITIES = {"float32": "FP32", "bfloat16": "BF16", "float16": "FP16"}
# How NumPy holds each number format.
_ARRAY_TYPES = {"float32": np.float32, "bfloat16": np.uint16, "float16": np.uint16, "uint8": np.uint8, "uint16": np.uint16}


class _Shape(NamedTuple):
    """What the stages are compiled for."""

    height: int
    width: int
    photo_type: str
    precision: str
    strips: tuple[int, ...]


class OpenVinoEngine:
    """A network that OpenVINO computes; see `engine.Engine`."""

    name = "openvino"
    device = None

    def __init__(
        self, folder: pathlib.Path, *, precision: str = "auto", memory_mb: int | None = None, tile: int | None = None
    ) -> None:
        """Reads a SavedModel's folder. Nothing is compiled before there is a photo.

        Args:
            precision, memory_mb, tile: see `Upscaler`.

        Raises:
            ModelError: it is damaged, or was exported without its layers.
            ValueError: this processor does not have the precision.
        """
        self.info = model_info.read_info(folder)
        self._stages = stages.divide(
            layer_graph.read(folder), checkpoint.read_weights(folder), back_projection=self.info.back_projection
        )
        self._core = ov.Core()
        self.precision = _resolved(precision, self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
        self._memory = (memory_mb or MEMORY_MB) * 10**6
        self._tile = tile
        self._compiled: collections.OrderedDict[_Shape, list[ov.CompiledModel]] = collections.OrderedDict()
        self._lock = threading.Lock()

    @property
    def tile(self) -> int:
        """See `engine.Engine`; whole photos are not computed in tiles."""
        return self._tile or self._widest(self._memory)

    def upscale_tile(self, window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
        """See `engine.Engine`."""
        scale = self.info.scale
        y, x = (slice(scale * begin, scale * (begin + extent)) for begin, extent in zip(start, size, strict=True))
        return np.concatenate([band for _, band in self._bands(window, self._memory)])[y, x]

    def upscale_to(
        self, put: Callable[[int, int, np.ndarray], None], photo: np.ndarray, progress: Callable[[float], None]
    ) -> None:
        """See `engine.Engine`. Where there is too little memory, smaller strips go on from the rows that are done."""
        memory, begin = self._memory, 0
        while begin < photo.shape[0]:
            try:
                begin = self._upscale_from(begin, put, photo, progress, memory)
            except _OutOfMemoryError as error:
                if memory < self._least_memory(photo.shape[1]):
                    raise MemoryError("out of memory") from None
                memory, begin = memory // 2, error.row
                tiling.logger.warning("out of memory: goes on from row %d with smaller strips", begin)

    def overlap_factor(self, height: int, width: int) -> float:
        """How many times a photo's own arithmetic is done, because strips and columns overlap."""
        columns = tiling.split(width, self._tile or self._widest(self._memory), self.info.receptive_field)
        window = columns[0].window_stop - columns[0].window_start
        heights = self._strips(height, window, self._memory, self.precision)
        work = [sum(map(stages.operations, stage.nodes)) for stage in self._stages]
        factors = [
            strips.overlap_factor(height, strip, stage.margin) for strip, stage in zip(heights, self._stages, strict=True)
        ]
        rows = sum(part * factor for part, factor in zip(work, factors, strict=True)) / sum(work)
        return rows * len(columns) * window / width

    def _upscale_from(
        self,
        begin: int,
        put: Callable[[int, int, np.ndarray], None],
        photo: np.ndarray,
        progress: Callable[[float], None],
        memory: int,
    ) -> int:
        """Upscales all rows from one on, and returns the photo's height."""
        height, width = photo.shape[:2]
        scale, overlap = self.info.scale, self.info.receptive_field
        top = max(0, begin - overlap)
        columns = tiling.split(width, self._tile or self._widest(memory), overlap)
        for column in columns:
            window = photo[top:, column.window_start : column.window_stop]
            x = slice(scale * (column.start - column.window_start), scale * (column.stop - column.window_start))
            done = begin
            try:
                for y, band in _ahead(self._bands(window, memory)):
                    band = band[max(0, scale * (begin - top) - y) :, x]
                    if len(band):
                        put(scale * done, scale * column.start, band)
                        done += len(band) // scale
                        progress((begin * width + (done - begin) * width / len(columns) + (height - begin) * column.start) / height / width)
            except MemoryError:
                # Of several columns, the rows of the others are missing.
                raise _OutOfMemoryError(done if len(columns) == 1 else begin) from None
        return height

    def _bands(self, photo: np.ndarray, memory: int) -> Iterator[tuple[int, np.ndarray]]:
        """The result in bands of its whole width, from the top on, each with its first row."""
        height, width, _ = photo.shape
        # In bfloat16, OpenVINO 2026.4 was seen to compute garbage where a picture is one pixel wide.
        precision = "float32" if photo.dtype == np.uint16 or width == 1 else self.precision
        shape = _Shape(height, width, photo.dtype.name, precision, self._strips(height, width, memory, precision))
        with _clear_errors():
            rows: Iterator[Rows] = iter([{layer_graph.INPUT: photo[np.newaxis]}])
            for stage, strip, model in zip(self._stages, shape.strips, self._models(shape), strict=True):
                runner = _Runner(stage, model, precision, photo.dtype.name, photo)
                rows = strips.through(
                    runner, rows, height=height, strip=strip, margin=stage.margin, scales=runner.scales(self.info.scale)
                )
            y = 0
            for block in rows:
                band = block[_RESULT][0]
                yield y, band
                y += len(band)

    def _models(self, shape: _Shape) -> list[ov.CompiledModel]:
        with self._lock:
            if shape not in self._compiled:
                self._compiled[shape] = [self._compile(index, shape) for index in range(len(self._stages))]
            self._compiled.move_to_end(shape)
            while len(self._compiled) > _KEPT_SIZES:
                self._compiled.popitem(last=False)
            return self._compiled[shape]

    def _compile(self, index: int, shape: _Shape) -> ov.CompiledModel:
        stage = self._stages[index]
        span = tiling.split(shape.height, shape.strips[index], stage.margin)[0]
        model = openvino_stage.build(
            stage,
            rows=span.window_stop - span.window_start,
            width=shape.width,
            precision=shape.precision,
            photo_type=shape.photo_type,
            scale=self.info.scale,
            back_projection=self.info.back_projection,
        )
        options = {
            "INFERENCE_PRECISION_HINT": _HINTS["float32" if stage.is_last else shape.precision],
            "PERFORMANCE_HINT": "LATENCY",
            # Threads that are bound to a core wait where something else runs there.
            "ENABLE_CPU_PINNING": False,
        }
        return self._core.compile_model(model, "CPU", options)

    def _strips(self, height: int, width: int, memory: int, precision: str) -> tuple[int, ...]:
        """The height of each stage's strips: the smallest that makes little overlap, if that fits into memory."""
        if self._tile:
            return (self._tile,) * len(self._stages)
        return tuple(_strip(stage, height, width, memory, precision) for stage in self._stages)

    def _widest(self, memory: int) -> int:
        """The width up to which a photo is computed in one column: all stages have strips of four times their margin."""
        return min(memory // (_pixel_bytes(stage, self.precision) * 6 * max(1, stage.margin)) for stage in self._stages)

    def _least_memory(self, width: int) -> int:
        width = min(width, 64)
        return max(_pixel_bytes(stage, self.precision) * 6 * max(1, stage.margin) for stage in self._stages) * width


_RESULT = "result"


class _Runner:
    """Runs a compiled stage on windows."""

    def __init__(self, stage: Stage, model: ov.CompiledModel, precision: str, photo_type: str, photo: np.ndarray) -> None:
        self._stage, self._model, self._photo = stage, model, photo
        self._types = {value.name: value_type(value, precision, photo_type) for value in (*stage.inputs, *stage.outputs)}

    def scales(self, scale: int) -> Mapping[str, int]:
        """Of all tensors that come or go."""
        values = (*self._stage.inputs, *self._stage.outputs, *self._stage.passed)
        return {_RESULT: scale} | {value.name: value.scale for value in values}

    def __call__(self, window: Rows, first_row: int) -> Rows:
        rows = self._model.inputs[0].shape[1] // self._stage.inputs[0].scale
        window = {**window, layer_graph.INPUT: self._photo[np.newaxis, first_row : first_row + rows]}
        # A new one for each window: it holds on to what it was given.
        request = self._model.create_infer_request()
        for index, value in enumerate(self._stage.inputs):
            request.set_input_tensor(index, _tensor(window[value.name], self._types[value.name]))
        outputs = self._outputs()
        for index, (name, array) in enumerate(outputs.items()):
            request.set_output_tensor(index, _tensor(array, self._types.get(name, array.dtype.name)))
        request.infer()
        if self._stage.values * rows * self._photo.shape[1] > _SMALL_STAGE:
            self._model.release_memory()
        if self._stage.is_last and not np.isfinite(request.get_output_tensor(1).data).all():
            raise ValueError(NOT_FINITE)
        if self._stage.is_last:
            return {_RESULT: outputs[_RESULT][np.newaxis]}
        return outputs | {value.name: window[value.name] for value in self._stage.passed}

    def _outputs(self) -> dict[str, np.ndarray]:
        names = [_RESULT] if self._stage.is_last else [value.name for value in self._stage.outputs]
        shapes = [tuple(output.shape) for output in self._model.outputs]
        types = [self._types.get(name, self._photo.dtype.name) for name in names]
        return {name: np.empty(shape, _ARRAY_TYPES[kind]) for name, shape, kind in zip(names, shapes, types, strict=False)}


class _OutOfMemoryError(Exception):
    """Memory ended; all rows before `row` are done."""

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


def precisions() -> list[str]:
    """The precisions that OpenVINO computes on this processor, the fastest first."""
    capabilities = ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [name for name in ("bfloat16", "float16", "float32") if _CAPABILITIES[name] in capabilities]


def _resolved(precision: str, capabilities: Sequence[str]) -> str:
    if precision == "auto":
        return "bfloat16" if _CAPABILITIES["bfloat16"] in capabilities else "float32"
    if _CAPABILITIES[precision] not in capabilities:
        raise ValueError(f"precision {precision} is not what OpenVINO computes on this processor")
    return precision


def _pixel_bytes(stage: Stage, precision: str) -> int:
    """What a stage takes for each pixel of a window."""
    return stage.values * (4 if stage.is_last or precision == "float32" else 2)


def _strip(stage: Stage, height: int, width: int, memory: int, precision: str) -> int:
    largest = memory // (_pixel_bytes(stage, precision) * width) - 2 * stage.margin
    overlap = _LAST_OVERLAP if stage.is_last else _OVERLAP
    windows = 1 + math.floor(overlap * height / (2 * stage.margin)) if stage.margin else height
    return max(1, stage.margin, min(height, largest, max(math.ceil(height / windows), 16)))


def _tensor(array: np.ndarray, number_format: str) -> ov.Tensor:
    array = np.ascontiguousarray(array)
    return ov.Tensor(array, ov.Shape(array.shape), openvino_stage.TYPES[number_format])


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
