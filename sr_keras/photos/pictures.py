"""Picture files of any kind, with what belongs to them: transparency, colour profile, EXIF, resolution, several frames.

Where `rgb` knows photos as numbers, this knows them as a person does who wants the same file back, only larger.
"""

import contextlib
import dataclasses
import io
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps

from sr_keras.photos import rgb
from sr_keras.runtime import files

Source = str | os.PathLike[str] | BinaryIO
# The tags of each part; 0 is the first part.
Exif = dict[int, dict[int, object]]


@dataclasses.dataclass(frozen=True)
class Picture:
    """What a file holds.

    Attributes:
        frames: one picture, or those of an animation or of a document; "L", "LA", "RGB", "RGBA", or "I;16" (16-bit greyscale).
        durations_ms: how long each is shown, where they are an animation.
        loop: how often an animation is repeated; 0 is without end.
        exif: what says something of the photo; neither its orientation, which is applied, nor a thumbnail.
        icc_profile: of the colours; None is sRGB.
        dpi: pixels per inch, horizontal and vertical.
        notes: what could not be kept, in words.
        file_format: what it was read from, as Pillow names it.
        jpeg_steps: of a JPEG, its quantisation table for luma: 64 numbers, row by row.
    """

    frames: tuple[Image.Image, ...]
    durations_ms: tuple[int, ...] = ()
    loop: int = 0
    exif: Exif = dataclasses.field(default_factory=dict)
    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    file_format: str | None = None
    jpeg_steps: tuple[int, ...] | None = None


class Format(NamedTuple):
    """What a file format can hold.

    Attributes:
        name: Pillow's.
        alpha, sixteen_bit, frames, metadata: whether it holds transparency, 16-bit greyscale, several frames, and EXIF and
            colour profiles.
        lossless_only: whether a quality means nothing to it.
    """

    name: str
    alpha: bool = True
    sixteen_bit: bool = False
    frames: bool = True
    metadata: bool = True
    lossless_only: bool = False


_PNG = Format("PNG", sixteen_bit=True, lossless_only=True)
_JPEG = Format("JPEG", alpha=False, frames=False)
# Written without compression: libtiff's compressed files can't hold EXIF here.
_TIFF = Format("TIFF", sixteen_bit=True, lossless_only=True)
FORMATS = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": Format("WEBP"),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".avif": Format("AVIF"),
    ".bmp": Format("BMP", alpha=False, frames=False, metadata=False, lossless_only=True),
}

# What is looked for in folders. A file that is named is opened whatever its name ends in.
_READABLE = (".gif", ".apng", ".jfif", ".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".qoi", ".ico", ".pcx", ".sgi")
SUFFIXES = frozenset({*FORMATS, *_READABLE})

# Files of these hold further pictures that are no frames: previews, layers, other sizes.
_ONE_PICTURE = frozenset({"MPO", "JPEG", "PSD", "ICO", "ICNS", "CUR", "DCX", "FITS"})

# What says something of the photo, of the first part of EXIF; the rest describes how the old file was laid out.
_EXIF_TAGS = (
    *("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "HostComputer", "Copyright"),
    *("Rating", "RatingPercent", "XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject"),
)
_EXIF_PARTS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_BASE = 0
_LARGEST_JPEG_EXIF = 65533
_DAMAGED_EXIF = "its EXIF is damaged and left out"


def read(
    source: Source, *, all_frames: bool = False, check_size: Callable[[int, int], None] = lambda width, height: None
) -> Picture:
    """Reads a file of any kind that Pillow reads; EXIF orientation is applied.

    Args:
        source: a path or an open file.
        all_frames: False takes the first frame.
        check_size: told width and height before anything is decoded; what it raises ends the reading.

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
            turned = _is_turned(file)
            # Of a TIFF, Pillow tells the size that it has when it is turned.
            check_size(*(file.size[::-1] if turned and file.format != "TIFF" else file.size))
            frame, note = _plain(_upright(file), sixteen_bit)
            frames.append(frame)
            notes.extend([note] if note and note not in notes else [])
            durations.append(round(file.info.get("duration", 0)))
        if count > 1 and not all_frames:
            notes.append(f"the first of {count} frames (--all_frames takes each)")
        exif, exif_note = _exif(file)
        profile, profile_note = _profile(file, frames[0].mode)
        notes.extend(note for note in (exif_note, profile_note) if note)
        dpi = _dpi(file)
        return Picture(
            tuple(frames),
            durations_ms=tuple(durations) if len(frames) > 1 and any(durations) else (),
            loop=file.info.get("loop", 1) if count > 1 else 0,
            exif=exif,
            icc_profile=profile,
            dpi=(dpi[1], dpi[0]) if dpi and turned else dpi,
            notes=tuple(notes),
            file_format=file.format,
            jpeg_steps=_jpeg_steps(file),
        )


def fitted(picture: Picture, file_format: Format) -> Picture:
    """The picture as a format can hold it; its notes say what was lost.

    Raises:
        PhotoError: it has several frames, and the format holds one.
    """
    if len(picture.frames) > 1 and not file_format.frames:
        raise rgb.PhotoError(
            f"{file_format.name} holds one picture, not {len(picture.frames)} frames; PNG, WebP, TIFF and AVIF do"
        )
    if len({frame.size for frame in picture.frames}) > 1 and file_format is not _TIFF:
        raise rgb.PhotoError(f"its frames have several sizes, which {file_format.name} can't hold; TIFF does")
    frames, notes = list(picture.frames), list(picture.notes)
    if not file_format.sixteen_bit and any(frame.mode == "I;16" for frame in frames):
        frames = [_eight_bit(frame) if frame.mode == "I;16" else frame for frame in frames]
        notes.append(f"16-bit greyscale became 8-bit ({file_format.name} holds no more)")
    if not file_format.alpha and any(frame.mode in ("LA", "RGBA") for frame in frames):
        if any(frame.getextrema()[-1] != (255, 255) for frame in frames if frame.mode in ("LA", "RGBA")):
            notes.append(f"what was transparent became white ({file_format.name} has no transparency)")
        frames = [_on_white(frame) if frame.mode in ("LA", "RGBA") else frame for frame in frames]
    if (picture.exif or picture.icc_profile) and not file_format.metadata:
        notes.append(f"EXIF and colour profile are left out ({file_format.name} holds none)")
    fitting = dataclasses.replace(picture, frames=tuple(frames))
    if file_format is _JPEG and len(_exif_bytes(fitting)) > _LARGEST_JPEG_EXIF:
        fitting = dataclasses.replace(fitting, exif={})
        notes.append("its EXIF is too long for JPEG and left out")
    return dataclasses.replace(fitting, notes=tuple(notes))


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
        if picture.icc_profile:
            options["icc_profile"] = picture.icc_profile
        if exif := _exif_bytes(picture):
            options["exif"] = exif
    if picture.dpi:
        options["dpi"] = picture.dpi
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
    """Makes one clear line of whatever a file's contents make Pillow stumble over."""
    prefix = f"{name}: " if isinstance(name, (str, os.PathLike)) else ""
    try:
        yield
    except rgb.PhotoError:
        raise
    except Image.UnidentifiedImageError:
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


def _is_turned(file: Image.Image) -> bool:
    """Whether EXIF swaps height and width; nothing is decoded to find that out."""
    if file.format == "PNG" and not {"exif", "Raw profile type exif"} & file.info.keys():
        return False  # Pillow would read all of the file to look for it
    with contextlib.suppress(Exception):  # damaged EXIF; `_exif` says so
        return file.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    return False


def _upright(file: Image.Image) -> Image.Image:
    file.load()
    try:
        return ImageOps.exif_transpose(file)
    except Exception:  # damaged EXIF; `_exif` says so
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
    # Pillow gives all of a 16-bit picture but greyscale without transparency in 8 bits.
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


def _is_grey(picture: Image.Image) -> bool:
    red, green, blue = (np.asarray(picture.getchannel(channel)) for channel in "RGB")
    return bool((red == green).all() and (green == blue).all())


def _eight_bit(frame: Image.Image) -> Image.Image:
    return Image.fromarray(rgb.to_uint8(np.asarray(frame) / np.float32(65535)))


def _on_white(frame: Image.Image) -> Image.Image:
    alpha = frame.getchannel("A")
    colour = frame.convert("L" if frame.mode == "LA" else "RGB")
    white = Image.new(colour.mode, colour.size, "white")
    return Image.composite(colour, white, alpha)


def _exif(file: Image.Image) -> tuple[Exif, str | None]:
    """What EXIF says of the photo, and a note if it can't be read."""
    try:
        content = file.getexif()
        if not len(content) and file.info.get("exif"):
            return {}, _DAMAGED_EXIF
        base = {int(tag): _as_written(content[tag]) for name in _EXIF_TAGS if (tag := ExifTags.Base[name]) in content}
        exif: Exif = {_BASE: base} if base else {}
        for part in _EXIF_PARTS:
            if details := content.get_ifd(part):
                exif[part] = dict(details)
        return exif, None
    except Exception:  # Whatever damaged EXIF makes Pillow stumble over, the photo is good without it.
        return {}, _DAMAGED_EXIF


def _as_written(value: object) -> object:
    """Text as the bytes that it has in the file: Pillow reads them as Latin-1, and would write no more than ASCII."""
    return value.encode("latin-1", errors="replace") if isinstance(value, str) else value


def _exif_bytes(picture: Picture) -> bytes:
    """EXIF for the picture's own size. Its resolution too, where the format has no other place for that."""
    content = Image.Exif()
    for tag, value in picture.exif.get(_BASE, {}).items():
        content[tag] = value
    for part in _EXIF_PARTS:
        if part in picture.exif:
            content.get_ifd(part).update(picture.exif[part])
    details = content.get_ifd(ExifTags.IFD.Exif)
    for tag, length in zip((ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight), picture.frames[0].size, strict=True):
        if tag in details:
            details[tag] = length
    if picture.exif:
        content[ExifTags.Base.Orientation] = 1
    if picture.dpi:
        content[ExifTags.Base.XResolution], content[ExifTags.Base.YResolution] = picture.dpi
        content[ExifTags.Base.ResolutionUnit] = 2
    return content.tobytes() if len(content) else b""


def _profile(file: Image.Image, mode: str) -> tuple[bytes | None, str | None]:
    """The colour profile, if it is one of the colours that the picture now has, and a note if it is not."""
    content = file.info.get("icc_profile")
    if not content or file.mode in ("CMYK", "LAB"):  # they were converted to sRGB
        return None, None
    try:
        space = ImageCms.ImageCmsProfile(io.BytesIO(content)).profile.xcolor_space.strip()
    except (ImageCms.PyCMSError, OSError):
        return None, "its colour profile is damaged and left out"
    expected = "RGB" if mode.startswith("RGB") else "GRAY"
    return (
        (content, None) if space == expected else (None, f"its colour profile is one of {space}, not {expected}, and left out")
    )


def _dpi(file: Image.Image) -> tuple[float, float] | None:
    try:
        horizontal, vertical = (float(number) for number in _resolution(file))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (horizontal, vertical) if all(1 < x < 1e5 for x in (horizontal, vertical)) else None


def _resolution(file: Image.Image) -> Iterable[float]:
    if "dpi" in file.info:
        return file.info["dpi"]
    with contextlib.suppress(Exception):  # damaged EXIF, again
        exif = file.getexif()
        per_inch = {2: 1.0, 3: 2.54}[exif.get(ExifTags.Base.ResolutionUnit, 2)]
        return [per_inch * exif[tag] for tag in (ExifTags.Base.XResolution, ExifTags.Base.YResolution)]
    return ()
