"""EXIF: what it says of a photo, its orientation and resolution; and EXIF for a picture of another size."""

import contextlib
import re
from collections.abc import Iterable

from PIL import ExifTags, Image

from sr_keras.photos.metadata_parts.tagged_file import TaggedFile

# The tags of each part; 0 is the first part.
Exif = dict[int, dict[int, object]]
Dpi = tuple[float, float]  # horizontal and vertical

# The tags of the first part of EXIF that describe the photo; the others describe the layout of the old file.
_EXIF_TAGS = (
    *("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "HostComputer", "Copyright"),
    *("Rating", "RatingPercent", "XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject"),
)
_EXIF_PARTS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_BASE = 0
_DAMAGED_EXIF = "its EXIF is damaged and left out"
# Descriptions that programs write for themselves; they name the old size.
_DESCRIPTIONS_OF_LAYOUT = (b"<?xml", b"<OME", b"ImageJ=", b'{"shape"', b"SCI")
# tifffile writes it into all of its files, and nobody misses it.
_SIZE_ALONE = re.compile(rb'\{"shape": \[[\d, ]*\]\}')


def read(file: TaggedFile) -> tuple[Exif, str | None]:
    """What EXIF says of the photo, and a note if it can't be read."""
    try:
        content = file.getexif()
    except Exception:  # Whatever damaged EXIF raises in Pillow, the photo is good without it.
        return {}, _DAMAGED_EXIF
    return ({}, _DAMAGED_EXIF) if not len(content) and file.info.get("exif") else described(content)


def described(content: Image.Exif) -> tuple[Exif, str | None]:
    """The part of EXIF that is of the photo, whatever the size of its picture, and a note of what is left out."""
    try:
        base = {int(tag): _as_written(content[tag]) for name in _EXIF_TAGS if (tag := ExifTags.Base[name]) in content}
        note = None
        description = base.get(ExifTags.Base.ImageDescription)
        if isinstance(description, bytes) and description.lstrip().startswith(_DESCRIPTIONS_OF_LAYOUT):
            del base[ExifTags.Base.ImageDescription]
            is_lost = not _SIZE_ALONE.fullmatch(description)
            note = "its description, which is of the old size, is left out" if is_lost else None
        exif: Exif = {_BASE: base} if base else {}
        for part in _EXIF_PARTS:
            if details := content.get_ifd(part):
                exif[part] = dict(details)
        return exif, note
    except Exception:  # as above
        return {}, _DAMAGED_EXIF


def is_rotated(file: Image.Image) -> bool:
    """Whether EXIF swaps height and width; nothing is decoded to find out."""
    return orientation(file) in (5, 6, 7, 8)


def orientation(file: Image.Image) -> int:
    """EXIF's orientation, 1 to 8; 1 is upright."""
    if file.format == "PNG" and not {"exif", "Raw profile type exif"} & file.info.keys():
        return 1  # Pillow would read all of the file to look for it
    with contextlib.suppress(Exception):  # damaged EXIF; `read` reports it
        found = file.getexif().get(ExifTags.Base.Orientation)
        return found if isinstance(found, int) and 1 <= found <= 8 else 1
    return 1


def content(exif: Exif, dpi: Dpi | None, size: tuple[int, int]) -> Image.Exif:
    """EXIF for a picture of a size (width, height), with its resolution, which some formats hold nowhere else."""
    written = Image.Exif()
    for tag, value in exif.get(_BASE, {}).items():
        written[tag] = value
    for part in _EXIF_PARTS:
        if part in exif:
            written.get_ifd(part).update(exif[part])
    details = written.get_ifd(ExifTags.IFD.Exif)
    for tag, length in zip((ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight), size, strict=True):
        if tag in details:
            details[tag] = length
    if exif:
        written[ExifTags.Base.Orientation] = 1
    if dpi:
        written[ExifTags.Base.XResolution], written[ExifTags.Base.YResolution] = dpi
        written[ExifTags.Base.ResolutionUnit] = 2
    if not len(written):
        return written
    # Only what was read has its parts among its tags; and of what was read, text is no longer bytes.
    whole = Image.Exif()
    whole.load(written.tobytes())
    for tag, value in exif.get(_BASE, {}).items():
        whole[tag] = value
    return whole


def in_file(exif: Exif, dpi: Dpi | None, size: tuple[int, int]) -> bytes:
    """`content` as it stands in a file; empty if there is none."""
    written = content(exif, dpi, size)
    return written.tobytes() if len(written) else b""


def read_dpi(file: TaggedFile) -> Dpi | None:
    """The resolution, as the file or its EXIF has it."""
    try:
        horizontal, vertical = (float(number) for number in _resolution(file))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (horizontal, vertical) if all(1 < x < 1e5 for x in (horizontal, vertical)) else None


def _resolution(file: TaggedFile) -> Iterable[float]:
    if "dpi" in file.info:
        dpi: Iterable[float] = file.info["dpi"]
        return dpi
    with contextlib.suppress(Exception):  # damaged EXIF, again
        exif = file.getexif()
        per_inch = {2: 1.0, 3: 2.54}[exif.get(ExifTags.Base.ResolutionUnit, 2)]
        return [per_inch * exif[tag] for tag in (ExifTags.Base.XResolution, ExifTags.Base.YResolution)]
    return ()


def _as_written(value: object) -> object:
    """Text as the bytes that it has in the file: Pillow reads them as Latin-1, and would write no more than ASCII."""
    return value.encode("latin-1", errors="replace") if isinstance(value, str) else value
