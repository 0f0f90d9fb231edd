"""Writes TIFF files of any number of bands, of any type, without loss: page by page, or row by row while one is computed."""

import contextlib
import io
import itertools
import math
import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
import tifffile
from PIL import ExifTags, Image, TiffImagePlugin
from tifffile import COMPRESSION, EXTRASAMPLE

from sr_keras.photos import row_bands
from sr_keras.photos.frame_stream import FrameStream
from sr_keras.photos.metadata import Metadata
from sr_keras.photos.metadata_parts import exif, iptc
from sr_keras.photos.raster import Raster, of_image
from sr_keras.photos.rows import Layout, PutRows

# Those that results may have.
_COMPRESSIONS = frozenset({COMPRESSION.NONE, COMPRESSION.LZW, COMPRESSION.ADOBE_DEFLATE, COMPRESSION.ZSTD})
_LARGEST_CLASSIC = 2**32 - 2**25
_STRIP_BYTES = 2**18
_DIRECTORIES = (int(ExifTags.IFD.Exif), int(ExifTags.IFD.GPSInfo))
# GDAL's, of the value of pixels that have none.
_MISSING_VALUE = tifffile.TIFF.TAGS["GDAL_NODATA"]


def write(target: BinaryIO, stream: FrameStream, kept: Metadata, compression: int | None = None) -> None:
    """Writes pages of any kind, without loss, with their metadata; as BigTIFF where they might take more than 4 GB.

    Args:
        target: open for reading and writing, or for writing alone.
        stream: the pages.
        kept: EXIF and the rest, which the first page gets.
        compression: of the file that they came from. It is kept where it is without loss; else it is Deflate.
    """
    compression = _kept_compression(compression)
    buffer = target if target.readable() and target.seekable() else io.BytesIO()
    content = exif.content(kept.exif, kept.dpi, stream.sizes[0])
    bytes_of_all = sum(math.prod(size) * _bytes_per_pixel(like) for size, like in zip(stream.sizes, stream.like, strict=True))
    with tifffile.TiffWriter(buffer, bigtiff=bytes_of_all > _LARGEST_CLASSIC, byteorder="<") as writer:
        for index, frame in enumerate(stream):
            page = frame if isinstance(frame, Raster) else of_image(frame, sixteen_bit=False)
            tags = [*_tags(content, kept, page, bytes_of_all > _LARGEST_CLASSIC)] if index == 0 else _missing_tag(page)
            writer.write(
                page.samples if page.bands > 1 else page.samples[..., 0], extratags=tags, **_described(page, kept, compression)
            )
    _append_directories(buffer, content)
    if buffer is not target:
        buffer.seek(0)
        target.write(buffer.read())


@contextlib.contextmanager
def opened(file: BinaryIO, layout: Layout, kept: Metadata, compression: int | None = None) -> Iterator[PutRows]:
    """Yields what takes the rows of a picture, from the top on, and writes them where they belong.

    Args:
        file: open for reading and writing.
        layout: of the picture.
        kept: EXIF and the rest.
        compression: as in `write`.
    """
    content, compression = exif.content(kept.exif, kept.dpi, layout.size), _kept_compression(compression)
    page = of_image(Image.new(layout.mode, (1, 1)), sixteen_bit=layout.bits == 16)
    shape = (layout.height, layout.width, page.bands)[: 3 if page.bands > 1 else 2]
    is_big = layout.height * layout.row_bytes > _LARGEST_CLASSIC
    rows = max(1, _STRIP_BYTES // layout.row_bytes)
    with tifffile.TiffWriter(file, bigtiff=is_big, byteorder="<") as writer:
        tags = [*_tags(content, kept, page, is_big)]
        described = {"shape": shape, "dtype": page.samples.dtype, "extratags": tags, **_described(page, kept, compression)}
        if compression == COMPRESSION.NONE:
            # All of it in one piece of the file, which is written later.
            written = writer.write(rowsperstrip=layout.height, returnoffset=True, **described)
        else:
            # Strips of nothing, as yet.
            written = writer.write(itertools.repeat(b"", -(-layout.height // rows)), rowsperstrip=rows, **described)
    _append_directories(file, content)
    if written is not None:
        file.seek(written[0])
        yield lambda rows: _write_all(file, rows)
        return
    file.seek(0, io.SEEK_END)
    strips = _Strips(file.tell(), compression)
    with row_bands.in_bands(file, strips, rows=rows) as put:
        yield put
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        for name, values in (("StripOffsets", strips.offsets), ("StripByteCounts", strips.byte_counts)):
            tiff.pages.first.tags[name].overwrite(values, dtype=16 if is_big else 4)


def _write_all(file: BinaryIO, rows: np.ndarray) -> None:
    file.write(_little_endian(rows))


def _little_endian(samples: np.ndarray) -> bytes:
    return samples.astype(samples.dtype.newbyteorder("<"), copy=False).tobytes()


class _Strips:
    """Compresses strips of rows, and knows where they are; see `row_bands.Encoder`."""

    def __init__(self, place: int, compression: int) -> None:
        self._place, self._compression = place, compression
        self.offsets: list[int] = []
        self.byte_counts: list[int] = []

    def encoded(self, band: np.ndarray, above: np.ndarray | None) -> bytes:
        import imagecodecs  # takes a moment

        encode: dict[int, Callable[..., bytes | bytearray]] = {
            COMPRESSION.LZW: imagecodecs.lzw_encode,
            COMPRESSION.ADOBE_DEFLATE: imagecodecs.zlib_encode,
            COMPRESSION.ZSTD: imagecodecs.zstd_encode,
        }
        differences = imagecodecs.delta_encode(band, axis=1)
        return bytes(encode[self._compression](_little_endian(differences)))

    def joined(self, encoded: bytes) -> Iterator[bytes]:
        self.offsets.append(self._place)
        self.byte_counts.append(len(encoded))
        self._place += len(encoded)
        yield encoded

    def end(self) -> bytes:
        return b""


def _kept_compression(compression: int | None) -> int:
    return compression if compression in _COMPRESSIONS else COMPRESSION.ADOBE_DEFLATE


def _described(page: Raster, kept: Metadata, compression: int) -> dict[str, Any]:
    """What tifffile is told of a page, besides its tags."""
    return {
        "compression": compression,
        # Neighbouring samples are alike: their differences are shorter.
        "predictor": compression != COMPRESSION.NONE or None,
        "photometric": "rgb" if page.colours == 3 else "minisblack",
        "planarconfig": "contig" if page.bands > 1 else None,
        "extrasamples": _extra_samples(page),
        "metadata": None,
        "software": False,
        "resolution": kept.dpi,
        "resolutionunit": 2 if kept.dpi else None,
        "iccprofile": kept.icc_profile,
    }


def _bytes_per_pixel(frame: Raster | Image.Image) -> int:
    return frame.bands * frame.samples.dtype.itemsize if isinstance(frame, Raster) else len(frame.getbands())


def _extra_samples(page: Raster) -> list[int] | None:
    further = page.bands - page.colours
    if not further:
        return None
    return [0] * (further - 1) + [EXTRASAMPLE.UNASSALPHA if page.alpha else 0]


def _missing_tag(page: Raster) -> list[tuple[Any, ...]]:
    return [] if page.missing is None else [(_MISSING_VALUE, "s", 0, f"{page.missing:.17g}", True)]


def _tags(content: Image.Exif, kept: Metadata, page: Raster, big: bool) -> Iterator[tuple[Any, ...]]:
    for tag, value in content.items():
        if tag in _DIRECTORIES:
            # Where it lies is known later; and tifffile leaves out tags that say where something lies.
            if content.get_ifd(tag):
                yield tag - 1, 16 if big else 4, 1, 0, True
        elif isinstance(value, (str, bytes)):
            yield tag, *_text_or_bytes(tag, value.encode("latin-1", "replace") if isinstance(value, str) else value), True
        elif isinstance(value, int) and tag != ExifTags.Base.ResolutionUnit:
            yield tag, 3, 1, value, True
    if kept.xmp:
        yield ExifTags.Base.XMLPacket, 1, len(kept.xmp), kept.xmp, True
    if kept.iptc:
        yield iptc.TAG, 7, len(kept.iptc), kept.iptc, True
    for tag, values in kept.geo.items():
        if isinstance(values, (str, bytes)):
            yield tag, "s", 0, values, True
        else:
            yield tag, 12 if isinstance(values[0], float) else 3, len(values), tuple(values), True
    yield from _missing_tag(page)


def _text_or_bytes(tag: int, value: bytes) -> tuple[Any, ...]:
    # Windows' own tags, which begin with XP, are UTF-16 in bytes.
    return (1, len(value), value) if 0x9C9B <= tag <= 0x9C9F else (2, len(value) + 1, value + b"\0")


def _append_directories(buffer: BinaryIO, content: Image.Exif) -> None:
    """Appends EXIF's parts, which tifffile does not write, and tells the first page where they are."""
    for tag in _DIRECTORIES:
        if not content.get_ifd(tag):
            continue
        directory = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
        for key, value in content.get_ifd(tag).items():
            directory[key] = value
        buffer.seek(0, 2)
        place = buffer.tell() + buffer.tell() % 2
        buffer.write(bytes(buffer.tell() % 2))
        buffer.write(directory.tobytes(place))
        buffer.seek(0)
        with tifffile.TiffFile(buffer) as tiff:
            entry = tiff.pages.first.tags[tag - 1]
            entry.overwrite(place)
        buffer.seek(entry.offset)
        buffer.write(struct.pack("<H", tag))
