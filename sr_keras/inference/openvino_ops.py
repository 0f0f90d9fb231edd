"""Operations of OpenVINO, as the models of networks need them."""

from collections.abc import Sequence

import numpy as np
import openvino as ov
from openvino import opset13 as ops

TYPES = {"float32": ov.Type.f32, "bfloat16": ov.Type.bf16, "float16": ov.Type.f16, "uint8": ov.Type.u8, "uint16": ov.Type.u16}

TO_CHANNELS_FIRST, TO_CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def transposed(x: ov.Output, axes: Sequence[int]) -> ov.Output:
    """With its axes in another order."""
    return ops.transpose(x, integers(axes))


def converted(x: ov.Output, number_format: str) -> ov.Output:
    """In one of the formats of `TYPES`."""
    return ops.convert(x, TYPES[number_format].to_string())


def sliced(x: ov.Output, axis: int, begin: int, end: int) -> ov.Output:
    """A part along one axis."""
    return ops.slice(x, *(integers([value]) for value in (begin, end, 1, axis)))


def shuffled(x: ov.Output, block: int, rows: int, width: int, channels: int) -> ov.Output:
    """`[1, rows, width, r r C]` to `[1, r rows, r width, C]`."""
    x = transposed(ops.reshape(x, integers([rows, width, block, block * channels]), False), [0, 2, 1, 3])
    return ops.reshape(x, integers([1, block * rows, block * width, channels]), False)


def constant(values: object) -> ov.Output:
    """Numbers in float32."""
    return ops.constant(np.ascontiguousarray(values, np.float32))


def per_channel(values: object) -> ov.Output:
    """A number for each channel, channels first."""
    return constant(np.reshape(np.asarray(values, np.float32), (1, -1, 1, 1)))


def integers(values: Sequence[int]) -> ov.Output:
    """Such as axes and sizes."""
    return ops.constant(np.array(values, np.int64))
