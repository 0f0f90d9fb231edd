"""What each command does with each kind of file, as one table, which docs/formats.md shows.

After a change: python -m tests.test_formats_table
"""

import io
import pathlib
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageChops

from data_prep import convert_rgb
from sr_keras.photos import picture_reader, picture_writer, rgb
from sr_keras.photos.picture import FORMATS, Frame, Picture, fitted, suffix_of
from sr_keras.photos.raster import Raster
from sr_keras.upscaling import enlarge
from sr_keras.upscaling.target import Target
from tests.conftest import ROOT
from tests.upscaling.making import Repeater

PAGE = ROOT / "docs" / "formats.md"
BEGIN, END = "<!-- The table is written by tests/test_formats_table.py. -->\n", "<!-- Its end. -->\n"

TONES = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
FINE = np.random.default_rng(0).integers(0, 65536, (48, 64, 4), dtype=np.uint16)
FINE_RGB = np.ascontiguousarray(FINE[..., :3])
PHOTO = Image.fromarray(TONES)
RGBA = Image.merge("RGBA", (*PHOTO.split(), Image.linear_gradient("L").resize(PHOTO.size)))


def saved(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def animated(file_format: str) -> bytes:
    return saved(RGBA, file_format, save_all=True, append_images=[RGBA.rotate(180)], duration=80)


def tiff(samples: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, metadata=None, software=False, **options)
    return buffer.getvalue()


def plain_cmyk() -> bytes:
    content = saved(ImageChops.invert(PHOTO.convert("CMYK")), "JPEG")  # Pillow writes what the marker asks for
    place = content.index(b"\xff\xee")
    return content[:place] + content[place + 16 :]


def ten_bit_heic() -> bytes:
    buffer = io.BytesIO()
    picture_writer.write(buffer, Picture((Raster(FINE_RGB, 3),)), FORMATS[".heic"])
    return buffer.getvalue()


def pages() -> bytes:
    return saved(PHOTO, "TIFF", save_all=True, append_images=[PHOTO])


HEIGHTS = np.linspace(100, 500, 48 * 64, dtype=np.float32).reshape(48, 64)
HOLED = np.where(HEIGHTS < 120, np.float32(-9999), HEIGHTS)
AS_RGB = {"photometric": "rgb"}

# What it is, its suffix, and how it is made.
KINDS: list[tuple[str, str, Callable[[], bytes]]] = [
    ("JPEG", ".jpg", lambda: saved(PHOTO, "JPEG")),
    ("JPEG, greyscale", ".jpg", lambda: saved(PHOTO.convert("L"), "JPEG")),
    ("JPEG, CMYK", ".jpg", lambda: saved(PHOTO.convert("CMYK"), "JPEG")),
    ("JPEG, CMYK without Adobe's marker", ".jpg", plain_cmyk),
    ("JPEG with a second picture (MPO)", ".jpg", lambda: saved(PHOTO, "MPO", save_all=True, append_images=[PHOTO])),
    ("PNG", ".png", lambda: saved(PHOTO, "PNG")),
    ("PNG, transparent", ".png", lambda: saved(RGBA, "PNG")),
    ("PNG, palette", ".png", lambda: saved(PHOTO.quantize(16), "PNG")),
    ("PNG, 16-bit greyscale", ".png", lambda: saved(Image.fromarray(FINE[..., 0]), "PNG")),
    ("PNG, 16-bit colour", ".png", lambda: bytes(imagecodecs.png_encode(FINE_RGB))),
    ("PNG, animated", ".png", lambda: animated("PNG")),
    ("GIF", ".gif", lambda: saved(PHOTO.quantize(16), "GIF")),
    ("WebP", ".webp", lambda: saved(PHOTO, "WEBP")),
    ("WebP, animated", ".webp", lambda: animated("WEBP")),
    ("AVIF", ".avif", lambda: saved(PHOTO, "AVIF")),
    (
        "AVIF, 10 bits, high dynamic range (PQ)",
        ".avif",
        lambda: bytes(imagecodecs.avif_encode(FINE_RGB >> 6, bitspersample=10, primaries=9, transfer=16, matrix=9)),
    ),
    ("HEIC", ".heic", lambda: saved(PHOTO, "HEIF")),
    ("HEIC, 10 bits", ".heic", ten_bit_heic),
    ("JPEG XL", ".jxl", lambda: saved(PHOTO, "JXL")),
    ("JPEG XL, 16 bits", ".jxl", lambda: bytes(imagecodecs.jpegxl_encode(FINE_RGB, lossless=True))),
    ("JPEG 2000", ".jp2", lambda: saved(PHOTO, "JPEG2000")),
    ("JPEG 2000, 16 bits", ".jp2", lambda: bytes(imagecodecs.jpeg2k_encode(FINE_RGB))),
    ("BMP", ".bmp", lambda: saved(PHOTO, "BMP")),
    ("TGA", ".tga", lambda: saved(PHOTO, "TGA")),
    ("PPM", ".ppm", lambda: saved(PHOTO, "PPM")),
    ("PPM, 16 bits", ".ppm", lambda: b"P6 64 48 65535\n" + FINE_RGB.astype(">u2").tobytes()),
    ("DDS", ".dds", lambda: saved(PHOTO, "DDS")),
    ("TIFF", ".tif", lambda: saved(PHOTO, "TIFF")),
    ("TIFF, 1 bit (a fax)", ".tif", lambda: saved(PHOTO.convert("1"), "TIFF", compression="group4")),
    ("TIFF, several pages", ".tif", pages),
    ("TIFF, CMYK", ".tif", lambda: saved(PHOTO.convert("CMYK"), "TIFF")),
    ("TIFF, 16-bit colour", ".tif", lambda: tiff(FINE_RGB, **AS_RGB)),
    ("TIFF, 16-bit colour, planar", ".tif", lambda: tiff(np.moveaxis(FINE_RGB, 2, 0), planarconfig="separate", **AS_RGB)),
    ("TIFF, 16 bits, min is white", ".tif", lambda: tiff(FINE[..., 0], photometric="miniswhite")),
    ("TIFF, colour and near infrared", ".tif", lambda: tiff(FINE, extrasamples=[0], **AS_RGB)),
    ("TIFF, 10 bands", ".tif", lambda: tiff(np.tile(FINE, 3)[..., :10], photometric="minisblack", planarconfig="contig")),
    ("TIFF, 12 bits in 16", ".tif", lambda: tiff(FINE[..., 0] >> 4)),
    ("TIFF, signed 16 bits", ".tif", lambda: tiff((FINE[..., 0] // 4).astype(np.int16) - 1000)),
    ("TIFF, floating-point heights", ".tif", lambda: tiff(HEIGHTS)),
    (
        "TIFF, heights with missing values",
        ".tif",
        lambda: tiff(HOLED, extratags=[(42113, "s", 0, "-9999", True)]),
    ),
    ("TIFF, complex numbers", ".tif", lambda: tiff(HEIGHTS.astype(np.complex64))),
    (
        "camera raw, as far as LibRaw can't develop it",
        ".dng",
        lambda: tiff(TONES, photometric="rgb", subfiletype=1, extratags=[(50706, 1, 4, (1, 4, 0, 0), True)]),
    ),
    ("a text with a picture's name", ".png", lambda: b"no picture"),
]


def table() -> str:
    """In Markdown."""
    rows = ["| file | `upscale.py` writes | and says | `train.py` | `convert_rgb.py` |", "| --- | --- | --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as folder:
        for number, (kind, suffix, make) in enumerate(KINDS):
            path = pathlib.Path(folder, str(number), f"photo{suffix}")
            path.parent.mkdir()
            path.write_bytes(make())
            rows.append(f"| {kind} | {' | '.join([*upscaled(path), trained(path), converted(path)])} |")
    return "\n".join(rows) + "\n"


def upscaled(path: pathlib.Path) -> tuple[str, str]:
    try:
        picture = picture_reader.read(path)
        suffix = suffix_of(picture)
        larger = enlarge.enlarge(fitted(picture, FORMATS[suffix]), Repeater(), Target(scale=2))
        picture_writer.write(path.with_name(f"large{suffix}"), larger, FORMATS[suffix])
        result = picture_reader.read(path.with_name(f"large{suffix}"))
        path.with_name(f"large{suffix}").unlink()
        return f"{FORMATS[suffix].name}, {described(result.frames[0])}", "; ".join(larger.notes)
    except rgb.PhotoError as error:
        return "refused", reason(error, path)


def described(frame: Frame) -> str:
    if isinstance(frame, Raster):
        kind = {"u": "", "i": " signed", "f": " floating-point"}[frame.samples.dtype.kind]
        bands = (
            "colour" if frame.colours == 3 and frame.bands == 3 else f"{frame.bands} bands" if frame.bands > 1 else "greyscale"
        )
        return f"{frame.bits}-bit{kind} {bands}"
    return {"L": "greyscale", "LA": "greyscale and alpha", "RGB": "colour", "RGBA": "colour and alpha"}[frame.mode]


def trained(path: pathlib.Path) -> str:
    if path.suffix not in rgb.PHOTO_SUFFIXES:
        return "passed over, counted"
    content = path.read_bytes()
    try:
        rgb.read_photo(path)
    except rgb.PhotoError as error:
        return f"skipped: {reason(error, path)}"
    return "16-bit colour" if np.any(rgb.decode_photo_to_16_bits(content, "") % 257) else "8-bit colour"


def converted(path: pathlib.Path) -> str:
    """In place, without --lossy."""
    if path.suffix not in rgb.PHOTO_SUFFIXES:
        return "passed over, counted"
    task = convert_rgb.Task(path, path, path.with_suffix(".jpg"), None)
    outcome = convert_rgb.convert(task, dry_run=True, lossy=False)
    if outcome.kind == convert_rgb.RGB_ALREADY:
        return "RGB already"
    if outcome.kind == convert_rgb.CONVERTED:
        return "becomes an RGB JPEG"
    said = str(outcome.line).removeprefix(f"{path}: ")
    return said if said.startswith("left alone") else f"left alone: {said}"


def reason(error: Exception, path: pathlib.Path) -> str:
    return str(error).removeprefix(f"{path}: ")


def test_the_page_shows_what_is_done() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.partition(BEGIN)[2].partition(END)[0] == table(), f"see {__name__}"


if __name__ == "__main__":
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}{table()}{END}{rest.partition(END)[2]}", encoding="utf-8")
    sys.exit(0)
