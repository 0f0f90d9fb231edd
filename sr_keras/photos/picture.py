"""A picture in memory, and what each file format can hold of it."""

import dataclasses
from typing import NamedTuple

import numpy as np
from PIL import Image

from sr_keras.photos import metadata, raster, rgb
from sr_keras.photos.file_kind import RAW_SUFFIXES
from sr_keras.photos.metadata import Metadata
from sr_keras.photos.metadata_parts import colours, exif, iptc
from sr_keras.photos.metadata_parts.colours import HDR_TRANSFERS
from sr_keras.photos.raster import Raster

# "L", "LA", "RGB" and "RGBA" are Pillow's; all else is a raster.
Frame = Image.Image | Raster


@dataclasses.dataclass(frozen=True)
class Picture:
    """The content of a picture file.

    Attributes:
        frames: one picture, or those of an animation or of a document.
        durations_ms: how long each is shown, where they are an animation.
        loop: how often an animation is shown; 0 is without end.
        metadata: EXIF, colours, captions and what else belongs to it.
        notes: what could not be kept, in words.
        file_format: Pillow's name of the format that it was read from.
        jpeg_steps: of a JPEG, its quantisation table for luma: 64 values, row by row.
        lossless: whether the file that it was read from keeps every value.
        tiff_compression: of a TIFF, how its first page is compressed, as the tag has it.
        is_panorama: whether its left and right edge meet, whatever of its metadata is left.
    """

    frames: tuple[Frame, ...]
    durations_ms: tuple[int, ...] = ()
    loop: int = 0
    metadata: Metadata = dataclasses.field(default_factory=Metadata)
    notes: tuple[str, ...] = ()
    file_format: str | None = None
    jpeg_steps: tuple[int, ...] | None = None
    lossless: bool = False
    tiff_compression: int | None = None
    is_panorama: bool = False


_FIELDS = frozenset(metadata.NAMES)


class Format(NamedTuple):
    """What a file format can hold.

    Attributes:
        name: Pillow's.
        alpha, frames: whether it holds transparency, and several frames.
        bits: of a channel, at most; above 16, signed and floating-point values and any number of bands too.
        fields: of metadata, by their names in `Metadata`.
        lossless_only: whether it has no quality to choose.
        kept: whether a result has the format of its source, where that has this one.
        package: the kind of file that `file_kind.require_package` knows, where Pillow alone does not write it.
    """

    name: str
    alpha: bool = True
    bits: int = 8
    frames: bool = True
    fields: frozenset[str] = frozenset({"exif", "icc_profile", "xmp"})
    lossless_only: bool = False
    kept: bool = True
    package: str | None = None


PNG = Format("PNG", bits=16, fields=_FIELDS - {"iptc", "comment", "geo"}, lossless_only=True)
JPEG = Format("JPEG", alpha=False, frames=False, fields=_FIELDS & {"exif", "icc_profile", "xmp", "iptc", "comment"})
TIFF = Format("TIFF", bits=64, fields=frozenset({"exif", "icc_profile", "xmp", "iptc", "geo"}), lossless_only=True)
WEBP = Format("WEBP")
AVIF = Format("AVIF", bits=16, fields=frozenset({"exif", "icc_profile", "xmp", "cicp"}))
GIF = Format("GIF", fields=frozenset({"comment"}), lossless_only=True, kept=False)
HEIF = Format("HEIF", bits=16, frames=False, fields=frozenset({"exif", "icc_profile", "xmp", "cicp"}), package="HEIF")
JXL = Format("JXL", bits=16, frames=False, fields=frozenset({"exif", "xmp"}), package="JXL")
# By the suffix of a file's name.
FORMATS = {
    ".png": PNG,
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".webp": WEBP,
    ".tif": TIFF,
    ".tiff": TIFF,
    ".avif": AVIF,
    ".bmp": Format("BMP", alpha=False, frames=False, fields=frozenset(), lossless_only=True),
    ".gif": GIF,
    ".heic": HEIF,
    ".jxl": JXL,
}

# Further suffixes of theirs, which results do not get.
_OTHER_SUFFIXES = {".jfif": ".jpg", ".jpe": ".jpg", ".mpo": ".jpg", ".heif": ".heic", ".hif": ".heic"}

# What their writers here write of 16; the formats hold more.
_WRITTEN_BITS = {AVIF: 10, HEIF: 10}

_LARGEST_JPEG_SEGMENT = 65533
_XMP_SEGMENT_HEAD = 29


def fitted(picture: Picture, file_format: Format, depth: int | None = None) -> Picture:
    """The picture reduced to what a format can hold; its notes report what was lost.

    Args:
        picture: of any kind.
        file_format: of the file that will be written.
        depth: 8 or 16 bits a channel; None is what the picture has.

    Raises:
        PhotoError: it has several frames, or frames of several sizes, and the format doesn't hold them.
    """
    if len(picture.frames) > 1 and not file_format.frames:
        raise rgb.PhotoError(
            f"{file_format.name} holds one picture, not {len(picture.frames)} frames; PNG, WebP, TIFF and AVIF do"
        )
    if len({frame.size for frame in picture.frames}) > 1 and file_format is not TIFF:
        raise rgb.PhotoError(f"its frames have several sizes, which {file_format.name} can't hold; TIFF does")
    notes = list(picture.notes)
    frames = []
    for frame in picture.frames:
        fitting, lost = _fitted_frame(frame, file_format, depth, several=len(picture.frames) > 1)
        frames.append(fitting)
        notes.extend(note for note in lost if note not in notes)
    kept = picture.metadata
    if kept.icc_profile and not _holds_profile(file_format, kept, frames[0]):
        converted = [_in_srgb(frame, kept.icc_profile) for frame in frames]
        if all(frame is not None for frame in converted):
            frames, kept = [frame for frame in converted if frame is not None], dataclasses.replace(kept, icc_profile=None)
            notes.append(f"its colours became those of sRGB ({file_format.name} holds no profile)")
    kept, lost = _fitted_metadata(kept, file_format, frames[0])
    return dataclasses.replace(picture, frames=tuple(frames), metadata=kept, notes=(*notes, *lost))


def suffix_of(picture: Picture) -> str:
    """The suffix of the format that a picture was read from; that of PNG where it can't be written, or is not kept."""
    suffixes = {file_format.name: suffix for suffix, file_format in reversed(FORMATS.items()) if file_format.kept}
    return suffixes.get(picture.file_format or "", ".png")


def kept_suffix(suffix: str, kind: str | None = None) -> str:
    """What the name of a result ends in; ".png" where the format of its source is not written or kept.

    Args:
        suffix: of the source's name, which the result keeps where that is no mistake.
        kind: of the source, as `file_kind.of` has it by the first bytes; None is not known.
    """
    if (other := _OTHER_SUFFIXES.get(suffix.lower())) is not None:
        suffix = other
    file_format = FORMATS.get(suffix.lower())
    if kind is not None and suffix.lower() not in RAW_SUFFIXES and (file_format is None or file_format.name != kind):
        suffix = next((each for each, of in FORMATS.items() if of.name == kind), ".png")
        file_format = FORMATS[suffix]
    return suffix if file_format and file_format.kept else ".png"


def eight_bit(frame: Frame) -> Image.Image:
    """A frame as a picture of 8 bits: "L", "LA", "RGB" or "RGBA"."""
    return raster.to_image(frame) if isinstance(frame, Raster) else frame


def has_alpha(frame: Frame) -> bool:
    return frame.alpha if isinstance(frame, Raster) else frame.mode in ("LA", "RGBA")


def _fitted_frame(frame: Frame, file_format: Format, depth: int | None, *, several: bool) -> tuple[Frame, list[str]]:
    notes = []
    written_bits = _WRITTEN_BITS.get(file_format)
    notes_of_depth = [f"written with {written_bits} bits a channel"] if written_bits else []
    if isinstance(frame, Image.Image) and depth == 16:
        if file_format.bits >= 16 and not several:
            return raster.of_image(frame), notes_of_depth
        notes.append(f"8 bits a channel, not 16 ({_limit(file_format)}{' in an animation' if several else ''})")
    if isinstance(frame, Raster):
        frame, notes = _fitted_raster(frame, file_format, depth, several=several)
    if isinstance(frame, Image.Image) and not file_format.alpha and frame.mode in ("LA", "RGBA"):
        if frame.getextrema()[-1] != (255, 255):
            notes.append(f"what was transparent became white ({file_format.name} has no transparency)")
        frame = _on_white(frame)
    if file_format is GIF:
        is_half_clear = isinstance(frame, Image.Image) and has_alpha(frame) and any(frame.getchannel("A").histogram()[1:255])
        notes.append(f"GIF holds 256 colours{', and no half transparency' if is_half_clear else ''}")
    return frame, [*notes, *(notes_of_depth if isinstance(frame, Raster) else [])]


def _fitted_raster(frame: Raster, file_format: Format, depth: int | None, *, several: bool) -> tuple[Frame, list[str]]:
    if depth is None and file_format.bits > 16:
        return frame, []
    notes = []
    bands = frame.colours + frame.alpha
    if frame.bands > bands and file_format.bits <= 16:
        further = frame.bands - bands
        left_out = "a further band is" if further == 1 else f"{further} further bands are"
        notes.append(f"{left_out} left out ({file_format.name} holds colours and transparency)")
        kept = [*range(frame.colours), *([frame.bands - 1] if frame.alpha else [])]
        frame = dataclasses.replace(frame, samples=frame.samples[..., kept])
    sixteen = file_format.bits >= 16 and depth != 8 and not (several and file_format is not TIFF)
    what = _in_words(frame)
    reason = f"({_limit(file_format)})" if depth is None else f"(--depth={depth})"
    missing = raster.is_missing(frame, slice(0, frame.bands))
    if missing is not None:
        notes.append(f"{int(missing.any(axis=2).sum()):,} pixels without a value became black {reason}")
    if frame.samples.dtype.name == "uint8":
        return raster.to_image(frame), notes
    if sixteen:
        if frame.samples.dtype.name == "uint16" and missing is None:
            return frame, notes
        return raster.tones(frame), [*notes, f"{what} became 16-bit {reason}"]
    return raster.to_image(frame), [*notes, f"{what} became 8-bit {reason}"]


def _limit(file_format: Format) -> str:
    """Why a result has no more bits, in words."""
    return f"{file_format.name} {'is written with 16 bits' if file_format is JXL else 'holds no more'}"


def _in_words(frame: Raster) -> str:
    """What the samples are, with their range where that is not that of their type."""
    kind = {"u": "", "i": "signed ", "f": "floating-point "}.get(frame.samples.dtype.kind, "")
    extent = raster.value_range(frame, frame.groups[0])
    white = raster.Range(0.0, 2.0**frame.bits - 1 if frame.samples.dtype.kind in "iu" else 1.0)
    values = "" if extent == white else f", {extent.lowest:g} to {extent.highest:g},"
    return f"{frame.bits}-bit {kind}{'colour' if frame.colours == 3 else 'greyscale'}{values}"


def _holds_profile(file_format: Format, kept: Metadata, frame: Frame) -> bool:
    if "icc_profile" in file_format.fields:
        return True
    # JPEG XL has a name for this one.
    return file_format is JXL and isinstance(frame, Raster) and colours.is_linear(kept.icc_profile)


def _in_srgb(frame: Frame, profile: bytes) -> Frame | None:
    """A frame of colours with a profile in sRGB; None if it can't be, or needn't."""
    samples = frame.samples if isinstance(frame, Raster) else np.asarray(frame)
    if samples.ndim < 3 or samples.shape[2] not in (3, 4) or samples.dtype.name not in ("uint8", "uint16"):
        return None
    converted = colours.in_srgb(np.ascontiguousarray(samples[..., :3]), profile)
    if converted is None:
        return None
    samples = np.concatenate([converted, samples[..., 3:]], axis=2)
    return dataclasses.replace(frame, samples=samples) if isinstance(frame, Raster) else Image.fromarray(samples)


def _fitted_metadata(kept: Metadata, file_format: Format, frame: Frame) -> tuple[Metadata, list[str]]:
    notes, size = [], frame.size
    lost = [field for field in metadata.NAMES if getattr(kept, field) and field not in file_format.fields]
    if kept.icc_profile and "icc_profile" in lost and _holds_profile(file_format, kept, frame):
        lost.remove("icc_profile")
    if lost:
        names = [metadata.NAMES[field] for field in lost]
        listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
        verb = "is" if len(lost) == 1 and lost[0] not in ("geo", "colour_chunks") else "are"
        notes.append(f"{listed} {verb} left out ({file_format.name} holds none)")
        if "cicp" in lost and kept.is_hdr and kept.cicp:
            notes.append(f"its values are high dynamic range ({HDR_TRANSFERS[kept.cicp[1]]}), and will look pale")
    if file_format is JPEG:
        if len(exif.in_file(kept.exif, kept.dpi, size)) > _LARGEST_JPEG_SEGMENT:
            lost.append("exif")
            notes.append("its EXIF is too long for JPEG and left out")
        if kept.xmp and len(kept.xmp) > _LARGEST_JPEG_SEGMENT - _XMP_SEGMENT_HEAD:
            lost.append("xmp")
            notes.append("its XMP is too long for JPEG and left out")
        if kept.iptc and not iptc.segment(kept.iptc):
            lost.append("iptc")
            notes.append("its IPTC is too long for JPEG and left out")
    empty = Metadata()
    return dataclasses.replace(kept, **{field: getattr(empty, field) for field in lost}), notes


def _on_white(frame: Image.Image) -> Image.Image:
    alpha = frame.getchannel("A")
    colour = frame.convert("L" if frame.mode == "LA" else "RGB")
    white = Image.new(colour.mode, colour.size, "white")
    return Image.composite(colour, white, alpha)
