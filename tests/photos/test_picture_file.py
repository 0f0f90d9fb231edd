"""Files of every kind: when they are refused, what is checked before they are decoded, and that they are written whole."""

import io
import pathlib
from typing import BinaryIO

import numpy as np
import pytest
from PIL import Image

from sr_keras.photos import picture_reader, picture_writer, rgb
from sr_keras.photos.picture import FORMATS, Picture
from tests.photos.in_memory import SRGB, exif, saved

# Pillow warns of what is odd in a file; here it must also cope with it.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def test_photos_are_written_to_formats_of_24_bit_colour_that_need_no_package() -> None:
    assert {suffix for suffix, held in FORMATS.items() if not held.package and held.name != "GIF"} == set(rgb.WRITABLE_SUFFIXES)


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
