"""Captions, places and colours that belong to a picture."""

import io
import struct
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageChops, ImageCms, PngImagePlugin

from sr_keras.photos import metadata, picture_reader, picture_writer
from sr_keras.photos.metadata import Metadata
from sr_keras.photos.metadata_parts import iptc
from sr_keras.photos.picture import FORMATS, Frame, Picture, fitted
from sr_keras.photos.raster import Raster
from tests.photos.in_memory import only, saved

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description GPano:FullPanoWidthPixels="64"/></x:xmpmeta>'
IPTC = b"\x1c\x02\x19\x00\x06insect"


@pytest.fixture
def photo(rng: np.random.Generator) -> Image.Image:
    return Image.fromarray(rng.integers(0, 256, (8, 12, 3), dtype=np.uint8))


def rewritten(picture: Picture, suffix: str) -> Metadata:
    buffer = io.BytesIO()
    picture_writer.write(buffer, fitted(picture, FORMATS[suffix]), FORMATS[suffix])
    buffer.seek(0)
    return picture_reader.read(buffer).metadata


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_xmp_is_kept(photo: Image.Image, source: str, suffix: str) -> None:
    picture_format = next(held for held in FORMATS.values() if held.name == source)
    buffer = io.BytesIO()
    picture_writer.write(buffer, Picture((photo,), metadata=Metadata(xmp=XMP)), picture_format)
    buffer.seek(0)
    assert rewritten(picture_reader.read(buffer), suffix).xmp == XMP


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_iptc_is_kept(photo: Image.Image, suffix: str) -> None:
    jpeg = saved(photo, "JPEG", extra=iptc.segment(IPTC))
    picture = picture_reader.read(jpeg)
    assert picture.metadata.iptc == IPTC
    assert rewritten(picture, suffix).iptc == IPTC
    assert fitted(picture, FORMATS[".png"]).notes == ("IPTC is left out (PNG holds none)",)


def test_a_colour_profile_that_jpeg_xl_would_lose_is_named(photo: Image.Image) -> None:
    """pillow-jxl-plugin 1.3 takes one and writes none (`findings/pillow_jxl_plugin_drops_the_profile.sh`)."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = picture_reader.read(saved(photo, "PNG", icc_profile=profile))
    assert fitted(picture, FORMATS[".jxl"]).notes == ("colour profile is left out (JXL holds none)",)


@pytest.mark.parametrize("suffix", [".jxl", ".gif", ".bmp"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "16 bits"])
def test_colours_of_a_profile_become_those_of_srgb_where_a_format_holds_none(suffix: str, mode: str) -> None:
    """Of linear light: 0.2140 are 0.5 of sRGB (IEC 61966-2-1)."""
    primaries = [0.64, 0.33, 1, 0.3, 0.6, 1, 0.15, 0.06, 1]
    profile = imagecodecs.cms_profile("rgb", whitepoint=[0.3127, 0.329, 1], primaries=primaries, gamma=1.0)
    tones = np.full((8, 9, 3), round(0.2140 * 65535), np.uint16)
    tones[0] = 65535
    frame: Frame = Raster(tones, 3) if mode == "16 bits" else Image.fromarray((tones >> 8).astype(np.uint8)).convert(mode)
    content = fitted(Picture((frame,), metadata=Metadata(icc_profile=profile)), FORMATS[suffix])
    name = FORMATS[suffix].name
    assert f"its colours became those of sRGB ({name} holds no profile)" in content.notes
    assert content.metadata.icc_profile is None
    [shown] = content.frames
    samples = shown.samples if isinstance(shown, Raster) else np.asarray(shown)
    white = 65535 if isinstance(shown, Raster) else 255
    np.testing.assert_allclose(samples[0, :, :3] / white, 1, atol=0.001)
    np.testing.assert_allclose(samples[1:, :, :3] / white, 0.5, atol=0.008)


def test_a_comment_and_text_are_kept_or_named(photo: Image.Image) -> None:
    picture = picture_reader.read(saved(photo, "JPEG", comment=b"a comment"))
    assert rewritten(picture, ".jpg").comment == b"a comment"
    assert fitted(picture, FORMATS[".webp"]).notes == ("its comment is left out (WEBP holds none)",)
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Ada")
    info.add_itxt("Title", "Straße")
    picture = picture_reader.read(saved(photo, "PNG", pnginfo=info))
    assert rewritten(picture, ".png").text == (("Author", "Ada"), ("Title", "Straße"))
    assert fitted(picture, FORMATS[".jpg"]).notes == ("PNG text is left out (JPEG holds none)",)


def test_what_a_film_or_a_gain_map_left_in_xmp_goes(photo: Image.Image) -> None:
    xmp = b'<x:xmpmeta><rdf:Description hdrgm:Version="1.0" GCamera:MotionPhoto="1" dc:title="mine"/></x:xmpmeta>'
    picture = picture_reader.read(saved(photo, "JPEG", xmp=xmp))
    assert picture.metadata.xmp == b'<x:xmpmeta><rdf:Description dc:title="mine"/></x:xmpmeta>'
    assert picture.notes == (
        "left out: the gain map of its high dynamic range (the result is standard), the film of a motion photo",
    )


def test_stripped_of_all_but_colours(photo: Image.Image) -> None:
    full = Metadata(
        {0: {271: b"Maker"}}, b"profile", (72.0, 72.0), XMP, IPTC, b"c", (("a", "b"),), {33550: (1.0,)}, (9, 16, 0, 1)
    )
    assert metadata.stripped(full) == Metadata(icc_profile=b"profile", cicp=(9, 16, 0, 1))


def test_sizes_in_xmp_grow_with_the_picture() -> None:
    xmp = (
        b'<a GPano:FullPanoWidthPixels="64" tiff:Orientation="6"/>'
        b"<GPano:CroppedAreaTopPixels>8</GPano:CroppedAreaTopPixels><exif:PixelYDimension>32</exif:PixelYDimension>"
    )
    assert metadata.scaled(Metadata(xmp=xmp), 4, 2).xmp == (
        b'<a GPano:FullPanoWidthPixels="256" tiff:Orientation="1"/>'
        b"<GPano:CroppedAreaTopPixels>16</GPano:CroppedAreaTopPixels><exif:PixelYDimension>64</exif:PixelYDimension>"
    )


def place_of(geo: dict[int, Any], column: float, row: float) -> tuple[float, float]:
    """On the map, of a place in the picture that is counted as its keys say."""
    x, y = geo[33550][:2]
    i, j, _, east, north, _ = geo[33922]
    return east + (column - i) * x, north - (row - j) * y


@pytest.mark.parametrize("point", [False, True])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_map_stays_in_its_place(point: bool, depth: int) -> None:
    """The corner of the first pixel and that of the last are where they were."""
    tags = [
        (33550, 12, 3, (10.0, 20.0, 0.0), True),
        (33922, 12, 6, (2.0, 3.0, 0.0, 500000.0, 4600000.0, 0.0), True),
        (34735, 3, 8, (1, 1, 0, 1, 1025, 0, 1, 2 if point else 1), True),
    ]
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((8, 12, 3), f"uint{depth}"), photometric="rgb", metadata=None, extratags=tags)
    buffer.seek(0)
    before = picture_reader.read(buffer)
    after = metadata.scaled(before.metadata, 4, 2)
    middle = 0.5 if point else 0.0
    for column, row in ((0, 0), (12, 8)):
        expected = place_of(before.metadata.geo, column - middle, row - middle)
        assert place_of(after.geo, 4 * column - middle, 2 * row - middle) == pytest.approx(expected)
    assert rewritten(Picture(before.frames, metadata=after), ".tif").geo == after.geo


def test_a_description_of_the_old_size_is_left_out_and_said() -> None:
    buffer = io.BytesIO()
    description = '<?xml version="1.0"?><OME SizeX="12"/>'
    tifffile.imwrite(buffer, np.zeros((8, 12), np.uint16), description=description, metadata=None, software=False)
    buffer.seek(0)
    picture = picture_reader.read(buffer)
    assert picture.notes == ("its description, which is of the old size, is left out",)
    assert picture.metadata.exif == {}


def test_a_size_that_tifffile_wrote_is_left_out_without_a_word() -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((8, 12), np.uint16), software=False)
    buffer.seek(0)
    picture = picture_reader.read(buffer)
    assert (picture.notes, picture.metadata.exif) == ((), {})


def test_colours_by_chunks_are_kept_or_named(photo: Image.Image) -> None:
    """All of them, as browsers want it, if one is not that of sRGB."""
    display_p3 = (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))
    chunks = (display_p3, (b"gAMA", struct.pack(">I", 45455)))
    info = PngImagePlugin.PngInfo()
    for kind, content in chunks:
        info.add(kind, content)
    picture = picture_reader.read(saved(photo, "PNG", pnginfo=info))
    assert rewritten(picture, ".png").colour_chunks == picture.metadata.colour_chunks == chunks
    assert fitted(picture, FORMATS[".jpg"]).notes == ("the colours of cHRM and gAMA are left out (JPEG holds none)",)
    plain = PngImagePlugin.PngInfo()
    plain.add(b"gAMA", struct.pack(">I", 45455))
    assert picture_reader.read(saved(photo, "PNG", pnginfo=plain)).metadata.colour_chunks == ()


def test_a_frames_own_info_is_not_written(photo: Image.Image) -> None:
    """One place decides what is written: what Pillow remembers of the old file is none."""
    photo.info = {"icc_profile": b"x" * 200, "compression": "jpeg", "dpi": (1, 2)}
    for suffix in (".png", ".tif", ".jpg"):
        buffer = io.BytesIO()
        picture_writer.write(buffer, Picture((photo,)), FORMATS[suffix])
        with Image.open(buffer) as result:
            assert "icc_profile" not in result.info
            assert result.info.get("compression") != "jpeg"


def test_cmyk_without_adobes_marker_is_no_negative() -> None:
    content = saved(Image.new("CMYK", (16, 16), (10, 20, 30, 40)), "JPEG").getvalue()
    place = content.index(b"\xff\xee")
    without = content[:place] + content[place + 16 :]
    [dark, light] = [np.asarray(only(picture_reader.read(io.BytesIO(each)))).mean() for each in (without, content)]
    assert light == pytest.approx(197, abs=4)
    assert dark == pytest.approx(25, abs=25)


@pytest.mark.parametrize("has_marker", [False, True])
def test_cmyk_that_would_be_all_black_is_of_the_other_kind(rng: np.random.Generator, has_marker: bool) -> None:
    """As Pillow converts: without black ink."""
    photo = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)).resize((64, 64)).convert("CMYK")
    for inks, is_right in ((photo, True), (ImageChops.invert(photo), False)):
        content = saved(inks if has_marker else ImageChops.invert(inks), "JPEG", quality=100).getvalue()
        place = content.index(b"\xff\xee")
        picture = picture_reader.read(io.BytesIO(content if has_marker else content[:place] + content[place + 16 :]))
        assert np.abs(np.asarray(only(picture)).astype(int) - np.asarray(photo.convert("RGB"))).mean() < 4
        assert ("its inks inverted" in picture.notes[0]) != is_right


def test_more_ink_than_paper_holds_is_said() -> None:
    inks = np.zeros((64, 64, 4), np.uint8)
    inks[:32] = 255
    [note] = picture_reader.read(saved(Image.fromarray(inks, "CMYK"), "JPEG", quality=100)).notes
    assert "negative" in note
    assert picture_reader.read(saved(Image.fromarray(inks, "CMYK"), "TIFF")).notes == ("CMYK became RGB",)


@pytest.mark.parametrize("lossless, kept", [("PNG", True), ("JPEG", False)])
def test_webp_of_a_lossless_source_is_lossless(photo: Image.Image, lossless: str, kept: bool) -> None:
    picture = picture_reader.read(saved(photo, lossless))
    for quality, exact in ((None, kept), (100, True), (90, False)):
        buffer = io.BytesIO()
        picture_writer.write(buffer, picture, FORMATS[".webp"], quality)
        same = (np.asarray(only(picture_reader.read(buffer))) == np.asarray(only(picture))).all()
        assert bool(same) == exact


def test_an_animation_of_opaque_rectangles_stays_transparent_around_them(rng: np.random.Generator) -> None:
    frames = []
    for x in (2, 8):
        frame = Image.new("RGBA", (24, 16))
        frame.paste((255, 0, 0, 255), (x, 4, x + 8, 12))
        frames.append(frame)
    source = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, duration=80)
    for read, original in zip(picture_reader.read(source, all_frames=True).frames, frames, strict=True):
        assert isinstance(read, Image.Image)
        np.testing.assert_array_equal(np.asarray(read)[..., 3], np.asarray(original)[..., 3])
