"""What a file is by its first bytes, and which package reads it where Pillow alone does not."""

import contextlib
import ctypes
import ctypes.util
import functools
import importlib
import logging
import os
import pathlib
import stat
from typing import BinaryIO

import PIL
from PIL import Image

from sr_keras.photos.errors import PhotoError
from sr_keras.runtime import extras

HEAD_BYTES = 64
RAW = "camera raw"
# Most of these begin as a TIFF does.
RAW_SUFFIXES = frozenset(
    (
        *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef"),
        *(".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
    )
)
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\0\0\0\x0cJXL ", "JXL"),
    (b"\xff\x0a", "JXL"),
    (b"\0\0\0\x0cjP  ", "JPEG2000"),
    (b"\xffO\xffQ", "JPEG2000"),
    (b"8BPS", "PSD"),
    (b"DDS ", "DDS"),
    (b"qoif", "QOI"),
    (b"FUJIFILMCCD-RAW", RAW),
    (b"IIU\0", RAW),
    (b"IIRO", RAW),
    (b"IIRS", RAW),
    (b"MMOR", RAW),
    (b"II\x1a\0\0\0HEAPCCDR", RAW),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_DOCUMENTS = (
    (b"%PDF", "a PDF document"),
    ((b"%!PS", b"\xc5\xd0\xd3\xc6"), "a PostScript drawing"),
    ((b"<svg", b"<?xml"), "a drawing in XML, such as SVG"),
)
# Of ISO base media files, by their brand.
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"crx ": RAW}
_BRANDS |= dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), "HEIF")
# The package of each kind that Pillow does not read.
_PACKAGES = {"HEIF": "pillow_heif", "JXL": "pillow_jxl", RAW: "rawpy"}


def of(head: bytes) -> str | None:
    """Pillow's name of a file's format by its first `HEAD_BYTES`, or `RAW`; None if they are those of no picture."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        brands = [head[8:12], *(head[start : start + 4] for start in range(16, min(len(head), head[3]), 4))]
        # Files of one brand say that they are also of others: mif1 is what AVIF and HEIC have in common.
        kinds = [_BRANDS[brand] for brand in brands if brand in _BRANDS]
        return "AVIF" if "AVIF" in kinds else next(iter(kinds), None)
    if head[:2] == b"II" and head[8:10] == b"CR":
        return RAW
    return next((kind for signature, kind in _SIGNATURES if head.startswith(signature)), None)


def refuse_documents(stream: BinaryIO) -> None:
    """Says what people take for a picture, and has no pixels; Pillow would hand some of it to another program, Ghostscript.

    Args:
        stream: at any place; it is at its beginning then.

    Raises:
        PhotoError: it is such a file.
    """
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if not head:
        raise PhotoError("is empty")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for signatures, what in _DOCUMENTS:
        if start.startswith(signatures):
            raise PhotoError(f"not a picture of pixels, but {what}")


def of_stream(stream: BinaryIO) -> str | None:
    """`of` a file that is open at its beginning, where it is then again."""
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    return of(head)


def of_file(path: str | os.PathLike[str]) -> str | None:
    """`of` a file; None also for one that can't be read, and for what is none."""
    try:
        require_regular(path)
        with open(path, "rb") as file:  # noqa: PTH123 - a path may be a text
            return of(file.read(HEAD_BYTES))
    except (OSError, ValueError, PhotoError):
        return None


def require_regular(path: str | os.PathLike[str]) -> None:
    """Refuses what is no file: a pipe or a device may never end.

    Raises:
        PhotoError: it is none.
        OSError: it is not there.
    """
    mode = os.stat(path).st_mode  # noqa: PTH116 - a path may be a text
    if stat.S_ISDIR(mode):
        raise PhotoError(f"{path}: is a folder")
    if not stat.S_ISREG(mode):
        raise PhotoError(f"{path}: is a pipe or a device, not a file; - reads standard input")


def require_package(kind: str | None) -> None:
    """Refuses a kind of file whose package is not installed.

    Raises:
        PhotoError: it is not.
    """
    if kind in _PACKAGES and not _has(_PACKAGES[kind]):
        raise PhotoError(f"{kind} needs a package that is not installed: {extras.install('formats')}")


def init_plugins(kind: str | None = None) -> None:
    """Registers all formats with Pillow, once: what a file is taken for must not depend on which was opened before it.

    Args:
        kind: of the file that is opened or written. PNG and JPEG need no other formats, whose modules take a while.
    """
    if kind in ("PNG", "JPEG"):
        Image.preinit()
    else:
        _init_all()


@functools.cache
def _init_all() -> None:
    Image.init()
    if _has("pillow_heif"):
        importlib.import_module("pillow_heif").register_heif_opener()
    _has("pillow_jxl")  # registers itself
    _silence_libtiff()
    # It logs what is odd in a file, and Python prints that where there is no handler; what matters is raised.
    logging.getLogger("tifffile").addHandler(logging.NullHandler())


def _silence_libtiff() -> None:
    """Keeps the library inside Pillow from writing to standard error: what it says is raised too."""
    packages = pathlib.Path(PIL.__file__).parent
    inside = [*(packages.parent / "pillow.libs").glob("libtiff*"), *(packages / ".dylibs").glob("libtiff*")]
    for library in map(str, inside) if inside else filter(None, [ctypes.util.find_library("tiff")]):
        with contextlib.suppress(OSError, AttributeError):
            loaded = ctypes.CDLL(library)  # the one that Pillow has loaded already
            for setter in (loaded.TIFFSetErrorHandler, loaded.TIFFSetWarningHandler):
                setter.restype, setter.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
                setter(None)


@functools.cache
def _has(package: str) -> bool:
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True
