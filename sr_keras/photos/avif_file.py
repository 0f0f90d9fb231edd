"""AVIF as Pillow writes it, with what Pillow leaves out: more than 8 bits, and which colours the values are.

What encodes more than 8 bits, imagecodecs, writes no metadata. Both go by libavif, which names the parts of a file in one
order; so what the one has coded takes the place of what the other has.

Source: ISO/IEC 14496-12 (boxes) and 23008-12 (items and their properties).
"""

import struct
from collections.abc import Iterator

import imagecodecs
import numpy as np

from sr_keras.photos.errors import PhotoError
from sr_keras.photos.metadata_parts.colours import Cicp
from sr_keras.photos.raster import Raster

BITS = 10
# As Pillow's AVIF has it: primaries and transfer function of sRGB, the matrix of BT.601, full range.
_SRGB: Cicp = (1, 13, 6, 1)
_SPEED = 6  # Pillow's
_NAME = 4
_ENTRY = struct.Struct(">HHHII")  # of a table of items: number, file, pieces, and where the only piece begins, and its length


def deep(like: bytes, raster: Raster, cicp: Cicp | None, quality: int) -> bytes:
    """An AVIF of 10 bits with all that another one has, but its pixels.

    Args:
        like: an AVIF of Pillow's, of the same size, with transparency if the raster has it.
        raster: uint16, of 1 to 4 bands.
        cicp: the label of the colours; None is that of sRGB.
        quality: 1 to 100.
    """
    samples = raster.samples if raster.colours == 3 else raster.samples[..., [0, 0, 0, *range(1, raster.bands)]]
    primaries, transfer, *_ = cicp or _SRGB
    coded = imagecodecs.avif_encode(
        np.rint(samples * ((2**BITS - 1) / 65535)).astype(np.uint16),
        level=quality,
        speed=_SPEED,
        bitspersample=BITS,
        pixelformat="444",
        primaries=primaries,
        transfer=transfer,
        matrix=_SRGB[2],
    )
    content = bytearray(like)
    for kind in (b"pixi", b"av1C"):
        for place, other in zip(_boxes(content, kind), _boxes(coded, kind), strict=True):
            length = int.from_bytes(coded[other - 4 : other], "big") - 4
            content[place : place + length] = coded[other : other + length]
    # Colours, and transparency; all other items of the file are metadata.
    pieces = {item: coded[begin : begin + length] for _, item, begin, length in _items(coded)}
    for place, item, _, _ in list(_items(content)):
        if item in pieces:
            _ENTRY.pack_into(content, place, item, 0, 1, len(content) + 8, len(pieces[item]))
            content += struct.pack(">I4s", 8 + len(pieces[item]), b"mdat") + pieces[item]
    return bytes(content)


def labelled(content: bytes, cicp: Cicp) -> bytes:
    """An AVIF whose colours are those of a label; how they were made luma and chroma stays its own."""
    place = content.find(b"colrnclx") + 8
    if place < 8:
        raise PhotoError("AVIF was written without a label of its colours")
    return content[:place] + struct.pack(">HH", *cicp[:2]) + content[place + 4 :]


def _boxes(content: bytes | bytearray, kind: bytes) -> Iterator[int]:
    """Where the names of boxes of a kind are, before the coded pictures."""
    end, place = content.index(b"mdat"), content.find(kind)
    while 0 <= place < end:
        yield place
        place = content.find(kind, place + _NAME)


def _items(content: bytes | bytearray) -> Iterator[tuple[int, int, int, int]]:
    """Of each item of a file, where its entry in the table of items is, its number, where it begins, and its length."""
    [table] = _boxes(content, b"iloc")
    first = table + _NAME + 8
    for index in range(int.from_bytes(content[first - 2 : first], "big")):
        place = first + _ENTRY.size * index
        item, _, _, begin, length = _ENTRY.unpack_from(content, place)
        yield place, item, begin, length
