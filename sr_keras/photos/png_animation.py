"""Writes animations as PNG, frame by frame as they come. Pillow's writer has all of them in memory.

Source: the PNG specification, third edition, sections 11.3.6 (animation).
"""

import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, BinaryIO

from PIL import Image, ImageChops

from sr_keras.photos import png_bands, row_bands
from sr_keras.photos.frame_stream import FrameStream
from sr_keras.photos.rows import Layout, pieces

_MOST_TICKS = 65535
_END = png_bands.chunk(b"IEND", b"")


def write(file: BinaryIO, stream: FrameStream, durations_ms: Sequence[int], loop: int, options: Mapping[str, Any]) -> None:
    """Writes an animation; of each frame but the first, the part that differs from the one before it.

    Args:
        file: open for writing.
        stream: of Pillow's pictures, of one size.
        durations_ms: how long each is shown; empty is no time.
        loop: how often it is repeated; 0 is without end.
        options: what Pillow is told to write beside the pixels.
    """
    mode = _mode([frame.mode for frame in stream.like if isinstance(frame, Image.Image)])
    file.write(png_bands.head(Layout(mode, *stream.sizes[0]), options))
    file.write(png_bands.chunk(b"acTL", struct.pack(">II", len(stream), loop)))
    numbers = _Numbers()
    before: Image.Image | None = None
    for index, made in enumerate(stream):
        assert isinstance(made, Image.Image)
        frame = made if made.mode == mode else made.convert(mode)
        box = (0, 0, *frame.size) if before is None else _changed(before, frame)
        duration = Fraction(durations_ms[index] if durations_ms else 0, 1000).limit_denominator(_MOST_TICKS)
        file.write(_control(next(numbers), box, duration))
        part = frame.crop(box)
        encoder = png_bands.Png(png_bands.image_data if before is None else numbers.data, b"")
        with row_bands.in_bands(file, encoder, rows=row_bands.rows_in_band(Layout(mode, *part.size))) as put:
            for piece in pieces(part):
                put(piece)
        before = frame
    file.write(_END)


class _Numbers:
    """Numbers the chunks of all frames in one sequence."""

    def __init__(self) -> None:
        self._next = 0

    def __next__(self) -> int:
        self._next += 1
        return self._next - 1

    def data(self, content: bytes) -> bytes:
        """A chunk of a frame after the first."""
        return png_bands.chunk(b"fdAT", struct.pack(">I", next(self)) + content)


def _control(number: int, box: tuple[int, int, int, int], duration: Fraction) -> bytes:
    left, top, right, bottom = box
    ticks = min(duration.numerator, _MOST_TICKS)
    # At the end it stays; it replaces what is there.
    fields = (number, right - left, bottom - top, left, top, ticks, duration.denominator, 0, 0)
    return png_bands.chunk(b"fcTL", struct.pack(">IIIIIHHBB", *fields))


def _changed(before: Image.Image, frame: Image.Image) -> tuple[int, int, int, int]:
    """The box of all that differs; a pixel where nothing does."""
    return ImageChops.difference(before, frame).getbbox(alpha_only=False) or (0, 0, 1, 1)


def _mode(modes: Sequence[str]) -> str:
    """The one that holds all of them."""
    if len(set(modes)) == 1:
        return modes[0]
    colour = "RGB" if any(mode.startswith("RGB") for mode in modes) else "L"
    return colour + "A" * any(mode.endswith("A") for mode in modes)
