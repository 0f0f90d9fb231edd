"""What the head of a JPEG XL file says (ISO/IEC 18181-1 and -2): the packages that read it tell once all of it is decoded."""

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_CONTAINER, _CODESTREAM = b"\0\0\0\x0cJXL ", b"\xff\x0a"
# Widths that follow from a height, by the number that stands for each.
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_HEAD_BYTES = 64


class JxlHead(NamedTuple):
    """Attributes:
    width, height: in pixels, as they are stored.
    bits: of a channel.
    is_turned: whether width and height are swapped where it is shown.
    """

    width: int
    height: int
    bits: int
    is_turned: bool


def read(stream: BinaryIO) -> JxlHead:
    """Reads the head of a file.

    Args:
        stream: at any place, where it is again then.

    Raises:
        ValueError: it is damaged.
    """
    place = stream.tell()
    try:
        stream.seek(0)
        bits = _Bits(_codestream(stream))
        height, width = _size(bits)
        if bits.read(1):  # all is as it is by default
            return JxlHead(width, height, 8, False)
        orientation = 1
        if bits.read(1):
            orientation = 1 + bits.read(3)
            if bits.read(1):
                _size(bits)  # that it should be shown in
            if bits.read(1) or bits.read(1):
                return JxlHead(width, height, 8, orientation > 4)  # a preview or an animation, which nothing here reads
        is_float = bits.read(1)
        sample_bits = bits.choice((32, 16, 24), 6) if is_float else bits.choice((8, 10, 12), 6)
        return JxlHead(width, height, sample_bits, orientation > 4)
    except IndexError:
        raise ValueError("JPEG XL without a whole head") from None
    finally:
        stream.seek(place)


class _Bits:
    """Numbers of some bits each, the lowest bit first."""

    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0

    def read(self, count: int) -> int:
        value = 0
        for index in range(count):
            byte, bit = divmod(self._place, 8)
            value |= (self._content[byte] >> bit & 1) << index
            self._place += 1
        return value

    def choice(self, values: tuple[int, int, int], bits_of_others: int) -> int:
        """One of some usual values, or another one, from 1 on."""
        selector = self.read(2)
        return values[selector] if selector < 3 else 1 + self.read(bits_of_others)

    def length(self) -> int:
        return 1 + self.read((9, 13, 18, 30)[self.read(2)])


def _size(bits: _Bits) -> tuple[int, int]:
    """Height and width."""
    is_small = bits.read(1)
    height = 8 * (1 + bits.read(5)) if is_small else bits.length()
    ratio = bits.read(3)
    if ratio:
        times, by = _RATIOS[ratio]
        return height, height * times // by
    return height, 8 * (1 + bits.read(5)) if is_small else bits.length()


def xmp(stream: BinaryIO) -> bytes | None:
    """XMP of a file, where it is not compressed; `stream` is as in `read`."""
    place = stream.tell()
    try:
        return next((stream.read(length) for kind, length in _boxes(stream) if kind == b"xml "), None)
    finally:
        stream.seek(place)


def _codestream(stream: BinaryIO) -> bytes:
    """The beginning of the picture, which may lie in a box of a container."""
    # A part of a codestream has a number before it.
    starts = (stream.read(_HEAD_BYTES)[4 if kind == b"jxlp" else 0 :] for kind, _ in _boxes(stream) if kind[:3] == b"jxl")
    head = next((start for start in starts if start.startswith(_CODESTREAM)), None)
    if head is None:
        stream.seek(0)
        head = stream.read(_HEAD_BYTES)
    if not head.startswith(_CODESTREAM):
        raise ValueError("JPEG XL without a picture")
    return head[2:]


def _boxes(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Kind and length of each box of a container, with the stream at its content."""
    place = 0
    stream.seek(0, io.SEEK_END)
    end = stream.tell()
    stream.seek(0)
    if stream.read(len(_CONTAINER)) != _CONTAINER:
        return
    while place + 8 <= end:
        stream.seek(place)
        length, kind = struct.unpack(">I4s", stream.read(8))
        header = 8
        if length == 1:
            length, header = int.from_bytes(stream.read(8), "big"), 16
        length = length or end - place
        if length < header:
            return
        yield kind, length - header
        place += length
