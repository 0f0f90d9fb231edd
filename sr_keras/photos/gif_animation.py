"""Writes GIF, frame by frame as they come, with transparency that comes and goes. Pillow's writer has all frames in memory, and
leaves each beneath the next, where that is transparent.

Source: the specification of GIF89a, and Netscape's extension for repetitions.
"""

import io
import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from PIL import Image, ImageChops

from sr_keras.photos.frame_stream import FrameStream

_TRANSPARENT = 255
_HALF = 128
_LONGEST_BLOCK = 255
_MOST_TICKS = _MOST_REPETITIONS = 65535
_STAYS, _VANISHES = 1, 2
_EXTENSION, _IMAGE, _END = b"!", b",", b";"
_CONTROL, _COMMENT, _APPLICATION = b"\xf9", b"\xfe", b"\xff"
_HAS_COLOURS = 0x80

Box = tuple[int, int, int, int]


def write(file: BinaryIO, stream: FrameStream, durations_ms: Sequence[int], loop: int, comment: bytes | None) -> None:
    """Writes a picture or an animation; of each frame, the part that is needed, with up to 256 colours of its own.

    Args:
        file: open for writing.
        stream: of Pillow's pictures, of one size.
        durations_ms: how long each is shown; empty is no time.
        loop: how often they are shown; 0 is without end.
        comment: of the file.
    """
    is_clear = any(isinstance(like, Image.Image) and like.mode in ("LA", "RGBA") for like in stream.like)
    file.write(b"GIF89a" + struct.pack("<HHBBB", *stream.sizes[0], 0, 0, 0))
    if len(stream) > 1 and loop != 1:
        # What is counted there comes after the first time.
        repetitions = min(max(loop - 1, 0), _MOST_REPETITIONS)
        file.write(_EXTENSION + _APPLICATION + b"\x0bNETSCAPE2.0" + struct.pack("<BBHB", 3, 1, repetitions, 0))
    if comment:
        file.write(_EXTENSION + _COMMENT + _in_blocks(comment))
    before: Image.Image | None = None
    for frame, ticks in zip(stream, _ticks(durations_ms, len(stream)), strict=True):
        assert isinstance(frame, Image.Image)
        if is_clear:
            box, indices = _clear(frame)
        else:
            box = (0, 0, *frame.size) if before is None else _changed(before, frame)
            part = frame.crop(box)
            indices = part if part.mode == "L" else part.quantize()
            before = frame
        control = (4, (_VANISHES if is_clear else _STAYS) << 2 | is_clear, ticks, _TRANSPARENT if is_clear else 0, 0)
        file.write(_EXTENSION + _CONTROL + struct.pack("<BBHBB", *control))
        file.write(_image(indices, box))
    file.write(_END)


def _ticks(durations_ms: Sequence[int], count: int) -> Iterator[int]:
    """The times in hundredths of a second; what rounding takes from one, the next ones get."""
    begin = 0
    for duration in durations_ms or [0] * count:
        end = begin + duration
        yield min(round(end / 10) - round(begin / 10), _MOST_TICKS)
        begin = end


def _changed(before: Image.Image, frame: Image.Image) -> Box:
    """The box of all that differs; a pixel where nothing does."""
    return ImageChops.difference(before.convert("RGB"), frame.convert("RGB")).getbbox() or (0, 0, 1, 1)


def _clear(frame: Image.Image) -> tuple[Box, Image.Image]:
    """The box of all that is not transparent, and its indices; half of transparency is none, or all of it."""
    is_seen = frame.convert("RGBA").getchannel("A").point(lambda level: _TRANSPARENT if level >= _HALF else 0)
    box = is_seen.getbbox() or (0, 0, 1, 1)
    is_seen = is_seen.crop(box)
    colours = Image.new("RGB", is_seen.size)
    colours.paste(frame.crop(box).convert("RGB"), mask=is_seen)
    indices = colours.quantize(_TRANSPARENT)
    indices.paste(_TRANSPARENT, mask=ImageChops.invert(is_seen))
    return box, indices


def _image(indices: Image.Image, box: Box) -> bytes:
    """A picture as one of several in a file, with the colours of its own."""
    buffer = io.BytesIO()
    # As a file of its own, which is taken apart: each of them has its colours before everything else.
    indices.save(buffer, "GIF", optimize=False, interlace=0)
    content = buffer.getvalue()
    size_of_colours = content[10] & 7
    place = 13 + 3 * (2 << size_of_colours)
    colours = content[13:place]
    while content[place : place + 1] == _EXTENSION:
        place += 2
        while content[place]:
            place += 1 + content[place]
        place += 1
    left, top, right, bottom = box
    head = struct.pack("<HHHHB", left, top, right - left, bottom - top, _HAS_COLOURS | size_of_colours)
    return _IMAGE + head + colours + content[place + 10 : -1]


def _in_blocks(content: bytes) -> bytes:
    blocks = (content[start : start + _LONGEST_BLOCK] for start in range(0, len(content), _LONGEST_BLOCK))
    return b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
