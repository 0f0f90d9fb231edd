"""Pictures that are written row by row are those that Pillow writes as a whole."""

import io
import pathlib
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from sr_keras.photos import (
    metadata,
    picture,
    picture_reader,
    picture_writer,
    png_bands,
    raster,
    rgb,
    row_bands,
    row_writer,
    tiff_writer,
)
from sr_keras.photos.metadata_parts.exif import Exif
from sr_keras.photos.picture import Picture
from sr_keras.photos.raster import Raster
from sr_keras.photos.rows import Layout, layout_of, pieces

# Full colours, as all of ours have.
JPEG = {"quality": 90, "subsampling": "4:4:4", "comment": b"one comment"}
SIZES = [(1, 1), (1, 200), (300, 1), (65, 64), (33, 129), (40, 700)]


@pytest.fixture(autouse=True)
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if pictures were large."""
    monkeypatch.setattr(row_bands, "_BAND_BYTES", 1)


def photo(width: int, height: int, bands: int) -> Image.Image:
    """Smooth, with some noise."""
    rng = np.random.default_rng(0)
    y, x, band = np.ogrid[:height, :width, :bands]
    levels = 127 + 100 * np.sin(x / 9 + band) * np.cos(y / 7) + rng.normal(0, 3, (height, width, bands))
    samples = np.clip(levels, 0, 255).astype(np.uint8)
    return Image.fromarray(samples[..., 0] if bands == 1 else samples)


def written(frame: Image.Image, file_format: str, options: dict[str, Any], pieces: int = 50) -> bytes:
    stream = io.BytesIO()
    with row_writer.opened(stream, Layout(frame.mode, *frame.size), file_format, options) as put:
        samples = np.asarray(frame)
        for top in range(0, len(samples), pieces):
            rows = samples[top : top + pieces].copy()
            put(rows)
            rows[:] = 0  # the memory of rows that were taken is free for others
    return stream.getvalue()


def by_pillow(frame: Image.Image, file_format: str, options: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    frame.save(stream, file_format, **options)
    return stream.getvalue()


def samples(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as file:
        return np.asarray(file)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bands", [1, 3])
def test_a_jpeg_has_the_pixels_of_pillows_own(size: tuple[int, int], bands: int) -> None:
    frame = photo(*size, bands)
    content = written(frame, "JPEG", JPEG)
    np.testing.assert_array_equal(samples(content), samples(by_pillow(frame, "JPEG", JPEG)))
    assert content.count(b"one comment") == 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_a_png_has_every_pixel_and_pillows_own_chunks(size: tuple[int, int], bands: int) -> None:
    frame = photo(*size, bands)
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "a photo")
    options = {"pnginfo": info, "dpi": (300, 300)}
    content, like = written(frame, "PNG", options), by_pillow(frame, "PNG", options)
    np.testing.assert_array_equal(samples(content), np.asarray(frame))
    ours, theirs = ([chunk for kind, chunk in png_bands.chunks(each) if kind != b"IDAT"] for each in (content, like))
    assert ours == theirs
    # Pillow does not read what ends the stream of pixels.
    import imagecodecs

    np.testing.assert_array_equal(imagecodecs.png_decode(content).squeeze(), np.asarray(frame).squeeze())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_a_deep_png_has_every_value(size: tuple[int, int], bands: int) -> None:
    import imagecodecs

    rng = np.random.default_rng(0)
    steps = rng.integers(-300, 300, (*size[::-1], bands)).cumsum(axis=1)
    frame = Raster((30_000 + steps).astype(np.uint16), 3 if bands > 2 else 1, bands in (2, 4))
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "a photo")
    stream = io.BytesIO()
    with row_writer.opened(stream, layout_of(frame), "PNG", {"pnginfo": info, "dpi": (300, 300)}) as put:
        for piece in pieces(frame):
            put(piece)
    np.testing.assert_array_equal(np.atleast_3d(imagecodecs.png_decode(stream.getvalue())), frame.samples)
    kinds = [kind for kind, _ in png_bands.chunks(stream.getvalue())]
    assert {b"IHDR", b"pHYs", b"tEXt", b"IEND"} <= set(kinds)
    if min(size) > 32:
        assert len(stream.getvalue()) < 0.95 * frame.samples.nbytes


def test_what_repeats_itself_is_not_much_larger_than_in_pillows_own(monkeypatch: pytest.MonkeyPatch) -> None:
    # It repeats itself, which in photos nothing does.
    monkeypatch.setattr(row_bands, "_BAND_BYTES", 2**20)
    tile = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    frame = Image.fromarray(np.tile(tile, (40, 40, 1)))
    assert len(written(frame, "PNG", {})) < 1.3 * len(by_pillow(frame, "PNG", {}))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("file_format", picture_writer.ROW_FORMATS, ids=lambda each: each.name)
def test_what_belongs_to_a_picture_is_in_a_file_of_rows_too(
    tmp_path: pathlib.Path, mode: str, file_format: picture.Format
) -> None:
    frame = photo(90, 200, len(mode))
    exif: Exif = {0: {271: "A maker", 282: 72.0, 283: 72.0, 296: 2}, 34665: {33434: 0.01}}
    kept = metadata.Metadata(exif=exif, dpi=(72.0, 72.0), xmp=b"<x:xmpmeta/>")
    content = Picture((frame,), metadata=kept)
    whole, rows = tmp_path / "whole", tmp_path / "rows"
    picture_writer.write(whole, content, file_format)
    with picture_writer.rows_written(rows, content, Layout(mode, *frame.size), file_format) as put:
        for piece in pieces(frame):
            put(piece)
    read, expected = picture_reader.read(rows), picture_reader.read(whole)
    assert read.metadata == expected.metadata
    assert read.metadata.exif[0][271] == b"A maker"
    np.testing.assert_array_equal(np.asarray(read.frames[0]), np.asarray(expected.frames[0]))


@pytest.mark.parametrize("compression", [1, 5, 8, 50000, None])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_of_rows_has_every_pixel(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, compression: int | None, bands: int, bits: int
) -> None:
    monkeypatch.setattr(tiff_writer, "_STRIP_BYTES", 1000)
    picture_of_8_bits = photo(50, 133, bands)
    frame = picture_of_8_bits if bits == 8 else raster.of_image(picture_of_8_bits)
    content = Picture((frame,), metadata=metadata.Metadata(dpi=(72.0, 72.0)), tiff_compression=compression)
    with picture_writer.rows_written(tmp_path / "a.tif", content, layout_of(frame), picture.TIFF) as put:
        for piece in pieces(frame):
            put(piece)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert int(tiff.pages.first.compression) == (compression or 8)
        found = tiff.asarray()
    np.testing.assert_array_equal(found, np.asarray(picture_of_8_bits).astype(found.dtype) * (257 if bits == 16 else 1))
    assert found.dtype.itemsize == bits // 8
    if compression != 50000 and bits == 8:  # libtiff inside Pillow may lack it
        with Image.open(tmp_path / "a.tif") as file:
            np.testing.assert_array_equal(np.asarray(file), np.asarray(picture_of_8_bits))


def test_rows_that_cannot_be_computed_leave_no_file(tmp_path: pathlib.Path) -> None:
    target = tmp_path / "photo.png"
    target.write_bytes(b"precious")
    content = Picture((photo(8, 8, 3),))
    with (
        pytest.raises(ValueError, match="not finite"),
        picture_writer.rows_written(target, content, Layout("RGB", 8, 200), picture.PNG, overwrite=True) as put,
    ):
        put(np.zeros((100, 8, 3), np.uint8))
        raise ValueError("not finite")
    assert target.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [target]


def test_a_name_that_was_taken_meanwhile_is_kept(tmp_path: pathlib.Path) -> None:
    target = tmp_path / "photo.png"
    content = Picture((photo(8, 8, 3),))
    with (
        pytest.raises(rgb.NameTakenError),
        picture_writer.rows_written(target, content, Layout("RGB", 8, 8), picture.PNG) as put,
    ):
        put(np.zeros((8, 8, 3), np.uint8))
        target.write_bytes(b"of another run")
    assert target.read_bytes() == b"of another run"
