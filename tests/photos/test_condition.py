import io
import pathlib
import warnings

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from sr_keras.evaluation import degradations
from sr_keras.photos import condition, picture_reader, rgb

PHOTOS = ("astronaut", "camera", "cat", "gravel", "retina")


@pytest.fixture(scope="module", params=PHOTOS)
def clean(request: pytest.FixtureRequest) -> np.ndarray:
    """A photo without a trace of its own JPEG: it is made half as large."""
    photo = rgb.read_photo(rgb.SAMPLE / "photos" / f"{request.param}.jpg")
    return rgb.resize_bicubic(photo, photo.shape[0] // 2, photo.shape[1] // 2)


def as_jpeg(photo: np.ndarray, quality: int) -> np.ndarray:
    return np.asarray(degradations.jpeg(Image.fromarray(photo), quality))


def test_clean_photos_are_clean(clean: np.ndarray) -> None:
    assert condition.examine(clean) == condition.Condition(None, 0)
    assert condition.examine(clean).wear == ""


@pytest.mark.parametrize("quality", [30, 50, 75, 85])
def test_what_once_was_a_jpeg_is_known_by_its_pixels(clean: np.ndarray, quality: int) -> None:
    """Whatever file they lie in now."""
    found = condition.examine(as_jpeg(clean, quality))
    assert found.jpeg_quality == pytest.approx(quality, abs=1)
    assert found.wear == f"JPEG of quality {found.jpeg_quality}"


@pytest.mark.parametrize("y, x", [(0, 5), (3, 0), (7, 7)])
def test_blocks_may_begin_anywhere(clean: np.ndarray, y: int, x: int) -> None:
    assert condition.examine(as_jpeg(clean, 60)[y:, x:]).jpeg_quality == pytest.approx(60, abs=1)


def test_a_jpeg_that_nobody_sees_is_clean(clean: np.ndarray) -> None:
    found = condition.examine(as_jpeg(clean, 92))
    assert found.wear == ""


@pytest.mark.parametrize("quality", [1, 20, 50, 75, 95, 100])
def test_a_files_table_tells_its_quality(quality: int) -> None:
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG", quality=quality)
    steps = picture_reader.read(file).jpeg_steps
    assert steps is not None
    assert condition.quality_of(steps) == quality
    assert condition.examine(np.zeros((16, 16, 3), np.uint8), steps).jpeg_quality == quality


@pytest.mark.parametrize("quality", [40, 75, 88, 95])
def test_the_table_of_jpegs_in_a_tiff_tells_it_too(clean: np.ndarray, quality: int) -> None:
    file = io.BytesIO()
    Image.fromarray(clean).save(file, "TIFF", compression="jpeg", quality=quality)
    steps = picture_reader.read(file).jpeg_steps
    assert steps is not None
    assert condition.quality_of(steps) == quality


@pytest.mark.parametrize("quality, wear", [(74, "JPEG of quality 74"), (92, "")])
@pytest.mark.parametrize("ycck", [False, True], ids=["CMYK", "YCCK"])
def test_a_table_tells_the_quality_of_inks_too(
    clean: np.ndarray, quality: int, wear: str, ycck: bool, tmp_path: pathlib.Path
) -> None:
    inks = Image.fromarray(clean).convert("CMYK")
    if ycck:
        content = imagecodecs.jpeg8_encode(np.asarray(inks), level=quality, colorspace="CMYK", outcolorspace="YCCK")
        (tmp_path / "a.jpg").write_bytes(content)
    else:
        inks.save(tmp_path / "a.jpg", quality=quality)
    picture = picture_reader.read(tmp_path / "a.jpg")
    assert condition.examine(np.asarray(picture.frames[0]), picture.jpeg_steps).wear == wear


def test_a_scan_of_1_bit_has_no_noise(clean: np.ndarray) -> None:
    scan = np.where(clean > 127, np.uint8(255), np.uint8(0))[..., :1]
    for photo in (scan[..., 0], scan.repeat(3, axis=2)):
        assert condition.examine(photo) == condition.Condition(None, 0, bilevel=True)
        assert condition.examine(photo).wear == "1 bit a pixel"
    assert not condition.is_bilevel(np.array([[[0, 0, 0], [255, 0, 0]]], np.uint8))
    assert not condition.is_bilevel(np.full((9, 9), 255, np.uint8))


def test_a_file_that_is_no_jpeg_has_no_table(tmp_path: pathlib.Path) -> None:
    rgb.write_photo(tmp_path / "a.png", np.zeros((9, 9, 3), np.uint8))
    assert picture_reader.read(tmp_path / "a.png").jpeg_steps is None


@pytest.mark.parametrize("sigma", [3, 8, 20])
def test_noise_is_found_and_measured(sigma: float, rng: np.random.Generator) -> None:
    sky = np.broadcast_to(np.linspace(60, 200, 160)[:, np.newaxis, np.newaxis], (160, 240, 3))
    found = condition.examine(rgb.to_uint8((sky + sigma * rng.standard_normal((160, 240, 1))) / 255))
    assert found.noise == pytest.approx(sigma, rel=0.2)
    assert found.wear == f"noise of {found.noise:.0f} levels"


def test_a_photo_with_both_has_both(rng: np.random.Generator) -> None:
    sky = np.full((160, 240, 3), 120, np.uint8)
    found = condition.examine(as_jpeg(degradations.with_noise(sky, 12, rng), 85))
    assert found.wear.startswith("JPEG of quality 85 and noise of ")


def test_large_photos_are_judged_by_parts(rng: np.random.Generator) -> None:
    large = rgb.to_uint8(0.5 + 6 / 255 * rng.standard_normal((1100, 2000)))
    assert condition.examine(large).noise == pytest.approx(6, rel=0.2)
    assert condition.examine(as_jpeg(np.stack(3 * [large], axis=-1), 40)).jpeg_quality == pytest.approx(40, abs=1)


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 300, 3), (8, 8, 3), (20, 9), (500, 3, 3)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_nothing_is_found_where_nothing_is(shape: tuple[int, ...], level: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert condition.examine(np.full(shape, level, np.uint8)) == condition.Condition(None, 0)
