"""Runs the compiled stages of a network on a photo, strip of rows by strip of rows (see `strips`)."""

from collections.abc import Iterator, Sequence

import numpy as np
import openvino as ov

from sr_keras.inference import layer_graph, model_info, openvino_ops, openvino_stage, strip_heights, strips
from sr_keras.inference.openvino_models import Model, Shape
from sr_keras.inference.openvino_stage import value_type
from sr_keras.inference.stages import Stage, Value
from sr_keras.inference.strips import Rows

# What the last stage gives.
_RESULT = "result"

# Of larger stages of photos that are not computed whole, what their work took is given back before another stage works; it is
# found anew the next time, which takes a quarter of the time.
_SMALL_STAGE = 4_000_000

# How NumPy holds each number format.
_ARRAY_TYPES = {"float32": np.float32, "bfloat16": np.uint16, "float16": np.uint16, "uint8": np.uint8, "uint16": np.uint16}


def run(
    division: Sequence[Stage], models: Sequence[Model], shape: Shape, photo: np.ndarray, *, keeps_memory: bool
) -> Iterator[np.ndarray]:
    """Yields the result some rows at a time, from the top on, in blocks of pixels: `[rows, width, s s 3]`.

    What is yielded may change when the next rows are asked for.

    Args:
        division: the stages.
        models: of each of them.
        shape: what they are compiled for.
        photo: `[s height, s width, 3]`, where s is the network's grid.
        keeps_memory: whether what the work of a window took is kept for the next one's.

    Raises:
        ValueError: the network computed a value that is not finite.
        RuntimeError: of OpenVINO, such as where there is too little memory.
    """
    windows = strip_heights.spans(division, shape.height, shape.heights)
    steps = [
        strips.Step(
            _Runner(stage, model, shape, keeps_memory=keeps_memory),
            {value.name: beyond for value, beyond in zip(stage.inputs, stage.beyond, strict=True)},
            tuple(value.name for value in stage.outputs) or (_RESULT,),
            own,
        )
        for stage, own, model in zip(division, windows, models, strict=True)
    ]
    for rows in strips.through(steps, _tensors(division, shape), {layer_graph.INPUT: photo[np.newaxis]}, height=shape.height):
        yield rows[_RESULT][0]


class _Runner:
    """Runs a compiled stage on windows."""

    def __init__(self, stage: Stage, model: Model, shape: Shape, *, keeps_memory: bool) -> None:
        self._stage, self._model, self._keeps_memory = stage, model, keeps_memory
        values = (*stage.inputs, *stage.outputs)
        self._types = {value.name: value_type(value, shape.precision, shape.photo_type) for value in values}
        self._types[_RESULT] = shape.photo_type
        self._weights = openvino_stage.shared_weights(stage) if model.is_shared else []

    def __call__(self, window: Rows, outputs: Rows) -> None:
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


def _tensors(division: Sequence[Stage], shape: Shape) -> dict[str, strips.Tensor]:
    """Those of a photo, by name."""
    tensors = {value.name: _tensor(value, shape) for stage in division for value in (*stage.inputs, *stage.outputs)}
    [picture] = [value for value in division[-1].inputs if value.name != layer_graph.INPUT]
    return tensors | {_RESULT: tensors[picture.name]._replace(dtype=np.dtype(shape.photo_type))}


def _tensor(value: Value, shape: Shape) -> strips.Tensor:
    number_format = value_type(value, shape.precision, shape.photo_type)
    return strips.Tensor(value.scale, value.scale * shape.width, value.channels, np.dtype(_ARRAY_TYPES[number_format]))
