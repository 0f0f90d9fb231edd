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
        return JxlHead(width, height, _sample_bits(bits), orientation > 4)
    except IndexError:
        raise ValueError("JPEG XL without a whole head") from None
    finally:
        stream.seek(place)


def set_transfer_function(content: bytearray, function: int) -> None:
    """Changes what tones are said to be, and no value.

    Args:
        content: a JPEG XL in a container, by libjxl's encoder, which says in words what its colours are.
        function: from 2 to 17, as the one that is there, in the numbers of ITU-T H.273.
    """
    [begin] = (stream_at + (4 if kind == b"jxlp" else 0) + len(_CODESTREAM) for kind, stream_at in _places(content))
    bits = _Bits(content[begin : begin + _HEAD_BYTES])
    _size(bits)
    bits.read(2)  # all is as it is by default; there is more than the samples
    _sample_bits(bits)
    bits.read(1)  # 16 bits are enough for a decoder
    for _ in range(bits.one_of(0, 1, (2, 4), (1, 12))):  # further channels
        if not bits.read(1):
            bits.number()
            _sample_bits(bits)
            bits.one_of(0, 3, 4, (1, 3))
            bits.read(8 * bits.one_of(0, (0, 4), (16, 5), (48, 10)) + 1)  # a name; whether colours are multiplied by it
    bits.read(3)  # whether colours go by how they are seen, are sRGB, are told by a profile
    is_grey = bits.number() == 1
    bits.number()  # white
    if not is_grey:
        bits.number()  # primaries
    bits.read(1)  # a power
    place = 8 * begin + bits.place + 2
    for index in range(4):
        byte, bit = divmod(place + index, 8)
        content[byte] = content[byte] & ~(1 << bit) | (function - 2 >> index & 1) << bit


def _places(content: bytes | bytearray) -> Iterator[tuple[bytes, int]]:
    """Kind and place of the first box that holds a part of the picture."""
    stream = io.BytesIO(content)
    yield next((kind, stream.tell()) for kind, _ in _boxes(stream) if kind in (b"jxlc", b"jxlp"))


class _Bits:
    """Numbers of some bits each, the lowest bit first.

    Attributes:
        place: of the next bit.
    """

    def __init__(self, content: bytes | bytearray) -> None:
        self._content, self.place = content, 0

    def read(self, count: int) -> int:
        value = 0
        for index in range(count):
            byte, bit = divmod(self.place, 8)
            value |= (self._content[byte] >> bit & 1) << index
            self.place += 1
        return value

    def one_of(self, *choices: int | tuple[int, int]) -> int:
        """A value; or one from a first one on, that is told in so many bits."""
        choice = choices[self.read(2)]
        return choice if isinstance(choice, int) else choice[0] + self.read(choice[1])

    def number(self) -> int:
        """What names one of several things."""
        return self.one_of(0, 1, (2, 4), (18, 6))

    def length(self) -> int:
        return self.one_of((1, 9), (1, 13), (1, 18), (1, 30))


def _sample_bits(bits: _Bits) -> int:
    """Of a channel."""
    if not bits.read(1):
        return bits.one_of(8, 10, 12, (1, 6))
    of_floats = bits.one_of(32, 16, 24, (1, 6))
    bits.read(4)  # of the exponent
    return of_floats


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
