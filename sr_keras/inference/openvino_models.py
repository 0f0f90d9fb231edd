"""The stages of a network as OpenVINO compiles them: once for photos of one size, of which a few are kept."""

import collections
import threading
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import openvino as ov

from sr_keras.inference import openvino_stage, strip_heights
from sr_keras.inference.model_info import ModelInfo
from sr_keras.inference.stages import Stage
from sr_keras.runtime import threads

# Of the photos in a folder, several sizes may take turns: what is compiled for so many sizes is kept.
_KEPT_SIZES = 2

_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_CAPABILITIES = {"float32": "FP32", "bfloat16": "BF16", "float16": "FP16"}


class Model(NamedTuple):
    """A compiled stage, whether it takes its weights, and what keeps threads from taking its memory away from each other."""

    compiled: ov.CompiledModel
    is_shared: bool
    lock: threading.Lock


class Shape(NamedTuple):
    """What the stages are compiled for.

    Attributes:
        height, width: of the photo, in blocks of the network's grid.
        photo_type: "uint8", "uint16" or "float32".
        precision: of the tensors between stages.
        is_whole: whether all layers at the photo's own size are one stage.
        heights: of the strips of each stage.
    """

    height: int
    width: int
    photo_type: str
    precision: str
    is_whole: bool
    heights: tuple[int, ...]


class Models:
    """Compiles the stages of a network; several threads may ask for them."""

    def __init__(self, core: ov.Core, info: ModelInfo) -> None:
        self._core, self._info = core, info
        self._compiled: collections.OrderedDict[Shape, list[Model]] = collections.OrderedDict()
        self._lock = threading.Lock()

    def of(self, division: Sequence[Stage], shape: Shape) -> list[Model]:
        """The model of each stage. What the others' work took is given back, but for those at work."""
        with self._lock:
            if shape not in self._compiled:
                self._compiled[shape] = self._compile_all(division, shape)
            for other in self._compiled:
                if other != shape:
                    _release(self._compiled[other])
            self._compiled.move_to_end(shape)
            while len(self._compiled) > _KEPT_SIZES:
                self._compiled.popitem(last=False)
            return self._compiled[shape]

    def _compile_all(self, division: Sequence[Stage], shape: Shape) -> list[Model]:
        """Stages that differ in nothing but weights share one."""
        windows = strip_heights.spans(division, shape.height, shape.heights)
        keys = [(openvino_stage.signature(stage), strip) for stage, strip in zip(division, shape.heights, strict=True)]
        models: dict[Hashable, Model] = {}
        for stage, key, (first, *_) in zip(division, keys, windows, strict=True):
            if key not in models:
                is_shared = keys.count(key) > 1
                compiled = self._compile(stage, first.window_stop - first.window_start, shape, is_shared=is_shared)
                models[key] = Model(compiled, is_shared, threading.Lock())
        return [models[key] for key in keys]

    def _compile(self, stage: Stage, rows: int, shape: Shape, *, is_shared: bool) -> ov.CompiledModel:
        model = openvino_stage.build(
            stage,
            rows=rows,
            width=shape.width,
            precision=shape.precision,
            photo_type=shape.photo_type,
            scale=self._info.scale * self._info.grid,
            back_projection=self._info.back_projection,
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


def resolved(precision: str, core: ov.Core) -> str:
    """The precision that is computed: bfloat16 for "auto", where the processor has it, or else float32.

    Raises:
        ValueError: this processor does not have the precision.
    """
    capabilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if precision == "auto":
        return "bfloat16" if _CAPABILITIES["bfloat16"] in capabilities else "float32"
    if _CAPABILITIES[precision] not in capabilities:
        raise ValueError(f"precision {precision} is not what OpenVINO computes on this processor")
    return precision


def _release(models: Sequence[Model]) -> None:
    for model in models:
        if model.lock.acquire(blocking=False):
            try:
                model.compiled.release_memory()
            finally:
                model.lock.release()
