"""JPEG XL of more than 8 bits."""

import dataclasses
import io

import imagecodecs
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from sr_keras.photos import picture_reader, rgb
from sr_keras.photos.metadata import Metadata
from sr_keras.photos.metadata_parts import colours
from sr_keras.photos.metadata_parts.exif import Exif
from sr_keras.photos.picture import FORMATS, Picture, fitted
from sr_keras.photos.raster import Raster
from tests.photos.in_memory import deep, rewritten, saved_as


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
