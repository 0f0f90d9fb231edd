import io
import pathlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from sr_keras.photos import rgb
from tests.photos.in_memory import saved
from tests.types import Noise


@pytest.mark.parametrize("suffix", rgb.WRITABLE_SUFFIXES)
def test_what_is_written_can_be_read(tmp_path: pathlib.Path, suffix: str) -> None:
    photo = np.full((20, 30, 3), (200, 100, 50), np.uint8)
    rgb.write_photo(tmp_path / f"photo{suffix}", photo)
    np.testing.assert_allclose(rgb.read_photo(tmp_path / f"photo{suffix}").astype(int), photo, atol=3)


def test_png_keeps_every_number(tmp_path: pathlib.Path, noise: Noise) -> None:
    photo = noise(7, 5)
    rgb.write_photo(tmp_path / "photo.png", photo)
    np.testing.assert_array_equal(rgb.read_photo(tmp_path / "photo.png"), photo)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "I;16"])
def test_white_stays_white_in_every_mode(mode: str) -> None:
    white: dict[str, float | tuple[float, ...]] = {
        "1": 1,
        "LA": (255, 255),
        "CMYK": (0, 0, 0, 0),
        "YCbCr": (255, 128, 128),
        "HSV": (0, 0, 255),
    }
    white |= {"LAB": (255, 128, 128), "I": 65535, "F": 255.0, "I;16": 65535}
    if mode in ("P", "PA"):
        picture = Image.new("RGB", (3, 2), "white").convert("P").convert(mode)
    else:
        picture = Image.new(mode, (3, 2), white.get(mode, "white"))
    converted = rgb.to_rgb(picture)
    assert converted.mode == "RGB"
    np.testing.assert_allclose(np.asarray(converted), 255, atol=1)


def test_16_bit_greyscale_keeps_its_tones(tmp_path: pathlib.Path) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    photo = rgb.read_photo(tmp_path / "ramp.png")
    np.testing.assert_array_equal(photo[..., 0].ravel(), np.arange(256))


def test_transparent_pixels_become_white() -> None:
    picture = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    picture.putpixel((1, 0), (255, 0, 0, 0))
    assert np.asarray(rgb.to_rgb(picture)).tolist() == [[[255, 0, 0], [255, 255, 255]]]


def test_exif_orientation_is_applied(tmp_path: pathlib.Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    Image.new("RGB", (40, 20)).save(tmp_path / "photo.jpg", exif=exif)
    assert rgb.read_photo(tmp_path / "photo.jpg").shape == (40, 20, 3)


def broken(path: pathlib.Path) -> bytes:
    whole = path.with_name("whole.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 50, 3), dtype=np.uint8)).save(whole)
    return whole.read_bytes()


@pytest.mark.parametrize("content", ["empty", "text", "half", "flipped"])
def test_a_bad_file_is_named_in_one_line(tmp_path: pathlib.Path, content: str) -> None:
    path = tmp_path / "bad.png"
    whole = broken(path)
    contents = {
        "empty": b"",
        "text": b"text",
        "half": whole[: len(whole) // 2],
        "flipped": whole[:60] + bytes([whole[60] ^ 255]) + whole[61:],
    }
    path.write_bytes(contents[content])
    with pytest.raises(rgb.PhotoError) as error:
        rgb.read_photo(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(rgb.PhotoError, match=r"nothing\.jpg: No such file"):
        rgb.read_photo(tmp_path / "nothing.jpg")


def test_unknown_formats_are_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(rgb.PhotoError, match="must end in"):
        rgb.write_photo(tmp_path / "photo.xyz", np.zeros((2, 2, 3), np.uint8))


def test_a_failed_write_leaves_what_was_there(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(b"precious")

    def fail(_: object, part: pathlib.Path, **__: object) -> None:
        part.write_bytes(b"half a pict")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(rgb.PhotoError, match="No space left"):
        rgb.write_photo(path, np.zeros((2, 2, 3), np.uint8))
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_levels_survive_the_way_to_float_and_back() -> None:
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(rgb.to_uint8(rgb.to_float(levels)), levels)


def test_values_are_clipped_then_rounded() -> None:
    assert rgb.to_uint8(np.array([-0.1, 0.0019, 0.0020, 1.5], np.float32)).tolist() == [0, 0, 1, 255]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        rgb.to_uint8(np.array([0.5, value], np.float32))


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("bands", [3, 4])
def test_16_bit_colour_of_a_tiff_keeps_its_tones(tmp_path: pathlib.Path, noise: Noise, planar: str, bands: int) -> None:
    photo = noise(24, 32)
    samples = np.dstack([photo, *[photo[..., 0]] * (bands - 3)]).astype(np.uint16) * 257
    in_file = samples if planar == "contig" else np.moveaxis(samples, 2, 0)
    further = ["unspecified"] * (bands - 3) or None
    tifffile.imwrite(tmp_path / "photo.tif", in_file, photometric="rgb", planarconfig=planar, extrasamples=further)
    np.testing.assert_array_equal(rgb.read_photo(tmp_path / "photo.tif"), photo)
    np.testing.assert_array_equal(rgb.decode_photo((tmp_path / "photo.tif").read_bytes(), "a photo"), photo)


def test_bands_that_are_no_colours_are_refused(tmp_path: pathlib.Path) -> None:
    tifffile.imwrite(tmp_path / "bands.tif", np.zeros((8, 12, 10), np.uint16), photometric="minisblack", planarconfig="contig")
    with pytest.raises(rgb.PhotoError, match=r"bands\.tif: 10 bands, which do not say what is red"):
        rgb.read_photo(tmp_path / "bands.tif")


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_values_that_are_no_tones_are_refused_and_not_clipped(tmp_path: pathlib.Path, dtype: type) -> None:
    Image.fromarray(np.arange(100, 196).reshape(8, 12).astype(dtype)).save(tmp_path / "heights.tif")
    with pytest.raises(rgb.PhotoError, match=rf"heights\.tif: {np.dtype(dtype).name} values do not say which number is white"):
        rgb.read_photo(tmp_path / "heights.tif")


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_16_bits_are_rounded_to_8_and_kept_for_training(rng: np.random.Generator, bands: int) -> None:
    samples = rng.integers(0, 65536, (6, 7, bands), dtype=np.uint16)
    content = bytes(imagecodecs.png_encode(samples.squeeze()))
    colours = samples[..., : 3 if bands > 2 else 1]
    shares = samples[..., -1:] / 65535 if bands in (2, 4) else np.ones((6, 7, 1))
    fine = np.broadcast_to(np.rint(colours * shares + 65535 * (1 - shares)), (6, 7, 3))
    np.testing.assert_allclose(rgb.decode_photo_to_16_bits(content, ""), fine, atol=1)
    np.testing.assert_allclose(rgb.decode_photo(content, ""), np.rint(fine / 257), atol=0 if bands in (1, 3) else 1)


def test_dark_16_bit_tones_stay_apart() -> None:
    tones = np.arange(1000, 1188, dtype=np.uint16)[np.newaxis]
    for content in (imagecodecs.png_encode(tones), saved(Image.fromarray(tones), "TIFF").getvalue()):
        assert len(np.unique(rgb.decode_photo_to_16_bits(bytes(content), ""))) == 188


def test_pixels_without_a_value_are_no_tones(noise: Noise) -> None:
    buffer = io.BytesIO()
    photo = np.maximum(noise(8, 9), 1)
    photo[:2] = 0
    tifffile.imwrite(buffer, photo, photometric="rgb", extratags=[(42113, "s", 0, "0", True)])
    with pytest.raises(rgb.PhotoError, match="18 pixels without a value"):
        rgb.decode_photo(buffer.getvalue(), "map.tif")
    photo[:] = np.maximum(photo, 1)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, photo, photometric="rgb", extratags=[(42113, "s", 0, "0", True)])
    np.testing.assert_array_equal(rgb.decode_photo(buffer.getvalue(), "map.tif"), photo)


def test_ink_of_an_xbm_is_dark() -> None:
    content = b"#define a_width 8\n#define a_height 1\nstatic char a_bits[] = {\n0x0F };\n"
    np.testing.assert_array_equal(rgb.decode_photo(content, "a.xbm")[0, :, 0], [0, 0, 0, 0, 255, 255, 255, 255])
