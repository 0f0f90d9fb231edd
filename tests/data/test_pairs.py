"""What `lr` and `hr` are of a window, in training and in validation."""

import importlib.util
import pathlib
import platform
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sr_keras.data import sources
from sr_keras.data.pairs import DOWNSCALE_METHODS, PairMaker, validation_pairs
from tests.data.streams import files, flat, make_stream, take


def test_lr_has_the_levels_of_a_file(folder: pathlib.Path) -> None:
    [(lr, _)] = take(make_stream(sources.list_photos(folder)), 1)
    np.testing.assert_allclose(lr * 255, np.rint(lr * 255), atol=1e-4)


@pytest.mark.parametrize("downscale", DOWNSCALE_METHODS)
def test_a_flat_colour_makes_a_flat_pair(tmp_path: pathlib.Path, downscale: str) -> None:
    [(lr, hr)] = take(make_stream(flat(tmp_path, [(50, 100, 200)]), downscale=downscale), 1)
    for photos in (lr, hr):
        np.testing.assert_allclose(photos * 255, np.broadcast_to([50, 100, 200], photos.shape), atol=1e-3)


def test_lr_is_pillows_bicubic_of_hr(folder: pathlib.Path) -> None:
    """The field makes low-resolution photos by antialiased bicubic (a = -0.5); Pillow's has no part in the pipeline."""
    for lr, hr in take(make_stream(sources.list_photos(folder)), 3):
        for small, large in zip(lr, hr, strict=True):
            channels = [np.asarray(Image.fromarray(large[..., c]).resize((8, 8), Image.Resampling.BICUBIC)) for c in range(3)]
            np.testing.assert_allclose(small, np.clip(np.dstack(channels), 0, 1), atol=1.01 / 510)


def test_validation_takes_the_middle(tmp_path: pathlib.Path) -> None:
    photo = np.zeros((50, 60, 3), np.uint8)
    photo[9:41, 14:46] = 200
    Image.fromarray(photo).save(tmp_path / "0.png")
    (tmp_path / "1.png").write_text("no photo")
    lr, hr = validation_pairs(files([str(tmp_path / f"{i}.png") for i in (1, 0)]), PairMaker(32, 4), count=5)
    assert lr.shape == (1, 8, 8, 3)
    np.testing.assert_allclose(hr, np.full((1, 32, 32, 3), 200 / 255), atol=1e-6)


def test_validation_may_be_empty() -> None:
    lr, hr = validation_pairs(files([]), PairMaker(32, 4), count=5)
    assert lr.shape == (0, 8, 8, 3)
    assert hr.shape == (0, 32, 32, 3)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"hr_size": 30}, "hr_size must be a multiple of 4, got 30"),
        ({"hr_size": 32, "downscale": "nearest"}, "downscale must be one of .*, got 'nearest'"),
        ({"hr_size": 12, "degradation": "real"}, "hr_size must be at least 16 for the degradation real, got 12"),
        ({"hr_size": 32, "degradation": "rain"}, "degradation must be one of .*, got 'rain'"),
    ],
)
def test_wrong_pairs_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PairMaker(scale=4, **arguments)


def test_degraded_validation_photos_are_the_same_again(folder: pathlib.Path) -> None:
    photos, make_pair = files(sources.list_photos(folder)), PairMaker(32, 4, degradation="real")
    (lr, hr), (lr_again, hr_again) = (validation_pairs(photos, make_pair, count=5) for _ in range(2))
    assert lr.shape == (5, 8, 8, 3)
    assert hr.shape == (5, 32, 32, 3)
    np.testing.assert_array_equal(lr, lr_again)
    np.testing.assert_array_equal(hr, hr_again)


def test_sharpening_the_reference_leaves_lr_alone(folder: pathlib.Path) -> None:
    paths = sources.list_photos(folder)
    plain, sharp = (take(make_stream(paths, sharpen_reference=on), 2) for on in (False, True))
    for (lr, hr), (same_lr, sharp_hr) in zip(plain, sharp, strict=True):
        np.testing.assert_array_equal(lr, same_lr)
        assert np.abs(np.diff(sharp_hr, axis=1)).mean() > 1.1 * np.abs(np.diff(hr, axis=1)).mean()


# The last build of tensorflow-addons knows Python up to 3.11; its import warns of that.
HAS_ADDONS = importlib.util.find_spec("tensorflow_addons") is not None


@pytest.mark.skipif(not HAS_ADDONS, reason="tensorflow-addons can't be installed here")
@pytest.mark.filterwarnings("ignore")
def test_blur_softens_lr_alone(folder: pathlib.Path) -> None:
    paths = sources.list_photos(folder)
    sharp, soft = (take(make_stream(paths, degradation=name), 3) for name in ("none", "blur"))
    for (lr, hr), (soft_lr, soft_hr) in zip(sharp, soft, strict=True):
        np.testing.assert_array_equal(hr, soft_hr)
        assert np.abs(np.diff(soft_lr, axis=1)).mean() < np.abs(np.diff(lr, axis=1)).mean()


def test_blur_without_the_addons_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow_addons", None)
    monkeypatch.setitem(sys.modules, "tensorflow_addons.image", None)
    with pytest.raises(ImportError, match=r"needs tensorflow-addons: pip install"):
        PairMaker(32, 4, degradation="blur")


def test_addons_are_imported_only_when_asked_for() -> None:
    assert HAS_ADDONS or sys.version_info >= (3, 12) or platform.machine() != "x86_64"
    code = "import sys; from sr_keras.data import pairs; pairs.PairMaker(32, 4); print('tensorflow_addons' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
