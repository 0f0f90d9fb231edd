"""Pictures of all sizes, made larger by a network that repeats pixels."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from sr_keras.evaluation import metrics
from sr_keras.inference import model_info
from sr_keras.inference.tiling import Progress, Put
from sr_keras.photos.metadata import Metadata
from sr_keras.photos.picture import Picture
from sr_keras.upscaling import enlarge
from sr_keras.upscaling.frame_run import EnlargingOptions
from sr_keras.upscaling.target import Target
from tests.types import Noise
from tests.upscaling.making import Repeater, enlarged


@pytest.mark.parametrize("mode", ["L", "RGB", "LA", "RGBA"])
@pytest.mark.parametrize(
    "target", [Target(scale=s) for s in (1.3, 2, 3, 4, 5, 17)] + [Target(width=5), Target(width=100, height=9)]
)
def test_any_mode_to_any_size(rgba: Image.Image, mode: str, target: Target) -> None:
    frame = rgba.convert(mode)
    result = enlarged(frame, target)
    assert result.mode == mode
    assert result.size == target.size(*frame.size)
    tones = [np.asarray(picture, np.float64).mean() for picture in (frame, result)]
    assert tones[1] == pytest.approx(tones[0], rel=0.15)


def test_the_networks_own_scale_is_the_networks_own_picture(rgba: Image.Image) -> None:
    rgb = rgba.convert("RGB")
    np.testing.assert_array_equal(enlarged(rgb, Target(scale=4)), np.asarray(rgb).repeat(4, 0).repeat(4, 1))


class Smoothing(Repeater):
    """Sees two pixels to each side; what lies beyond the edges is the edge."""

    def __init__(self) -> None:
        super().__init__(2)
        self.receptive_field = 2

    def upscale_to(self, put: Put, photo: np.ndarray, *, self_ensemble: bool = False, progress: Progress) -> None:
        padded = np.pad(photo.astype(float), [(2, 2), (2, 2), (0, 0)], mode="edge")
        shifted = [padded[y : y + photo.shape[0], x : x + photo.shape[1]] for y in range(5) for x in range(5)]
        mean = np.rint(sum(shifted) / np.float64(25)).astype(photo.dtype)
        put(0, 0, mean.repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("wrap, axes", [("x", (1,)), ("y", (0,)), ("xy", (0, 1))])
@pytest.mark.parametrize("scale", [2, 1.5])
def test_a_texture_that_wraps_has_no_edges(noise: Noise, wrap: str, axes: tuple[int, ...], scale: float) -> None:
    """Moved around before, or after: it is the same."""
    texture = noise(8, 12)

    def upscaled(photo: np.ndarray) -> np.ndarray:
        options = EnlargingOptions(wrap=wrap)  # type: ignore[arg-type]
        return np.asarray(enlarged(Image.fromarray(photo), Target(scale=scale), upscaler=Smoothing(), options=options))

    moved = upscaled(np.roll(texture, 4, axes))
    np.testing.assert_allclose(moved.astype(int), np.roll(upscaled(texture), int(4 * scale), axes), atol=1)


@pytest.mark.parametrize("claimed", [2, 3, 8])
def test_a_network_of_another_scale_than_it_says_is_refused(noise: Noise, claimed: int) -> None:
    class Lying(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            put(0, 0, photo.repeat(4, 0).repeat(4, 1))

    with pytest.raises(model_info.ModelError, match=f"does not enlarge {claimed} times"):
        enlarged(Image.fromarray(noise(6, 7)), Target(scale=claimed), upscaler=Lying(claimed))


def test_a_panorama_wraps_by_itself(noise: Noise) -> None:
    xmp = b'<x GPano:ProjectionType="equirectangular" GPano:FullPanoWidthPixels="12" GPano:FullPanoHeightPixels="6"/>'
    picture = Picture((Image.fromarray(noise(6, 12)),), metadata=Metadata(xmp=xmp), is_panorama=True)
    by_itself = enlarge.enlarge(picture, Smoothing(), Target(scale=2))
    told = enlarge.enlarge(picture, Smoothing(), Target(scale=2), options=EnlargingOptions(wrap="x"))
    np.testing.assert_array_equal(np.asarray(by_itself.frames[0]), np.asarray(told.frames[0]))
    assert "panorama" in by_itself.notes[0]
    assert by_itself.metadata.xmp is not None
    assert b'FullPanoWidthPixels="24" GPano:FullPanoHeightPixels="12"' in by_itself.metadata.xmp


def test_scale_1_goes_through_the_network(rgba: Image.Image) -> None:
    upscaler = Repeater()
    assert enlarged(rgba.convert("RGB"), Target(scale=1), upscaler=upscaler).size == rgba.size
    assert upscaler.pixels == rgba.width * rgba.height


def test_what_gets_smaller_needs_no_network(rgba: Image.Image) -> None:
    upscaler = Repeater()
    assert enlarged(rgba, Target(width=9), upscaler=upscaler).width == 9
    assert upscaler.pixels == 0


def test_constant_transparency_needs_no_network(rgba: Image.Image) -> None:
    upscaler = Repeater()
    rgba.putalpha(255)
    assert enlarged(rgba, Target(scale=4), upscaler=upscaler).getchannel("A").getextrema() == (255, 255)
    assert upscaler.pixels == rgba.width * rgba.height


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
