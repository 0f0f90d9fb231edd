"""Reads TIFF files as their own tags describe them: any number of bands, of any type. Pillow reads the plain ones.

Pillow takes a file for the nearest of its modes: further bands, signs, ranges and planes get lost without a word.
"""

import dataclasses
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
import tifffile
from PIL import Image
from tifffile import EXTRASAMPLE, FILETYPE, PHOTOMETRIC, SAMPLEFORMAT, TiffPage

from sr_keras.photos.errors import PhotoError
from sr_keras.photos.raster import Raster, are_shares, rounded, upright, white

# Names of tags. GDAL's has the value of pixels that have none.
_MISSING_VALUE, _ORIENTATION, _SUBFILE_TYPE = "GDAL_NODATA", "Orientation", "NewSubfileType"
# What Pillow tells apart by their bands: how many of them are colours.
_PLAIN_COLOURS: dict[int, int] = {PHOTOMETRIC.MINISWHITE: 1, PHOTOMETRIC.MINISBLACK: 1, PHOTOMETRIC.RGB: 3}
_ALPHA = frozenset({EXTRASAMPLE.ASSOCALPHA, EXTRASAMPLE.UNASSALPHA})
# What programs write for a value that is missing.
_USUAL_MARKS = frozenset({-999.0, -9999.0, -99999.0, -32767.0, -32768.0, float(np.finfo(np.float32).min)})
# JPEG of both kinds, JPEG 2000, LERC, WebP, JPEG XL: some of them may lose nothing, which the tag does not say.
_LOSSY = frozenset({6, 7, 33003, 33004, 33005, 34712, 34887, 50001, 50002, 52546})
# Those that the libtiff inside Pillow has: none, CCITT, LZW, JPEG, Deflate, PackBits.
_PILLOW_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32809, 32946})


@dataclasses.dataclass(frozen=True)
class Opened:
    """A TIFF, as `metadata.read` wants a file.

    Attributes:
        frames: its pages, upright.
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

    @property
    def lossless(self) -> bool:
        """Whether its compression surely kept every value."""
        return self.compression not in _LOSSY

    def getexif(self) -> Image.Exif:
        return self.exif


class RawError(Exception):
    """It is a camera's raw file."""


def read(stream: BinaryIO, *, all_frames: bool, check_size: Callable[[int, int], None]) -> Opened | None:
    """Reads the pages of a TIFF; None if Pillow reads this one as its tags have it.

    Raises:
        PhotoError: its samples are of a kind that is not read.
        RawError: it is a camera's raw file.
        ValueError, OSError and others: it is damaged.
    """
    with tifffile.TiffFile(stream) as tiff:
        first = tiff.pages.first
        if "DNGVersion" in first.tags or ("SubIFDs" in first.tags and _number(first, _SUBFILE_TYPE) & FILETYPE.REDUCEDIMAGE):
            raise RawError
        others = FILETYPE.REDUCEDIMAGE | FILETYPE.MASK
        pages = [page for page in _pages(tiff) if not _number(page, _SUBFILE_TYPE) & others] or [first]
        wanted = pages if all_frames else pages[:1]
        is_unknown = tiff.is_bigtiff and tiff.byteorder == ">"
        if not is_unknown and all(_is_plain(page) for page in wanted):
            return None
        for page in wanted:
            _require_known(page)
        for page in wanted:
            size = (page.imagewidth, page.imagelength)
            check_size(*(size[::-1] if _is_rotated(page) else size))
        frames = tuple(_frame(page, stream) for page in wanted)
        exif, lost = _exif(tiff, wanted[0], stream)
        notes = tuple(dict.fromkeys([*_notes(wanted, frames), *lost]))
        info = {name: exif[tag] for name, tag in (("icc_profile", 34675), ("xmp", 700)) if tag in exif}
        return Opened(frames, len(pages), info, exif, _is_rotated(wanted[0]), int(wanted[0].compression), notes)


def _pages(tiff: tifffile.TiffFile) -> Iterator[TiffPage]:
    for index in range(len(tiff.pages)):
        page = tiff.pages[index]
        yield page if isinstance(page, TiffPage) else page.aspage()


def _number(page: TiffPage, tag: str) -> int:
    value = page.tags.valueof(tag, 0)
    return int(value) if isinstance(value, int) else 0


def _is_rotated(page: TiffPage) -> bool:
    """Whether height and width are swapped once it is upright."""
    return _number(page, _ORIENTATION) in (5, 6, 7, 8)


def _has_alpha(page: TiffPage, colours: int) -> bool:
    """Whether it has one band more than its colours, and that is transparency."""
    return page.samplesperpixel == colours + 1 and not _ALPHA.isdisjoint(page.extrasamples[:1])


def _bits(page: TiffPage) -> int:
    bits = page.bitspersample
    return max(bits) if isinstance(bits, tuple) else int(bits)


def _is_plain(page: TiffPage) -> bool:
    """Whether Pillow has a mode for it, and a decoder."""
    bands = page.samplesperpixel
    colours = _PLAIN_COLOURS.get(page.photometric)
    if page.compression not in _PILLOW_COMPRESSIONS or _MISSING_VALUE in page.tags:
        return False
    if colours is None:
        return True  # palettes, CMYK, YCbCr, Lab: Pillow's, or nobody's
    if bands > 1 and (_bits(page) != 8 or page.planarconfig != 1):
        return False
    is_unsigned = page.sampleformat in (SAMPLEFORMAT.UINT, SAMPLEFORMAT.VOID)
    return is_unsigned and _bits(page) <= 8 and (bands == colours or _has_alpha(page, colours))


def _require_known(page: TiffPage) -> None:
    known = (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR)
    if page.photometric not in known or page.dtype is None:
        name = getattr(page.photometric, "name", page.photometric)
        raise PhotoError(f"a TIFF of a kind that is not read: {name} of {_bits(page)} bits, compression {page.compression}")
    if page.dtype.kind not in "uifb" or page.imagedepth > 1:
        raise PhotoError("a TIFF of a kind that is not read: its samples are complex numbers, or volumes")


def _frame(page: TiffPage, stream: BinaryIO) -> Raster | Image.Image:
    stream.seek(0, 2)
    end = stream.tell()
    if any(start + count > end for start, count in zip(page.dataoffsets, page.databytecounts, strict=False)):
        raise PhotoError("the file is truncated")
    samples = page.asarray()
    if page.samplesperpixel > 1 and page.planarconfig == 2:
        samples = np.moveaxis(samples, 0, -1)
    samples = samples.reshape(page.imagelength, page.imagewidth, -1)
    if samples.dtype == bool:
        samples = samples.astype(np.uint8) * np.uint8(255)
    if page.photometric == PHOTOMETRIC.MINISWHITE and samples.dtype.kind == "u":
        samples = np.iinfo(samples.dtype).max - samples
    samples = upright(samples, _number(page, _ORIENTATION))
    colours = 3 if page.photometric in (PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR) and samples.shape[2] >= 3 else 1
    alpha = _has_alpha(page, colours) and are_shares(samples[..., -1])
    if alpha and page.extrasamples[0] == EXTRASAMPLE.ASSOCALPHA:
        samples = _unmultiplied(samples)
    missing = _missing_value(page) if _MISSING_VALUE in page.tags else _unsaid_missing_value(samples)
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


def _missing_value(page: TiffPage) -> float | None:
    text = page.tags.valueof(_MISSING_VALUE)
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


def _notes(pages: Sequence[TiffPage], frames: Sequence[Raster | Image.Image]) -> Iterator[str]:
    """What was made of values that no tag explains."""
    for page, frame in zip(pages, frames, strict=True):
        if isinstance(frame, Raster) and frame.missing is not None and _MISSING_VALUE not in page.tags:
            yield f"{frame.missing:g}, far below all other values, is taken for a mark of missing ones"
    if any(page.photometric == PHOTOMETRIC.MINISWHITE and np.dtype(page.dtype).kind != "u" for page in pages):
        yield "its lowest values were white; the values are kept, and now the highest are"


def _exif(tiff: tifffile.TiffFile, page: TiffPage, stream: BinaryIO) -> tuple[Image.Exif, list[str]]:
    """The tags of a page, and a note if Pillow can't read them, as of a big-endian BigTIFF."""
    exif = Image.Exif()
    exif.bigtiff, exif.endian = tiff.is_bigtiff, tiff.byteorder
    try:
        exif.load_from_fp(stream, page.offset)
    except (struct.error, SyntaxError, ValueError, OSError):
        return Image.Exif(), ["its metadata can't be read and is left out"]
    return exif, []
