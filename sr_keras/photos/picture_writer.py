"""Writes a picture to a file of any format, with what belongs to it: whole, or row by row while it is computed."""

import contextlib
import io
import pathlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin

from sr_keras.photos import (
    codec_errors,
    deep_file,
    file_kind,
    frame_stream,
    gif_animation,
    picture,
    png_animation,
    row_writer,
)
from sr_keras.photos.errors import PhotoError
from sr_keras.photos.frame_stream import FrameStream, SoughtFrames
from sr_keras.photos.metadata import Metadata
from sr_keras.photos.metadata_parts import colours, exif, iptc
from sr_keras.photos.picture import Format, Picture
from sr_keras.photos.raster import Raster
from sr_keras.photos.rows import Layout, PutRows, layout_of, pieces
from sr_keras.runtime import files

# Those that are written from rows, as they come.
ROW_FORMATS = (picture.PNG, picture.JPEG, picture.TIFF)

_QUALITY = 95


def write(
    target: pathlib.Path | BinaryIO,
    content: Picture,
    file_format: Format,
    quality: int | None = None,
    *,
    overwrite: bool = False,
    stream: FrameStream | None = None,
) -> None:
    """Writes a picture that is `fitted` to the format; a file appears whole or not at all.

    Args:
        target: a path or an open file.
        content: the picture; what its frames' `info` says is not written.
        quality: 1 to 100, where the format has one. None is 95; but WebP and JPEG XL then keep every value of a picture that
            has not lost any yet, as they do with 100.
        overwrite: whether a file that is there may be replaced.
        stream: its frames, if they are still to be made. They are written as they come.

    Raises:
        PhotoError: writing failed; the message names a path.
        NameTakenError: the file is there by now, and is not to be replaced.
        Exception: what was raised while a frame was made, as it is.
    """
    file_kind.init_plugins(file_format.name)
    stream = frame_stream.of(content.frames) if stream is None else stream
    try:
        with codec_errors.named(target):
            file_kind.require_package(file_format.package)
            if isinstance(target, pathlib.Path):
                # Where EXIF is, a TIFF says before it is written: this is read and changed at the end.
                with files.written_beside(target, overwrite=overwrite) as part, part.open("w+b") as file:
                    _save(file, content, stream, file_format, quality)
            else:
                _save(target, content, stream, file_format, quality)
    except PhotoError:
        if stream.fault is not None:
            raise stream.fault from None
        raise


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
        with codec_errors.named(target):
            part = stack.enter_context(files.written_beside(target, overwrite=overwrite))
            file = stack.enter_context(part.open("w+b"))
            put = stack.enter_context(_rows_saved(file, content, layout, file_format, quality))

        def put_or_name(rows: np.ndarray) -> None:
            with codec_errors.named(target):
                put(rows)

        yield put_or_name
        closing = stack.pop_all()
        with codec_errors.named(target):
            closing.close()


def _rows_saved(
    file: BinaryIO, content: Picture, layout: Layout, file_format: Format, quality: int | None
) -> contextlib.AbstractContextManager[PutRows]:
    if file_format is picture.TIFF:
        from sr_keras.photos import tiff_writer  # only for those who want one

        return tiff_writer.opened(file, layout, content.metadata, content.tiff_compression)
    return row_writer.opened(file, layout, file_format.name, _options(content, file_format, quality, layout.size))


def _save(file: BinaryIO, content: Picture, stream: FrameStream, file_format: Format, quality: int | None) -> None:
    if file_format is picture.TIFF:
        from sr_keras.photos import tiff_writer

        tiff_writer.write(file, stream, content.metadata, content.tiff_compression)
        return
    if file_format is picture.GIF:
        gif_animation.write(file, stream, content.durations_ms, content.loop, content.metadata.comment)
        return
    options = _options(content, file_format, quality, stream.sizes[0])
    if len(stream) > 1:
        _save_animation(file, content, stream, file_format, options)
        return
    [frame] = stream
    if isinstance(frame, Raster) and file_format is picture.HEIF:
        deep_file.write_heif(file, frame, options)
    elif isinstance(frame, Raster) and file_format is picture.AVIF:
        _save_deep_avif(file, frame, content.metadata, options)
    elif isinstance(frame, Raster) and file_format is picture.JXL:
        from sr_keras.photos import jxl_file  # takes a moment

        file.write(jxl_file.deep(frame, options, is_linear=colours.is_linear(content.metadata.icc_profile)))
    elif file_format in (picture.PNG, picture.JPEG):
        with row_writer.opened(file, layout_of(frame), file_format.name, options) as put:
            for piece in pieces(frame):
                put(piece)
    else:
        _save_with_pillow(file, _bare(picture.eight_bit(frame)), content, file_format, options)


def _save_animation(
    file: BinaryIO, content: Picture, stream: FrameStream, file_format: Format, options: dict[str, Any]
) -> None:
    if file_format is picture.PNG:
        png_animation.write(file, stream, content.durations_ms, content.loop, options)
        return
    options |= {"save_all": True, "loop": content.loop}
    if content.durations_ms:
        options["duration"] = list(content.durations_ms)
    _save_with_pillow(file, SoughtFrames(stream), content, file_format, options)


def _save_deep_avif(file: BinaryIO, frame: Raster, kept: Metadata, options: dict[str, Any]) -> None:
    from sr_keras.photos import avif_file  # takes a moment

    like = io.BytesIO()
    Image.new("RGBA" if frame.alpha else "RGB", frame.size).save(like, "AVIF", **options)
    content = avif_file.deep(like.getvalue(), frame, kept.cicp, options["quality"])
    file.write(avif_file.labelled(content, kept.cicp) if kept.cicp else content)


def _save_with_pillow(
    file: BinaryIO, frames: Image.Image, content: Picture, file_format: Format, options: dict[str, Any]
) -> None:
    if file_format is picture.AVIF and content.metadata.cicp:
        from sr_keras.photos import avif_file

        buffer = io.BytesIO()
        frames.save(buffer, format="AVIF", **options)
        file.write(avif_file.labelled(buffer.getvalue(), content.metadata.cicp))
    else:
        frames.save(file, format=file_format.name, **options)


def _options(content: Picture, file_format: Format, quality: int | None, size: tuple[int, int]) -> dict[str, Any]:
    """What Pillow is told to write beside the pixels of a picture of a size: all of it, for it is told of nothing else."""
    options: dict[str, Any] = {}
    kept = content.metadata
    if "icc_profile" in file_format.fields and kept.icc_profile:
        options["icc_profile"] = kept.icc_profile
    if "exif" in file_format.fields and (exif_content := exif.in_file(kept.exif, kept.dpi, size)):
        options["exif"] = exif_content
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
        options["extra"] = iptc.segment(kept.iptc)
    if not file_format.lossless_only:
        # Full colour resolution: halving it would blur edges. WebP has it only where it is lossless.
        options |= {"quality": quality or _QUALITY, "subsampling": "4:4:4"}
        if file_format in (picture.WEBP, picture.JXL):
            options |= {"lossless": quality == 100 or (quality is None and content.lossless), "exact": True}
    return options


def _png_info(kept: Metadata) -> PngImagePlugin.PngInfo:
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


def _bare(frame: Image.Image) -> Image.Image:
    """A frame of which Pillow knows nothing but its pixels; else it writes what the old file said of compression."""
    if frame.info:
        frame = frame.copy()
        frame.info = {}
    return frame
