"""Reads picture files of any kind with what belongs to them, and writes them.

`rgb` reads photos as arrays; this reads all that a person wants to have back in the larger file.
"""

import contextlib
import io
import os
import pathlib
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError
from PIL.TiffImagePlugin import COMPRESSION_INFO_REV

from sr_keras.photos import deep_file, file_kind, jxl_head, metadata, picture, rgb, row_writer
from sr_keras.photos.picture import FORMATS, Format, Frame, Picture
from sr_keras.photos.raster import Raster
from sr_keras.photos.row_writer import Layout, PutRows
from sr_keras.runtime import files, store

Source = str | os.PathLike[str] | BinaryIO
CheckSize = Callable[[int, int], None]

# The names that are looked for in folders, besides files whose first bytes are a picture's. One that is named itself is opened
# whatever its name ends in.
_READABLE = (".apng", ".jfif", ".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".qoi", ".ico", ".pcx", ".sgi")
SUFFIXES = frozenset({*FORMATS, *_READABLE, ".heif", ".dds", ".mpo", *(file_kind.RAW_SUFFIXES - {".raw"})})

# Files of these hold further pictures that are no frames: previews, layers, other sizes.
_ONE_PICTURE = frozenset({"MPO", "JPEG", "PSD", "ICO", "ICNS", "CUR", "DCX", "FITS", "HEIF"})
_LOSSY = frozenset({"JPEG", "MPO", "AVIF", "HEIF", "JXL", "JPEG2000", "WEBP"})
_QUALITY = 95
# Presses print three of four inks at most over each other; this share of pixels may have all four.
_FULL_INK, _MOST_OF_ALL_INKS = 250, 0.005
_NEGATIVE = "; if it looks like a negative, it was written with values of the other kind than its marker says"

# Those that are written from rows, as they come.
ROW_FORMATS = (picture.PNG, picture.JPEG, picture.TIFF)


def read(source: Source, *, all_frames: bool = False, check_size: CheckSize = lambda width, height: None) -> Picture:
    """Reads a file of any kind that Pillow, tifffile or LibRaw reads; EXIF orientation is applied.

    Args:
        source: a path or an open file that can be read from any place.
        all_frames: False reads the first frame.
        check_size: called with width and height before anything is decoded; what it raises ends the reading.

    Raises:
        PhotoError: the file is missing, is no picture, is damaged, or needs a package that is not installed. The message
            names a path, and nothing else.
    """
    with _named_errors(source), _opened(source) as stream:
        file_kind.refuse_documents(stream)
        kind = file_kind.of_stream(stream)
        file_kind.init_plugins(kind)
        file_kind.require_package(kind)
        if kind == file_kind.RAW:
            return _read_raw(stream, check_size)
        if kind == "TIFF":
            return _read_tiff(stream, all_frames, check_size)
        try:
            return _read_with_pillow(stream, all_frames, check_size)
        except UnidentifiedImageError:
            if kind is None:
                raise
            raise rgb.PhotoError(f"{kind} that is damaged, or of a kind that is not read") from None


def read_size(source: Source) -> tuple[int, int]:
    """Width and height of the first frame, upright; nothing is decoded.

    Raises:
        PhotoError: as `read` does, as far as the head of the file tells.
    """
    found: list[tuple[int, int]] = []

    def stop(width: int, height: int) -> None:
        found.append((width, height))
        raise rgb.PhotoError("known")

    try:
        read(source, check_size=stop)
    except rgb.PhotoError:
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


def _read_raw(stream: BinaryIO, check_size: CheckSize) -> Picture:
    file_kind.require_package(file_kind.RAW)
    import rawpy

    stream.seek(0)
    try:
        with rawpy.imread(stream) as raw:
            check_size(raw.sizes.width, raw.sizes.height)
            frame = Image.fromarray(raw.postprocess(use_camera_wb=True))
    except rawpy.LibRawError as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise rgb.PhotoError(f"camera raw that LibRaw can't develop ({reason})") from None
    return Picture(
        (frame,), notes=("camera raw, developed by LibRaw; its metadata is left out",), file_format="RAW", lossless=True
    )


def _read_tiff(stream: BinaryIO, all_frames: bool, check_size: CheckSize) -> Picture:
    from sr_keras.photos import tiff_file  # only for those who have one

    try:
        opened = tiff_file.read(stream, all_frames=all_frames, check_size=check_size)
    except tiff_file.RawError:
        return _read_raw(stream, check_size)
    stream.seek(0)
    if opened is None:
        return _read_with_pillow(stream, all_frames, check_size)
    mode = "RGB" if isinstance(opened.frames[0], Raster) and opened.frames[0].colours == 3 else "L"
    mode = opened.frames[0].mode if isinstance(opened.frames[0], Image.Image) else mode
    kept, left_out = metadata.read(opened, mode, stream, rotated=opened.rotated)
    notes = (*_count_note(opened.count, all_frames), *opened.notes, *left_out)
    return Picture(
        opened.frames,
        metadata=kept,
        notes=notes,
        file_format="TIFF",
        lossless=opened.compression not in tiff_file.LOSSY,
        tiff_compression=opened.compression,
    )


def _read_with_pillow(stream: BinaryIO, all_frames: bool, check_size: CheckSize) -> Picture:
    if file_kind.of_stream(stream) == "JXL":
        # Its plugin decodes all of it when it is opened.
        head = jxl_head.read(stream)
        check_size(*((head.height, head.width) if head.is_turned else (head.width, head.height)))
    with Image.open(stream) as file:
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
            rotated = metadata.is_rotated(file)
            # Of a TIFF, Pillow reports the size after the rotation.
            check_size(*(file.size[::-1] if rotated and file.format != "TIFF" else file.size))
            frame, note = _frame(file, stream, depth, animated=all_frames and count > 1)
            frames.append(frame)
            notes.extend([note] if note and note not in notes else [])
            durations.append(round(file.info.get("duration", 0)))
        mode = frames[0].mode if isinstance(frames[0], Image.Image) else "RGB" if frames[0].colours == 3 else "L"
        kept, left_out = metadata.read(file, mode, stream, rotated=rotated)
        return Picture(
            tuple(frames),
            durations_ms=tuple(durations) if len(frames) > 1 and any(durations) else (),
            # AVIF's animations are without end where nothing is said.
            loop=file.info.get("loop", 0 if file.format == "AVIF" else 1) if count > 1 else 0,
            metadata=kept,
            notes=(*notes, *_count_note(count, all_frames), *_left_out(file), *left_out),
            file_format="JPEG" if file.format == "MPO" else file.format,
            jpeg_steps=_jpeg_steps(file),
            lossless=_is_lossless(file, stream),
            tiff_compression=COMPRESSION_INFO_REV.get(file.info.get("compression", "")) if file.format == "TIFF" else None,
        )


def _count_note(count: int, all_frames: bool) -> list[str]:
    return [f"the first of {count} frames (--all_frames takes each)"] if count > 1 and not all_frames else []


def _frame(file: Image.Image, stream: BinaryIO, depth: int, *, animated: bool) -> tuple[Frame, str | None]:
    """The frame that a file is at."""
    if depth > 8 and not animated and file.format in deep_file.FORMATS:
        return deep_file.read_upright(file, stream, depth), None
    if file.format == "WEBP" and getattr(file, "is_animated", False) and file.mode == "RGB":
        # Frames without transparency need not cover all of the canvas, which is transparent.
        file.rawmode, file._mode = "RGBA", "RGBA"  # type: ignore[attr-defined]
    frame, note = _plain(_upright(file), file.format)
    if rgb.is_black_by_marker(file):
        note = f"{note}, its inks inverted: as Adobe's marker has it, or the lack of it, all would be black"
    frame = _opaque(frame) if file.format == "WEBP" else frame
    reduced = f"{depth} bits a channel became 8" if depth > 8 and isinstance(frame, Image.Image) else None
    return frame, "; ".join(filter(None, (note, reduced))) or None


def _opaque(frame: Frame) -> Frame:
    """Without transparency where there is none, for frames that have it only perhaps."""
    if isinstance(frame, Image.Image) and frame.mode == "RGBA" and frame.getextrema()[-1] == (255, 255):
        return frame.convert("RGB")
    return frame


def write(
    target: pathlib.Path | BinaryIO,
    content: Picture,
    file_format: Format,
    quality: int | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Writes a picture that is `fitted` to the format; a file appears whole or not at all.

    Args:
        target: a path or an open file.
        content: the picture; what its frames' `info` says is not written.
        quality: 1 to 100, where the format has one. None is 95; but WebP and JPEG XL then keep every value of a picture that
            has not lost any yet, as they do with 100.
        overwrite: whether a file that is there may be replaced.

    Raises:
        PhotoError: writing failed; the message names a path.
        NameTakenError: the file is there by now, and is not to be replaced.
    """
    file_kind.init_plugins(file_format.name)
    with _named_errors(target):
        file_kind.require_package(file_format.package)
        if isinstance(target, pathlib.Path):
            # Where EXIF is, a TIFF says before it is written: this is read and changed at the end.
            with files.written_beside(target, overwrite=overwrite) as part, part.open("w+b") as file:
                _save(file, content, file_format, quality)
        else:
            _save(target, content, file_format, quality)


@contextlib.contextmanager
def rows_written(
    target: pathlib.Path,
    content: Picture,
    layout: Layout,
    file_format: Format,
    quality: int | None = None,
    *,
    overwrite: bool = False,
) -> Iterator[PutRows]:
    """Yields what takes the rows of a picture, from the top on, while the file is written; it appears at the end, or never.

    Args:
        target: a path.
        content: has all that belongs to the picture but its pixels.
        layout: of the picture.
        file_format: one of `ROW_FORMATS`.
        quality, overwrite: as in `write`.

    Raises:
        PhotoError, NameTakenError: as `write` does. What is raised while rows are computed goes through as it is.
    """
    with contextlib.ExitStack() as stack:
        with _named_errors(target):
            part = stack.enter_context(files.written_beside(target, overwrite=overwrite))
            file = stack.enter_context(part.open("w+b"))
            put = stack.enter_context(_rows_saved(file, content, layout, file_format, quality))

        def put_or_name(rows: np.ndarray) -> None:
            with _named_errors(target):
                put(rows)

        yield put_or_name
        closing = stack.pop_all()
        with _named_errors(target):
            closing.close()


def _rows_saved(
    file: BinaryIO, content: Picture, layout: Layout, file_format: Format, quality: int | None
) -> contextlib.AbstractContextManager[PutRows]:
    if file_format is picture.TIFF:
        from sr_keras.photos import tiff_file  # only for those who want one

        return tiff_file.opened(file, layout, content.metadata, content.tiff_compression)
    return row_writer.opened(file, layout, file_format.name, _options(content, file_format, quality, layout.size))


def _save(file: BinaryIO, content: Picture, file_format: Format, quality: int | None) -> None:
    if file_format is picture.TIFF:
        from sr_keras.photos import tiff_file

        tiff_file.write(file, content.frames, content.metadata, content.tiff_compression)
        return
    first = content.frames[0]
    if isinstance(first, Raster):
        _save_deep(file, first, file_format, _options(content, file_format, quality, first.size))
        return
    frames = [_bare(frame) for frame in content.frames if isinstance(frame, Image.Image)]
    options = _options(content, file_format, quality, first.size)
    if len(frames) > 1:
        options |= {"save_all": True, "append_images": frames[1:], "loop": content.loop}
        if content.durations_ms:
            options["duration"] = list(content.durations_ms)
    if file_format is picture.AVIF and content.metadata.cicp:
        buffer = io.BytesIO()
        frames[0].save(buffer, format="AVIF", **options)
        file.write(_labelled_avif(buffer.getvalue(), content.metadata.cicp))
        return
    if len(frames) == 1 and file_format in (picture.PNG, picture.JPEG):
        with row_writer.opened(file, Layout(first.mode, *first.size), file_format.name, options) as put:
            for rows in row_writer.pieces(first):
                put(rows)
        return
    frames[0].save(file, format=file_format.name, **options)


def _save_deep(file: BinaryIO, frame: Raster, file_format: Format, options: dict[str, Any]) -> None:
    """Writes 16 bits a channel, with what Pillow would be told."""
    if file_format is picture.HEIF:
        deep_file.write_heif(file, frame, options)
    else:
        like = io.BytesIO()
        Image.new("RGB" if frame.colours == 3 else "L", (1, 1)).save(like, "PNG", **options)
        deep_file.write_png(file, frame, like.getvalue())


def _options(content: Picture, file_format: Format, quality: int | None, size: tuple[int, int]) -> dict[str, Any]:
    """What Pillow is told to write beside the pixels of a picture of a size: all of it, for it is told of nothing else."""
    options: dict[str, Any] = {}
    kept = content.metadata
    if "icc_profile" in file_format.fields and kept.icc_profile:
        options["icc_profile"] = kept.icc_profile
    if "exif" in file_format.fields and (exif := metadata.exif_bytes(kept, size)):
        options["exif"] = exif
    if kept.dpi:
        options["dpi"] = kept.dpi
    if file_format is picture.PNG:
        options["pnginfo"] = _png_info(kept)
    elif kept.xmp:
        options["xmp"] = kept.xmp
    if kept.cicp and file_format is picture.HEIF:
        primaries, transfer, matrix, _ = kept.cicp
        # Its values become luma and chroma, which 0 would mean they are not.
        options |= {"color_primaries": primaries, "transfer_characteristics": transfer, "matrix_coefficients": matrix or 1}
    if kept.comment and "comment" in file_format.fields:
        options["comment"] = kept.comment
    if kept.iptc and file_format is picture.JPEG:
        options["extra"] = metadata.iptc_segment(kept.iptc)
    if not file_format.lossless_only:
        # Full colour resolution: halving it would blur edges. WebP has it only where it is lossless.
        options |= {"quality": quality or _QUALITY, "subsampling": "4:4:4"}
        if file_format in (picture.WEBP, picture.JXL):
            options |= {"lossless": quality == 100 or (quality is None and content.lossless), "exact": True}
    return options


def _png_info(kept: metadata.Metadata) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for kind, chunk in kept.colour_chunks:
        info.add(kind, chunk)
    if kept.cicp:
        # PNG's values are colours: its matrix is always 0.
        info.add(b"cICP", bytes([kept.cicp[0], kept.cicp[1], 0, 1]))
    for keyword, text in kept.text:
        if text.isascii():
            info.add_text(keyword, text)
        else:
            info.add_itxt(keyword, text)
    if kept.xmp:
        info.add_itxt("XML:com.adobe.xmp", kept.xmp.decode(errors="replace"))
    return info


def _labelled_avif(content: bytes, cicp: tuple[int, int, int, int]) -> bytes:
    """An AVIF whose colours are those of a label; how they were made luma and chroma stays its own."""
    place = content.find(b"colrnclx") + 8
    if place < 8:
        raise rgb.PhotoError("AVIF was written without a label of its colours")
    label = cicp[0].to_bytes(2, "big") + cicp[1].to_bytes(2, "big")
    return content[:place] + label + content[place + 4 :]


def _bare(frame: Image.Image) -> Image.Image:
    """A frame of which Pillow knows nothing but its pixels; else it writes what the old file said of compression."""
    if frame.info:
        frame = frame.copy()
        frame.info = {}
    return frame


def _is_lossless(file: Image.Image, stream: BinaryIO) -> bool:
    if file.format == "WEBP":
        stream.seek(0)
        return b"VP8L" in stream.read(4096)
    return file.format not in _LOSSY and file.info.get("compression") not in ("jpeg", "tiff_jpeg", "webp")


def _left_out(file: Image.Image) -> list[str]:
    """What else lies in the file of a photo, as one note."""
    if file.format not in ("JPEG", "MPO"):
        return []
    segments = [content for _, content in getattr(file, "applist", ())]
    xmp = b"".join(segment for segment in segments if segment.startswith(b"http://ns.adobe.com/"))
    found = []
    pictures = getattr(file, "n_frames", 1) - 1
    if b"hdrgm:" in xmp or b"HDRGainMap" in xmp or any(segment.startswith(b"urn:iso:std:iso:ts:21496") for segment in segments):
        found.append("the gain map of its high dynamic range (the result is standard)")
        pictures -= 1
    if b"MotionPhoto" in xmp or b"MicroVideo" in xmp:
        found.append("the film of a motion photo")
    if pictures > 0:
        found.append(f"{pictures} further picture{'s' if pictures > 1 else ''}")
    return [f"left out: {', '.join(found)}"] if found else []


@contextlib.contextmanager
def _named_errors(name: object) -> Iterator[None]:
    """Makes one clear line of whatever a file's contents raise in Pillow."""
    prefix = f"{name}: " if isinstance(name, (str, os.PathLike)) else ""
    try:
        yield
    except rgb.PhotoError as error:
        if prefix and not str(error).startswith(prefix):
            raise rgb.PhotoError(f"{prefix}{error}") from None
        raise
    except FileExistsError as error:
        raise rgb.NameTakenError(f"{prefix}{files.reason(error)}") from None
    except UnidentifiedImageError:
        raise rgb.PhotoError(f"{prefix}not a picture") from None
    except OSError as error:
        reason = files.reason(error)
        damaged = reason.startswith(("decoder error", "broken data stream", "unrecognized data stream"))
        raise rgb.PhotoError(f"{prefix}damaged ({reason})" if damaged else f"{prefix}{reason}") from None
    except Image.DecompressionBombError as error:
        size = re.search(r"\d+", str(error))
        raise rgb.PhotoError(f"{prefix}it has {int(size[0]) if size else 0:,} pixels, more than are taken") from None
    except MemoryError:
        raise rgb.PhotoError(f"{prefix}too large for the memory of this machine") from None
    except Exception as error:
        reason = files.reason(error)
        # Some say no more than a number, or a key that is missing.
        raise rgb.PhotoError(f"{prefix}{reason if ' ' in reason else f'damaged ({reason})'}") from None


def _jpeg_steps(file: Image.Image) -> tuple[int, ...] | None:
    steps = getattr(file, "quantization", {}).get(0, ())
    return tuple(steps) if len(steps) == 64 else None


def _frame_count(file: Image.Image) -> int:
    return 1 if file.format in _ONE_PICTURE else getattr(file, "n_frames", 1)


def _upright(file: Image.Image) -> Image.Image:
    try:
        return rgb.upright(file)
    except (KeyError, TypeError, ValueError, SyntaxError, struct.error):
        file.load()  # what is damaged is its EXIF, which `metadata.read` reports; or the picture itself, and this raises
        return file


def _plain(frame: Image.Image, file_format: str | None) -> tuple[Frame, str | None]:
    """A frame in one of the few modes of `Picture`, with nothing of its file, and what it lost."""
    plain, note = _plain_frame(frame, file_format)
    if isinstance(plain, Image.Image):
        plain.info = {}
    return plain, note


def _plain_frame(frame: Image.Image, file_format: str | None) -> tuple[Frame, str | None]:
    mode = frame.mode
    if mode.startswith("I;16") or (mode == "I" and file_format == "PPM"):
        return Raster(np.asarray(frame).astype(np.uint16)[..., np.newaxis]), None
    if mode in ("I", "F"):
        return Raster(np.asarray(frame)[..., np.newaxis]), None
    if mode in ("1", "L", "LA", "La"):
        return frame.convert("LA" if frame.has_transparency_data else "L"), None
    if mode in ("CMYK", "LAB", "HSV"):
        doubt = _NEGATIVE if mode == "CMYK" and file_format in ("JPEG", "MPO") and _is_beyond_print(frame) else ""
        return rgb.to_rgb(frame), f"{mode} became RGB{doubt}"
    plain = frame.convert("RGBA") if frame.has_transparency_data else rgb.to_rgb(frame)
    if mode in ("P", "PA") and not frame.info.get("icc_profile") and _is_grey(plain):
        # Palettes say nothing of colours.
        plain = plain.convert("LA" if plain.mode == "RGBA" else "L")
    return plain, None


def _is_beyond_print(cmyk: Image.Image) -> bool:
    """Whether there is more ink than paper holds: where the values of a JPEG are of the other kind than its marker says."""
    is_full = np.asarray(cmyk) >= _FULL_INK
    return bool(is_full.all(axis=2).mean() > _MOST_OF_ALL_INKS)


def _is_grey(frame: Image.Image) -> bool:
    red, green, blue = (np.asarray(frame.getchannel(channel)) for channel in "RGB")
    return bool((red == green).all() and (green == blue).all())
