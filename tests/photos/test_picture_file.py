"""Files of every kind: what is read, what is kept, what is said."""

import io
import pathlib
import struct
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image, ImageCms, ImageSequence, PngImagePlugin

from sr_keras.photos import picture_reader, picture_writer, raster, rgb
from sr_keras.photos.metadata import Metadata
from sr_keras.photos.picture import FORMATS, Frame, Picture, fitted
from sr_keras.photos.raster import Raster
from tests.types import Noise

# Pillow warns of what is odd in a file; here it must also cope with it.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
METADATA_SUFFIXES = [name for name, held in FORMATS.items() if {"exif", "icc_profile"} <= held.fields and not held.package]
ANIMATED_SUFFIXES = [suffix for suffix, file_format in FORMATS.items() if file_format.frames]


@pytest.fixture
def coloured(noise: Noise) -> Image.Image:
    return Image.fromarray(noise(8, 12))


@pytest.fixture
def grey(coloured: Image.Image) -> Image.Image:
    return coloured.convert("L")


def only(picture: Picture) -> Image.Image:
    """The one frame of a picture of 8 bits."""
    [frame] = picture.frames
    assert isinstance(frame, Image.Image)
    return frame


def deep(picture: Picture) -> Raster:
    """The one frame of any other picture."""
    [frame] = picture.frames
    assert isinstance(frame, Raster)
    return frame


def saved(picture: Image.Image, file_format: str = "PNG", **options: Any) -> io.BytesIO:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    buffer.seek(0)
    return buffer


def rewritten(picture: Picture, suffix: str) -> Image.Image:
    """What comes back after a picture is written in a format."""
    buffer = io.BytesIO()
    file_format = FORMATS[suffix]
    picture_writer.write(buffer, fitted(picture, file_format), file_format)
    buffer.seek(0)
    return Image.open(buffer)


def exif(orientation: int = 6) -> bytes:
    content = Image.Exif()
    content[ExifTags.Base.Orientation] = orientation
    content[ExifTags.Base.Make] = "Maker"
    details = content.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.ExposureTime] = 0.004
    details[ExifTags.Base.ExifImageWidth] = 12
    content.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return content.tobytes()


def png(bits: int, colour_type: int, channels: int) -> io.BytesIO:
    """A PNG of a kind that Pillow can't write: 2x2 pixels, all numbers 0."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 2, 2, bits, colour_type, 0, 0, 0)
    rows = 2 * (b"\0" + bytes(2 * channels * bits // 8))
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + content)


def test_photos_are_written_to_formats_of_24_bit_colour_that_need_no_package() -> None:
    assert {suffix for suffix, held in FORMATS.items() if not held.package and held.name != "GIF"} == set(rgb.WRITABLE_SUFFIXES)


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
            np.testing.assert_array_equal(np.asarray(rewritten(picture, suffix)), numbers)
        np.testing.assert_array_equal(np.asarray(rewritten(picture, ".bmp")), np.rint(numbers / 257))


@pytest.mark.parametrize("suffix", [".webp", ".avif", ".gif"])
def test_16_bit_greyscale_keeps_its_tones_where_8_bits_are_held(suffix: str) -> None:
    """Pillow would write all of them but the darkest as white."""
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (16, 1))
    written = rewritten(picture_reader.read(saved(Image.fromarray(ramp))), suffix).convert("L")
    np.testing.assert_allclose(np.asarray(written).mean(axis=0), ramp[0] / 257, atol=8)


@pytest.mark.parametrize("colour_type, channels", [(2, 3), (4, 2), (6, 4)])
def test_16_bit_colour_is_read_as_such(colour_type: int, channels: int) -> None:
    picture = picture_reader.read(png(16, colour_type, channels))
    assert picture.notes == ()
    frame = deep(picture)
    assert (frame.samples.shape, frame.samples.dtype.name) == ((2, 2, channels), "uint16")
    assert (frame.colours, frame.alpha) == (3 if colour_type & 2 else 1, colour_type >= 4)


@pytest.mark.parametrize("suffix", METADATA_SUFFIXES)
@pytest.mark.parametrize("source", ["JPEG", "TIFF", "PNG", "WEBP", "AVIF"])
def test_what_belongs_to_a_photo_is_kept(coloured: Image.Image, source: str, suffix: str) -> None:
    picture = picture_reader.read(saved(coloured, source, exif=exif(), icc_profile=SRGB, dpi=(300, 300)))
    assert picture.frames[0].size == (8, 12)  # turned
    result = rewritten(picture, suffix)
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
    result = rewritten(picture_reader.read(saved(coloured, "PNG", icc_profile=bytes(profile))), ".png")
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
    result = rewritten(Picture((rgba,)), ".bmp")
    assert np.asarray(result).min() == 255


def animation(frames: list[Image.Image], file_format: str, **options: Any) -> io.BytesIO:
    return saved(frames[0], file_format, save_all=True, append_images=frames[1:], **options)


@pytest.mark.parametrize("source", ["GIF", "WEBP", "PNG", "AVIF"])
@pytest.mark.parametrize("suffix", ANIMATED_SUFFIXES)
def test_all_frames_come_back(noise: Noise, source: str, suffix: str) -> None:
    frames = [Image.fromarray(noise(8, 12)) for _ in range(3)]
    picture = picture_reader.read(animation(frames, source, duration=80, loop=2), all_frames=True)
    assert len(picture.frames) == 3
    result = rewritten(picture, suffix)
    assert len(list(ImageSequence.Iterator(result))) == 3
    if not suffix.startswith(".tif"):
        result.seek(1)
        result.load()
        assert result.info["duration"] == 80
    if suffix in (".webp", ".png") and source != "AVIF":
        assert result.info["loop"] == picture.loop


def test_the_first_frame_is_taken_and_said(noise: Noise) -> None:
    frames = [Image.fromarray(noise(8, 12)) for _ in range(3)]
    picture = picture_reader.read(animation(frames, "TIFF"))
    assert len(picture.frames) == 1
    np.testing.assert_array_equal(picture.frames[0], frames[0])
    assert picture.notes == ("the first of 3 frames (--all_frames takes each)",)


def test_what_lies_beside_the_photo_of_a_heic_is_one_note(monkeypatch: pytest.MonkeyPatch, noise: Noise) -> None:
    """A second picture; a phone's gain map and depth, which nothing here writes."""
    content = pillow_heif.from_pillow(Image.fromarray(noise(64, 64)))
    content.add_from_pillow(Image.fromarray(noise(64, 64)))
    buffer = io.BytesIO()
    content.save(buffer)
    assert picture_reader.read(buffer).notes == ("left out: 1 further picture",)
    load: Callable[[Image.Image], Any] = pillow_heif.HeifImageFile.load  # type: ignore[assignment]

    def as_of_a_phone(file: Image.Image) -> Any:
        loaded = load(file)
        file.info |= {"aux": {"urn:com:apple:photo:2020:aux:hdrgainmap": [4]}, "depth_images": [object()]}
        return loaded

    monkeypatch.setattr(pillow_heif.HeifImageFile, "load", as_of_a_phone)
    gain_map = "the gain map of its high dynamic range (the result is standard)"
    assert picture_reader.read(buffer).notes == (f"left out: {gain_map}, 1 depth map, 1 further picture",)


def test_previews_are_no_frames(noise: Noise) -> None:
    frames = [Image.fromarray(noise(8, 12)) for _ in range(2)]
    picture = picture_reader.read(animation(frames, "MPO"), all_frames=True)
    assert len(picture.frames) == 1
    assert picture.notes == ("left out: 1 further picture",)


def test_a_format_of_one_picture_refuses_several(coloured: Image.Image) -> None:
    with pytest.raises(rgb.PhotoError, match="JPEG holds one picture, not 2 frames; PNG"):
        fitted(Picture((coloured, coloured)), FORMATS[".jpg"])


def test_the_size_is_checked_before_anything_is_decoded(coloured: Image.Image) -> None:
    """The rest of the file isn't there, and nobody notices."""

    def refuse(width: int, height: int) -> None:
        raise rgb.PhotoError(f"{width} by {height}")

    with pytest.raises(rgb.PhotoError, match="12 by 8"):
        picture_reader.read(io.BytesIO(saved(coloured).getvalue()[:60]), check_size=refuse)


def test_quality_counts(coloured: Image.Image) -> None:
    large = Picture((coloured.resize((200, 200)),))
    sizes = []
    for quality in (20, 95):
        buffer = io.BytesIO()
        picture_writer.write(buffer, large, FORMATS[".jpg"], quality)
        sizes.append(len(buffer.getvalue()))
    assert sizes[0] < sizes[1] / 2


def test_a_failed_write_leaves_what_was_there(
    tmp_path: pathlib.Path, coloured: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(b"precious")

    def fail(_: object, file: BinaryIO, **__: object) -> None:
        file.write(b"half a pict")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(rgb.PhotoError, match=r"photo\.png: No space left"):
        picture_writer.write(path, Picture((coloured,)), FORMATS[".png"])
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_frames_of_several_kinds_are_each_taken_as_they_are(grey: Image.Image) -> None:
    fine = raster.of_image(grey)
    picture = fitted(Picture((fine, grey, grey.convert("RGBA"))), FORMATS[".webp"])
    modes = [frame.mode for frame in picture.frames if isinstance(frame, Image.Image)]
    assert modes == ["L", "L", "RGBA"]
    for frame in picture.frames[:2]:
        assert isinstance(frame, Image.Image)
        np.testing.assert_array_equal(frame, grey)


def test_frames_of_several_sizes_are_for_tiff_alone(tmp_path: pathlib.Path, coloured: Image.Image) -> None:
    pages = Picture((coloured, coloured.crop((0, 0, 5, 4))))
    with pytest.raises(rgb.PhotoError, match="several sizes, which PNG can't hold"):
        fitted(pages, FORMATS[".png"])
    picture_writer.write(tmp_path / "pages.tif", fitted(pages, FORMATS[".tif"]), FORMATS[".tif"])
    assert [frame.size for frame in picture_reader.read(tmp_path / "pages.tif", all_frames=True).frames] == [(12, 8), (5, 4)]


def test_a_name_that_was_taken_meanwhile_is_kept(tmp_path: pathlib.Path, coloured: Image.Image) -> None:
    (tmp_path / "a.png").symlink_to("nowhere")
    with pytest.raises(rgb.PhotoError, match="File exists"):
        picture_writer.write(tmp_path / "a.png", Picture((coloured,)), FORMATS[".png"])
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    picture_writer.write(tmp_path / "a.png", Picture((coloured,)), FORMATS[".png"], overwrite=True)
    assert picture_reader.read(tmp_path / "a.png").frames[0].size == coloured.size


@pytest.mark.parametrize("orientation, seen", [(1, (12, 8)), (3, (12, 8)), (6, (8, 12)), (8, (8, 12)), (99, (12, 8))])
@pytest.mark.parametrize("file_format", ["JPEG", "TIFF", "WEBP", "PNG"])
def test_the_checked_size_is_that_of_the_upright_picture(
    coloured: Image.Image, orientation: int, seen: tuple[int, int], file_format: str
) -> None:
    sizes = []
    source = saved(coloured, file_format, exif=exif(orientation), dpi=(72, 144))
    picture = picture_reader.read(source, check_size=lambda *size: sizes.append(size))
    assert sizes == [seen]
    assert picture.frames[0].size == seen
    if file_format != "WEBP":
        assert picture.metadata.dpi == pytest.approx((72, 144) if seen == (12, 8) else (144, 72), abs=0.1)


def test_text_in_exif_stays_as_it_is(coloured: Image.Image) -> None:
    content = Image.Exif()
    content[ExifTags.Base.Copyright] = "© José".encode()
    result = rewritten(picture_reader.read(saved(coloured, "JPEG", exif=content.tobytes())), ".jpg")
    assert result.getexif()[ExifTags.Base.Copyright].encode("latin-1").decode() == "© José"


def test_exif_that_is_too_long_for_jpeg_is_left_out_and_said(coloured: Image.Image) -> None:
    content = Image.Exif()
    content.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote] = bytes(70_000)
    picture = picture_reader.read(saved(coloured, "PNG", exif=content.tobytes()))
    fitting = fitted(picture, FORMATS[".jpg"])
    assert fitting.notes == ("its EXIF is too long for JPEG and left out",)
    picture_writer.write(io.BytesIO(), fitting, FORMATS[".jpg"])


def test_a_delay_of_nothing_keeps_the_others(noise: Noise) -> None:
    frames = [Image.fromarray(noise(8, 12)) for _ in range(3)]
    assert picture_reader.read(animation(frames, "GIF", duration=[100, 0, 80]), all_frames=True).durations_ms == (100, 0, 80)


def test_the_picture_before_an_animation_is_none_of_its_frames(noise: Noise) -> None:
    frames = [Image.fromarray(noise(8, 12)) for _ in range(3)]
    source = animation(frames, "PNG", default_image=True, duration=[200, 300])
    picture = picture_reader.read(source, all_frames=True)
    np.testing.assert_array_equal(np.asarray(picture.frames[0]), frames[1])
    assert (len(picture.frames), picture.durations_ms) == (2, (200, 300))


def test_a_transparent_tone_of_16_bits_becomes_transparency(rng: np.random.Generator) -> None:
    numbers = rng.integers(10, 65536, (8, 12), dtype=np.uint16)
    numbers[3, 4] = 9
    frame = deep(picture_reader.read(saved(Image.fromarray(numbers), transparency=9)))
    assert frame.alpha
    assert (frame.samples[..., 1] == 0).sum() == 1
    assert frame.samples[3, 4].tolist() == [9, 0]


@pytest.mark.parametrize("options", [{}, *({"pixel_format": name} for name in ("DXT1", "DXT5"))], ids=str)
def test_reading_a_file_does_not_disturb_pillows_decoders(coloured: Image.Image, options: dict[str, str]) -> None:
    """Some read on from where the stream is."""
    dds = saved(coloured.resize((16, 16)).convert("RGBA"), "DDS", **options)
    with Image.open(io.BytesIO(dds.getvalue())) as file:
        expected = np.asarray(file)
    np.testing.assert_array_equal(np.asarray(picture_reader.read(dds).frames[0]), expected)


FUZZED = ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "PPM", "TGA", "ICO", "JPEG2000", "PCX", "QOI", "MPO"]


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A file with a few bytes changed, cut off, doubled, or without some of them."""
    damaged = bytearray(content)
    for _ in range(rng.integers(1, 6)):
        where = int(rng.integers(0, len(damaged)))
        match rng.integers(0, 4):
            case 0 | 1:
                damaged[where] = int(rng.integers(0, 256))
            case 2:
                del damaged[where : where + int(rng.integers(1, 20))]
            case 3:
                damaged[where:where] = damaged[where : where + int(rng.integers(1, 20))]
        if not damaged:
            break
    return bytes(damaged[: int(rng.integers(0, len(damaged) + 1))] if rng.random() < 0.2 else damaged)


@pytest.mark.parametrize("file_format", FUZZED)
def test_damaged_files_are_read_or_refused(
    rng: np.random.Generator, coloured: Image.Image, file_format: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """200 of each format: a picture, or one clear line; never another error, never a word from below."""
    extra = {"exif": exif(), "icc_profile": SRGB} if file_format in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF") else {}
    content = saved(coloured.resize((32, 24)), file_format, **extra).getvalue()

    def small(width: int, height: int) -> None:
        if width * height > 10**6:
            raise rgb.PhotoError("too large")

    outcomes = set()
    for _ in range(200):
        try:
            picture = picture_reader.read(io.BytesIO(mutated(content, rng)), all_frames=True, check_size=small)
        except rgb.PhotoError as error:
            assert "\n" not in str(error)
            outcomes.add("refused")
        else:
            modes = [frame.mode for frame in picture.frames if isinstance(frame, Image.Image)]
            assert set(modes) <= {"L", "LA", "RGB", "RGBA"}
            outcomes.add("read")
    assert "refused" in outcomes
    assert capfd.readouterr().err == ""


def test_a_picture_by_its_first_bytes_that_is_none_is_called_what_it_begins_as() -> None:
    with pytest.raises(rgb.PhotoError, match=r"^PNG that is damaged, or of a kind that is not read$"):
        picture_reader.read(io.BytesIO(b"\x89PNG\r\n\x1a\n" + bytes(50)))


def test_a_reason_is_never_a_number_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object) -> None:
        raise KeyError(0)

    monkeypatch.setattr(picture_reader, "_read_with_pillow", stumble)
    with pytest.raises(rgb.PhotoError, match=r"^damaged \(0\)$"):
        picture_reader.read(saved(Image.new("RGB", (4, 4))))


def test_a_picture_within_an_icon_is_held_against_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is not the one that the icon says."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    content = bytearray(saved(Image.new("RGB", (100, 100)), "ICO", sizes=[(100, 100)]).getvalue())
    content[6:8] = bytes([16, 16])
    with pytest.raises(rgb.PhotoError, match=r"^it has 10,000 pixels, more than are taken$"):
        picture_reader.read(io.BytesIO(content))


def fits(samples: np.ndarray, **cards: int) -> BinaryIO:
    """A FITS as cameras for telescopes write it: rows from the bottom, blocks of 2880 bytes."""
    bits = {"uint8": 8, ">i2": 16}[samples.dtype.name if samples.dtype.itemsize == 1 else samples.dtype.str]
    sizes = {f"NAXIS{axis}": size for axis, size in enumerate(reversed(samples.shape), 1)}
    values = {"SIMPLE": "T", "BITPIX": bits, "NAXIS": samples.ndim, **sizes, **cards}
    head = "".join(f"{name:8}= {value:>20}".ljust(80) for name, value in values.items()) + "END".ljust(80)
    parts = (head.ljust(2880).encode(), np.ascontiguousarray(samples[..., ::-1, :]).tobytes())
    return io.BytesIO(b"".join(part + bytes(-len(part) % 2880) for part in parts))


@pytest.mark.parametrize(
    "samples, cards, reason",
    [
        (np.zeros((4, 6), ">i2"), {"BZERO": 32768}, r"its values have an offset or a factor \(BZERO, BSCALE\)"),
        (np.zeros((4, 6), ">i2"), {"BZERO": 0, "BSCALE": 2}, r"its values have an offset or a factor \(BZERO, BSCALE\)"),
        (np.zeros((4, 6), ">i2"), {"BZERO": 0}, "its values are signed 16-bit integers"),
        (np.zeros((3, 4, 6), np.uint8), {}, "it has 3 planes"),
    ],
)
def test_a_fits_that_pillow_reads_otherwise_than_it_is_meant_is_refused(
    samples: np.ndarray, cards: dict[str, int], reason: str
) -> None:
    """Pillow 13.0.0 passes over the offset, by which unsigned 16 bits are stored, and over all planes but the first."""
    sentence = f"a FITS of a kind that is not read: {reason}; save it as TIFF$"
    with pytest.raises(rgb.PhotoError, match=f"^{sentence}"):
        picture_reader.read(fits(samples, **cards))
    with pytest.raises(rgb.PhotoError, match=f"^a.fits: {sentence}"):
        rgb.decode_photo(fits(samples, **cards).read(), "a.fits")


def test_a_plain_fits_is_read() -> None:
    samples = np.random.default_rng(0).integers(0, 256, (4, 6)).astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(only(picture_reader.read(fits(samples, BZERO=0)))), samples)


def apng(frames: list[Image.Image], **options: Any) -> BinaryIO:
    content = io.BytesIO()
    frames[0].save(content, "PNG", save_all=True, append_images=frames[1:], duration=100, **options)
    return io.BytesIO(content.getvalue())


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("has_default_image", [False, True])
@pytest.mark.parametrize("disposal", list(PngImagePlugin.Disposal))
@pytest.mark.parametrize("blend", list(PngImagePlugin.Blend))
def test_frames_of_an_apng_lie_over_those_before_as_the_standard_says(
    mode: str, has_default_image: bool, disposal: PngImagePlugin.Disposal, blend: PngImagePlugin.Blend
) -> None:
    """Of noise, each frame covers the whole canvas, transparent or not."""
    rng = np.random.default_rng(0)
    frames = [Image.fromarray(rng.integers(1, 256, (8, 12, len(mode)), dtype=np.uint8)) for _ in range(4)]
    stream = apng(frames, disposal=disposal, blend=blend, default_image=has_default_image)
    read = picture_reader.read(stream, all_frames=True).frames
    animated = frames[1:] if has_default_image else frames
    assert len(read) == len(animated)
    canvas = Image.new(mode, (12, 8))
    for index, (seen, frame) in enumerate(zip(read, animated, strict=True)):
        assert isinstance(seen, Image.Image)
        is_over = blend == PngImagePlugin.Blend.OP_OVER and index > 0
        shown = Image.alpha_composite(canvas, frame) if is_over else frame
        np.testing.assert_array_equal(np.asarray(seen), np.asarray(shown))
        canvas = shown if disposal == PngImagePlugin.Disposal.OP_NONE else Image.new(mode, (12, 8))
