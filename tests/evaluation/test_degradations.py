import numpy as np
import pytest
import scipy.ndimage
from PIL import Image, JpegImagePlugin

from sr_keras.evaluation import degradations
from sr_keras.photos import rgb

KINDS = list(degradations.KINDS)


@pytest.fixture(scope="module")
def hr() -> np.ndarray:
    return rgb.read_photo(rgb.SAMPLE / "photos" / "cat.jpg")[:128, 150:310]


@pytest.fixture
def without_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(degradations, "jpeg", lambda photo, quality: photo)


@pytest.fixture
def without_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(degradations, "with_noise", lambda photo, sigma, random: photo)


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_and_the_name_decide(hr: np.ndarray, kind: str) -> None:
    first, again, of_other = (degradations.degrade(hr, kind, name, 4) for name in ("a.png", "a.png", "b.png"))
    assert first.shape == (32, 40, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    # The web has no noise.
    assert np.array_equal(first, of_other) == (kind == "web")
    assert not any(np.array_equal(first, degradations.degrade(hr, other, "a.png", 4)) for other in KINDS if other != kind)


def test_names_need_not_be_text(hr: np.ndarray) -> None:
    assert degradations.degrade(hr, "phone", "caf\udce9.png", 2).shape == (64, 80, 3)


@pytest.mark.parametrize("kind, sigma", [("phone", 3), ("web", 0), ("cctv", 9)])
def test_noise_has_its_power(without_jpeg: None, kind: str, sigma: float) -> None:
    grey = degradations.degrade(np.full((800, 800, 3), 128, np.uint8), kind, "grey.png", 4)
    # Rounding to whole levels has a variance of its own.
    np.testing.assert_allclose(grey.var((0, 1)), sigma**2 + (sigma > 0) / 12, rtol=0.04)
    np.testing.assert_allclose(grey.mean((0, 1)), 128, atol=0.2)


def test_channels_have_most_of_their_noise_in_common(rng: np.random.Generator) -> None:
    noisy = degradations.with_noise(np.full((200, 200, 3), 128, np.uint8), 9.0, rng)
    np.testing.assert_allclose(np.corrcoef(noisy.reshape(-1, 3).T)[np.triu_indices(3, 1)], 0.8**2, atol=0.02)


@pytest.mark.parametrize("kind, sigma, method", [("phone", 1.0, Image.Resampling.BICUBIC), ("cctv", 2.4, Image.Resampling.BOX)])
def test_blur_is_about_scipys(
    hr: np.ndarray, without_noise: None, without_jpeg: None, kind: str, sigma: float, method: Image.Resampling
) -> None:
    """Pillow approximates it by means over areas."""
    blurred = rgb.to_uint8(scipy.ndimage.gaussian_filter(rgb.to_float(hr), (sigma, sigma, 0), mode="nearest"))
    expected = np.asarray(Image.fromarray(blurred).resize((40, 32), method))
    np.testing.assert_allclose(degradations.degrade(hr, kind, "", 4).astype(int), expected, atol=3)


@pytest.mark.parametrize("kind, qualities", [("phone", [85]), ("web", [60, 75]), ("cctv", [50])])
def test_jpeg_is_of_its_quality(hr: np.ndarray, monkeypatch: pytest.MonkeyPatch, kind: str, qualities: list[int]) -> None:
    asked_for = []
    jpeg = degradations.jpeg

    def noted(photo: Image.Image, quality: int) -> Image.Image:
        asked_for.append(quality)
        return jpeg(photo, quality)

    monkeypatch.setattr(degradations, "jpeg", noted)
    degradations.degrade(hr, kind, "", 4)
    assert asked_for == qualities


def test_jpeg_halves_colours(hr: np.ndarray) -> None:
    restored = degradations.jpeg(Image.fromarray(hr), 50)
    assert isinstance(restored, JpegImagePlugin.JpegImageFile)
    assert JpegImagePlugin.get_sampling(restored) == 2  # as libjpeg calls 4:2:0
    # At quality 50 the tables are those of the standard's annex K, for luma and for colours.
    assert [list(restored.quantization[table][:2]) for table in (0, 1)] == [[16, 11], [17, 18]]


def test_the_web_makes_small_by_lanczos(hr: np.ndarray, without_jpeg: None) -> None:
    expected = Image.fromarray(hr).resize((40, 32), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(degradations.degrade(hr, "web", "", 4), expected)
