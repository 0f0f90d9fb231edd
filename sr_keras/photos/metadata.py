"""What belongs to a picture beside its pixels: EXIF, colour profile, resolution."""

import contextlib
import dataclasses
import io
from collections.abc import Iterable

from PIL import ExifTags, Image, ImageCms

# The tags of each part; 0 is the first part.
Exif = dict[int, dict[int, object]]

# The tags of the first part of EXIF that describe the photo; the others describe the layout of the old file.
_EXIF_TAGS = (
    *("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "HostComputer", "Copyright"),
    *("Rating", "RatingPercent", "XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject"),
)
_EXIF_PARTS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_BASE = 0
_DAMAGED_EXIF = "its EXIF is damaged and left out"


@dataclasses.dataclass(frozen=True)
class Metadata:
    """Metadata of a picture, of any file format.

    Attributes:
        exif: what describes the photo; neither its orientation, which is applied, nor a thumbnail.
        icc_profile: of the colours; None is sRGB.
        dpi: pixels per inch, horizontal and vertical.
    """

    exif: Exif = dataclasses.field(default_factory=dict)
    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None


def read(file: Image.Image, mode: str, *, rotated: bool) -> tuple[Metadata, tuple[str, ...]]:
    """The metadata of a file that Pillow has opened, and notes on what is left out.

    Args:
        file: as Pillow opened it.
        mode: of the picture that was made of it.
        rotated: whether EXIF swapped its height and width.
    """
    exif, exif_note = _exif(file)
    profile, profile_note = _profile(file, mode)
    dpi = _dpi(file)
    metadata = Metadata(exif, profile, (dpi[1], dpi[0]) if dpi and rotated else dpi)
    return metadata, tuple(note for note in (exif_note, profile_note) if note)


def is_rotated(file: Image.Image) -> bool:
    """Whether EXIF swaps height and width; nothing is decoded to find out."""
    if file.format == "PNG" and not {"exif", "Raw profile type exif"} & file.info.keys():
        return False  # Pillow would read all of the file to look for it
    with contextlib.suppress(Exception):  # damaged EXIF; `_exif` reports it
        return file.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    return False


def exif_bytes(metadata: Metadata, size: tuple[int, int]) -> bytes:
    """EXIF for a picture of a size (width, height), with its resolution, which some formats hold nowhere else."""
    content = Image.Exif()
    for tag, value in metadata.exif.get(_BASE, {}).items():
        content[tag] = value
    for part in _EXIF_PARTS:
        if part in metadata.exif:
            content.get_ifd(part).update(metadata.exif[part])
    details = content.get_ifd(ExifTags.IFD.Exif)
    for tag, length in zip((ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight), size, strict=True):
        if tag in details:
            details[tag] = length
    if metadata.exif:
        content[ExifTags.Base.Orientation] = 1
    if metadata.dpi:
        content[ExifTags.Base.XResolution], content[ExifTags.Base.YResolution] = metadata.dpi
        content[ExifTags.Base.ResolutionUnit] = 2
    return content.tobytes() if len(content) else b""


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
    except Exception:  # Whatever damaged EXIF raises in Pillow, the photo is good without it.
        return {}, _DAMAGED_EXIF


def _as_written(value: object) -> object:
    """Text as the bytes that it has in the file: Pillow reads them as Latin-1, and would write no more than ASCII."""
    return value.encode("latin-1", errors="replace") if isinstance(value, str) else value


def _profile(file: Image.Image, mode: str) -> tuple[bytes | None, str | None]:
    """The colour profile, if it fits the colours that the picture now has, and a note if it does not."""
    content = file.info.get("icc_profile")
    if not content or file.mode in ("CMYK", "LAB"):  # they were converted to sRGB
        return None, None
    try:
        space = ImageCms.ImageCmsProfile(io.BytesIO(content)).profile.xcolor_space.strip()
    except (ImageCms.PyCMSError, OSError):
        return None, "its colour profile is damaged and left out"
    expected = "RGB" if mode.startswith("RGB") else "GRAY"
    if space != expected:
        return None, f"its colour profile is one of {space}, not {expected}, and left out"
    return content, None


def _dpi(file: Image.Image) -> tuple[float, float] | None:
    try:
        horizontal, vertical = (float(number) for number in _resolution(file))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (horizontal, vertical) if all(1 < x < 1e5 for x in (horizontal, vertical)) else None


def _resolution(file: Image.Image) -> Iterable[float]:
    if "dpi" in file.info:
        dpi: Iterable[float] = file.info["dpi"]
        return dpi
    with contextlib.suppress(Exception):  # damaged EXIF, again
        exif = file.getexif()
        per_inch = {2: 1.0, 3: 2.54}[exif.get(ExifTags.Base.ResolutionUnit, 2)]
        return [per_inch * exif[tag] for tag in (ExifTags.Base.XResolution, ExifTags.Base.YResolution)]
    return ()
