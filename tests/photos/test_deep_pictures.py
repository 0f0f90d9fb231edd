"""Pictures that Pillow has no mode for: they come back as they were."""

import dataclasses
import io
import pathlib
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms

from sr_keras.photos import file_kind, picture_reader, picture_writer, raster, rgb
from sr_keras.photos.metadata import Metadata
from sr_keras.photos.metadata_parts import colours
from sr_keras.photos.metadata_parts.exif import Exif
from sr_keras.photos.picture import FORMATS, Picture, fitted
from sr_keras.photos.raster import Raster
from tests.photos.test_picture_file import deep, only, saved


def tiff(samples: np.ndarray, **options: Any) -> io.BytesIO:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, metadata=None, **options)
    buffer.seek(0)
    return buffer


def saved_as(picture: Picture, suffix: str, depth: int | None = None) -> io.BytesIO:
    buffer = io.BytesIO()
    picture_writer.write(buffer, fitted(picture, FORMATS[suffix], depth), FORMATS[suffix])
    buffer.seek(0)
    return buffer


def rewritten(picture: Picture, suffix: str, depth: int | None = None) -> Picture:
    return picture_reader.read(saved_as(picture, suffix, depth), all_frames=True)


@pytest.fixture
def values(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 65536, (8, 12, 3), dtype=np.uint16)


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


@pytest.mark.parametrize("orientation, seen", [(1, (12, 8)), (3, (12, 8)), (6, (8, 12)), (8, (8, 12))])
def test_deep_pictures_are_rotated_as_others(values: np.ndarray, orientation: int, seen: tuple[int, int]) -> None:
    eight = (values >> 8).astype(np.uint8)
    turned = picture_reader.read(saved(Image.fromarray(eight), "TIFF", exif=_exif(orientation)))
    deep_one = picture_reader.read(
        tiff(eight.astype(np.uint16) << 8, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    )
    assert deep(deep_one).size == only(turned).size == seen
    np.testing.assert_array_equal(deep(deep_one).samples >> 8, np.asarray(only(turned)))


def _exif(orientation: int) -> bytes:
    content = Image.Exif()
    content[ExifTags.Base.Orientation] = orientation
    return content.tobytes()


def test_metadata_of_deep_pictures_is_kept(values: np.ndarray) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif: Exif = {0: {int(ExifTags.Base.Make): b"Maker"}, int(ExifTags.IFD.Exif): {int(ExifTags.Base.ISOSpeedRatings): 200}}
    metadata = Metadata(exif, profile, (300.0, 300.0), xmp=b"<x:xmpmeta/>", iptc=b"\x1c\x02\x78\0\x01a")
    for suffix in (".tif", ".png"):
        kept = rewritten(Picture((Raster(values, 3),), metadata=metadata), suffix).metadata
        assert kept.exif[0][int(ExifTags.Base.Make)] == b"Maker"
        assert kept.exif[int(ExifTags.IFD.Exif)][int(ExifTags.Base.ISOSpeedRatings)] == 200
        assert (kept.icc_profile, kept.xmp) == (profile, b"<x:xmpmeta/>")
        assert kept.dpi == pytest.approx((300, 300), abs=0.1)
        assert kept.iptc == (metadata.iptc if suffix == ".tif" else None)


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_jpeg_2000_of_more_than_8_bits(rng: np.random.Generator, bits: int) -> None:
    samples = rng.integers(0, 2**bits, (40, 48, 3), dtype=np.uint16)
    samples[0, 0], samples[0, 1] = 0, 2**bits - 1
    content = imagecodecs.jpeg2k_encode(samples, level=0, reversible=True, bitspersample=bits)
    read = deep(picture_reader.read(io.BytesIO(content))).samples
    np.testing.assert_array_equal(read, np.rint(samples * (65535 / (2**bits - 1))))


def test_avif_keeps_the_label_of_its_colours(rng: np.random.Generator) -> None:
    samples = rng.integers(0, 1024, (40, 48, 3), dtype=np.uint16)
    content = imagecodecs.avif_encode(samples, level=100, bitspersample=10, primaries=9, transfer=16, matrix=9)
    picture = picture_reader.read(io.BytesIO(content))
    assert picture.metadata.cicp is not None
    assert picture.metadata.cicp[:2] == (9, 16)
    assert deep(picture).samples.dtype == np.uint16
    for suffix, depth in ((".avif", None), (".avif", 8), (".png", None)):
        again = rewritten(picture, suffix, depth)
        assert again.metadata.cicp is not None
        assert again.metadata.cicp[:2] == (9, 16)
        assert isinstance(again.frames[0], Image.Image) == (depth == 8)
    assert "its values are high dynamic range (PQ), and will look pale" in fitted(picture, FORMATS[".jpg"]).notes


def test_an_ordinary_avif_needs_no_label(rng: np.random.Generator) -> None:
    photo = Image.fromarray(rng.integers(0, 256, (40, 48, 3), dtype=np.uint8))
    assert picture_reader.read(saved(photo, "AVIF")).metadata.cicp is None


@pytest.mark.parametrize("suffix", [".heic", ".avif"])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_heic_and_avif_keep_10_bits(bands: int, suffix: str) -> None:
    levels = np.linspace(0, 65535, 64 * 48).reshape(48, 64)
    samples = np.stack([levels, levels[::-1], levels[:, ::-1], levels], axis=2)[..., :bands].astype(np.uint16)
    exif: Exif = {0: {int(ExifTags.Base.Make): b"Maker"}}
    metadata = Metadata(exif, xmp=b"<x:xmpmeta/>", cicp=(9, 16, 9, 1))
    picture = Picture((Raster(samples, 3 if bands > 2 else 1, bands in (2, 4)),), metadata=metadata)
    assert fitted(picture, FORMATS[suffix]).notes == ("written with 10 bits a channel",)
    again = rewritten(picture, suffix)
    # AVIF's luma and chroma are made by BT.601's matrix, and labelled so, whatever the source's were made by.
    label = (9, 16, 9 if suffix == ".heic" else 6, 1)
    assert (again.metadata.exif, again.metadata.xmp, again.metadata.cicp) == (exif, b"<x:xmpmeta/>", label)
    read = deep(again).samples
    stored = samples if bands > 2 or read.shape[2] == 1 else samples[..., [0, 0, 0, *range(1, bands)]]
    assert np.abs(read.astype(int) - stored).mean() < 64
    assert len(np.unique(read)) > 900


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_jpeg_xl_of_more_than_8_bits(rng: np.random.Generator, bits: int, bands: int) -> None:
    samples = rng.integers(0, 2**bits, (40, 48, bands), dtype=np.uint16)
    content = imagecodecs.jpegxl_encode(samples.squeeze(), lossless=True, bitspersample=None if bits == 16 else bits)
    read = deep(picture_reader.read(io.BytesIO(content))).samples
    np.testing.assert_array_equal(read, np.rint(samples * (65535 / (2**bits - 1))))


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("is_lossless", [True, False])
def test_jpeg_xl_is_written_with_16_bits_of_srgb(rng: np.random.Generator, bands: int, is_lossless: bool) -> None:
    """Not of linear light, as imagecodecs calls them (findings/imagecodecs_16_bit_jpeg_xl_is_linear.sh)."""
    levels = np.linspace(0, 65535, 64 * 48).reshape(48, 64)
    samples = np.stack([levels, levels, levels, levels[::-1]], axis=2)[..., [0, 3] if bands == 2 else slice(bands)]
    exif: Exif = {0: {int(ExifTags.Base.Make): b"Maker"}}
    raster_of_all = Raster(samples.astype(np.uint16), 3 if bands > 2 else 1, bands in (2, 4))
    picture = Picture((raster_of_all,), metadata=Metadata(exif, xmp=b"<x:xmpmeta/>"), lossless=is_lossless)
    assert fitted(picture, FORMATS[".jxl"]).notes == ()
    content = saved_as(picture, ".jxl")
    again = picture_reader.read(content)
    assert (again.metadata.exif, again.metadata.xmp, again.metadata.icc_profile) == (exif, b"<x:xmpmeta/>", None)
    read = deep(again).samples
    if is_lossless:
        np.testing.assert_array_equal(read, samples.astype(np.uint16))
    else:
        assert np.abs(read - samples).mean() < 257
    with Image.open(content) as file:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(file.info["icc_profile"]))
    assert profile.profile.profile_description in ("sRGB", "Gra_D65_Rel_SRG")


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("is_lossless", [True, False])
def test_linear_light_in_a_jpeg_xl_stays_so(rng: np.random.Generator, bands: int, is_lossless: bool) -> None:
    samples = rng.integers(0, 65536, (40, 48, bands), dtype=np.uint16)
    picture = picture_reader.read(io.BytesIO(imagecodecs.jpegxl_encode(samples.squeeze(), lossless=True)))
    assert fitted(picture, FORMATS[".jxl"]).notes == ()
    again = rewritten(dataclasses.replace(picture, lossless=is_lossless), ".jxl")
    assert colours.is_linear(again.metadata.icc_profile)
    if is_lossless:
        np.testing.assert_array_equal(deep(again).samples, samples)
    assert abs(deep(again).samples.mean() - samples.mean()) < 600


def test_a_head_of_any_jpeg_xl_can_be_told_its_tones(rng: np.random.Generator) -> None:
    for height, width, bands in ((1, 1, 1), (8, 8, 3), (9, 300, 4), (1, 5000, 2), (40, 60, 3)):
        samples = rng.integers(0, 65536, (height, width, bands), dtype=np.uint16)
        frame = Raster(samples, 3 if bands > 2 else 1, bands in (2, 4))
        again = rewritten(Picture((frame,), lossless=True), ".jxl")
        np.testing.assert_array_equal(deep(again).samples, samples)
        assert again.metadata.icc_profile is None


def test_jpeg_xl_of_floats(rng: np.random.Generator) -> None:
    samples = rng.random((40, 48, 3), np.float32)
    frame = deep(picture_reader.read(io.BytesIO(imagecodecs.jpegxl_encode(samples, lossless=True))))
    assert frame.samples.dtype == np.float32
    assert frame.colours == 3
    np.testing.assert_array_equal(frame.samples, samples)


@pytest.mark.parametrize("size", [(64, 48), (40, 8), (33, 9001), (1920, 1080), (700, 3)])
@pytest.mark.parametrize("container", [False, True])
def test_the_head_of_a_jpeg_xl_tells_its_size(size: tuple[int, int], container: bool) -> None:
    content = imagecodecs.jpegxl_encode(np.zeros(size[::-1], np.uint8), usecontainer=container)
    sizes = []

    def stop(*each: int) -> None:
        sizes.append(each)
        raise rgb.PhotoError("too large")

    with pytest.raises(rgb.PhotoError, match="too large"):
        # Nothing but the head is needed.
        picture_reader.read(io.BytesIO(content[:200]), check_size=stop)
    assert sizes == [size]


@pytest.mark.parametrize("head", ["P6 5 4 65535\n", "P6\n# a comment\n5 4\n# another\n1023\n", "P3 5 4 1023\n"])
def test_a_ppm_of_more_than_8_bits(rng: np.random.Generator, head: str) -> None:
    white = 65535 if "65535" in head else 1023
    samples = rng.integers(0, white + 1, (4, 5, 3))
    pixels = " ".join(map(str, samples.ravel())).encode() if head[1] == "3" else samples.astype(">u2").tobytes()
    read = deep(picture_reader.read(io.BytesIO(head.encode() + pixels))).samples
    np.testing.assert_array_equal(read, np.rint(samples * (65535 / white)))


def test_8_bits_can_become_16_and_16_become_8(rng: np.random.Generator) -> None:
    photo = Image.fromarray(rng.integers(0, 256, (8, 12, 3), dtype=np.uint8))
    picture = picture_reader.read(saved(photo))
    fine = rewritten(picture, ".png", depth=16)
    np.testing.assert_array_equal(deep(fine).samples, np.asarray(photo).astype(int) * 257)
    np.testing.assert_array_equal(np.asarray(only(rewritten(fine, ".tif", depth=8))), photo)
    assert "8 bits a channel, not 16" in fitted(picture, FORMATS[".jpg"], 16).notes[0]


def test_camera_raw_is_never_its_preview(rng: np.random.Generator) -> None:
    """A DNG to Pillow is the small preview that comes first."""
    preview = rng.integers(0, 256, (8, 12, 3), dtype=np.uint8)
    dng = tiff(preview, photometric="rgb", subfiletype=1, extratags=[(50706, 1, 4, (1, 4, 0, 0), True)])
    with pytest.raises(rgb.PhotoError):
        picture_reader.read(dng)


@pytest.mark.parametrize("kind", ["HEIF", "JXL", file_kind.RAW])
def test_what_needs_a_package_says_how_to_get_it(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr(file_kind, "_has", lambda package: False)
    heads = {"HEIF": b"\0\0\0\x18ftypheic", "JXL": b"\0\0\0\x0cJXL \r\n", file_kind.RAW: b"FUJIFILMCCD-RAW "}
    (tmp_path / "a").write_bytes(heads[kind] + bytes(100))
    with pytest.raises(
        rgb.PhotoError, match=r"a: .* needs a package that is not installed: pip install '\.\[formats\]' in the checkout"
    ):
        picture_reader.read(tmp_path / "a")


@pytest.mark.parametrize("suffix", [".heic", ".jxl"])
def test_formats_of_phones_are_read_and_written(rng: np.random.Generator, suffix: str) -> None:
    photo = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)).resize((64, 48), Image.Resampling.BICUBIC)
    exif: Exif = {0: {int(ExifTags.Base.Make): b"Maker"}}
    picture = rewritten(Picture((photo,), metadata=Metadata(exif, xmp=b"<x:xmpmeta/>")), suffix)
    assert np.abs(np.asarray(only(picture)).astype(int) - photo).mean() < 3
    assert (picture.metadata.exif, picture.metadata.xmp) == (exif, b"<x:xmpmeta/>")


def dng(samples: np.ndarray, orientation: int = 1, *tags: Any, mode: str = "RGB") -> io.BytesIO:
    """The smallest DNG that LibRaw takes; of a camera that sees no colours it has no pattern of colours."""
    mosaic = [(33422, 1, 4, bytes([0, 1, 1, 2]), True)] if mode == "RGB" else []
    # Colours of the camera are those of sRGB.
    matrix = (3.2405, -1.5371, -0.4985, -0.9693, 1.8760, 0.0416, 0.0556, -0.2040, 1.0572)
    all_tags: list[Any] = [
        (ExifTags.Base.Orientation, 3, 1, orientation, True),
        (ExifTags.Base.CFARepeatPatternDim, 3, 2, (2, 2), True),
        *mosaic,
        (ExifTags.Base.DNGVersion, 1, 4, bytes([1, 4, 0, 0]), True),
        (ExifTags.Base.UniqueCameraModel, 2, 0, "a camera", True),
        (ExifTags.Base.WhiteLevel, 4, 1, 65535, True),
        (ExifTags.Base.ColorMatrix1, 10, 9, [number for value in matrix for number in (round(value * 10_000), 10_000)], True),
        (ExifTags.Base.AsShotNeutral, 5, 3, (1, 1) * 3, True),
        (ExifTags.Base.CalibrationIlluminant1, 3, 1, 21, True),
        *tags,
    ]
    raw = io.BytesIO()
    tifffile.imwrite(raw, samples, photometric="cfa", metadata=None, extratags=all_tags, software=False)
    return raw


def developed(raw: io.BytesIO) -> Image.Image:
    [frame] = picture_reader.read(raw).frames
    assert isinstance(frame, Image.Image)
    return frame


@pytest.mark.parametrize("orientation, size", [(1, (96, 64)), (3, (96, 64)), (6, (64, 96))])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_size_of_camera_raw_is_known_before_it_is_developed(
    mode: str, orientation: int, size: tuple[int, int], rng: np.random.Generator
) -> None:
    raw = dng(rng.integers(200, 3000, (64, 96), np.uint16), orientation, mode=mode)
    assert picture_reader.read_size(raw) == size
    frame = developed(raw)
    assert (frame.size, frame.mode) == (size, mode)


def test_camera_raw_has_the_tones_of_srgb() -> None:
    """LibRaw's own curve is 17 levels darker in the shadows (findings/rawpy_srgb_has_the_curve_of_television.sh)."""
    light = np.linspace(0, 1, 256)
    # Of the photo, a hundredth becomes white.
    photo = np.asarray(developed(dng(np.tile((65535 * light).astype(np.uint16), (64, 1)))))[32].astype(float)
    expected = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(photo - expected[:, np.newaxis])[4:-8].max() < 3


def test_camera_raw_is_developed_to_16_bits_where_they_are_wanted() -> None:
    raw = dng(np.linspace(200, 60_000, 64 * 96).reshape(64, 96).astype(np.uint16))
    picture = picture_reader.read(raw, raw_bits=16)
    levels, tones = deep(picture).samples, np.asarray(developed(raw)).astype(float)
    assert levels.dtype == np.uint16
    assert np.abs(levels / 257 - tones).max() < 1
    assert len(np.unique(levels[..., 1])) > 2000
    assert picture.notes == ("camera raw, developed by LibRaw to 16 bits a channel; its metadata is left out",)


def test_camera_raw_keeps_its_exif() -> None:
    raw = dng(np.full((64, 96), 9000, np.uint16), 6, (ExifTags.Base.Make, 2, 0, "Maker", True))
    picture = picture_reader.read(raw)
    assert picture.metadata.exif == {0: {int(ExifTags.Base.Make): b"Maker"}}
    assert picture.notes == ("camera raw, developed by LibRaw to 8 bits a channel",)
    with Image.open(saved_as(picture, ".jpg")) as result:
        assert (result.getexif()[ExifTags.Base.Make], result.getexif()[ExifTags.Base.Orientation]) == ("Maker", 1)


@pytest.mark.parametrize("orientation, quarter_turns", [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_camera_raw_is_the_picture_that_the_camera_meant(orientation: int, quarter_turns: int) -> None:
    """Upright, and without its rim, which LibRaw develops too (findings/rawpy_photos_keep_a_rim_the_camera_cuts.sh)."""
    sensor = np.zeros((64, 96), np.uint16)  # its rim is black
    sensor[8:56, 12:84] = 20_000
    sensor[8:20, 72:84] = 65535
    crop = [(ExifTags.Base.DefaultCropOrigin, 4, 2, (12, 8), True), (ExifTags.Base.DefaultCropSize, 4, 2, (72, 48), True)]
    raw = dng(sensor, orientation, *crop)
    is_white = np.rot90(sensor[8:56, 12:84] == 65535, quarter_turns)
    photo = np.asarray(developed(raw))[..., 1]
    assert photo.shape == is_white.shape == picture_reader.read_size(raw)[::-1]
    assert photo.min() > 60
    assert ((photo > 200) == is_white).mean() > 0.95
