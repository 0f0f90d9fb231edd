"""Pictures of every mode: what they become, and what a format can't hold."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image

from sr_keras.photos import picture_reader, raster
from sr_keras.photos.metadata import Metadata
from sr_keras.photos.picture import FORMATS, Frame, Picture, fitted
from tests.photos.in_memory import SRGB, deep, only, reopened, saved


def png(bits: int, colour_type: int, channels: int) -> io.BytesIO:
    """A PNG of a kind that Pillow can't write: 2x2 pixels, all numbers 0."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 2, 2, bits, colour_type, 0, 0, 0)
    rows = 2 * (b"\0" + bytes(2 * channels * bits // 8))
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + content)


@pytest.mark.parametrize(
    "mode, file_format, becomes",
    [
        ("1", "PNG", "L"),
        ("L", "JPEG", "L"),
        ("L", "GIF", "L"),
        ("LA", "PNG", "LA"),
        ("P", "PNG", "RGB"),
        ("RGB", "BMP", "RGB"),
        ("RGBA", "WEBP", "RGBA"),
        ("RGBA", "TIFF", "RGBA"),
        ("CMYK", "JPEG", "RGB"),
        ("CMYK", "TIFF", "RGB"),
        ("YCbCr", "JPEG", "RGB"),
    ],
)
def test_every_mode_becomes_one_of_a_few(coloured: Image.Image, mode: str, file_format: str, becomes: str) -> None:
    source = coloured.convert(mode)
    if mode == "RGBA":  # or WebP leaves it away
        source.putalpha(Image.linear_gradient("L").resize(coloured.size))
    picture = picture_reader.read(saved(source, file_format))
    assert (only(picture).mode, only(picture).size) == (becomes, coloured.size)
    notes = {"CMYK": ("CMYK became RGB",), "1": ("1 bit a pixel became greyscale",)}
    assert picture.notes == notes.get(mode, ())


def test_a_grey_palette_is_greyscale(grey: Image.Image) -> None:
    frame = only(picture_reader.read(saved(grey.convert("P"))))
    assert frame.mode == "L"
    np.testing.assert_array_equal(frame, grey)


@pytest.mark.parametrize("transparent, mode", [((9, 9, 9), "RGBA"), (9, "LA")])
def test_a_transparent_colour_becomes_transparency(
    coloured: Image.Image, transparent: int | tuple[int, int, int], mode: str
) -> None:
    source = (coloured if mode == "RGBA" else coloured.convert("L")).copy()
    source.putpixel((3, 2), transparent)
    frame = only(picture_reader.read(saved(source, transparency=transparent)))
    assert frame.mode == mode
    assert np.asarray(frame)[2, 3:5, -1].tolist() == [0, 255]


def test_16_bit_greyscale_keeps_every_number(rng: np.random.Generator) -> None:
    numbers = rng.integers(0, 65536, (8, 12), dtype=np.uint16)
    for file_format in ("PNG", "TIFF", "PPM"):
        picture = picture_reader.read(saved(Image.fromarray(numbers), file_format))
        for suffix in (".png", ".tif"):
            np.testing.assert_array_equal(np.asarray(reopened(picture, suffix)), numbers)
        np.testing.assert_array_equal(np.asarray(reopened(picture, ".bmp")), np.rint(numbers / 257))


@pytest.mark.parametrize("suffix", [".webp", ".avif", ".gif"])
def test_16_bit_greyscale_keeps_its_tones_where_8_bits_are_held(suffix: str) -> None:
    """Pillow would write all of them but the darkest as white."""
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (16, 1))
    written = reopened(picture_reader.read(saved(Image.fromarray(ramp))), suffix).convert("L")
    np.testing.assert_allclose(np.asarray(written).mean(axis=0), ramp[0] / 257, atol=8)


@pytest.mark.parametrize("colour_type, channels", [(2, 3), (4, 2), (6, 4)])
def test_16_bit_colour_is_read_as_such(colour_type: int, channels: int) -> None:
    picture = picture_reader.read(png(16, colour_type, channels))
    assert picture.notes == ()
    frame = deep(picture)
    assert (frame.samples.shape, frame.samples.dtype.name) == ((2, 2, channels), "uint16")
    assert (frame.colours, frame.alpha) == (3 if colour_type & 2 else 1, colour_type >= 4)


DEEP = (".png", ".tif", ".tiff", ".heic", ".avif", ".jxl")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "16 bits"])
def test_what_a_format_cannot_hold_is_said(grey: Image.Image, suffix: str, mode: str) -> None:
    frame: Frame = raster.of_image(grey)
    if mode != "16 bits":
        frame = grey.convert(mode)
        if mode in ("LA", "RGBA"):
            frame.putalpha(128)
    source = Picture((frame,), metadata=Metadata({0: {ExifTags.Base.Make: b"Maker"}}, SRGB))
    notes = " ".join(fitted(source, FORMATS[suffix]).notes)
    assert ("16-bit greyscale became 8-bit" in notes) == (mode == "16 bits" and suffix not in DEEP)
    assert ("what was transparent became white" in notes) == (mode in ("LA", "RGBA") and suffix in (".jpg", ".jpeg", ".bmp"))
    assert ("EXIF and colour profile are left out" in notes) == (suffix in (".bmp", ".gif"))


def test_transparent_becomes_white_where_there_is_no_transparency(coloured: Image.Image) -> None:
    rgba = coloured.convert("RGBA")
    rgba.putalpha(0)
    result = reopened(Picture((rgba,)), ".bmp")
    assert np.asarray(result).min() == 255


def test_a_transparent_tone_of_16_bits_becomes_transparency(rng: np.random.Generator) -> None:
    numbers = rng.integers(10, 65536, (8, 12), dtype=np.uint16)
    numbers[3, 4] = 9
    frame = deep(picture_reader.read(saved(Image.fromarray(numbers), transparency=9)))
    assert frame.alpha
    assert (frame.samples[..., 1] == 0).sum() == 1
    assert frame.samples[3, 4].tolist() == [9, 0]
