"""What belongs to a photo comes back in the file of its result, or is said to be left out."""

import io
import struct

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from sr_keras.photos import picture_reader, picture_writer
from sr_keras.photos.picture import FORMATS, fitted
from tests.photos.in_memory import SRGB, exif, reopened, saved

LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()

METADATA_SUFFIXES = [name for name, held in FORMATS.items() if {"exif", "icc_profile"} <= held.fields and not held.package]


@pytest.mark.parametrize("suffix", METADATA_SUFFIXES)
@pytest.mark.parametrize("source", ["JPEG", "TIFF", "PNG", "WEBP", "AVIF"])
def test_what_belongs_to_a_photo_is_kept(coloured: Image.Image, source: str, suffix: str) -> None:
    picture = picture_reader.read(saved(coloured, source, exif=exif(), icc_profile=SRGB, dpi=(300, 300)))
    assert picture.frames[0].size == (8, 12)  # turned
    result = reopened(picture, suffix)
    assert result.info["icc_profile"] == SRGB
    content = result.getexif()
    assert content.get(ExifTags.Base.Orientation, 1) == 1
    assert content[ExifTags.Base.Make] == "Maker"
    assert content.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] == pytest.approx(0.004)
    assert content.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] == 8
    assert content.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    if source not in ("WEBP", "AVIF"):  # Pillow writes no resolution there
        assert float(content.get(ExifTags.Base.XResolution, 300)) == pytest.approx(300, abs=0.1)
        assert result.info.get("dpi", (300, 300)) == pytest.approx((300, 300), abs=0.1)


def test_resolution_travels_through_formats_that_have_no_place_for_it(coloured: Image.Image) -> None:
    first = picture_reader.read(saved(coloured, "JPEG", dpi=(240, 240)))
    buffer = io.BytesIO()
    picture_writer.write(buffer, first, FORMATS[".webp"])
    assert picture_reader.read(buffer).metadata.dpi == pytest.approx((240, 240))


def test_a_thumbnail_is_dropped(coloured: Image.Image) -> None:
    content = Image.Exif()
    content.load(exif())
    thumbnail = saved(coloured, "JPEG").getvalue()
    # A second directory, as cameras write it, with a JPEG at its end.
    plain = bytearray(content.tobytes()[6:])
    count = struct.unpack_from("<H" if plain[:2] == b"II" else ">H", plain, 8)[0]
    order = "<" if plain[:2] == b"II" else ">"
    struct.pack_into(f"{order}I", plain, 10 + 12 * count, len(plain))
    place = len(plain) + 2 + 2 * 12 + 4
    plain += struct.pack(f"{order}HHHIIHHIII", 2, 0x201, 4, 1, place, 0x202, 4, 1, len(thumbnail), 0) + thumbnail
    source = saved(coloured, "JPEG", exif=b"Exif\0\0" + bytes(plain))
    assert thumbnail in source.getvalue()
    result = io.BytesIO()
    picture_writer.write(result, picture_reader.read(source), FORMATS[".jpg"])
    assert thumbnail not in result.getvalue()
    assert b"Maker" in result.getvalue()


def test_a_wide_gamut_profile_stays_with_its_numbers(coloured: Image.Image) -> None:
    """The numbers are upscaled as they are, so the profile that they are meant for must stay."""
    profile = bytearray(SRGB)
    profile[25] ^= 1  # its date: another profile of RGB colours
    result = reopened(picture_reader.read(saved(coloured, "PNG", icc_profile=bytes(profile))), ".png")
    assert result.info["icc_profile"] == bytes(profile)
    np.testing.assert_array_equal(result, coloured)


@pytest.mark.parametrize(
    "profile, note",
    [(LAB, "its colour profile is one of Lab, not RGB, and left out"), (b"junk", "its colour profile is damaged and left out")],
)
def test_a_profile_that_does_not_fit_is_left_out_and_said(coloured: Image.Image, profile: bytes, note: str) -> None:
    picture = picture_reader.read(saved(coloured, "PNG", icc_profile=profile))
    assert picture.metadata.icc_profile is None
    assert picture.notes == (note,)


# Pillow warns of it too.
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_exif_is_left_out_and_said(coloured: Image.Image) -> None:
    picture = picture_reader.read(saved(coloured, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0junk"))
    assert picture.frames[0].size == coloured.size
    assert picture.metadata.exif == {}
    assert picture.notes == ("its EXIF is damaged and left out",)


def test_no_resolution_is_made_up(coloured: Image.Image) -> None:
    assert all(
        picture_reader.read(saved(coloured, file_format)).metadata.dpi is None
        for file_format in ("TIFF", "PNG", "JPEG", "WEBP")
    )


def test_text_in_exif_stays_as_it_is(coloured: Image.Image) -> None:
    content = Image.Exif()
    content[ExifTags.Base.Copyright] = "© José".encode()
    result = reopened(picture_reader.read(saved(coloured, "JPEG", exif=content.tobytes())), ".jpg")
    assert result.getexif()[ExifTags.Base.Copyright].encode("latin-1").decode() == "© José"


def test_exif_that_is_too_long_for_jpeg_is_left_out_and_said(coloured: Image.Image) -> None:
    content = Image.Exif()
    content.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote] = bytes(70_000)
    picture = picture_reader.read(saved(coloured, "PNG", exif=content.tobytes()))
    fitting = fitted(picture, FORMATS[".jpg"])
    assert fitting.notes == ("its EXIF is too long for JPEG and left out",)
    picture_writer.write(io.BytesIO(), fitting, FORMATS[".jpg"])
