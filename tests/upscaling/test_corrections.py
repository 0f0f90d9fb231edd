"""What is corrected before and after the network: colours that can't be seen, flecks, ranges, normals."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from sr_keras.inference.tiling import Put
from sr_keras.photos.picture import Picture
from sr_keras.photos.raster import Raster, of_image
from sr_keras.upscaling import enlarge
from sr_keras.upscaling.frame_run import EnlargingOptions
from sr_keras.upscaling.target import Target
from tests.types import Noise
from tests.upscaling.making import Repeater, Speckler, enlarged, square


def test_colours_under_an_alpha_that_is_data_stay(rgba: Image.Image) -> None:
    rgba.putalpha(rgba.getchannel("A").point(lambda level: 255 * (level > 128)))
    kept = enlarged(rgba, Target(scale=4), options=EnlargingOptions(alpha="data"))
    np.testing.assert_array_equal(np.asarray(kept), np.asarray(rgba).repeat(4, 0).repeat(4, 1))
    reduced = enlarged(rgba, Target(scale=3), options=EnlargingOptions(alpha="data"))
    colours = enlarged(rgba.convert("RGB"), Target(scale=3))
    np.testing.assert_array_equal(np.asarray(reduced)[..., :3], np.asarray(colours))


@pytest.mark.parametrize("scale", [4, 3])
def test_a_limit_keeps_values_in_the_range_around_them(noise: Noise, scale: int) -> None:
    class Overshooting(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            put(0, 0, np.where(photo > 127, 255, 0).astype(photo.dtype).repeat(4, 0).repeat(4, 1))

    photo = np.clip(noise(9, 10), 60, 200)
    options = EnlargingOptions(limit=True)
    result = np.asarray(enlarged(Image.fromarray(photo), Target(scale=scale), upscaler=Overshooting(), options=options))
    padded = np.pad(photo, [(1, 1), (1, 1), (0, 0)], mode="edge")
    around = [padded[y : y + 9, x : x + 10] for y in range(3) for x in range(3)]
    for pixel in range(scale):
        assert (result[pixel::scale, pixel::scale] <= np.max(around, axis=0)).all()
        assert (result[pixel::scale, pixel::scale] >= np.min(around, axis=0)).all()


def test_normals_are_of_length_one(noise: Noise) -> None:
    result = np.asarray(
        enlarged(Image.fromarray(noise(9, 7) // 2 + 100), Target(scale=3), options=EnlargingOptions(normals=True))
    )
    np.testing.assert_allclose(np.linalg.norm(result / 127.5 - 1, axis=2), 1, atol=0.01)


def test_normals_of_two_channels_get_their_third(rng: np.random.Generator) -> None:
    vectors = rng.normal((0, 0, 1), 0.3, (9, 7, 3))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    samples = np.rint((vectors + 1) * 127.5).astype(np.uint8)
    two_channels = Image.fromarray(samples * np.array([1, 1, 0], np.uint8))

    class Rough(Repeater):
        """Networks leave no channel empty."""

        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            super().upscale_to(lambda y, x, tile: put(y, x, np.maximum(tile, 1)), photo, **options)

    result = enlarged(two_channels, Target(scale=4), upscaler=Rough(), options=EnlargingOptions(normals=True))
    up = vectors[..., 2] > 0.3
    np.testing.assert_allclose(np.asarray(result)[::4, ::4][up].astype(int), samples[up], atol=4)


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
    expected = np.asarray(enlarged(rgba, Target(scale=4))).astype(np.uint16) * 257
    deep = enlarge.enlarge(Picture((of_image(rgba),)), Repeater(), Target(scale=4))
    assert isinstance(deep.frames[0], Raster)
    np.testing.assert_array_equal(deep.frames[0].samples, expected)
    assert "all of it is transparent" in deep.notes[0]


@pytest.mark.parametrize("scale", [2, 4, 7])
def test_a_mask_has_no_flecks_outside_nor_holes_inside(noise: Noise, scale: int) -> None:
    frame = Image.fromarray(noise(20, 20))
    frame.putalpha(Image.fromarray(square(20)))
    alpha = np.asarray(enlarged(frame, Target(scale=scale), upscaler=Speckler()).getchannel("A"))
    inside, around = slice(int(7.5 * scale), int(12.5 * scale)), int(6.5 * scale)
    assert (alpha[inside, inside] == 255).all()
    assert alpha.sum() == alpha[around:-around, around:-around].sum()
    # A map is no mask.
    options = EnlargingOptions(alpha="data")
    assert np.asarray(enlarged(frame, Target(scale=scale), upscaler=Speckler(), options=options))[:around, :, 3].any()


@pytest.mark.parametrize("bits", [8, 16])
def test_what_is_half_transparent_has_no_opaque_rim(noise: Noise, bits: int) -> None:
    mask = np.minimum(square(20, bits=bits), 50)  # below the flecks
    colours = noise(20, 20).astype(mask.dtype)
    samples = np.concatenate([colours, mask[..., np.newaxis]], axis=2)
    frame = Image.fromarray(samples) if bits == 8 else Raster(samples, colours=3, alpha=True)
    [large] = enlarge.enlarge(Picture((frame,)), Speckler(), Target(scale=4)).frames
    alpha = np.asarray(large.getchannel("A")) if isinstance(large, Image.Image) else large.samples[..., 3]
    assert alpha.max() == mask.max()


def test_a_mask_of_16_bits_has_none_either(noise: Noise) -> None:
    samples = np.concatenate([noise(20, 20).astype(np.uint16) * 257, square(20, bits=16)[..., np.newaxis]], axis=2)
    frame = Raster(samples, colours=3, alpha=True)
    [large] = enlarge.enlarge(Picture((frame,)), Speckler(), Target(scale=4)).frames
    assert isinstance(large, Raster)
    assert not large.samples[:26, :, 3].any()
    assert (large.samples[30:50, 30:50, 3] == 65535).all()


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_line_art_has_no_halos(mode: str) -> None:
    frame = Image.fromarray(255 - square(40)).convert(mode)
    assert enlarge.row_layout(Picture((frame,)), Repeater(), Target(scale=4), EnlargingOptions()) is None
    large = np.asarray(enlarged(frame, Target(scale=4), upscaler=Speckler()))
    assert (large[:66] == 255).all()
    assert (large[70:90, 70:90] == 0).all()
    # What is made smaller has tones in between.
    assert enlarged(frame, Target(width=9)) == frame.resize((9, 9), Image.Resampling.LANCZOS)
