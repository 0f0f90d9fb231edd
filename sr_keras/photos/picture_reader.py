"""Reads a picture file of any kind, with all that a person wants to have back in the larger file.

`rgb` reads photos as arrays; `picture_writer` writes what is read here.
"""

import contextlib
import io
import os
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import COMPRESSION_INFO_REV, TiffImageFile

from sr_keras.photos import apng_canvas, codec_errors, deep_file, file_kind, fits_head, frame_modes, jxl_head, metadata, rgb
from sr_keras.photos.errors import PhotoError
from sr_keras.photos.metadata import Metadata
from sr_keras.photos.metadata_parts import exif
from sr_keras.photos.metadata_parts.exif import Exif
from sr_keras.photos.picture import FORMATS, Frame, Picture
from sr_keras.photos.raster import Raster
from sr_keras.runtime import store

Source = str | os.PathLike[str] | BinaryIO
CheckSize = Callable[[int, int], None]

# The names that are looked for in folders, besides files whose first bytes are a picture's. One that is named itself is opened
# whatever its name ends in.
_READABLE = (".apng", ".jfif", ".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".qoi", ".ico", ".pcx", ".sgi")
SUFFIXES = frozenset({*FORMATS, *_READABLE, ".heif", ".dds", ".mpo", *(file_kind.RAW_SUFFIXES - {".raw"})})

# TIFF's JPEGs have their tables in a tag, as a JPEG without a picture; with the heads of a frame and a scan, Pillow opens it.
_JPEG_TABLES = 347
_END = b"\xff\xd9"
_HEAD = bytes.fromhex("ffc0000b080001000101011100 ffda0008010100003f00")
# Files of these hold further pictures that are no frames: previews, layers, other sizes.
_ONE_PICTURE = frozenset({"MPO", "JPEG", "PSD", "ICO", "ICNS", "CUR", "DCX", "FITS", "HEIF"})
_GAIN_MAP = "the gain map of its high dynamic range (the result is standard)"
_LOSSY = frozenset({"JPEG", "MPO", "AVIF", "HEIF", "JXL", "JPEG2000", "WEBP"})


def read(
    source: Source,
    *,
    all_frames: bool = False,
    raw_bits: int = 8,
    check_size: CheckSize = lambda width, height: None,
) -> Picture:
    """Reads a file of any kind that Pillow, tifffile or LibRaw reads; EXIF orientation is applied.

    Args:
        source: a path or an open file that can be read from any place.
        all_frames: False reads the first frame.
        raw_bits: 8 or 16, to which camera raw is developed.
        check_size: called with width and height before anything is decoded; what it raises ends the reading.

    Raises:
        PhotoError: the file is missing, is no picture, is damaged, or needs a package that is not installed. The message
            names a path, and nothing else.
    """
    with codec_errors.named(source), _opened(source) as stream:
        file_kind.refuse_documents(stream)
        kind = file_kind.of_stream(stream)
        file_kind.init_plugins(kind)
        file_kind.require_package(kind)
        if kind == file_kind.RAW:
            return _read_raw(stream, raw_bits, check_size)
        try:
            if kind == "TIFF":
                return _read_tiff(stream, all_frames, raw_bits, check_size)
            return _read_with_pillow(stream, all_frames, check_size)
        except UnidentifiedImageError:
            if kind is None:
                raise
            raise PhotoError(f"{kind} that is damaged, or of a kind that is not read") from None


def read_size(source: Source) -> tuple[int, int]:
    """Width and height of the first frame, upright; nothing is decoded.

    Raises:
        PhotoError: as `read` does, as far as the head of the file tells.
    """
    found: list[tuple[int, int]] = []

    def stop(width: int, height: int) -> None:
        found.append((width, height))
        raise PhotoError("known")

    try:
        read(source, check_size=stop)
    except PhotoError:
        if not found:
            raise
    return found[0]


@contextlib.contextmanager
def _opened(source: Source) -> Iterator[BinaryIO]:
    if isinstance(source, store.StorePath):
        yield store.opened(source)
    elif isinstance(source, (str, os.PathLike)):
        file_kind.require_regular(source)
        with open(source, "rb") as stream:  # noqa: PTH123 - a path may be a text
            yield stream
    else:
        yield source


def _read_raw(stream: BinaryIO, bits: int, check_size: CheckSize) -> Picture:
    file_kind.require_package(file_kind.RAW)
    from sr_keras.photos import raw_file  # only for those who have one

    stream.seek(0)
    frame = raw_file.develop(stream, bits, check_size)
    described = _raw_exif(stream)
    note = f"camera raw, developed by LibRaw to {bits} bits a channel{'' if described else '; its metadata is left out'}"
    return Picture((frame,), metadata=Metadata(described), notes=(note,), file_format="RAW", lossless=True)


def _raw_exif(stream: BinaryIO) -> Exif:
    """Of most cameras, whose files begin as a TIFF does."""
    content = Image.Exif()
    stream.seek(0)
    try:
        content.load_from_fp(stream)
    except (SyntaxError, struct.error, ValueError, OSError):
        return {}
    described, _ = exif.described(content)
    return described


def _read_tiff(stream: BinaryIO, all_frames: bool, raw_bits: int, check_size: CheckSize) -> Picture:
    from sr_keras.photos import tiff_reader  # only for those who have one

    try:
        opened = tiff_reader.read(stream, all_frames=all_frames, check_size=check_size)
    except tiff_reader.RawError:
        return _read_raw(stream, raw_bits, check_size)
    stream.seek(0)
    if opened is None:
        return _read_with_pillow(stream, all_frames, check_size)
    kept, left_out = metadata.read(opened, _mode(opened.frames[0]), stream, rotated=opened.rotated)
    notes = (*_count_note(opened.count, all_frames), *opened.notes, *left_out)
    return Picture(
        opened.frames,
        metadata=kept,
        notes=notes,
        file_format="TIFF",
        lossless=opened.lossless,
        tiff_compression=opened.compression,
        is_panorama=kept.is_panorama,
    )


def _read_with_pillow(stream: BinaryIO, all_frames: bool, check_size: CheckSize) -> Picture:
    if file_kind.of_stream(stream) == "JXL":
        # Its plugin decodes all of it when it is opened.
        head = jxl_head.read(stream)
        check_size(*((head.height, head.width) if head.is_turned else (head.width, head.height)))
    with Image.open(stream) as file:
        fits_head.require_plain(file, stream)
        count = _frame_count(file)
        # With the picture for programs that know no animations before it, an APNG has a frame too many.
        first = 1 if all_frames and file.info.get("default_image") else 0
        depth = deep_file.bits(file, stream)
        frames: list[Frame] = []
        durations: list[int] = []
        notes: list[str] = []
        for index in range(first, count if all_frames else 1):
            if index:
                file.seek(index)
                apng_canvas.compose(file)
            rotated = exif.is_rotated(file)
            # Of a TIFF, Pillow reports the size after the rotation.
            check_size(*(file.size[::-1] if rotated and file.format != "TIFF" else file.size))
            frame, note = _frame(file, stream, depth, animated=all_frames and count > 1)
            frames.append(frame)
            notes.extend([note] if note and note not in notes else [])
            durations.append(round(file.info.get("duration", 0)))
        kept, left_out = metadata.read(file, _mode(frames[0]), stream, rotated=rotated)
        return Picture(
            tuple(frames),
            durations_ms=tuple(durations) if len(frames) > 1 and any(durations) else (),
            loop=_times_shown(file) if count > 1 else 0,
            metadata=kept,
            notes=(*notes, *_count_note(count, all_frames), *_left_out(file), *left_out),
            file_format="JPEG" if file.format == "MPO" else file.format,
            jpeg_steps=_jpeg_steps(file),
            lossless=_is_lossless(file, stream),
            tiff_compression=COMPRESSION_INFO_REV.get(file.info.get("compression", "")) if file.format == "TIFF" else None,
            is_panorama=kept.is_panorama,
        )


def _times_shown(file: Image.Image) -> int:
    """How often an animation is shown; 0 is without end."""
    if "loop" not in file.info:
        return 0 if file.format == "AVIF" else 1
    # What GIF counts comes after the first time.
    return int(file.info["loop"]) + (file.format == "GIF" and file.info["loop"] > 0)


def _mode(frame: Frame) -> str:
    """As Pillow names it; of a raster, that of its colours."""
    if isinstance(frame, Raster):
        return "RGB" if frame.colours == 3 else "L"
    return frame.mode


def _count_note(count: int, all_frames: bool) -> list[str]:
    return [f"the first of {count} frames (--all_frames takes each)"] if count > 1 and not all_frames else []


def _frame_count(file: Image.Image) -> int:
    return 1 if file.format in _ONE_PICTURE else getattr(file, "n_frames", 1)


def _frame(file: Image.Image, stream: BinaryIO, depth: int, *, animated: bool) -> tuple[Frame, str | None]:
    """The frame that a file is at."""
    if depth > 8 and not animated and file.format in deep_file.FORMATS:
        return deep_file.read_upright(file, stream, depth), None
    if file.format == "WEBP" and getattr(file, "is_animated", False) and file.mode == "RGB":
        # Frames without transparency need not cover all of the canvas, which is transparent.
        file.rawmode, file._mode = "RGBA", "RGBA"  # type: ignore[attr-defined]
    frame, note = frame_modes.plain(_upright(file), file.format)
    if rgb.is_black_by_marker(file):
        note = f"{note}, its inks inverted: as Adobe's marker has it, or the lack of it, all would be black"
    frame = _opaque(frame) if file.format == "WEBP" else frame
    reduced = f"{depth} bits a channel became 8" if depth > 8 and isinstance(frame, Image.Image) else None
    return frame, "; ".join(filter(None, (note, reduced))) or None


def _upright(file: Image.Image) -> Image.Image:
    try:
        return rgb.upright(file)
    except (KeyError, TypeError, ValueError, SyntaxError, struct.error):
        file.load()  # what is damaged is its EXIF, which `metadata.read` reports; or the picture itself, and this raises
        return file


def _opaque(frame: Frame) -> Frame:
    """Without transparency where there is none, for frames that have it only perhaps."""
    if isinstance(frame, Image.Image) and frame.mode == "RGBA" and frame.getextrema()[-1] == (255, 255):
        return frame.convert("RGB")
    return frame


def _jpeg_steps(file: Image.Image) -> tuple[int, ...] | None:
    """The first quantisation table, which is luma's, of a JPEG or of a TIFF made of JPEGs."""
    tables = file.tag_v2.get(_JPEG_TABLES) if isinstance(file, TiffImageFile) else None
    if isinstance(tables, bytes):
        with contextlib.suppress(OSError, SyntaxError), Image.open(io.BytesIO(tables.removesuffix(_END) + _HEAD)) as jpeg:
            return _jpeg_steps(jpeg)
    steps = getattr(file, "quantization", {}).get(0, ())
    return tuple(steps) if len(steps) == 64 else None


def _is_lossless(file: Image.Image, stream: BinaryIO) -> bool:
    if file.format == "WEBP":
        stream.seek(0)
        return b"VP8L" in stream.read(4096)
    return file.format not in _LOSSY and file.info.get("compression") not in ("jpeg", "tiff_jpeg", "webp")


def _left_out(file: Image.Image) -> list[str]:
    """What else lies in the file of a photo, as one note."""
    found = _beside_jpeg(file) if file.format in ("JPEG", "MPO") else _beside_heif(file) if file.format == "HEIF" else []
    return [f"left out: {', '.join(found)}"] if found else []


def _beside_jpeg(file: Image.Image) -> list[str]:
    segments = [content for _, content in getattr(file, "applist", ())]
    xmp = b"".join(segment for segment in segments if segment.startswith(b"http://ns.adobe.com/"))
    found = []
    pictures = getattr(file, "n_frames", 1) - 1
    if b"hdrgm:" in xmp or b"HDRGainMap" in xmp or any(segment.startswith(b"urn:iso:std:iso:ts:21496") for segment in segments):
        found.append(_GAIN_MAP)
        pictures -= 1
    if b"MotionPhoto" in xmp or b"MicroVideo" in xmp:
        found.append("the film of a motion photo")
    return [*found, *_counted(pictures, "further picture")]


def _beside_heif(file: Image.Image) -> list[str]:
    has_gain_map = any("hdrgainmap" in str(kind) for kind in file.info.get("aux") or ())
    depths = len(file.info.get("depth_images") or ())
    further = getattr(file, "n_frames", 1) - 1
    return [*([_GAIN_MAP] if has_gain_map else []), *_counted(depths, "depth map"), *_counted(further, "further picture")]


def _counted(count: int, what: str) -> list[str]:
    return [f"{count} {what}{'s' if count > 1 else ''}"] if count > 0 else []
