from typing import Any

import numpy as np
import pytest
from PIL import Image

from sr_keras.evaluation import metrics
from sr_keras.inference.tiling import Progress, Put
from sr_keras.photos.picture import Picture
from sr_keras.upscaling import enlarge
from sr_keras.upscaling.enlarge import Target
from tests.types import Noise


class Repeater:
    """Enlarges by repetition, in tiles of 5 rows, and counts the pixels that it was given."""

    def __init__(self, scale: int = 4) -> None:
        self.scale = scale
        self.pixels = 0

    def upscale_to(self, put: Put, photo: np.ndarray, *, self_ensemble: bool = False, progress: Progress) -> None:
        self.pixels += photo.shape[0] * photo.shape[1]
        for y in range(0, photo.shape[0], 5):
            put(self.scale * y, 0, photo[y : y + 5].repeat(self.scale, axis=0).repeat(self.scale, axis=1))
            progress(min(1, (y + 5) / photo.shape[0]))


def enlarged(frame: Image.Image, target: Target, **options: Any) -> Image.Image:
    [result] = enlarge.enlarge(Picture((frame,)), options.pop("upscaler", Repeater()), target, **options).frames
    return result


@pytest.fixture
def rgba(noise: Noise) -> Image.Image:
    picture = Image.fromarray(noise(12, 17)).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    return picture


@pytest.mark.parametrize(
    "target, size, label",
    [
        (Target(scale=4), (400, 200), "x4"),
        (Target(scale=1.5), (150, 75), "x1.5"),
        (Target(width=250), (250, 125), "250w"),
        (Target(height=60), (120, 60), "60h"),
        (Target(width=300, height=99), (300, 99), "300x99"),
    ],
)
def test_targets(target: Target, size: tuple[int, int], label: str) -> None:
    assert target.size(100, 50) == size
    assert target.label == label


def test_no_side_becomes_nothing() -> None:
    assert Target(width=10).size(1000, 1) == (10, 1)


@pytest.mark.parametrize("mode", ["L", "RGB", "LA", "RGBA", "I;16"])
@pytest.mark.parametrize(
    "target", [Target(scale=s) for s in (1.3, 2, 3, 4, 5, 17)] + [Target(width=5), Target(width=100, height=9)]
)
def test_any_mode_to_any_size(rgba: Image.Image, mode: str, target: Target) -> None:
    frame = rgba.convert("L").convert(mode) if mode == "I;16" else rgba.convert(mode)
    result = enlarged(frame, target)
    assert result.mode == mode
    assert result.size == target.size(*frame.size)
    tones = [np.asarray(picture, np.float64).mean() for picture in (frame, result)]
    assert tones[1] == pytest.approx(tones[0], rel=0.15)


def test_the_networks_own_scale_is_the_networks_own_picture(rgba: Image.Image) -> None:
    rgb = rgba.convert("RGB")
    np.testing.assert_array_equal(enlarged(rgb, Target(scale=4)), np.asarray(rgb).repeat(4, 0).repeat(4, 1))


def test_16_bit_greyscale_keeps_its_16_bits(rng: np.random.Generator) -> None:
    numbers = rng.integers(0, 65536, (9, 11), dtype=np.uint16)
    np.testing.assert_array_equal(enlarged(Image.fromarray(numbers), Target(scale=4)), numbers.repeat(4, 0).repeat(4, 1))


@pytest.mark.parametrize(
    "size, target, scale, sizes",
    [
        ((100, 50), (400, 200), 4, [(400, 200)]),
        ((100, 50), (150, 75), 4, [(150, 75)]),
        ((100, 50), (100, 50), 4, []),
        ((100, 50), (50, 25), 4, []),
        ((100, 50), (500, 250), 4, [(125, 63), (500, 250)]),
        ((100, 50), (1600, 800), 4, [(400, 200), (1600, 800)]),
        ((100, 50), (300, 150), 2, [(150, 75), (300, 150)]),
        ((100, 50), (90, 60), 4, [(90, 60)]),
        ((400, 400), (100, 2000), 4, [(100, 500), (100, 2000)]),
    ],
)
def test_passes(size: tuple[int, int], target: tuple[int, int], scale: int, sizes: list[tuple[int, int]]) -> None:
    assert enlarge._passes(size, target, scale) == sizes


def test_what_gets_smaller_needs_no_network(rgba: Image.Image) -> None:
    upscaler = Repeater()
    assert enlarged(rgba, Target(width=9), upscaler=upscaler).width == 9
    assert upscaler.pixels == 0


def test_constant_transparency_needs_no_network(rgba: Image.Image) -> None:
    upscaler = Repeater()
    rgba.putalpha(255)
    assert enlarged(rgba, Target(scale=4), upscaler=upscaler).getchannel("A").getextrema() == (255, 255)
    assert upscaler.pixels == rgba.width * rgba.height


def test_hidden_colours_do_not_bleed() -> None:
    """A green disc on transparent red: what is seen of a picture between pixels is green."""
    y, x = np.mgrid[:40, :40]
    disc = np.hypot(y - 19.5, x - 19.5) < 12
    rgba = np.where(disc[..., np.newaxis], (0, 200, 0, 255), (255, 0, 0, 0)).astype(np.uint8)

    class Blurring(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            blurred = Image.fromarray(photo).resize((4 * photo.shape[1], 4 * photo.shape[0]), Image.Resampling.BICUBIC)
            put(0, 0, np.asarray(blurred))

    result = np.asarray(enlarged(Image.fromarray(rgba), Target(scale=4), upscaler=Blurring()))
    seen = result[result[..., 3] > 0]
    assert len(seen) > disc.sum() * 16
    assert seen[:, 0].max() <= 1
    assert seen[:, 1].min() >= 199


def test_a_picture_that_is_all_transparent_stays_so(rgba: Image.Image) -> None:
    rgba.putalpha(0)
    assert enlarged(rgba, Target(scale=4)).getchannel("A").getextrema() == (0, 0)


def test_all_frames_are_enlarged(noise: Noise) -> None:
    frames = tuple(Image.fromarray(noise(6, 7)) for _ in range(3))
    shares: list[float] = []
    result = enlarge.enlarge(Picture(frames, durations_ms=(1, 2, 3)), Repeater(), Target(scale=4), progress=shares.append)
    assert [frame.size for frame in result.frames] == [(28, 24)] * 3
    assert result.durations_ms == (1, 2, 3)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_progress_counts_all_passes_and_transparency(rgba: Image.Image) -> None:
    shares: list[float] = []
    enlarged(rgba, Target(scale=10), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    # The first pass, six tiles, is on 17x12 pixels, the second on 43x30.
    assert shares[5] == pytest.approx(17 * 12 / (17 * 12 + 43 * 30))


def test_a_reduction_has_no_aliases() -> None:
    """Stripes too fine for the smaller picture become grey, not other stripes."""
    stripes = Image.fromarray(np.tile(np.array([[0, 255]], np.uint8), (64, 32)))
    result = np.asarray(enlarged(stripes, Target(width=20, height=64)))
    assert np.abs(result[8:-8, 4:-4].astype(int) - 128).max() < 32


def test_a_smaller_scale_keeps_what_the_network_found() -> None:
    """Reduced from x4 the picture is the original again, better than interpolated."""
    hr = np.asarray(Image.radial_gradient("L").resize((128, 128)).convert("RGB"))

    class Knowing(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            put(0, 0, hr)

    lr = Image.fromarray(hr).resize((32, 32), Image.Resampling.BICUBIC)
    expected = np.asarray(Image.fromarray(hr).resize((64, 64), Image.Resampling.LANCZOS))
    result = np.asarray(enlarged(lr, Target(scale=2), upscaler=Knowing()))
    assert metrics.psnr_ssim(expected, result, border=2)[0] > 50
