"""More than 8 bits a channel in PNG, JPEG 2000 and AVIF, which Pillow reduces to 8 or scrambles."""

from typing import BinaryIO

import numpy as np

from sr_keras.photos import row_writer
from sr_keras.photos.raster import Raster

_SIGNATURE_BYTES = 8
# Chunks that belong to the pixels, or to where they are spliced in.
_OF_PIXELS = frozenset({b"IHDR", b"IDAT", b"IEND", b"PLTE", b"tRNS", b"bKGD"})


def bits(stream: BinaryIO, file_format: str | None) -> int:
    """Bits a channel of a file that is open; 8 where nothing says more."""
    if file_format not in ("PNG", "JPEG2000", "AVIF"):
        return 8
    place = stream.tell()  # some of Pillow's decoders read on from where the stream is
    stream.seek(0)
    head = stream.read(65536)
    stream.seek(place)
    if file_format == "PNG" and head[12:16] == b"IHDR":
        return head[24]
    if file_format == "JPEG2000":
        place = head.find(b"\xff\x51") + 40  # the size marker, up to the first component's depth
        return (head[place] & 0x7F) + 1 if 40 <= place < len(head) else 8
    if file_format == "AVIF":
        place = head.find(b"av1C") + 6
        flags = head[place] if 6 <= place < len(head) else 0
        return 12 if flags & 0x20 else 10 if flags & 0x40 else 8
    return 8


def read(stream: BinaryIO, file_format: str, depth: int, transparent: object = None) -> Raster:
    """Decodes the first picture of a file that has more than 8 bits, to 16.

    Args:
        file_format: PNG, JPEG2000 or AVIF.
        depth: as `bits` gave it.
        transparent: of a PNG, the tone or the colour that is transparent.

    Raises:
        Exception: it is damaged.
    """
    import imagecodecs  # takes a moment

    decode = {"PNG": imagecodecs.png_decode, "JPEG2000": imagecodecs.jpeg2k_decode, "AVIF": imagecodecs.avif_decode}[
        file_format
    ]
    stream.seek(0)
    samples = np.asarray(decode(stream.read()))
    samples = samples[..., np.newaxis] if samples.ndim == 2 else samples
    if samples.dtype.kind == "u" and depth < 16:
        samples = np.rint(samples * (65535 / (2**depth - 1))).astype(np.uint16)
    colours = 3 if samples.shape[2] in (3, 4) else 1
    alpha = samples.shape[2] in (2, 4)
    if transparent is not None and not alpha:
        hidden = (samples == np.asarray(transparent)).all(axis=2, keepdims=True)
        samples, alpha = np.concatenate([samples, np.where(hidden, 0, 65535).astype(np.uint16)], axis=2), True
    return Raster(np.ascontiguousarray(samples), colours, alpha)


def write_png(target: BinaryIO, raster: Raster, like: bytes) -> None:
    """Writes uint16 samples of 1 to 4 bands.

    Args:
        target: where to.
        raster: colours and perhaps transparency.
        like: a PNG of 8 bits whose metadata this one gets.
    """
    import imagecodecs

    samples = raster.samples[..., 0] if raster.bands == 1 else raster.samples
    content = memoryview(imagecodecs.png_encode(np.ascontiguousarray(samples)))
    after_header = _SIGNATURE_BYTES + 25
    target.write(content[:after_header])
    for kind, chunk in row_writer.png_chunks(like):
        if kind not in _OF_PIXELS:
            target.write(chunk)
    target.write(content[after_header:])
