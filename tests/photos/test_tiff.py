"""TIFF: bands and samples of every type come back as they were."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from sr_keras.photos import picture_reader, picture_writer, raster, rgb
from sr_keras.photos.picture import FORMATS, Picture, fitted
from tests.photos.in_memory import deep, only, rewritten, tiff


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_16_bit_colour_of_a_tiff_stays(values: np.ndarray, planar: str) -> None:
    samples = values if planar == "contig" else np.moveaxis(values, 2, 0)
    picture = picture_reader.read(tiff(samples, photometric="rgb", planarconfig=planar))
    for suffix in (".tif", ".png"):
        np.testing.assert_array_equal(deep(rewritten(picture, suffix)).samples, values)
    np.testing.assert_array_equal(np.asarray(only(rewritten(picture, ".bmp"))), np.rint(values / 257))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"])
@pytest.mark.parametrize("bands", [1, 4, 10])
def test_samples_of_every_type_come_back_from_a_tiff(rng: np.random.Generator, dtype: str, bands: int) -> None:
    samples = rng.integers(0, 200, (8, 12, bands)).astype(dtype) - (100 if dtype[0] in "if" else 0)
    several = {"planarconfig": "contig"} if bands > 1 else {}
    picture = picture_reader.read(tiff(samples if bands > 1 else samples[..., 0], photometric="minisblack", **several))
    if dtype == "uint8" and bands == 1:
        np.testing.assert_array_equal(np.asarray(only(picture)), samples[..., 0])
        return
    back = deep(rewritten(picture, ".tif")).samples
    assert back.dtype == samples.dtype
    np.testing.assert_array_equal(back, samples.astype(dtype))


def test_min_is_white_is_no_negative(values: np.ndarray) -> None:
    picture = picture_reader.read(tiff(values[..., 0], photometric="miniswhite"))
    np.testing.assert_array_equal(deep(picture).samples[..., 0], 65535 - values[..., 0])


def test_min_is_white_of_values_that_are_kept_is_said(rng: np.random.Generator) -> None:
    values = rng.random((8, 12), np.float32)
    picture = picture_reader.read(tiff(values, photometric="miniswhite"))
    np.testing.assert_array_equal(deep(picture).samples[..., 0], values)
    assert picture.notes == ("its lowest values were white; the values are kept, and now the highest are",)


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_a_big_tiff_is_read_with_its_metadata_or_says_so(values: np.ndarray, byteorder: str) -> None:
    """Of 64-bit offsets, as large maps are."""
    options = {"bigtiff": True, "byteorder": byteorder, "software": False, "extratags": [(315, "s", 0, "me", True)]}
    picture = picture_reader.read(tiff(values.astype(f"{byteorder}u2"), photometric="rgb", **options))
    np.testing.assert_array_equal(deep(picture).samples, values)
    levels = (values >> 8).astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(only(picture_reader.read(tiff(levels, photometric="rgb", **options)))), levels)
    if byteorder == "<":
        assert picture.metadata.exif == {0: {315: b"me"}}
    else:  # which Pillow does not know
        assert picture.notes == ("its metadata can't be read and is left out",)


def test_a_fourth_band_is_kept_and_named_where_it_is_not(rng: np.random.Generator) -> None:
    samples = rng.integers(0, 256, (8, 12, 4), dtype=np.uint8)
    picture = picture_reader.read(tiff(samples, photometric="rgb", extrasamples=[0]))
    np.testing.assert_array_equal(deep(rewritten(picture, ".tif")).samples, samples)
    assert fitted(picture, FORMATS[".png"]).notes == ("a further band is left out (PNG holds colours and transparency)",)
    np.testing.assert_array_equal(np.asarray(only(rewritten(picture, ".png"))), samples[..., :3])


def test_values_without_tones_are_scaled_by_their_range_where_a_format_holds_tones_alone() -> None:
    heights = np.linspace(100, 500, 96, dtype=np.float32).reshape(8, 12)
    fitting = fitted(picture_reader.read(tiff(heights)), FORMATS[".png"])
    assert fitting.notes == ("32-bit floating-point greyscale, 100 to 500, became 16-bit (PNG holds no more)",)
    tones = deep(fitting).samples[..., 0]
    assert (tones.min(), tones.max(), len(np.unique(tones))) == (0, 65535, 96)


def test_missing_values_are_named_and_come_back() -> None:
    heights = np.full((8, 12), 1300, np.float32)
    heights[2, 3] = -9999
    picture = picture_reader.read(tiff(heights, extratags=[(42113, "s", 0, "-9999", True)]))
    assert deep(picture).missing == -9999
    assert deep(rewritten(picture, ".tif")).missing == -9999
    assert "1 pixels without a value became black (PNG holds no more)" in fitted(picture, FORMATS[".png"]).notes


@pytest.mark.parametrize("bands", [2, 4])
def test_colours_that_were_multiplied_by_transparency_are_so_no_more(rng: np.random.Generator, bands: int) -> None:
    samples = rng.integers(0, 65536, (8, 12, bands), dtype=np.uint16)
    samples[..., -1] |= 0x8000
    multiplied = samples.copy()
    multiplied[..., :-1] = np.rint(samples[..., :-1] * (samples[..., -1:] / 65535))
    kind = {"photometric": "rgb" if bands == 4 else "minisblack", "planarconfig": "contig", "extrasamples": [1]}
    read = deep(picture_reader.read(tiff(multiplied, **kind))).samples
    np.testing.assert_allclose(read.astype(int), samples, atol=2)


@pytest.mark.parametrize("kind", [1, 2])
def test_transparency_of_floats_is_transparency(rng: np.random.Generator, kind: int) -> None:
    samples = rng.random((8, 12, 4), np.float32)
    samples[:2, :, 3] = 0
    stored = samples.copy()
    if kind == 1:
        stored[..., :3] *= stored[..., 3:]
    picture = picture_reader.read(tiff(stored, photometric="rgb", extrasamples=[kind]))
    assert deep(picture).alpha
    shown = samples[..., 3] > 0
    np.testing.assert_allclose(deep(picture).samples[shown], samples[shown], rtol=1e-5)
    for suffix in (".tif", ".png"):
        frame = deep(rewritten(picture, suffix))
        assert frame.alpha
        np.testing.assert_allclose(frame.samples[shown] / raster.white(frame.samples.dtype), samples[shown], atol=1e-5)


def test_a_band_beyond_white_is_no_transparency(rng: np.random.Generator) -> None:
    samples = rng.random((8, 12, 4), np.float32)
    samples[..., 3] *= 100
    frame = deep(rewritten(picture_reader.read(tiff(samples, photometric="rgb", extrasamples=[2])), ".tif"))
    assert not frame.alpha
    np.testing.assert_array_equal(frame.samples, samples)


def test_cmyk_of_16_bits_says_that_it_became_8(rng: np.random.Generator) -> None:
    content = tiff(rng.integers(0, 65536, (8, 12, 4), dtype=np.uint16), photometric="separated", planarconfig="contig")
    picture = picture_reader.read(content)
    assert picture.notes[0] == "CMYK became RGB; 16 bits a channel became 8"
    assert rgb.decode_photo(content.getvalue(), "").shape == (8, 12, 3)


@pytest.mark.parametrize("dtype, mark", [("int16", -32768), ("float32", -9999), ("float32", np.finfo(np.float32).min)])
@pytest.mark.parametrize("tagged", [False, True])
def test_marks_of_missing_values_are_known_with_and_without_a_tag(dtype: str, mark: float, tagged: bool) -> None:
    heights = np.linspace(100, 400, 20 * 30).reshape(20, 30).astype(dtype)
    heights[:4, :5] = mark
    tag = {"extratags": [(42113, "s", 0, f"{mark:.15g}", True)]} if tagged else {}
    picture = picture_reader.read(tiff(heights, **tag))
    missing = raster.is_missing(deep(picture), slice(0, 1))
    assert missing is not None
    assert missing.sum() == 20
    assert any("is taken for a mark of missing ones" in note for note in picture.notes) != tagged
    again = deep(rewritten(picture, ".tif"))
    assert (again.samples[..., 0] == again.missing).sum() == 20


def test_a_low_value_is_no_mark() -> None:
    for lowest, others in ((-9999, (-9990, 100)), (-9998, (0, 100)), (-32768, (-20000, 20000))):
        samples = np.linspace(*others, 20 * 30).reshape(20, 30).astype(np.float32)
        samples[0] = lowest
        assert deep(picture_reader.read(tiff(samples))).missing is None


@pytest.mark.parametrize(
    "before, after",
    [(None, 1), ("lzw", 5), ("zlib", 8), ("packbits", 8), ("zstd", 50000), ("jpeg", 8), ("lzma", 8)],
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_tiff_stays_compressed_as_it_was_but_without_loss(
    rng: np.random.Generator, dtype: str, before: str | None, after: int
) -> None:
    if before == "jpeg" and dtype != "uint8":
        pytest.skip("JPEG holds 8 bits")
    samples = rng.integers(0, 256, (40, 30, 3)).astype(dtype)
    picture = picture_reader.read(tiff(samples, photometric="rgb", compression=before))
    assert picture.lossless == (before != "jpeg")
    buffer = io.BytesIO()
    picture_writer.write(buffer, picture, FORMATS[".tif"])
    buffer.seek(0)
    with tifffile.TiffFile(buffer) as result:
        assert int(result.pages.first.compression) == after
        if before != "jpeg":
            np.testing.assert_array_equal(result.asarray(), samples)


def test_a_tiff_of_another_source_is_compressed(rng: np.random.Generator) -> None:
    flat = Image.new("RGB", (400, 300), (10, 20, 30))
    buffer = io.BytesIO()
    picture_writer.write(buffer, Picture((flat,), file_format="PNG"), FORMATS[".tif"])
    assert buffer.tell() < 20_000
    with Image.open(buffer) as result:
        assert result.getpixel((399, 299)) == (10, 20, 30)


def test_pages_are_counted(values: np.ndarray) -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for page in (values, values[::2], values[..., 0]):
            writer.write(page, photometric="rgb" if page.ndim == 3 else "minisblack", metadata=None)
    buffer.seek(0)
    assert picture_reader.read(buffer).notes == ("the first of 3 frames (--all_frames takes each)",)
    pages = picture_reader.read(buffer, all_frames=True)
    assert [frame.size for frame in pages.frames] == [(12, 8), (12, 4), (12, 8)]
    assert [frame.size for frame in rewritten(pages, ".tif").frames] == [(12, 8), (12, 4), (12, 8)]


def test_a_tiff_of_colours_that_no_reader_knows_is_called_a_tiff() -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((8, 12, 3), np.uint8), photometric="icclab")
    buffer.seek(0)
    with pytest.raises(rgb.PhotoError, match=r"^TIFF that is damaged, or of a kind that is not read$"):
        picture_reader.read(buffer)
