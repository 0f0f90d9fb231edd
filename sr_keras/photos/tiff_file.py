"""TIFF files as their own tags describe them: any number of bands, of any type. Pillow reads the plain ones.

Pillow takes a file for the nearest of its modes: further bands, signs, ranges and planes get lost without a word.
"""

import contextlib
import dataclasses
import io
import itertools
import math
import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
import tifffile
from PIL import ExifTags, Image, TiffImagePlugin

from sr_keras.photos import row_writer
from sr_keras.photos.errors import PhotoError
from sr_keras.photos.frame_stream import FrameStream
from sr_keras.photos.metadata import Metadata
from sr_keras.photos.metadata_parts import exif, iptc
from sr_keras.photos.raster import Raster, are_shares, of_image, rounded, upright, white
from sr_keras.photos.row_writer import Layout, PutRows

MISSING_TAG = 42113  # GDAL's
_DNG_VERSION, _SUBFILE_TYPE, _SUB_IFDS = 50706, 254, 330
_REDUCED, _MASK = 1, 4
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR = 0, 1, 2, 6
_ASSOCIATED, _UNASSOCIATED = 1, 2
_UNSIGNED, _UNKNOWN = 1, 4
_USUAL_MARKS = frozenset({-999.0, -9999.0, -99999.0, -32767.0, -32768.0, float(np.finfo(np.float32).min)})
_LARGEST_CLASSIC = 2**32 - 2**25
_UNCOMPRESSED, _LZW, _DEFLATE, _ZSTD = 1, 5, 8, 50000
# Those that results may have.
_WRITTEN_COMPRESSIONS = frozenset({_UNCOMPRESSED, _LZW, _DEFLATE, _ZSTD})
_STRIP_BYTES = 2**18
_DIRECTORIES = (int(ExifTags.IFD.Exif), int(ExifTags.IFD.GPSInfo))
# JPEG of both kinds, JPEG 2000, LERC, WebP, JPEG XL: some of them may lose nothing, which the tag does not say.
LOSSY = frozenset({6, 7, 33003, 33004, 33005, 34712, 34887, 50001, 50002, 52546})
# Those that the libtiff inside Pillow has: none, CCITT, LZW, JPEG, Deflate, PackBits.
_PILLOW_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32809, 32946})


@dataclasses.dataclass(frozen=True)
class Opened:
    """A TIFF, as `metadata.read` wants a file.

    Attributes:
        frames: its pages, upright; empty where Pillow reads it right.
        count: of its pages, without previews and masks.
        notes: what was lost.
    """

    frames: tuple[Raster | Image.Image, ...]
    count: int
    info: dict[str, Any]
    exif: Image.Exif
    rotated: bool
    compression: int
    notes: tuple[str, ...] = ()
    mode: str = ""
    format: str = "TIFF"

    def getexif(self) -> Image.Exif:
        return self.exif


def read(stream: BinaryIO, *, all_frames: bool, check_size: Callable[[int, int], None]) -> Opened | None:
    """Reads the pages of a TIFF; None if Pillow reads this one as its tags have it.

    Raises:
        PhotoError: it is a camera's raw file, or its samples are of a kind that is not read.
        ValueError, OSError and others: it is damaged.
    """
    with tifffile.TiffFile(stream) as tiff:
        first = tiff.pages.first
        if _DNG_VERSION in first.tags or (_SUB_IFDS in first.tags and _number(first, _SUBFILE_TYPE) & _REDUCED):
            raise RawError
        pages = [page for page in _pages(tiff) if not _number(page, _SUBFILE_TYPE) & (_REDUCED | _MASK)] or [first]
        wanted = pages if all_frames else pages[:1]
        is_unknown = tiff.is_bigtiff and tiff.byteorder == ">"
        if not is_unknown and all(_is_plain(page) for page in wanted):
            return None
        for page in wanted:
            _require_known(page)
        rotated = _number(wanted[0], ExifTags.Base.Orientation) in (5, 6, 7, 8)
        for page in wanted:
            size = (page.imagewidth, page.imagelength)
            check_size(*(size[::-1] if _number(page, ExifTags.Base.Orientation) in (5, 6, 7, 8) else size))
        frames = tuple(_frame(page, stream) for page in wanted)
        notes = []
        for page, frame in zip(wanted, frames, strict=True):
            if isinstance(frame, Raster) and frame.missing is not None and MISSING_TAG not in page.tags:
                notes.append(f"{frame.missing:g}, far below all other values, is taken for a mark of missing ones")
        if any(int(page.photometric) == _WHITE_IS_ZERO and page.dtype.kind != "u" for page in wanted):
            notes.append("its lowest values were white; the values are kept, and now the highest are")
        exif, lost = _exif(tiff, wanted[0], stream)
        notes.extend(lost)
        info = {name: exif[tag] for name, tag in (("icc_profile", 34675), ("xmp", 700)) if tag in exif}
        return Opened(frames, len(pages), info, exif, rotated, int(wanted[0].compression), tuple(dict.fromkeys(notes)))


def _exif(tiff: tifffile.TiffFile, page: Any, stream: BinaryIO) -> tuple[Image.Exif, list[str]]:
    """The tags of a page, and a note if Pillow can't read them, as of a big-endian BigTIFF."""
    exif = Image.Exif()
    exif.bigtiff, exif.endian = tiff.is_bigtiff, tiff.byteorder
    try:
        exif.load_from_fp(stream, page.offset)
    except (struct.error, SyntaxError, ValueError, OSError):
        return Image.Exif(), ["its metadata can't be read and is left out"]
    return exif, []


class RawError(Exception):
    """It is a camera's raw file."""


def _pages(tiff: tifffile.TiffFile) -> Iterator[Any]:
    for index in range(len(tiff.pages)):
        page = tiff.pages[index]
        yield page if isinstance(page, tifffile.TiffPage) else page.aspage()


def _number(page: Any, tag: int) -> int:
    value = page.tags.valueof(tag, 0)
    return int(value) if isinstance(value, int) else 0


def _extra(page: Any) -> list[int]:
    return [int(extra) for extra in page.extrasamples]


def _bits(page: Any) -> int:
    bits = page.bitspersample
    return max(bits) if isinstance(bits, tuple) else int(bits)


def _is_plain(page: Any) -> bool:
    """Whether Pillow has a mode for it, and a decoder."""
    bands = page.samplesperpixel
    colours = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3}.get(int(page.photometric))
    if int(page.compression) not in _PILLOW_COMPRESSIONS or MISSING_TAG in page.tags:
        return False
    if colours is None:
        return True  # palettes, CMYK, YCbCr, Lab: Pillow's, or nobody's
    if bands > 1 and (_bits(page) != 8 or int(page.planarconfig) != 1):
        return False
    alpha = bands == colours + 1 and _extra(page)[:1] in ([_ASSOCIATED], [_UNASSOCIATED])
    return page.sampleformat in (_UNSIGNED, _UNKNOWN) and _bits(page) <= 8 and (bands == colours or alpha)


def _require_known(page: Any) -> None:
    if int(page.photometric) not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR) or page.dtype is None:
        name = getattr(page.photometric, "name", page.photometric)
        raise PhotoError(f"a TIFF of a kind that is not read: {name} of {_bits(page)} bits, compression {page.compression}")
    if page.dtype.kind not in "uifb" or page.imagedepth > 1:
        raise PhotoError("a TIFF of a kind that is not read: its samples are complex numbers, or volumes")


def _frame(page: Any, stream: BinaryIO) -> Raster | Image.Image:
    stream.seek(0, 2)
    end = stream.tell()
    if any(start + count > end for start, count in zip(page.dataoffsets, page.databytecounts, strict=False)):
        raise PhotoError("the file is truncated")
    samples = page.asarray()
    if page.samplesperpixel > 1 and int(page.planarconfig) == 2:
        samples = np.moveaxis(samples, 0, -1)
    samples = samples.reshape(page.imagelength, page.imagewidth, -1)
    if samples.dtype == bool:
        samples = samples.astype(np.uint8) * np.uint8(255)
    if int(page.photometric) == _WHITE_IS_ZERO and samples.dtype.kind == "u":
        samples = np.iinfo(samples.dtype).max - samples
    samples = upright(samples, _number(page, ExifTags.Base.Orientation))
    colours = 3 if int(page.photometric) in (_RGB, _YCBCR) and samples.shape[2] >= 3 else 1
    alpha = samples.shape[2] == colours + 1 and _extra(page)[:1] in ([_ASSOCIATED], [_UNASSOCIATED])
    alpha = alpha and are_shares(samples[..., -1])
    if alpha and _extra(page)[0] == _ASSOCIATED:
        samples = _unmultiplied(samples)
    missing = _missing_value(page) if MISSING_TAG in page.tags else _unsaid_missing_value(samples)
    if samples.dtype == np.uint8 and missing is None and samples.shape[2] == colours + alpha:
        return Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
    return Raster(samples, colours, alpha, missing)


def _unmultiplied(samples: np.ndarray) -> np.ndarray:
    """Colours that were multiplied by their transparency, the last band, as they are by themselves."""
    dtype, shares = samples.dtype, samples[..., -1:] / white(samples.dtype)
    colours = samples[..., :-1] / np.where(shares > 0, shares, 1)
    if dtype.kind == "u":
        colours = np.minimum(colours, white(dtype))
    return np.concatenate([rounded(colours, dtype), samples[..., -1:]], axis=2)


def _missing_value(page: Any) -> float | None:
    text = page.tags.valueof(MISSING_TAG)
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _unsaid_missing_value(samples: np.ndarray) -> float | None:
    """The lowest value, if it is one that programs mark missing values by, and lies far below all others."""
    if samples.dtype.kind not in "if":
        return None
    known = samples[np.isfinite(samples)]
    lowest = float(known.min()) if known.size else 0.0
    others = known[known != lowest]
    if lowest not in _USUAL_MARKS or not others.size:
        return None
    return lowest if float(others.min()) - lowest > 2 * (float(others.max()) - float(others.min())) else None


def write(target: BinaryIO, stream: FrameStream, kept: Metadata, compression: int | None = None) -> None:
    """Writes pages of any kind, without loss, with their metadata; as BigTIFF where they might take more than 4 GB.

    Args:
        target: open for reading and writing, or for writing alone.
        stream: the pages.
        kept: EXIF and the rest, which the first page gets.
        compression: of the file that they came from. It is kept where it is without loss; else it is Deflate.
    """
    compression = _written_compression(compression)
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
    content, compression = exif.content(kept.exif, kept.dpi, layout.size), _written_compression(compression)
    page = of_image(Image.new(layout.mode, (1, 1)), sixteen_bit=layout.bits == 16)
    shape = (layout.height, layout.width, page.bands)[: 3 if page.bands > 1 else 2]
    is_big = layout.height * layout.row_bytes > _LARGEST_CLASSIC
    rows = max(1, _STRIP_BYTES // layout.row_bytes)
    with tifffile.TiffWriter(file, bigtiff=is_big, byteorder="<") as writer:
        tags = [*_tags(content, kept, page, is_big)]
        described = {"shape": shape, "dtype": page.samples.dtype, "extratags": tags, **_described(page, kept, compression)}
        if compression == _UNCOMPRESSED:
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
    with row_writer.in_bands(file, strips, rows=rows) as put:
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
    """Compresses strips of rows, and knows where they are; see `row_writer.Encoder`."""

    def __init__(self, place: int, compression: int) -> None:
        self._place, self._compression = place, compression
        self.offsets: list[int] = []
        self.byte_counts: list[int] = []

    def encoded(self, band: np.ndarray, above: np.ndarray | None) -> bytes:
        import imagecodecs  # takes a moment

        encode = {_LZW: imagecodecs.lzw_encode, _DEFLATE: imagecodecs.zlib_encode, _ZSTD: imagecodecs.zstd_encode}
        differences = imagecodecs.delta_encode(band, axis=1)
        return bytes(encode[self._compression](_little_endian(differences)))

    def joined(self, encoded: bytes) -> Iterator[bytes]:
        self.offsets.append(self._place)
        self.byte_counts.append(len(encoded))
        self._place += len(encoded)
        yield encoded

    def end(self) -> bytes:
        return b""


def _written_compression(compression: int | None) -> int:
    return compression if compression in _WRITTEN_COMPRESSIONS else _DEFLATE


def _described(page: Raster, kept: Metadata, compression: int) -> dict[str, Any]:
    """What tifffile is told of a page, besides its tags."""
    return {
        "compression": compression,
        # Neighbouring samples are alike: their differences are shorter.
        "predictor": compression != _UNCOMPRESSED or None,
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
    return [0] * (further - 1) + [_UNASSOCIATED if page.alpha else 0]


def _missing_tag(page: Raster) -> list[tuple[Any, ...]]:
    return [] if page.missing is None else [(MISSING_TAG, "s", 0, f"{page.missing:.17g}", True)]


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
