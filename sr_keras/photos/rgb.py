"""What a photo is: uint8 RGB `[H, W, 3]` in files, float32 `[..., H, W, 3]` in [0, 1] everywhere in memory.

The step between the two, clipping and rounding, happens here alone.
"""

import contextlib
import io
import logging
import os
import pathlib
import warnings
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageOps, UnidentifiedImageError

from sr_keras.photos import deep_file, file_kind, fits_head
from sr_keras.photos.errors import NameTakenError as NameTakenError
from sr_keras.photos.errors import PhotoError as PhotoError
from sr_keras.photos.raster import Raster
from sr_keras.runtime import files

# Bundled photos: a few to train on, and small ones to upscale.
SAMPLE = pathlib.Path(__file__).parent.parent / "sample"

# ITU-R BT.601: luma from red, green and blue.
LUMA_WEIGHTS = (0.299, 0.587, 0.114)

# What training, evaluation, leaks, shards and convert_rgb look for in a folder. Upscaling reads whatever Pillow does.
PHOTO_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

# What photos are written to: formats that hold 24-bit colour.
WRITABLE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".avif")

# What the formats can count; all others go further than memory does.
_LARGEST_SIDES = {".jpg": 65500, ".jpeg": 65500, ".webp": 16383, ".avif": 32768, ".gif": 65535, ".heic": 16384}
_LARGEST_AVIF = 16384**2  # pixels; what has more can be written, and not opened again
_LARGEST_BMP = 2**32 - 2**10

# Pillow warns above 89 megapixels and refuses above 179; a photo between the two is no attack. Set once and for all, because a
# warning filter can't be changed for one thread alone.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# Pillow warns of what is odd in a file's metadata; that is no reason to tell a person of lines of Pillow.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

# It logs what it raises too; without a handler, Python would print that.
logging.getLogger("PIL").addHandler(logging.NullHandler())

# Of 255: what JPEG makes of nothing.
_LEAST_INK = 5

# Full colour resolution: halving it would blur edges. Formats without loss ignore both.
SAVE_OPTIONS = {"quality": 95, "subsampling": "4:4:4"}


def read_photo(path: str | os.PathLike[str]) -> np.ndarray:
    """Reads a picture of any kind as RGB, rotated as its EXIF orientation says: uint8 `[H, W, 3]`.

    Raises:
        PhotoError: the file is missing, is no picture, or is damaged.
    """
    with _named_errors(str(path)), pathlib.Path(path).open("rb") as stream:
        return _eight_bits(_read(stream))


def decode_photo(content: bytes, name: str) -> np.ndarray:
    """Like `read_photo`, of what such a file holds; `name` is what errors call it."""
    with _named_errors(name):
        return _eight_bits(_read(io.BytesIO(content)))


def decode_photo_to_16_bits(content: bytes, name: str) -> np.ndarray:
    """Like `decode_photo`, but uint16 `[H, W, 3]`, from 0 to 65535 whatever depth the file has."""
    with _named_errors(name):
        frame = _read(io.BytesIO(content))
        return _tones(frame) if isinstance(frame, Raster) else np.asarray(to_rgb(frame)).astype(np.uint16) * np.uint16(257)


def upright(file: Image.Image) -> Image.Image:
    """An open file's picture, turned as EXIF says, with CMYK and ink as the file means them."""
    file.load()
    picture = file
    if file.format == "XBM":
        # Its bits are ink; Pillow takes them for light.
        picture = ImageChops.invert(file)
    # Without Adobe's marker 0 is no ink; Pillow takes it for all.
    if file.mode == "CMYK" and file.format in ("JPEG", "MPO") and ("adobe" not in file.info) != is_black_by_marker(file):
        picture = ImageChops.invert(file)
        picture.info = file.info
    return ImageOps.exif_transpose(picture)


def is_black_by_marker(file: Image.Image) -> bool:
    """Whether all of a CMYK JPEG would be black as its marker, or the lack of it, has it, though it holds more than black.

    Then its values are of the other kind: some programs write the marker beside what it does not mean.
    """
    if file.mode != "CMYK" or file.format not in ("JPEG", "MPO"):
        return False
    samples = np.asarray(file)
    black, colours = samples[..., 3], samples[..., :3]
    is_full = black.min() >= 255 - _LEAST_INK if "adobe" in file.info else black.max() <= _LEAST_INK
    return bool(is_full and np.ptp(colours, axis=(0, 1)).max() > 2 * _LEAST_INK)


def to_rgb(picture: Image.Image) -> Image.Image:
    """Converts a picture of any mode to RGB.

    What is transparent becomes white, 16-bit greyscale keeps its tones, and CMYK follows its colour profile if it has one.
    """
    if picture.mode == "CMYK" and picture.info.get("icc_profile"):
        profile = io.BytesIO(picture.info["icc_profile"])
        # What is no such profile is as good as none.
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            rgb = ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
            return rgb or picture.convert("RGB")  # it is None only where a picture is converted in place
    if picture.mode.startswith("I"):
        # Pillow clips values above 255 where it should divide them.
        tones = np.asarray(picture, dtype=np.float64) / 257
        picture = Image.fromarray(to_uint8(tones / 255))
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return picture.convert("RGB")


def write_photo(path: str | os.PathLike[str], photo: np.ndarray) -> None:
    """Writes uint8 `[H, W, 3]` in the format that the suffix of `path` names; the file appears whole or not at all.

    Raises:
        PhotoError: the suffix is none of `WRITABLE_SUFFIXES`, its format can't hold such a size, or writing failed.
    """
    path = pathlib.Path(path)
    require_writable(path, *photo.shape[:2])
    file_format = Image.registered_extensions()[path.suffix.lower()]
    try:
        with files.written_beside(path) as part:
            Image.fromarray(photo).save(part, format=file_format, **SAVE_OPTIONS)
    except (OSError, ValueError) as error:
        raise PhotoError(f"{path}: {files.reason(error)}") from None


def require_writable(path: pathlib.Path, height: int, width: int) -> None:
    """Tells before the work what `write_photo` would refuse after it.

    Raises:
        PhotoError: the suffix is none of `WRITABLE_SUFFIXES`, or its format can't hold a photo of that size, in pixels.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITABLE_SUFFIXES:
        raise PhotoError(f"{path}: the name must end in {', '.join(WRITABLE_SUFFIXES)}")
    require_size(path, height, width)


def require_size(path: pathlib.Path, height: int, width: int) -> None:
    """Tells before the work that a format can't hold a picture of that size, in pixels.

    Raises:
        PhotoError: the format that the suffix of `path` names can't.
    """
    suffix = path.suffix.lower()
    largest = _LARGEST_SIDES.get(suffix, max(height, width))
    if max(height, width) > largest:
        raise PhotoError(
            f"{path}: {suffix} holds at most {largest} pixels a side, not {width}x{height}; .png and .tif hold more"
        )
    if suffix == ".avif" and height * width > _LARGEST_AVIF:
        raise PhotoError(f"{path}: .avif holds at most {_LARGEST_AVIF:,} pixels, not {width}x{height}; .png and .tif hold more")
    if suffix == ".bmp" and 3 * height * width > _LARGEST_BMP:
        raise PhotoError(f"{path}: .bmp holds at most {_LARGEST_BMP:,} bytes, not {width}x{height}; .png and .tif hold more")


def to_float(photo: np.ndarray) -> np.ndarray:
    """uint8 to float32 in [0, 1]."""
    return photo.astype(np.float32) / np.float32(255)


def to_uint8(photo: np.ndarray) -> np.ndarray:
    """Values in [0, 1] to uint8: clipped, then rounded.

    Raises:
        ValueError: a value is not finite.
    """
    if not np.isfinite(photo).all():
        raise ValueError("the picture holds values that are not finite")
    return np.asarray(np.rint(np.clip(photo, 0, 1) * 255), np.uint8)


def resize_bicubic(photo: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bicubic (a = -0.5), antialiased where it gets smaller: uint8 to uint8 `[height, width, 3]`."""
    return np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.BICUBIC))


def _read(stream: BinaryIO) -> Image.Image | Raster:
    """An open file's first picture, upright; a raster where 8 bits would not hold it."""
    file_kind.init_plugins()
    if file_kind.of_stream(stream) == "TIFF":
        from sr_keras.photos import tiff_reader  # only for those who have one

        try:
            opened = tiff_reader.read(stream, all_frames=False, check_size=lambda width, height: None)
        except tiff_reader.RawError:
            raise PhotoError("camera raw, which must be developed first") from None
        stream.seek(0)
        if opened is not None:
            return opened.frames[0]
    with Image.open(stream) as picture:
        fits_head.require_plain(picture, stream)
        if picture.mode == "F":
            raise PhotoError("float32 values do not say which number is white")
        if (depth := deep_file.bits(picture, stream)) > 8 and picture.format in deep_file.FORMATS:
            return deep_file.read_upright(picture, stream, depth)
        return upright(picture)


def _eight_bits(frame: Image.Image | Raster) -> np.ndarray:
    return to_uint8(_tones(frame) / np.float32(65535)) if isinstance(frame, Raster) else np.asarray(to_rgb(frame))


def _tones(frame: Raster) -> np.ndarray:
    """The colours of a raster whose values are tones, on white: `[H, W, 3]` with levels of 65535."""
    if frame.samples.dtype.name not in ("uint8", "uint16"):
        raise PhotoError(f"{frame.samples.dtype.name} values do not say which number is white")
    if frame.colours == 1 and frame.bands > 1 + frame.alpha:
        raise PhotoError(f"{frame.bands} bands, which do not say what is red, green and blue")
    colours = frame.samples[..., : frame.colours]
    if frame.missing is not None and (missing := (colours == frame.missing).any(axis=2)).any():
        raise PhotoError(f"{missing.sum():,} pixels without a value")
    if frame.samples.dtype == np.uint8:
        colours = colours.astype(np.uint16) * np.uint16(257)
    if frame.alpha:
        shares = frame.samples[..., -1:] / np.float32(np.iinfo(frame.samples.dtype).max)
        colours = np.rint(colours * shares + 65535 * (1 - shares)).astype(np.uint16)
    return np.broadcast_to(colours, (frame.height, frame.width, 3))


@contextlib.contextmanager
def _named_errors(name: str) -> Iterator[None]:
    try:
        yield
    except PhotoError as error:
        raise PhotoError(f"{name}: {error}") from None
    except UnidentifiedImageError:
        raise PhotoError(f"{name}: not a picture") from None
    # A damaged file raises whatever its decoder stumbles over.
    except Exception as error:
        raise PhotoError(f"{name}: {files.reason(error)}") from None
