"""What the colours are: ICC profiles, labels by ITU-T H.273 (CICP), and the chunks of PNG."""

import contextlib
import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import ImageCms

from sr_keras.photos.metadata_parts.tagged_file import TaggedFile

# Transfer functions of ITU-T H.273 that are no standard dynamic range.
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
# As libjxl calls them.
_PROFILES_OF_JXL, _LINEAR_PROFILES = ("sRGB", "Gra_D65_Rel_SRG"), ("RGB_D65_SRG_Rel_Lin", "Gra_D65_Rel_Lin")
_SRGB_CHUNKS = {
    b"gAMA": struct.pack(">I", 45455),
    b"cHRM": struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
}

Cicp = tuple[int, int, int, int]  # primaries, transfer function, matrix, full range


def read_profile(file: TaggedFile, mode: str) -> tuple[bytes | None, str | None]:
    """The colour profile, if it fits the colours that the picture now has, and a note if it does not."""
    content = file.info.get("icc_profile")
    if not content or file.mode in ("CMYK", "LAB"):  # they were converted to sRGB
        return None, None
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(content)).profile
        space = opened.xcolor_space.strip()
    except (ImageCms.PyCMSError, OSError):
        return None, "its colour profile is damaged and left out"
    if file.format == "JXL" and (opened.profile_description or "").strip() in _PROFILES_OF_JXL:
        return None, None  # its decoder makes a profile for every file that has none
    expected = "RGB" if mode.startswith("RGB") else "GRAY"
    if space != expected:
        return None, f"its colour profile is one of {space}, not {expected}, and left out"
    return content, None


def in_srgb(samples: np.ndarray, profile: bytes) -> np.ndarray | None:
    """Colours of a profile as those of sRGB; None if the profile is one of sRGB already, or can't be computed with.

    Args:
        samples: uint8 or uint16 `[H, W, 3]`.
        profile: ICC, of RGB.
    """
    import imagecodecs  # takes a moment

    if "srgb" in (ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.profile_description or "").lower():
        return None
    try:
        return np.asarray(imagecodecs.cms_transform(samples, profile, imagecodecs.cms_profile("srgb"), colorspace="rgb"))
    except (RuntimeError, ValueError):
        return None


def is_linear(profile: bytes | None) -> bool:
    """Whether a profile is the one of linear light that a JPEG XL can name."""
    return profile is not None and ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.profile_description in _LINEAR_PROFILES


def read_labels(file: TaggedFile, stream: BinaryIO) -> tuple[Cicp | None, tuple[tuple[bytes, bytes], ...]]:
    """The label of the colours, and PNG's cHRM and gAMA, where one is not that of sRGB."""
    chunks = dict(_png_chunks(stream)) if file.format == "PNG" else {}
    described = tuple((kind, content) for kind, content in chunks.items() if kind in _SRGB_CHUNKS)
    # Both of them: browsers take the one only with the other.
    is_srgb = all(content == _SRGB_CHUNKS[kind] for kind, content in described)
    return _cicp(file, chunks, stream), () if is_srgb else described


def _cicp(file: TaggedFile, chunks: dict[bytes, bytes], stream: BinaryIO) -> Cicp | None:
    """The label of the colours, where it is not that of sRGB."""
    found: Cicp | None = None
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


def _nclx(stream: BinaryIO) -> Cicp | None:
    stream.seek(0)
    head = stream.read(65536)
    place = head.find(b"colrnclx") + 8
    if place < 8 or place + 7 > len(head):
        return None
    primaries, transfer, matrix = struct.unpack_from(">HHH", head, place)
    return primaries, transfer, matrix, head[place + 6] >> 7


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
