"""Camera raw."""

import io
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

from sr_keras.photos import picture_reader, rgb
from tests.photos.in_memory import deep, saved_as, tiff


def test_camera_raw_is_never_its_preview(rng: np.random.Generator) -> None:
    """A DNG to Pillow is the small preview that comes first."""
    preview = rng.integers(0, 256, (8, 12, 3), dtype=np.uint8)
    dng = tiff(preview, photometric="rgb", subfiletype=1, extratags=[(50706, 1, 4, (1, 4, 0, 0), True)])
    with pytest.raises(rgb.PhotoError):
        picture_reader.read(dng)


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
