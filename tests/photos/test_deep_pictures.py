"""Pictures of more than 8 bits in other formats than TIFF and JPEG XL, and in any of them."""

import io
import pathlib

import imagecodecs
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from sr_keras.photos import file_kind, picture_reader, rgb
from sr_keras.photos.metadata import Metadata
from sr_keras.photos.metadata_parts.exif import Exif
from sr_keras.photos.picture import FORMATS, Picture, fitted
from sr_keras.photos.raster import Raster
from tests.photos.in_memory import deep, only, rewritten, saved, tiff


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
