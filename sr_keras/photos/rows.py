"""Pictures row by row: their layout, and some rows at a time."""

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from sr_keras.photos.raster import Raster

PutRows = Callable[[np.ndarray], None]

_AT_A_TIME = 64


class Layout(NamedTuple):
    """A picture without its pixels.

    Attributes:
        mode: its channels: "L" or "RGB"; of PNG and TIFF also "LA" or "RGBA".
        width, height: in pixels.
        bits: of a channel: 8, or of PNG and TIFF 16.
    """

    mode: str
    width: int
    height: int
    bits: int = 8

    @property
    def size(self) -> tuple[int, int]:
        """As Pillow's pictures have it."""
        return self.width, self.height

    @property
    def row_bytes(self) -> int:
        """Of a row that is not compressed."""
        return self.width * len(self.mode) * self.bits // 8


def layout_of(frame: Image.Image | Raster) -> Layout:
    """Of a picture, or of a raster of colours and perhaps transparency."""
    if isinstance(frame, Raster):
        return Layout(("RGB" if frame.colours == 3 else "L") + "A" * frame.alpha, *frame.size, bits=frame.bits)
    return Layout(frame.mode, *frame.size)


def pieces(frame: Image.Image | Raster) -> Iterator[np.ndarray]:
    """A picture's rows, some at a time: of Pillow's, NumPy would take as much memory again for all of them."""
    for top in range(0, frame.height, _AT_A_TIME):
        bottom = min(frame.height, top + _AT_A_TIME)
        if isinstance(frame, Raster):
            yield frame.samples[top:bottom]
        else:
            yield np.asarray(frame.crop((0, top, frame.width, bottom)))


def as_file(rows: np.ndarray, file_format: str, options: Mapping[str, Any]) -> bytes:
    """A file of uint8 rows, `[n, W]` or `[n, W, C]`, as Pillow writes it."""
    stream = io.BytesIO()
    Image.fromarray(rows[..., 0] if rows.shape[2:] == (1,) else rows).save(stream, format=file_format, **options)
    return stream.getvalue()
