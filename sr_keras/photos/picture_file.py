"""Reads picture files of any kind with what belongs to them, and writes them.

Where `rgb` sees photos as arrays, this sees them as a person does who wants the same file back, only larger.
"""

import contextlib
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sr_keras.photos import metadata, rgb
from sr_keras.photos.picture import FORMATS, Format, Picture
from sr_keras.runtime import files

Source = str | os.PathLike[str] | BinaryIO

# The names that are looked for in folders. A file that is named itself is opened whatever its name ends in.
_READABLE = (".gif", ".apng", ".jfif", ".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".qoi", ".ico", ".pcx", ".sgi")
SUFFIXES = frozenset({*FORMATS, *_READABLE})

# Files of these hold further pictures that are no frames: previews, layers, other sizes.
_ONE_PICTURE = frozenset({"MPO", "JPEG", "PSD", "ICO", "ICNS", "CUR", "DCX", "FITS"})


def read(
    source: Source, *, all_frames: bool = False, check_size: Callable[[int, int], None] = lambda width, height: None
) -> Picture:
    """Reads a file of any kind that Pillow reads; EXIF orientation is applied.

    Args:
        source: a path or an open file.
        all_frames: False reads the first frame.
        check_size: called with width and height before anything is decoded; what it raises ends the reading.

    Raises:
        PhotoError: the file is missing, is no picture, or is damaged. The message names a path, and nothing else.
    """
    with _named_errors(source), Image.open(source) as file:
        count = _frame_count(file)
        # With the picture for programs that know no animations before it, an APNG has a frame too many.
        first = 1 if all_frames and file.info.get("default_image") else 0
        frames: list[Image.Image] = []
        durations: list[int] = []
        notes: list[str] = []
        for index in range(first, count if all_frames else 1):
            if index:
                file.seek(index)
            sixteen_bit = _has_sixteen_bits(file)
            rotated = metadata.is_rotated(file)
            # Of a TIFF, Pillow reports the size after the rotation.
            check_size(*(file.size[::-1] if rotated and file.format != "TIFF" else file.size))
            frame, note = _plain(_upright(file), sixteen_bit)
            frames.append(frame)
            notes.extend([note] if note and note not in notes else [])
            durations.append(round(file.info.get("duration", 0)))
        if count > 1 and not all_frames:
            notes.append(f"the first of {count} frames (--all_frames takes each)")
        kept, left_out = metadata.read(file, frames[0].mode, rotated=rotated)
        return Picture(
            tuple(frames),
            durations_ms=tuple(durations) if len(frames) > 1 and any(durations) else (),
            loop=file.info.get("loop", 1) if count > 1 else 0,
            metadata=kept,
            notes=(*notes, *left_out),
            file_format=file.format,
            jpeg_steps=_jpeg_steps(file),
        )


def write(
    target: pathlib.Path | BinaryIO, picture: Picture, file_format: Format, quality: int = 95, *, overwrite: bool = False
) -> None:
    """Writes a picture that is `fitted` to the format; a file appears whole or not at all.

    Args:
        target: a path or an open file.
        quality: 1 to 100, where the format has one.
        overwrite: whether a file that is there may be replaced.

    Raises:
        PhotoError: writing failed; the message names a path.
    """
    with _named_errors(target):
        if isinstance(target, pathlib.Path):
            # Pillow reads back what it wrote of a TIFF with several frames.
            with files.written_beside(target, overwrite=overwrite) as part, part.open("w+b") as file:
                _save(file, picture, file_format, quality)
        else:
            _save(target, picture, file_format, quality)


def _save(file: BinaryIO, picture: Picture, file_format: Format, quality: int) -> None:
    options: dict[str, object] = {}
    if file_format.metadata:
        if picture.metadata.icc_profile:
            options["icc_profile"] = picture.metadata.icc_profile
        if exif := metadata.exif_bytes(picture.metadata, picture.frames[0].size):
            options["exif"] = exif
    if picture.metadata.dpi:
        options["dpi"] = picture.metadata.dpi
    if not file_format.lossless_only:
        # Full colour resolution: halving it would blur edges.
        options |= {"quality": quality, "subsampling": "4:4:4"}
    if len(picture.frames) > 1:
        options |= {"save_all": True, "append_images": picture.frames[1:], "loop": picture.loop}
        if picture.durations_ms:
            options["duration"] = list(picture.durations_ms)
    picture.frames[0].save(file, format=file_format.name, **options)


@contextlib.contextmanager
def _named_errors(name: object) -> Iterator[None]:
    """Makes one clear line of whatever a file's contents raise in Pillow."""
    prefix = f"{name}: " if isinstance(name, (str, os.PathLike)) else ""
    try:
        yield
    except rgb.PhotoError:
        raise
    except UnidentifiedImageError:
        raise rgb.PhotoError(f"{prefix}not a picture") from None
    except MemoryError:
        raise rgb.PhotoError(f"{prefix}too large for the memory of this machine") from None
    except Exception as error:
        raise rgb.PhotoError(f"{prefix}{files.reason(error)}") from None


def _jpeg_steps(file: Image.Image) -> tuple[int, ...] | None:
    steps = getattr(file, "quantization", {}).get(0, ())
    return tuple(steps) if len(steps) == 64 else None


def _frame_count(file: Image.Image) -> int:
    return 1 if file.format in _ONE_PICTURE else getattr(file, "n_frames", 1)


def _upright(file: Image.Image) -> Image.Image:
    file.load()
    try:
        return ImageOps.exif_transpose(file)
    except Exception:  # damaged EXIF; `metadata.read` reports it
        return file


def _has_sixteen_bits(file: Image.Image) -> bool:
    """Whether the file has more than 8 bits a channel; known before its pixels are read."""
    return any(";16" in str(tile.args) for tile in getattr(file, "tile", ()))


def _plain(frame: Image.Image, sixteen_bit: bool) -> tuple[Image.Image, str | None]:
    """A frame in one of the few modes of `Picture`, and what it lost."""
    mode = frame.mode
    if mode.startswith("I;16"):
        note = "its transparent tone is left out" if "transparency" in frame.info else None
        return Image.fromarray(np.asarray(frame).astype(np.uint16)), note
    if mode == "I":
        note = None if sixteen_bit or frame.format == "PPM" else "32-bit whole numbers became 16-bit, white is 65535"
        return _as_sixteen_bit(np.asarray(frame, np.float64), white=65535), note
    if mode == "F":
        numbers = np.nan_to_num(np.asarray(frame, np.float64), posinf=0, neginf=0)
        # Numbers do not say which of them is white: those around 1 come from [0, 1], a little overshoot included.
        white = next((white for white in (1, 255) if numbers.max() < 2 * white), 65535)
        return _as_sixteen_bit(numbers, white), f"floating-point numbers became 16-bit, white is {white}"
    # Pillow decodes 16-bit pictures to 8 bits, but for greyscale without transparency.
    note = "16 bits a channel became 8" if sixteen_bit else None
    if mode in ("1", "L", "LA", "La"):
        return frame.convert("LA" if frame.has_transparency_data else "L"), note
    if mode in ("CMYK", "LAB", "HSV"):
        return rgb.to_rgb(frame), f"{mode} became RGB"
    plain = frame.convert("RGBA") if frame.has_transparency_data else rgb.to_rgb(frame)
    if (mode in ("P", "PA") or sixteen_bit) and not frame.info.get("icc_profile") and _is_grey(plain):
        # Palettes say nothing of colours, nor does Pillow of 16-bit greyscale with transparency.
        plain = plain.convert("LA" if plain.mode == "RGBA" else "L")
    return plain, note


def _as_sixteen_bit(numbers: np.ndarray, white: float) -> Image.Image:
    return Image.fromarray(np.rint(np.clip(numbers * (65535 / white), 0, 65535)).astype(np.uint16))


def _is_grey(frame: Image.Image) -> bool:
    red, green, blue = (np.asarray(frame.getchannel(channel)) for channel in "RGB")
    return bool((red == green).all() and (green == blue).all())
