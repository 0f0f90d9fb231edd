"""A picture in memory, and what each file format can hold of it."""

import dataclasses
from typing import NamedTuple

import numpy as np
from PIL import Image

from sr_keras.photos import metadata, rgb
from sr_keras.photos.metadata import Metadata


@dataclasses.dataclass(frozen=True)
class Picture:
    """The content of a picture file.

    Attributes:
        frames: one picture, or those of an animation or of a document; "L", "LA", "RGB", "RGBA", or "I;16" (16-bit greyscale).
        durations_ms: how long each is shown, where they are an animation.
        loop: how often an animation is repeated; 0 is without end.
        metadata: EXIF, colour profile and resolution.
        notes: what could not be kept, in words.
        file_format: Pillow's name of the format that it was read from.
        jpeg_steps: of a JPEG, its quantisation table for luma: 64 values, row by row.
    """

    frames: tuple[Image.Image, ...]
    durations_ms: tuple[int, ...] = ()
    loop: int = 0
    metadata: Metadata = dataclasses.field(default_factory=Metadata)
    notes: tuple[str, ...] = ()
    file_format: str | None = None
    jpeg_steps: tuple[int, ...] | None = None


class Format(NamedTuple):
    """What a file format can hold.

    Attributes:
        name: Pillow's.
        alpha, sixteen_bit, frames, metadata: whether it holds transparency, 16-bit greyscale, several frames, and EXIF and
            colour profiles.
        lossless_only: whether it has no quality to choose.
    """

    name: str
    alpha: bool = True
    sixteen_bit: bool = False
    frames: bool = True
    metadata: bool = True
    lossless_only: bool = False


PNG = Format("PNG", sixteen_bit=True, lossless_only=True)
JPEG = Format("JPEG", alpha=False, frames=False)
# Written without compression: libtiff's compressed files can't hold EXIF here.
TIFF = Format("TIFF", sixteen_bit=True, lossless_only=True)
# By the suffix of a file's name.
FORMATS = {
    ".png": PNG,
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".webp": Format("WEBP"),
    ".tif": TIFF,
    ".tiff": TIFF,
    ".avif": Format("AVIF"),
    ".bmp": Format("BMP", alpha=False, frames=False, metadata=False, lossless_only=True),
}

_LARGEST_JPEG_EXIF = 65533


def fitted(picture: Picture, file_format: Format) -> Picture:
    """The picture reduced to what a format can hold; its notes report what was lost.

    Raises:
        PhotoError: it has several frames, and the format holds one.
    """
    if len(picture.frames) > 1 and not file_format.frames:
        raise rgb.PhotoError(
            f"{file_format.name} holds one picture, not {len(picture.frames)} frames; PNG, WebP, TIFF and AVIF do"
        )
    if len({frame.size for frame in picture.frames}) > 1 and file_format is not TIFF:
        raise rgb.PhotoError(f"its frames have several sizes, which {file_format.name} can't hold; TIFF does")
    frames, notes = list(picture.frames), list(picture.notes)
    if not file_format.sixteen_bit and any(frame.mode == "I;16" for frame in frames):
        frames = [_eight_bit(frame) if frame.mode == "I;16" else frame for frame in frames]
        notes.append(f"16-bit greyscale became 8-bit ({file_format.name} holds no more)")
    if not file_format.alpha and any(frame.mode in ("LA", "RGBA") for frame in frames):
        if any(frame.getextrema()[-1] != (255, 255) for frame in frames if frame.mode in ("LA", "RGBA")):
            notes.append(f"what was transparent became white ({file_format.name} has no transparency)")
        frames = [_on_white(frame) if frame.mode in ("LA", "RGBA") else frame for frame in frames]
    kept = picture.metadata
    if (kept.exif or kept.icc_profile) and not file_format.metadata:
        notes.append(f"EXIF and colour profile are left out ({file_format.name} holds none)")
    if file_format is JPEG and len(metadata.exif_bytes(kept, frames[0].size)) > _LARGEST_JPEG_EXIF:
        kept = dataclasses.replace(kept, exif={})
        notes.append("its EXIF is too long for JPEG and left out")
    return dataclasses.replace(picture, frames=tuple(frames), metadata=kept, notes=tuple(notes))


def _eight_bit(frame: Image.Image) -> Image.Image:
    return Image.fromarray(rgb.to_uint8(np.asarray(frame) / np.float32(65535)))


def _on_white(frame: Image.Image) -> Image.Image:
    alpha = frame.getchannel("A")
    colour = frame.convert("L" if frame.mode == "LA" else "RGB")
    white = Image.new(colour.mode, colour.size, "white")
    return Image.composite(colour, white, alpha)
