"""The network that `upscale.py` takes by default."""

import numpy as np
import pytest

import upscale
from sr_keras import data, evaluate, export, images
from sr_keras.upscaler import Upscaler

PHOTOS = ("astronaut.jpg", "camera.jpg", "cat.jpg")


@pytest.fixture(scope="module")
def network():
    return export.Network(upscale.SHIPPED_MODEL)


@pytest.fixture(scope="module")
def rows(network):
    """Measured on the middle of bundled photos, none of which it was trained on."""

    def pairs():
        for name in PHOTOS:
            photo = images.read_photo(data.SAMPLE / "photos" / name)
            y, x = ((length - 256) // 2 for length in photo.shape[:2])
            hr = photo[y : y + 256, x : x + 256]
            yield name, images.resize_bicubic(hr, 64, 64), hr

    return list(evaluate.evaluate(Upscaler(network, tile=32).upscale, pairs(), scale=4, tile=32))


def test_it_is_the_papers_generator(network):
    assert network.facts == export.Facts(scale=4, reach=25)
    assert sum(weight.size for weight in export.load_weights(upscale.SHIPPED_MODEL)) == 2_627_907


def test_it_is_better_than_bicubic(rows):
    assert all(row.psnr_db > row.bicubic_psnr_db + 0.5 and row.ssim > row.bicubic_ssim for row in rows)
    mean = evaluate.mean(rows)
    assert mean.psnr_db > mean.bicubic_psnr_db + 1.5


def test_it_moves_no_colour(rows):
    assert max(row.colour_shift for row in rows) < 1


def test_its_tiles_leave_no_seams(rows):
    assert all(row.seam < 1.2 for row in rows)


def test_its_result_does_not_depend_on_the_tile_size(network):
    photo = images.read_photo(data.SAMPLE / "small.png")[:70, :90]
    whole, tiled = (Upscaler(network, tile).upscale(photo).astype(int) for tile in (1000, 24))
    difference = np.abs(whole - tiled)
    assert difference.max() <= 1
    assert np.count_nonzero(difference) <= difference.size / 10_000
