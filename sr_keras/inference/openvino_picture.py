"""The end of a network as OpenVINO computes it: back-projection, and levels of the photo's type.

Back-projection (see `networks/back_projection`) works at the size of the photo, where the pixels of the result lie side by side
as channels: its sums are the same, and nothing of the result's size is read more than once.
"""

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from sr_keras.inference.openvino_ops import TO_CHANNELS_LAST, constant, converted, integers, transposed


def picture(pixels: ov.Output, photo: ov.Output | None, scale: int, white: float, photo_type: str) -> list[ov.Output]:
    """What the last stage gives, of a picture `[1, s s 3, rows, width]`: channels by y, x and colour."""
    # Before anything is clipped, for OpenVINO clips what is no number to 0.
    checked = pixels
    if photo is not None:
        missing = checked = _missing(pixels, photo, scale)
        pixels = _back_projected(pixels, missing, photo, scale)
    levels = ops.clamp(pixels, 0.0, 1.0)
    if photo_type != "float32":
        levels = converted(ops.round(ops.multiply(levels, constant(white)), "half_to_even"), photo_type)
    total = ops.reduce_sum(checked, integers([0, 1, 2, 3]), keep_dims=False)
    return [ops.result(transposed(levels, TO_CHANNELS_LAST)), ops.result(total)]


def _back_projected(pixels: ov.Output, missing: ov.Output, photo: ov.Output, scale: int) -> ov.Output:
    """Two steps of back-projection.

    Args:
        pixels: `[1, s s 3, rows, width]`.
        missing: what they lack.
        photo: `[1, 3, rows, width]`, in [0, 1].
    """
    clipped = ops.clamp(ops.add(pixels, _enlarged(missing, scale)), 0.0, 1.0)
    return ops.add(clipped, _enlarged(_missing(clipped, photo, scale), scale))


def _missing(pixels: ov.Output, photo: ov.Output, scale: int) -> ov.Output:
    """What the picture lacks once it is downscaled by bicubic (Keys 1981), antialiased: `[1, 3, rows, width]`."""
    distance = np.abs((np.arange(4 * scale) + 0.5) / scale - 2)
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    # The window begins within the second pixel of the photo before its own one, and ends within the second after it.
    taps = np.zeros((5, scale))
    taps.reshape(-1)[scale // 2 : scale // 2 + 4 * scale] = np.where(distance < 1, near, far)
    along_x = np.einsum("ab,tp,cd->acbpdt", np.eye(scale), taps, np.eye(3)).reshape(3 * scale, 3 * scale**2, 1, 5)
    along_y = np.einsum("tp,cd->cpdt", taps, np.eye(3)).reshape(3, 3 * scale, 5, 1)
    x = ops.convolution(pixels, constant(along_x), [1, 1], [0, 2], [0, 2], [1, 1])
    x = ops.convolution(x, constant(along_y), [1, 1], [2, 0], [2, 0], [1, 1])
    # At the edges, where there is nothing beyond, the taps that remain count for more.
    shares = [np.convolve(np.pad(np.ones(length), 2), taps.sum(axis=1), "valid") for length in pixels.get_output_shape(0)[2:]]
    return ops.subtract(photo, ops.multiply(x, constant(1 / np.outer(*shares)[np.newaxis, np.newaxis])))


def _enlarged(x: ov.Output, scale: int) -> ov.Output:
    """Bilinear: `[1, 3, h, w]` to `[1, s s 3, h, w]`."""
    places = (np.arange(scale) + 0.5) / scale - 0.5
    taps = np.maximum(0, 1 - np.abs(places[:, np.newaxis] - [-1, 0, 1]))
    along_x = np.einsum("pt,cd->pcdt", taps, np.eye(3)).reshape(3 * scale, 3, 1, 3)
    along_y = np.einsum("qt,ab->qabt", taps, np.eye(3 * scale)).reshape(3 * scale**2, 3 * scale, 3, 1)
    x = ops.pad(x, integers([0, 0, 1, 1]), integers([0, 0, 1, 1]), "edge")
    x = ops.convolution(x, constant(along_x), [1, 1], [0, 0], [0, 0], [1, 1])
    return ops.convolution(x, constant(along_y), [1, 1], [0, 0], [0, 0], [1, 1])
