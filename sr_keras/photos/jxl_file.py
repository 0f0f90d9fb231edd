"""JPEG XL of 16 bits with EXIF and XMP. Pillow's plugin writes colours of 8 bits; imagecodecs writes 16, but no metadata, and
says that they are linear light. What they are lies in four bits of the file's head, which are set to what they should be.

Source: ISO/IEC 18181-1 (section E, colour encoding) and 18181-2 (boxes).
"""

import struct
from typing import Any

import imagecodecs
import numpy as np

from sr_keras.photos import jxl_head
from sr_keras.photos.raster import Raster

_SRGB = 13  # transfer function, of ITU-T H.273
_KNEE, _SLOPE, _OFFSET, _POWER = 0.04045, 12.92, 0.055, 2.4


def deep(raster: Raster, options: dict[str, Any], *, is_linear: bool) -> bytes:
    """A JPEG XL of sRGB, or of grey with its curve.

    Args:
        raster: uint16, of 1 to 4 bands.
        options: as Pillow's plugin takes them: lossless, quality, and perhaps exif and xmp.
        is_linear: whether they are linear light.
    """
    samples, is_lossless = raster.samples, options["lossless"]
    if not is_lossless and not is_linear:
        # What loses values goes by how they are seen, and takes them for light.
        samples = samples.copy()
        samples[..., : raster.colours] = _light(samples[..., : raster.colours])
    content = bytearray(
        imagecodecs.jpegxl_encode(
            samples if raster.bands > 1 else samples[..., 0],
            lossless=is_lossless,
            distance=None if is_lossless else _distance(options["quality"]),
            usecontainer=True,
        )
    )
    if not is_linear:
        jxl_head.set_transfer_function(content, _SRGB)
    for kind, part in ((b"Exif", _exif(options.get("exif"))), (b"xml ", options.get("xmp"))):
        if part:
            content += struct.pack(">I4s", 8 + len(part), kind) + part
    return bytes(content)


def _distance(quality: int) -> float:
    """What libjxl calls quality: how many times the smallest difference that is seen; as its own programs have it."""
    return 0.1 + 0.09 * (100 - quality) if quality >= 30 else 53 / 3000 * quality**2 - 23 / 20 * quality + 25


def _light(tones: np.ndarray) -> np.ndarray:
    """Tones of sRGB as linear light, both uint16."""
    shares = np.arange(65536) / 65535
    light = np.where(shares <= _KNEE, shares / _SLOPE, ((shares + _OFFSET) / (1 + _OFFSET)) ** _POWER)
    return np.asarray(np.rint(65535 * light).astype(np.uint16)[tones])


def _exif(content: bytes | None) -> bytes | None:
    """As a box has it: after four bytes that say where it begins."""
    return bytes(4) + content.removeprefix(b"Exif\0\0") if content else None
