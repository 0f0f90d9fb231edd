import pathlib

import numpy as np
import pytest

from benchmarks import flicker as benchmark
from sr_keras.evaluation import flicker
from sr_keras.inference.upscaler import Upscaler
from sr_keras.photos import rgb


def bicubic(photo: np.ndarray) -> np.ndarray:
    return rgb.resize_bicubic(photo, 4 * photo.shape[0], 4 * photo.shape[1])


@pytest.fixture
def photo() -> np.ndarray:
    return rgb.read_photo(rgb.SAMPLE / "photos" / "astronaut.jpg")[:120, :160]


def test_a_flat_photo_is_steady() -> None:
    assert flicker.flicker(bicubic, np.full((80, 80, 3), 90, np.uint8), scale=4) == 0


def test_what_changes_from_frame_to_frame_is_counted(photo: np.ndarray, rng: np.random.Generator) -> None:
    steady = flicker.flicker(bicubic, photo, scale=4)

    def unsteady(small: np.ndarray) -> np.ndarray:
        changed: np.ndarray = np.clip(bicubic(small) + rng.choice([-9, 9]), 0, 255).astype(np.uint8)
        return changed

    assert 0 < steady < flicker.flicker(unsteady, photo, scale=4)


def test_sharpness_alone_is_no_flicker() -> None:
    """A slow slope moves with the pan, and stays where it is once that is undone."""
    slope = np.broadcast_to(np.arange(160, dtype=np.uint8)[None, :, None], (120, 160, 3))
    assert flicker.flicker(bicubic, slope, scale=4) < 0.2


def test_a_photo_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 45 pixels a side"):
        flicker.flicker(bicubic, np.zeros((44, 90, 3), np.uint8), scale=4)


def test_the_table(interpolator: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main([str(interpolator), "--photos=1", "--side=80"]) == 0
    heading, columns, row = capsys.readouterr().out.splitlines()
    assert heading == "1 photos of 80x80, one pixel a frame"
    assert columns.split() == ["levels", "times", "bicubic"]
    name, levels, times = row.split()[:3]
    assert name == interpolator.name
    assert float(levels) > 0
    assert 0.5 < float(times) < 3


def test_a_folder_without_photos_is_one_line(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main([f"--data={tmp_path}"]) == 2
    assert "holds no photo of 200 pixels a side" in capsys.readouterr().err


@pytest.mark.slow
def test_photo_is_steady() -> None:
    """At most 1.2 times as unsteady as bicubic."""
    upscaler = Upscaler.load("photo")
    photos = list(benchmark.middles(rgb.SAMPLE / "photos", 128))
    ours, plain = (flicker.mean_flicker(upscale, photos, scale=4) for upscale in (upscaler.upscale, bicubic))
    assert ours <= benchmark.STEADY * plain
