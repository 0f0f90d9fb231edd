"""Writes PNG and JPEG in bands of rows, as they come: a large picture need never be in memory as a whole.

Bands are encoded side by side, by Pillow, and joined:

- JPEG: with restart markers, after which nothing depends on what was before. The pixels are those of Pillow's own file.
- PNG: Pillow filters the rows, and each band becomes some blocks of one Deflate stream.
"""

import collections
import contextlib
import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, NamedTuple, Protocol

import numpy as np
from PIL import Image

from sr_keras.photos.raster import Raster

PutRows = Callable[[np.ndarray], None]

# Eight rows of blocks of 8x8 pixels: as many as there are restart markers, which are numbered in turns.
_ROWS = 64
_BAND_BYTES = 2**20

_MOST_THREADS = 8

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Deflate with a window of 32 KiB, by zlib's level.
_ZLIB_HEAD, _LEVEL = b"\x78\x9c", 6
# An empty last block.
_DEFLATE_END = b"\x03\x00"
# Of a band, so much is compressed in both ways, of which the better one does all of it.
_SAMPLE_BYTES = 2**16
# Runs alone are found in a sixth of the time, and in what a network computed there is little else to find.
_LEAST_GAIN = 0.97

_FRAME, _SCAN = 0xC0, 0xDA
_LAST_RESTART, _END_OF_IMAGE = b"\xff\xd7", b"\xff\xd9"


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


@contextlib.contextmanager
def opened(file: BinaryIO, layout: Layout, file_format: str, options: Mapping[str, Any]) -> Iterator[PutRows]:
    """Yields what takes the rows of a picture, from the top on: uint8 or uint16, `[n, W]` or `[n, W, C]`.

    At the end the file is complete.

    Args:
        file: open for writing.
        layout: of the picture.
        file_format: "PNG" or "JPEG".
        options: what Pillow is told to write beside the pixels. Of a JPEG, each colour must have its full resolution.

    Raises:
        OSError: it can't be written.
    """
    is_png = file_format == "PNG"
    encoder = Png(image_data, png_chunk(b"IEND", b"")) if is_png else _Jpeg(layout, options)
    if is_png:
        file.write(png_head(layout, options))
    with in_bands(file, encoder, rows=rows_in_band(layout)) as put:
        yield put


def rows_in_band(layout: Layout) -> int:
    """How many rows of a picture are encoded at a time."""
    return _ROWS * -(-_BAND_BYTES // (_ROWS * layout.row_bytes))


class Encoder(Protocol):
    """Encodes bands of rows, each by itself, in threads; and joins them in their order."""

    def encoded(self, band: np.ndarray, above: np.ndarray | None) -> Any:
        """A band, below a row of the picture or at its top."""

    def joined(self, encoded: Any) -> Iterator[bytes]:
        """The next parts of the file."""

    def end(self) -> bytes:
        """The last part of it."""


@contextlib.contextmanager
def in_bands(file: BinaryIO, encoder: Encoder, *, rows: int) -> Iterator[PutRows]:
    """`opened`, with the bands of an encoder, each of so many rows."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS), "encode") as executor:
        bands = _Bands(file, encoder, executor, rows=rows)
        try:
            yield bands.put
            bands.end()
        except BaseException:
            bands.cancel()
            raise


def layout_of(frame: Image.Image | Raster) -> Layout:
    """Of a picture, or of a raster of colours and perhaps transparency."""
    if isinstance(frame, Raster):
        return Layout(("RGB" if frame.colours == 3 else "L") + "A" * frame.alpha, *frame.size, bits=frame.bits)
    return Layout(frame.mode, *frame.size)


def pieces(frame: Image.Image | Raster) -> Iterator[np.ndarray]:
    """A picture's rows, some at a time: of Pillow's, NumPy would take as much memory again for all of them."""
    for top in range(0, frame.height, _ROWS):
        bottom = min(frame.height, top + _ROWS)
        if isinstance(frame, Raster):
            yield frame.samples[top:bottom]
        else:
            yield np.asarray(frame.crop((0, top, frame.width, bottom)))


class _Bands:
    """Collects rows into bands, and has a few of them encoded at once; memory of those that are written is used again."""

    def __init__(self, file: BinaryIO, encoder: Encoder, executor: ThreadPoolExecutor, *, rows: int) -> None:
        self._file, self._encoder, self._executor, self._rows = file, encoder, executor, rows
        self._band: np.ndarray | None = None
        self._filled = 0
        self._free: list[np.ndarray] = []
        self._above: np.ndarray | None = None
        self._encoding: collections.deque[tuple[Future[Any], np.ndarray]] = collections.deque()

    def put(self, rows: np.ndarray) -> None:
        while len(rows):
            if self._band is None:
                self._band = self._free.pop() if self._free else np.empty((self._rows, *rows.shape[1:]), rows.dtype)
            # Copied: whoever computed them may use their memory again.
            part = rows[: self._rows - self._filled]
            self._band[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            rows = rows[len(part) :]
            if self._filled == self._rows:
                self._submit(self._band)

    def end(self) -> None:
        if self._band is not None:
            self._submit(self._band)
        while self._encoding:
            self._write_next()
        self._file.write(self._encoder.end())

    def cancel(self) -> None:
        for future, _ in self._encoding:
            future.cancel()

    def _submit(self, band: np.ndarray) -> None:
        rows = band[: self._filled]
        self._encoding.append((self._executor.submit(self._encoder.encoded, rows, self._above), band))
        self._above = rows[-1:].copy()
        self._band, self._filled = None, 0
        if len(self._encoding) > (os.cpu_count() or 1):
            self._write_next()

    def _write_next(self) -> None:
        future, band = self._encoding.popleft()
        for part in self._encoder.joined(future.result()):
            self._file.write(part)
        self._free.append(band)


class _Jpeg:
    """See `Encoder`."""

    def __init__(self, layout: Layout, options: Mapping[str, Any]) -> None:
        self._height = layout.height
        self._options = {**options, "restart_marker_rows": 1}
        # What is beside the pixels stands in the first band's file alone.
        self._bare = {name: self._options[name] for name in ("quality", "subsampling", "restart_marker_rows")}

    def encoded(self, band: np.ndarray, above: np.ndarray | None) -> bytes:
        content = _saved(band, "JPEG", self._options if above is None else self._bare)
        size, scan = _jpeg_places(content)
        if above is None:
            return content[:size] + struct.pack(">H", self._height) + content[size + 2 : -len(_END_OF_IMAGE)]
        return _LAST_RESTART + content[scan : -len(_END_OF_IMAGE)]

    def joined(self, encoded: bytes) -> Iterator[bytes]:
        yield encoded

    def end(self) -> bytes:
        return _END_OF_IMAGE


def _jpeg_places(content: bytes) -> tuple[int, int]:
    """Where a JPEG says its height, and where its scan begins."""
    height, place = 0, 2
    while True:
        kind, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        if kind == _FRAME:
            height = place + 5
        place += 2 + length
        if kind == _SCAN:
            return height, place


class Png:
    """See `Encoder`; what comes before the pixels is not part of it."""

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
        content = png_chunks(_filtered_png(rows))
        filtered = zlib.decompress(b"".join(chunk[8:-4] for kind, chunk in content if kind == b"IDAT"))
        filtered = filtered[-(len(filtered) // len(rows) * len(band)) :]
        return filtered, _deflated(filtered, _best_strategy(filtered))

    def joined(self, encoded: tuple[bytes, bytes]) -> Iterator[bytes]:
        filtered, blocks = encoded
        self._checksum = zlib.adler32(filtered, self._checksum)
        yield self._chunk(_ZLIB_HEAD + blocks if self._is_first else blocks)
        self._is_first = False

    def end(self) -> bytes:
        return self._chunk(_DEFLATE_END + struct.pack(">I", self._checksum)) + self._end


def png_head(layout: Layout, options: Mapping[str, Any]) -> bytes:
    """What comes before the pixels of a PNG: that of a smaller one, but for the size."""
    smaller = _saved(np.zeros((1, 1, len(layout.mode)), np.uint8), "PNG", options)
    header, *others = png_chunks(smaller)
    size = struct.pack(">II", *layout.size)
    head = [
        png_chunk(b"IHDR", size + bytes([layout.bits]) + header[1][17:-4]),
        *(chunk for kind, chunk in others if kind not in (b"IDAT", b"IEND")),
    ]
    return _PNG_SIGNATURE + b"".join(head)


def image_data(content: bytes) -> bytes:
    """A chunk of a picture's pixels; of an animation's first frame, which is shown by what knows no animations."""
    return png_chunk(b"IDAT", content)


def png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG: of which kind each is, and all of its bytes."""
    stream = io.BytesIO(content)
    stream.seek(len(_PNG_SIGNATURE))
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        yield kind, head + stream.read(length + 4)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _filtered_png(rows: np.ndarray) -> bytes:
    """A PNG of rows that is filtered, and not compressed."""
    if rows.dtype == np.uint8:
        return _saved(rows, "PNG", {"compress_level": 0})
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


def _saved(rows: np.ndarray, file_format: str, options: Mapping[str, Any]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rows[..., 0] if rows.shape[2:] == (1,) else rows).save(stream, format=file_format, **options)
    return stream.getvalue()
