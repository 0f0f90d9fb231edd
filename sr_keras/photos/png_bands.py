"""PNG in bands of rows: Pillow filters them, and each band becomes some blocks of one Deflate stream."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from sr_keras.photos.rows import Layout, as_file

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Deflate with a window of 32 KiB, by zlib's level.
_ZLIB_HEAD, _LEVEL = b"\x78\x9c", 6
# An empty last block.
_DEFLATE_END = b"\x03\x00"
# Of a band, so much is compressed in both ways, of which the better one does all of it.
_SAMPLE_BYTES = 2**16
# Runs alone are found in a sixth of the time, and in what a network computed there is little else to find.
_LEAST_GAIN = 0.97


class Png:
    """See `row_bands.Encoder`; what comes before the pixels is not part of it."""

    def __init__(self, chunk: Callable[[bytes], bytes], end: bytes) -> None:
        """Args:
        chunk: makes a chunk of what is compressed.
        end: what comes after the pixels.
        """
        self._chunk, self._end = chunk, end
        self._is_first = True
        self._checksum = 1  # of Adler-32, of nothing

    def encoded(self, band: np.ndarray, above: np.ndarray | None) -> tuple[bytes, bytes]:
        """The filtered rows, and their blocks of Deflate."""
        rows = band if above is None else np.concatenate([above, band])
        # Not compressed, so that it is the filtered rows; the first one is filtered without what is above it.
        content = chunks(_filtered(rows))
        filtered = zlib.decompress(b"".join(each[8:-4] for kind, each in content if kind == b"IDAT"))
        filtered = filtered[-(len(filtered) // len(rows) * len(band)) :]
        return filtered, _deflated(filtered, _best_strategy(filtered))

    def joined(self, encoded: tuple[bytes, bytes]) -> Iterator[bytes]:
        filtered, blocks = encoded
        self._checksum = zlib.adler32(filtered, self._checksum)
        yield self._chunk(_ZLIB_HEAD + blocks if self._is_first else blocks)
        self._is_first = False

    def end(self) -> bytes:
        return self._chunk(_DEFLATE_END + struct.pack(">I", self._checksum)) + self._end


def head(layout: Layout, options: Mapping[str, Any]) -> bytes:
    """What comes before the pixels of a PNG: that of a smaller one, but for the size."""
    smaller = as_file(np.zeros((1, 1, len(layout.mode)), np.uint8), "PNG", options)
    header, *others = chunks(smaller)
    size = struct.pack(">II", *layout.size)
    first = chunk(b"IHDR", size + bytes([layout.bits]) + header[1][17:-4])
    return b"".join([_SIGNATURE, first, *(each for kind, each in others if kind not in (b"IDAT", b"IEND"))])


def image_data(content: bytes) -> bytes:
    """A chunk of a picture's pixels; of an animation's first frame, which is shown by what knows no animations."""
    return chunk(b"IDAT", content)


def chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG: of which kind each is, and all of its bytes."""
    stream = io.BytesIO(content)
    stream.seek(len(_SIGNATURE))
    while len(begin := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", begin)
        yield kind, begin + stream.read(length + 4)


def chunk(kind: bytes, content: bytes) -> bytes:
    """With its length and its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _filtered(rows: np.ndarray) -> bytes:
    """A PNG of rows that is filtered, and not compressed."""
    if rows.dtype == np.uint8:
        return as_file(rows, "PNG", {"compress_level": 0})
    import imagecodecs  # takes a moment; Pillow has no mode for such colours

    samples = np.ascontiguousarray(rows[..., 0] if rows.shape[2:] == (1,) else rows)
    return bytes(imagecodecs.png_encode(samples, level=0, filter=imagecodecs.PNG.FILTER.ALL))


def _best_strategy(filtered: bytes) -> int:
    """How the rows of a band should be compressed, by trying it with some of them."""
    middle = max(0, (len(filtered) - _SAMPLE_BYTES) // 2)
    sample = filtered[middle : middle + _SAMPLE_BYTES]
    all_matches, runs = (len(_deflated(sample, strategy)) for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_RLE))
    return zlib.Z_DEFAULT_STRATEGY if all_matches < _LEAST_GAIN * runs else zlib.Z_RLE


def _deflated(content: bytes, strategy: int) -> bytes:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
    # Up to a whole byte, where other blocks can follow.
    return compressor.compress(content) + compressor.flush(zlib.Z_SYNC_FLUSH)
