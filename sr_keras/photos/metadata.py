"""What belongs to a picture beside its pixels, of all kinds that `metadata_parts` knows, and PNG's texts."""

import dataclasses
from typing import Any, BinaryIO

from sr_keras.photos.metadata_parts import colours, exif, geotiff, iptc, xmp
from sr_keras.photos.metadata_parts.exif import Exif
from sr_keras.photos.metadata_parts.tagged_file import TaggedFile, as_bytes

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
    cicp: colours.Cicp | None = None
    colour_chunks: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def is_hdr(self) -> bool:
        return self.cicp is not None and self.cicp[1] in colours.HDR_TRANSFERS

    @property
    def is_panorama(self) -> bool:
        """Whether left and right edge meet: a whole equirectangular panorama, by Google's Photo Sphere XMP."""
        return self.xmp is not None and xmp.is_panorama(self.xmp)


def read(file: TaggedFile, mode: str, stream: BinaryIO, *, rotated: bool) -> tuple[Metadata, tuple[str, ...]]:
    """The metadata of an open file, and notes on what is left out.

    Args:
        file: as Pillow opened it; its pixels have been read.
        mode: of the picture that was made of it.
        stream: its content.
        rotated: whether EXIF swapped its height and width.
    """
    described, exif_note = exif.read(file)
    profile, profile_note = colours.read_profile(file, mode)
    dpi = exif.read_dpi(file)
    cicp, chunks = colours.read_labels(file, stream)
    metadata = Metadata(
        described,
        profile,
        (dpi[1], dpi[0]) if dpi and rotated else dpi,
        xmp=xmp.read(file, stream),
        iptc=iptc.read(file),
        comment=as_bytes(file.info.get("comment")) if file.format in ("JPEG", "MPO", "GIF") else None,
        text=_png_text(file),
        geo=geotiff.read(file),
        cicp=cicp,
        colour_chunks=() if profile else chunks,
    )
    return metadata, tuple(note for note in (exif_note, profile_note) if note)


def stripped(metadata: Metadata) -> Metadata:
    """The colours alone: nothing that tells of a person or a place."""
    return Metadata(icc_profile=metadata.icc_profile, cicp=metadata.cicp, colour_chunks=metadata.colour_chunks)


def scaled(metadata: Metadata, horizontal: float, vertical: float) -> Metadata:
    """For a picture that has become so many times wider and higher."""
    return dataclasses.replace(
        metadata,
        xmp=xmp.scaled(metadata.xmp, horizontal, vertical) if metadata.xmp else None,
        geo=geotiff.scaled(metadata.geo, horizontal, vertical),
    )


def _png_text(file: TaggedFile) -> tuple[tuple[str, str], ...]:
    if file.format != "PNG":
        return ()
    return tuple(
        (str(keyword), str(value))
        for keyword, value in file.info.items()
        if isinstance(value, str) and not str(keyword).startswith(("XML:", "Raw profile")) and 0 < len(str(keyword)) < 80
    )
