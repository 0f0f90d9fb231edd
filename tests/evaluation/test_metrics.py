import io

import numpy as np
import pytest
from PIL import Image

from sr_keras.evaluation import metrics
from sr_keras.photos import rgb
from tests.types import Noise

PHOTO = rgb.SAMPLE / "photos" / "astronaut.jpg"


def test_bicubic_has_its_known_numbers() -> None:
    """Computed once with scikit-image 0.26: structural_similarity(gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False, data_range=255) on the valid part, and peak_signal_noise_ratio, of MATLAB's luma.
    """
    hr = rgb.read_photo(PHOTO)
    lr = rgb.resize_bicubic(hr, 128, 128)
    psnr_db, ssim = metrics.psnr_ssim(hr, rgb.resize_bicubic(lr, 512, 512), border=4)
    assert psnr_db == pytest.approx(26.8231, abs=0.01)
    assert ssim == pytest.approx(0.84427, abs=0.0005)


def test_psnr_of_a_known_error(noise: Noise) -> None:
    hr = noise(40, 50) // 2
    # One level more of every colour is 219/255 of a level of luma.
    expected = 20 * np.log10(255 / (219 / 255))
    assert metrics.psnr_ssim(hr, hr + 1, border=4)[0] == pytest.approx(expected, abs=1e-4)


def test_the_border_does_not_count(noise: Noise) -> None:
    hr = noise(40, 50)
    sr = hr.copy()
    sr[:4], sr[-4:], sr[:, :4], sr[:, -4:] = 0, 0, 0, 0
    assert metrics.psnr_ssim(hr, sr, border=4) == pytest.approx((np.inf, 1))
    assert metrics.psnr_ssim(hr, sr, border=3)[0] < 60


def test_luma_runs_from_16_to_235() -> None:
    black_and_white = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    np.testing.assert_allclose(metrics.luma(black_and_white), [[[16], [235]]])


def test_colour_error_is_that_of_the_worst_channel() -> None:
    photo = np.full((8, 8, 3), 100, np.uint8)
    assert metrics.colour_error(photo[:2], photo + np.array([1, 4, 0], np.uint8)) == 4


def test_sharpness_is_the_share_of_the_gradient(noise: Noise) -> None:
    hr = noise(40, 50) // 2
    assert metrics.sharpness(hr, hr) == 1
    assert metrics.sharpness(hr, hr * 2) == pytest.approx(2)
    assert metrics.sharpness(hr, np.full_like(hr, 7)) == 0
    assert np.isnan(metrics.sharpness(np.full_like(hr, 7), hr))


def test_edge_loss_compares_the_rim_with_the_inside() -> None:
    hr = np.full((64, 64, 3), 100, np.uint8)
    sr = hr + 1
    assert metrics.edge_loss(hr, sr) == pytest.approx(0)
    sr[:16] += 9
    assert metrics.edge_loss(hr, sr) > 10
    assert np.isnan(metrics.edge_loss(hr, hr))


def test_seam_ratio_finds_a_step_where_tiles_meet() -> None:
    y, x = np.mgrid[0:64, 0:96]
    smooth = np.repeat((x + y)[..., np.newaxis], 3, axis=2).astype(np.uint8)
    assert metrics.seam_ratio(smooth, [32], [32, 64]) == pytest.approx(1)
    stepped = smooth.copy()
    stepped[:, 32:64] += 9
    assert metrics.seam_ratio(stepped, [], [32, 64]) == pytest.approx((10 + 8) / 2)


@pytest.mark.parametrize("shape", [(30, 40, 3), (18, 18, 3)])
def test_photos_that_cannot_be_compared_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="got"):
        metrics.psnr_ssim(np.zeros((18, 18, 3), np.uint8), np.zeros(shape, np.uint8), border=4)


def test_piqe_minds_blur_and_noise(noise: Noise) -> None:
    pytest.importorskip("pypiqe")
    hr = rgb.read_photo(PHOTO)
    blurred = rgb.resize_bicubic(rgb.resize_bicubic(hr, 128, 128), 512, 512)
    noisy = np.clip(hr + (noise(512, 512) / 4.0 - 32), 0, 255).astype(np.uint8)
    assert metrics.piqe(hr) + 10 < min(metrics.piqe(blurred), metrics.piqe(noisy))


@pytest.mark.parametrize("period", [2, 4])
def test_a_grid_stands_out_of_noise(rng: np.random.Generator, period: int) -> None:
    photo = rng.integers(100, 150, (500, 600, 3), dtype=np.uint8)
    corner = np.zeros((period, period), np.uint8)
    corner[0, 0] = 20
    with_grid = photo + np.tile(corner, (500 // period, 600 // period))[..., np.newaxis]
    assert abs(metrics.grid(photo, period)) < 2
    assert metrics.grid(with_grid, period) > metrics.grid(photo, period) + 3
    assert np.isnan(metrics.grid(photo[:63], period))


def test_a_spectrum_has_a_wave_where_it_belongs() -> None:
    """16 waves on 64 pixels of the width; on the other side the same wave, backwards."""
    x = np.arange(128)
    wave = (128 + 50 * np.cos(2 * np.pi * 16 / 64 * x)).astype(np.uint8)
    photo = np.broadcast_to(wave[:, np.newaxis], (64, 128, 3))
    brightest = np.argwhere(metrics.spectrum(photo) > metrics.spectrum(photo).max() - 1)
    np.testing.assert_array_equal(brightest, [[0, 16], [0, 48]])


def test_blockiness_is_how_much_larger_the_steps_of_blocks_are() -> None:
    """A ramp, and 6 levels more for every other block of 8x8 pixels, three times as large."""
    y, x = np.mgrid[0:72, 0:96]
    smooth = np.repeat((x + y)[..., np.newaxis], 3, axis=2).astype(np.uint8)
    assert metrics.blockiness(smooth, 3) == pytest.approx(1)
    blocks = smooth + 6 * ((x // 24 + y // 24) % 2)[..., np.newaxis].astype(np.uint8)
    # From one block to the next it is 6 up, or 6 down, and one up.
    assert metrics.blockiness(blocks, 3) == pytest.approx(6, abs=0.5)
    assert metrics.blockiness(blocks, 4) < 1


def test_blockiness_is_that_of_jpeg_alone() -> None:
    """Enlarging has steps of its own, between the small photo's pixels."""
    photo = rgb.resize_bicubic(rgb.read_photo(PHOTO), 128, 128)
    seen = [metrics.blockiness(rgb.resize_bicubic(photo, 512, 512), 4)]
    for quality in (75, 50, 20):
        file = io.BytesIO()
        Image.fromarray(photo).save(file, "JPEG", quality=quality)
        seen.append(metrics.blockiness(rgb.resize_bicubic(np.asarray(Image.open(file)), 512, 512), 4))
    assert seen == sorted(seen)
    assert seen[0] == pytest.approx(1, abs=0.06)
    assert seen[-1] > 1.4


def test_one_block_or_a_flat_photo_has_no_blockiness() -> None:
    assert np.isnan(metrics.blockiness(np.zeros((32, 32, 3), np.uint8), 4))
    assert np.isnan(metrics.blockiness(np.zeros((64, 64, 3), np.uint8), 4))


def test_flat_noise_is_that_of_flat_areas(rng: np.random.Generator) -> None:
    """The upper tenth of the photo is flat."""
    hr = np.full((640, 320, 3), 100, np.uint8)
    hr[64:] += rng.integers(0, 100, (576, 320, 1), dtype=np.uint8)
    assert metrics.flat_noise(hr, hr) == 0
    noise = rng.normal(0, 5, (64, 320, 1))
    sr = hr.copy()
    sr[:64] = np.rint(100 + noise)
    # Less a mean of 81 pixels; luma has 219 levels.
    assert metrics.flat_noise(hr, sr) == pytest.approx(5 * 219 / 255 * np.sqrt(80 / 81), rel=0.05)
    sr[64:] = 0
    assert metrics.flat_noise(hr, sr) == pytest.approx(5 * 219 / 255 * np.sqrt(80 / 81), rel=0.05)


def test_what_changes_slowly_is_no_noise() -> None:
    y, x = np.mgrid[0:64, 0:64]
    ramp = np.repeat((x + y)[..., np.newaxis], 3, axis=2).astype(np.uint8)
    assert metrics.flat_noise(ramp, ramp) < 1e-9


def test_small_photos_have_no_flat_area(noise: Noise) -> None:
    assert np.isnan(metrics.flat_noise(noise(15, 80), noise(15, 80)))
