"""What belongs to a picture beside its pixels: EXIF, colours, resolution, captions, place on a map."""

import contextlib
import dataclasses
import io
import re
import struct
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Protocol

from PIL import ExifTags, Image, ImageCms

from sr_keras.photos import jxl_head

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
# Descriptions that programs write for themselves; they name the old size.
_DESCRIPTIONS_OF_LAYOUT = (b"<?xml", b"<OME", b"ImageJ=", b'{"shape"', b"SCI")

IPTC_TAG = 33723
_IPTC_RESOURCE = 1028
# GeoTIFF: pixel scale, tie points, transformation, keys and their values, GDAL's metadata.
_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _GEO_KEYS = 33550, 33922, 34264, 34735
_GEO_TAGS = (_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _GEO_KEYS, 34736, 34737, 42112)
_RASTER_TYPE_KEY, _PIXEL_IS_POINT = 1025, 2

# Transfer functions of ITU-T H.273 that are no standard dynamic range.
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
_SRGB_CHUNKS = {
    b"gAMA": struct.pack(">I", 45455),
    b"cHRM": struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
}

_GPANO_WIDTHS = ("FullPanoWidthPixels", "CroppedAreaImageWidthPixels", "CroppedAreaLeftPixels")
_GPANO_HEIGHTS = ("FullPanoHeightPixels", "CroppedAreaImageHeightPixels", "CroppedAreaTopPixels")
# What XMP says of the file around it: gain maps, films and thumbnails that are no longer there.
_XMP_OF_FILE = re.compile(
    rb"<(?:Container:Directory|xmp:Thumbnails|xapGImg:image)\b.*?</(?:Container:Directory|xmp:Thumbnails|xapGImg:image)>"
    rb"|\s(?:hdrgm|HDRGainMap|GCamera|Camera|GContainer):(?:\w*(?:GainMap|Motion|MicroVideo)\w*|Version|Offset\w*|Gamma|HDR\w+)"
    rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')",
    re.DOTALL,
)


@dataclasses.dataclass(frozen=True)
class Metadata:
    """Metadata of a picture, of any file format.

    Attributes:
        exif: what describes the photo; neither its orientation, which is applied, nor a thumbnail.
        icc_profile: of the colours; None is sRGB.
        dpi: pixels per inch, horizontal and vertical.
        xmp: as the file has it, but for what it says of the file itself.
        iptc: records of IPTC-IIM.
        comment: of JPEG and GIF.
        text: keywords and texts of PNG.
        geo: tags of GeoTIFF.
        cicp: colour primaries, transfer function, matrix and full range by ITU-T H.273.
        colour_chunks: PNG's cHRM and gAMA, where they are not sRGB's.
    """

    exif: Exif = dataclasses.field(default_factory=dict)
    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    comment: bytes | None = None
    text: tuple[tuple[str, str], ...] = ()
    geo: dict[int, Any] = dataclasses.field(default_factory=dict)
    cicp: tuple[int, int, int, int] | None = None
    colour_chunks: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def is_hdr(self) -> bool:
        return self.cicp is not None and self.cicp[1] in HDR_TRANSFERS

    @property
    def is_panorama(self) -> bool:
        """Whether left and right edge meet: a whole equirectangular panorama, by Google's Photo Sphere XMP."""
        if self.xmp is None or b"equirectangular" not in self.xmp:
            return False
        full, cropped = (_xmp_number(self.xmp, name) for name in _GPANO_WIDTHS[:2])
        return full is not None and full == (cropped or full)


class File(Protocol):
    """What `read` wants of a file; Pillow's are such."""

    @property
    def info(self) -> dict[Any, Any]: ...

    @property
    def mode(self) -> str: ...

    @property
    def format(self) -> str | None: ...

    def getexif(self) -> Image.Exif: ...


# What is said of each field that a format can't hold.
NAMES = {
    "exif": "EXIF",
    "icc_profile": "colour profile",
    "xmp": "XMP",
    "iptc": "IPTC",
    "comment": "its comment",
    "text": "PNG text",
    "geo": "GeoTIFF tags",
    "cicp": "the label of its colours (CICP)",
    "colour_chunks": "the colours of cHRM and gAMA",
}


def read(file: File, mode: str, stream: BinaryIO, *, rotated: bool) -> tuple[Metadata, tuple[str, ...]]:
    """The metadata of an open file, and notes on what is left out.

    Args:
        file: as Pillow opened it; its pixels have been read.
        mode: of the picture that was made of it.
        stream: its content.
        rotated: whether EXIF swapped its height and width.
    """
    exif, exif_note = _exif(file)
    profile, profile_note = _profile(file, mode)
    dpi = _dpi(file)
    chunks = dict(_png_chunks(stream)) if file.format == "PNG" else {}
    metadata = Metadata(
        exif,
        profile,
        (dpi[1], dpi[0]) if dpi and rotated else dpi,
        xmp=_xmp(file, stream),
        iptc=_iptc(file),
        comment=_bytes(file.info.get("comment")) if file.format in ("JPEG", "MPO", "GIF") else None,
        text=_png_text(file),
        geo=_geo(file),
        cicp=_cicp(file, chunks, stream),
        colour_chunks=() if profile else tuple((k, v) for k, v in chunks.items() if _SRGB_CHUNKS.get(k, v) != v),
    )
    return metadata, tuple(note for note in (exif_note, profile_note) if note)


def stripped(metadata: Metadata) -> Metadata:
    """The colours alone: nothing that tells of a person or a place."""
    return Metadata(icc_profile=metadata.icc_profile, cicp=metadata.cicp, colour_chunks=metadata.colour_chunks)


def scaled(metadata: Metadata, horizontal: float, vertical: float) -> Metadata:
    """For a picture that has become so many times wider and higher."""
    return dataclasses.replace(
        metadata,
        xmp=_scaled_xmp(metadata.xmp, horizontal, vertical) if metadata.xmp else None,
        geo=_scaled_geo(metadata.geo, horizontal, vertical),
    )


def is_rotated(file: Image.Image) -> bool:
    """Whether EXIF swaps height and width; nothing is decoded to find out."""
    return orientation(file) in (5, 6, 7, 8)


def orientation(file: Image.Image) -> int:
    """EXIF's orientation, 1 to 8; 1 is upright."""
    if file.format == "PNG" and not {"exif", "Raw profile type exif"} & file.info.keys():
        return 1  # Pillow would read all of the file to look for it
    with contextlib.suppress(Exception):  # damaged EXIF; `_exif` reports it
        found = file.getexif().get(ExifTags.Base.Orientation)
        return found if isinstance(found, int) and 1 <= found <= 8 else 1
    return 1


def exif_content(metadata: Metadata, size: tuple[int, int]) -> Image.Exif:
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
    if not len(content):
        return content
    # Only what was read has its parts among its tags; and of what was read, text is no longer bytes.
    whole = Image.Exif()
    whole.load(content.tobytes())
    for tag, value in metadata.exif.get(_BASE, {}).items():
        whole[tag] = value
    return whole


def exif_bytes(metadata: Metadata, size: tuple[int, int]) -> bytes:
    """`exif_content` as it stands in a file; empty if there is none."""
    content = exif_content(metadata, size)
    return content.tobytes() if len(content) else b""


def _exif(file: File) -> tuple[Exif, str | None]:
    """What EXIF says of the photo, and a note if it can't be read."""
    try:
        content = file.getexif()
        if not len(content) and file.info.get("exif"):
            return {}, _DAMAGED_EXIF
        base = {int(tag): _as_written(content[tag]) for name in _EXIF_TAGS if (tag := ExifTags.Base[name]) in content}
        note = None
        if _is_of_layout(base.get(ExifTags.Base.ImageDescription)):
            del base[ExifTags.Base.ImageDescription]
            note = "its description, which is of the old size, is left out"
        exif: Exif = {_BASE: base} if base else {}
        for part in _EXIF_PARTS:
            if details := content.get_ifd(part):
                exif[part] = dict(details)
        return exif, note
    except Exception:  # Whatever damaged EXIF raises in Pillow, the photo is good without it.
        return {}, _DAMAGED_EXIF


def _is_of_layout(description: object) -> bool:
    return isinstance(description, bytes) and description.lstrip().startswith(_DESCRIPTIONS_OF_LAYOUT)


def _as_written(value: object) -> object:
    """Text as the bytes that it has in the file: Pillow reads them as Latin-1, and would write no more than ASCII."""
    return value.encode("latin-1", errors="replace") if isinstance(value, str) else value


def _bytes(value: object) -> bytes | None:
    if isinstance(value, str):
        value = value.encode()
    return value if isinstance(value, bytes) and value else None


def _profile(file: File, mode: str) -> tuple[bytes | None, str | None]:
    """The colour profile, if it fits the colours that the picture now has, and a note if it does not."""
    content = file.info.get("icc_profile")
    if not content or file.mode in ("CMYK", "LAB"):  # they were converted to sRGB
        return None, None
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(content)).profile
        space = opened.xcolor_space.strip()
    except (ImageCms.PyCMSError, OSError):
        return None, "its colour profile is damaged and left out"
    if file.format == "JXL" and (opened.profile_description or "").strip() == "sRGB":
        return None, None  # its decoder makes a profile for every file that has none
    expected = "RGB" if mode.startswith("RGB") else "GRAY"
    if space != expected:
        return None, f"its colour profile is one of {space}, not {expected}, and left out"
    return content, None


def _dpi(file: File) -> tuple[float, float] | None:
    try:
        horizontal, vertical = (float(number) for number in _resolution(file))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (horizontal, vertical) if all(1 < x < 1e5 for x in (horizontal, vertical)) else None


def _resolution(file: File) -> Iterable[float]:
    if "dpi" in file.info:
        dpi: Iterable[float] = file.info["dpi"]
        return dpi
    with contextlib.suppress(Exception):  # damaged EXIF, again
        exif = file.getexif()
        per_inch = {2: 1.0, 3: 2.54}[exif.get(ExifTags.Base.ResolutionUnit, 2)]
        return [per_inch * exif[tag] for tag in (ExifTags.Base.XResolution, ExifTags.Base.YResolution)]
    return ()


def _xmp(file: File, stream: BinaryIO) -> bytes | None:
    content = _bytes(file.info.get("xmp")) or _bytes(file.info.get("XML:com.adobe.xmp"))
    content = jxl_head.xmp(stream) if file.format == "JXL" else content
    return _XMP_OF_FILE.sub(b"", content) if content else None


def _xmp_number(xmp: bytes, name: str) -> int | None:
    found = re.search(rb"GPano:" + name.encode() + rb"\s*(?:=\s*[\"']|>)\s*(\d+)", xmp)
    return int(found[1]) if found else None


def _scaled_xmp(xmp: bytes, horizontal: float, vertical: float) -> bytes:
    def replace(names: Iterable[str], factor: float, content: bytes) -> bytes:
        pattern = rb"((?:" + "|".join(names).encode() + rb")\s*(?:=\s*[\"']|>)\s*)(\d+)"
        return re.sub(pattern, lambda found: found[1] + str(round(factor * int(found[2]))).encode(), content)

    widths = [*(f"GPano:{name}" for name in _GPANO_WIDTHS), "tiff:ImageWidth", "exif:PixelXDimension"]
    heights = [*(f"GPano:{name}" for name in _GPANO_HEIGHTS), "tiff:ImageLength", "exif:PixelYDimension"]
    xmp = replace(heights, vertical, replace(widths, horizontal, xmp))
    return re.sub(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)\d", rb"\g<1>1", xmp)


def _iptc(file: File) -> bytes | None:
    if file.format == "TIFF":
        with contextlib.suppress(Exception):
            return _bytes(file.getexif().get(IPTC_TAG))
        return None
    resources = file.info.get("photoshop")
    return _bytes(resources.get(_IPTC_RESOURCE)) if isinstance(resources, dict) else None


def iptc_segment(records: bytes) -> bytes:
    """IPTC records as a segment of a JPEG; empty if they are too long for one."""
    resource = b"8BIM" + struct.pack(">HHI", _IPTC_RESOURCE, 0, len(records)) + records + b"\0" * (len(records) % 2)
    content = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + struct.pack(">H", len(content) + 2) + content if len(content) < 65534 else b""


def _png_text(file: File) -> tuple[tuple[str, str], ...]:
    if file.format != "PNG":
        return ()
    return tuple(
        (str(keyword), str(value))
        for keyword, value in file.info.items()
        if isinstance(value, str) and not str(keyword).startswith(("XML:", "Raw profile")) and 0 < len(str(keyword)) < 80
    )


def _geo(file: File) -> dict[int, Any]:
    if file.format != "TIFF":
        return {}
    with contextlib.suppress(Exception):
        tags = file.getexif()
        return {tag: tags[tag] for tag in _GEO_TAGS if tag in tags}
    return {}


def _scaled_geo(geo: dict[int, Any], horizontal: float, vertical: float) -> dict[int, Any]:
    """Pixels get smaller on the map; places in the picture move."""
    geo = dict(geo)
    keys = tuple(geo.get(_GEO_KEYS, ()))
    entries = [keys[start : start + 4] for start in range(4, len(keys), 4)]
    # Counted from the first pixel's middle, or from its corner.
    middle = 0.5 if (_RASTER_TYPE_KEY, 0, 1, _PIXEL_IS_POINT) in entries else 0.0
    factors = horizontal, vertical
    if _PIXEL_SCALE in geo:
        x, y, *rest = map(float, geo[_PIXEL_SCALE])
        geo[_PIXEL_SCALE] = (x / horizontal, y / vertical, *rest)
    if _TIE_POINTS in geo:
        points = list(map(float, geo[_TIE_POINTS]))
        for start in range(0, len(points), 6):
            for axis in (0, 1):
                points[start + axis] = (points[start + axis] + middle) * factors[axis] - middle
        geo[_TIE_POINTS] = tuple(points)
    if _TRANSFORMATION in geo:
        matrix = list(map(float, geo[_TRANSFORMATION]))
        for row in (0, 4, 8):
            for axis in (0, 1):
                old = matrix[row + axis]
                matrix[row + axis] = old / factors[axis]
                matrix[row + 3] += middle * (old / factors[axis] - old)
        geo[_TRANSFORMATION] = tuple(matrix)
    return geo


def _png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """The chunks before the pixels that say what the colours are."""
    stream.seek(8)
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IDAT":
            return
        if kind in (b"cICP", b"cHRM", b"gAMA") and length <= 32:
            yield kind, stream.read(length)
            stream.seek(4, io.SEEK_CUR)
        else:
            stream.seek(length + 4, io.SEEK_CUR)


def _cicp(file: File, chunks: dict[bytes, bytes], stream: BinaryIO) -> tuple[int, int, int, int] | None:
    """The label of the colours, where it is not that of sRGB."""
    found: tuple[int, int, int, int] | None = None
    if len(chunks.get(b"cICP", b"")) == 4:
        first, second, third, fourth = chunks[b"cICP"]
        found = first, second, third, fourth
    elif file.format == "AVIF":
        found = _nclx(stream)
    elif isinstance(profile := file.info.get("nclx_profile"), dict):  # of pillow-heif
        names = ("color_primaries", "transfer_characteristics", "matrix_coefficients", "full_range_flag")
        with contextlib.suppress(KeyError, TypeError, ValueError):
            primaries, transfer, matrix, full = (int(profile[name]) for name in names)
            found = primaries, transfer, matrix, full
    # BT.709's primaries, or none that are said; the transfer functions of sRGB and of all that is shown like it.
    if found is None or (found[0] in (1, 2) and found[1] in (1, 2, 6, 13)):
        return None
    return found


def _nclx(stream: BinaryIO) -> tuple[int, int, int, int] | None:
    stream.seek(0)
    head = stream.read(65536)
    place = head.find(b"colrnclx") + 8
    if place < 8 or place + 7 > len(head):
        return None
    primaries, transfer, matrix = struct.unpack_from(">HHH", head, place)
    return primaries, transfer, matrix, head[place + 6] >> 7
