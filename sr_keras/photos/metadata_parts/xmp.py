"""XMP: captions and the like, panoramas, and sizes that change with the picture's."""

import re
from collections.abc import Iterable
from typing import BinaryIO

from sr_keras.photos import jxl_head
from sr_keras.photos.metadata_parts.tagged_file import TaggedFile, as_bytes

_GPANO_WIDTHS = ("FullPanoWidthPixels", "CroppedAreaImageWidthPixels", "CroppedAreaLeftPixels")
_GPANO_HEIGHTS = ("FullPanoHeightPixels", "CroppedAreaImageHeightPixels", "CroppedAreaTopPixels")
# What XMP says of the file around it: gain maps, films and thumbnails that are no longer there.
_XMP_OF_FILE = re.compile(
    rb"<(?:Container:Directory|xmp:Thumbnails|xapGImg:image)\b.*?</(?:Container:Directory|xmp:Thumbnails|xapGImg:image)>"
    rb"|\s(?:hdrgm|HDRGainMap|GCamera|Camera|GContainer):(?:\w*(?:GainMap|Motion|MicroVideo)\w*|Version|Offset\w*|Gamma|HDR\w+)"
    rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')",
    re.DOTALL,
)


def read(file: TaggedFile, stream: BinaryIO) -> bytes | None:
    """As the file has it, but for what it says of the file itself."""
    content = as_bytes(file.info.get("xmp")) or as_bytes(file.info.get("XML:com.adobe.xmp"))
    content = jxl_head.xmp(stream) if file.format == "JXL" else content
    return _XMP_OF_FILE.sub(b"", content) if content else None


def is_panorama(xmp: bytes) -> bool:
    """Whether left and right edge meet: a whole equirectangular panorama, by Google's Photo Sphere XMP."""
    if b"equirectangular" not in xmp:
        return False
    full, cropped = (_number(xmp, name) for name in _GPANO_WIDTHS[:2])
    return full is not None and full == (cropped or full)


def scaled(xmp: bytes, horizontal: float, vertical: float) -> bytes:
    """For a picture that has become so many times wider and higher, and is upright."""

    def replace(names: Iterable[str], factor: float, content: bytes) -> bytes:
        pattern = rb"((?:" + "|".join(names).encode() + rb")\s*(?:=\s*[\"']|>)\s*)(\d+)"
        return re.sub(pattern, lambda found: found[1] + str(round(factor * int(found[2]))).encode(), content)

    widths = [*(f"GPano:{name}" for name in _GPANO_WIDTHS), "tiff:ImageWidth", "exif:PixelXDimension"]
    heights = [*(f"GPano:{name}" for name in _GPANO_HEIGHTS), "tiff:ImageLength", "exif:PixelYDimension"]
    xmp = replace(heights, vertical, replace(widths, horizontal, xmp))
    return re.sub(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)\d", rb"\g<1>1", xmp)


def _number(xmp: bytes, name: str) -> int | None:
    found = re.search(rb"GPano:" + name.encode() + rb"\s*(?:=\s*[\"']|>)\s*(\d+)", xmp)
    return int(found[1]) if found else None
