"""Brings a frame of any of Pillow's modes into one of the few that `Picture` has."""

import numpy as np
from PIL import Image

from sr_keras.photos import rgb
from sr_keras.photos.picture import Frame
from sr_keras.photos.raster import Raster

# Presses print three of four inks at most over each other; this share of pixels may have all four.
_FULL_INK, _MOST_OF_ALL_INKS = 250, 0.005
_NEGATIVE = "; if it looks like a negative, it was written with values of the other kind than its marker says"


def plain(frame: Image.Image, file_format: str | None) -> tuple[Frame, str | None]:
    """A frame in one of the few modes of `Picture`, with nothing of its file, and what it lost."""
    changed, note = _in_plain_mode(frame, file_format)
    if isinstance(changed, Image.Image):
        changed.info = {}
    return changed, note


def _in_plain_mode(frame: Image.Image, file_format: str | None) -> tuple[Frame, str | None]:
    mode = frame.mode
    if mode.startswith("I;16") or (mode == "I" and file_format == "PPM"):
        return Raster(np.asarray(frame).astype(np.uint16)[..., np.newaxis]), None
    if mode in ("I", "F"):
        return Raster(np.asarray(frame)[..., np.newaxis]), None
    if mode in ("1", "L", "LA", "La"):
        note = "1 bit a pixel became greyscale" if mode == "1" else None
        return frame.convert("LA" if frame.has_transparency_data else "L"), note
    if mode in ("CMYK", "LAB", "HSV"):
        doubt = _NEGATIVE if mode == "CMYK" and file_format in ("JPEG", "MPO") and _is_beyond_print(frame) else ""
        return rgb.to_rgb(frame), f"{mode} became RGB{doubt}"
    plain = frame.convert("RGBA") if frame.has_transparency_data else rgb.to_rgb(frame)
    if mode in ("P", "PA") and not frame.info.get("icc_profile") and _is_grey(plain):
        # Palettes say nothing of colours.
        plain = plain.convert("LA" if plain.mode == "RGBA" else "L")
    return plain, None


def _is_beyond_print(cmyk: Image.Image) -> bool:
    """Whether there is more ink than paper holds: where the values of a JPEG are of the other kind than its marker says."""
    is_full = np.asarray(cmyk) >= _FULL_INK
    return bool(is_full.all(axis=2).mean() > _MOST_OF_ALL_INKS)


def _is_grey(frame: Image.Image) -> bool:
    red, green, blue = (np.asarray(frame.getchannel(channel)) for channel in "RGB")
    return bool((red == green).all() and (green == blue).all())
