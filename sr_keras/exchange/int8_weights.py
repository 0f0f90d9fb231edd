"""Weights as int8 with one scale for each output channel; the arithmetic stays in float32.

That takes a quarter of the room. Activations as int8 too would lose more than can be accepted: docs/export.md has the figures.
"""

from collections.abc import Sequence

import numpy as np

_LARGEST = 127


def chosen(channels: Sequence[tuple[int, int]]) -> list[bool]:
    """Which convolutions are stored so: not those whose rounding is seen in the picture.

    Those are the first, which takes colours; what makes colours, or channels that become pixels; and the last one.

    Args:
        channels: of each convolution, in the order of computation: those it takes, and those it makes.
    """
    of_features = [inputs > 3 and outputs > 3 and outputs < 4 * inputs for inputs, outputs in channels]
    # Back-projection, which may follow, is of colours.
    of_network = [index for index, (inputs, _) in enumerate(channels) if inputs > 3]
    return [is_inner and index != of_network[-1] for index, is_inner in enumerate(of_features)]


def rounded(kernel: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """A kernel as int8, and the scales to multiply it with, along the axis of its output channels."""
    others = tuple(each for each in range(kernel.ndim) if each != axis)
    scale = np.abs(kernel).max(axis=others, keepdims=True) / _LARGEST
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    return np.rint(kernel / scale).astype(np.int8), scale
