"""More than 8 bits a channel in formats of which Pillow, or its plugin, reads and writes 8, or scrambles the others."""

import dataclasses
import io
import re
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image

from sr_keras.photos import jxl_head
from sr_keras.photos.metadata_parts import exif
from sr_keras.photos.raster import Raster, are_shares, upright

FORMATS = frozenset({"PNG", "JPEG2000", "AVIF", "HEIF", "JXL", "PPM"})

# Of a PPM: the kind, width, height and white; between them may be comments.
_PPM_HEAD = re.compile(rb"P([36])" + 3 * rb"(?:\s|#[^\n]*\n)+(\d+)" + rb"\s")


def bits(file: Image.Image, stream: BinaryIO) -> int:
    """Bits a channel of a file that is open; 8 where nothing says more."""
    if file.format == "HEIF":
        return int(file.info.get("bit_depth", 8))
    if file.format == "JXL":
        return jxl_head.read(stream).bits
    if file.format == "TIFF":
        of_samples = file.getexif().get(ExifTags.Base.BitsPerSample, 8)
        return int(max(of_samples) if isinstance(of_samples, tuple) else of_samples)
    if file.format not in FORMATS:
        return 8
    place = stream.tell()  # some of Pillow's decoders read on from where the stream is
    stream.seek(0)
    head = stream.read(65536)
    stream.seek(place)
    return _bits(head, file.format)


def _bits(head: bytes, file_format: str) -> int:
    if file_format == "PNG" and head[12:16] == b"IHDR":
        return head[24]
    if file_format == "JPEG2000":
        place = head.find(b"\xff\x51") + 40  # the size marker, up to the first component's depth
        return (head[place] & 0x7F) + 1 if 40 <= place < len(head) else 8
    if file_format == "AVIF":
        place = head.find(b"av1C") + 6
        flags = head[place] if 6 <= place < len(head) else 0
        return 12 if flags & 0x20 else 10 if flags & 0x40 else 8
    found = _PPM_HEAD.match(head)
    return 16 if found and int(found[4]) > 255 else 8


def read(stream: BinaryIO, file_format: str, depth: int, transparent: object = None) -> Raster:
    """Decodes the first picture of a file that has more than 8 bits, to 16; to float32 where they are floating-point.

    Args:
        stream: of the file.
        file_format: one of `FORMATS`.
        depth: as `bits` gave it.
        transparent: of a PNG, the tone or the colour that is transparent.

    Raises:
        Exception: it is damaged.
    """
    stream.seek(0)
    samples = _decoder(file_format)(stream.read())
    samples = samples[..., np.newaxis] if samples.ndim == 2 else samples
    if samples.dtype.kind == "u" and depth < 16:
        samples = np.rint(samples * (65535 / (2**depth - 1))).astype(np.uint16)
    colours = 3 if samples.shape[2] in (3, 4) else 1
    alpha = samples.shape[2] in (2, 4)
    if transparent is not None and not alpha:
        hidden = (samples == np.asarray(transparent)).all(axis=2, keepdims=True)
        samples, alpha = np.concatenate([samples, np.where(hidden, 0, 65535).astype(np.uint16)], axis=2), True
    return Raster(np.ascontiguousarray(samples), colours, alpha and are_shares(samples[..., -1]))


def read_upright(file: Image.Image, stream: BinaryIO, depth: int) -> Raster:
    """`read` a file that Pillow has opened, turned as its EXIF says."""
    assert file.format is not None  # it was opened
    raster = read(stream, file.format, depth, file.info.get("transparency") if file.format == "PNG" else None)
    # The decoders of these two turn it themselves.
    orientation = 1 if file.format in ("HEIF", "JXL") else exif.orientation(file)
    return dataclasses.replace(raster, samples=upright(raster.samples, orientation))


def _decoder(file_format: str) -> Callable[[bytes], np.ndarray]:
    if file_format == "HEIF":
        return _decoded_heif
    if file_format == "PPM":
        return _decoded_ppm
    import imagecodecs  # takes a moment

    decoders: dict[str, Callable[[bytes], np.ndarray]] = {
        "PNG": imagecodecs.png_decode,
        "JPEG2000": imagecodecs.jpeg2k_decode,
        "AVIF": imagecodecs.avif_decode,
        "JXL": imagecodecs.jpegxl_decode,
    }
    return decoders[file_format]


def _decoded_heif(content: bytes) -> np.ndarray:
    import pillow_heif

    file = pillow_heif.open_heif(io.BytesIO(content), convert_hdr_to_8bit=False)
    # Its lowest bits are zero.
    samples: np.ndarray = np.asarray(file) >> (16 - int(file.info["bit_depth"]))
    return samples


def _decoded_ppm(content: bytes) -> np.ndarray:
    head = _PPM_HEAD.match(content)
    assert head is not None  # `bits` saw to that
    width, height, white = map(int, head.groups()[1:])
    size = 3 * width * height
    if head[1] == b"6":
        samples = np.frombuffer(content, ">u2", size, head.end())
    else:
        samples = np.array(content[head.end() :].split()[:size], int)
    return np.asarray(np.rint(np.minimum(samples, white).reshape(height, width, 3) * (65535 / white)), np.uint16)


def write_heif(target: BinaryIO, raster: Raster, options: Mapping[str, Any]) -> None:
    """Writes uint16 samples of 1 to 4 bands, with 10 bits.

    Args:
        target: where to.
        raster: colours and perhaps transparency.
        options: what its plugin is told to write beside 8 bits.
    """
    import pillow_heif

    # It has no greyscale with transparency.
    samples = raster.samples[..., [0, 0, 0, 1]] if raster.bands == 2 else raster.samples
    mode = {1: "L;16", 3: "RGB;16", 4: "RGBA;16"}[samples.shape[2]]
    file = pillow_heif.from_bytes(mode, raster.size, np.ascontiguousarray(samples).tobytes())
    file.info["icc_profile"] = options.get("icc_profile")
    file.save(target, format="HEIF", **{name: value for name, value in options.items() if name not in ("icc_profile", "dpi")})
