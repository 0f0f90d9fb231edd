"""What a picture is by its pixels, and what is said of it."""

import numpy as np
import pytest
from PIL import Image

from sr_keras.photos import rgb
from sr_keras.photos.picture import Picture
from sr_keras.photos.raster import of_image
from sr_keras.upscaling import enlarge, hints
from sr_keras.upscaling.frame_run import EnlargingOptions
from sr_keras.upscaling.target import Target
from tests.types import Noise
from tests.upscaling.making import Repeater, square


@pytest.mark.parametrize("level, said", [(0, "nothing of it can be seen"), (None, "--alpha=data keeps them"), (255, "")])
def test_colours_that_cannot_be_seen_are_said(rgba: Image.Image, level: int | None, said: str) -> None:
    rgba.putalpha(rgba.getchannel("R").point(lambda red: 255 * (red > 128)) if level is None else level)
    notes = enlarge.enlarge(Picture((rgba,)), Repeater(), Target(scale=2)).notes
    assert (said in notes[0]) if said else notes == ()


def test_pixel_art_is_told_and_can_be_kept(rng: np.random.Generator) -> None:
    art = Image.fromarray(rng.integers(0, 3, (8, 8, 1)).repeat(3, 2).astype(np.uint8).repeat(4, 0).repeat(4, 1) * 100)
    assert "--pixel_art" in enlarge.enlarge(Picture((art,)), Repeater(), Target(scale=2)).notes[0]
    kept = enlarge.enlarge(Picture((art,)), Repeater(), Target(scale=3), options=EnlargingOptions(pixel_art=True))
    np.testing.assert_array_equal(np.asarray(kept.frames[0]), np.asarray(art).repeat(3, 0).repeat(3, 1))
    assert kept.notes == ()


@pytest.mark.parametrize("sixteen", [False, True])
def test_a_normal_map_is_told(rng: np.random.Generator, noise: Noise, sixteen: bool) -> None:
    vectors = rng.normal((0, 0, 1), 0.3, (40, 40, 3))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    samples = np.rint((vectors + 1) * 127.5).astype(np.uint8)
    for each, expected in ((samples, True), (noise(40, 40), False), (np.full_like(samples, (128, 128, 255)), False)):
        frame = of_image(Image.fromarray(each)) if sixteen else Image.fromarray(each)
        assert hints.is_normal_map(frame) == expected
        notes = enlarge.enlarge(Picture((frame,)), Repeater(), Target(scale=2)).notes
        assert any("--data=normals" in note for note in notes) == expected


def test_photos_are_no_normal_maps() -> None:
    photos = [path for path in sorted(rgb.SAMPLE.rglob("*.*")) if path.suffix in (".jpg", ".png")]
    assert len(photos) > 3
    assert not any(hints.is_normal_map(Image.fromarray(rgb.read_photo(path))) for path in photos)


def test_what_is_line_art(noise: Noise) -> None:
    page = Image.fromarray(255 - square(40))
    dithered = Image.linear_gradient("L").convert("1").convert("L")
    grey = page.copy()
    grey.putpixel((0, 0), 254)
    others = [
        dithered,
        grey,
        Image.new("L", (9, 9)),
        Image.new("L", (1, 1)),
        page.convert("RGBA"),
        Image.fromarray(noise(9, 9)),
    ]
    assert hints.is_line_art(page)
    assert not any(map(hints.is_line_art, others))


def test_pictures_without_upright_edges_are_no_pixel_art() -> None:
    assert not hints.is_pixel_art(Image.linear_gradient("L").resize((20, 16), Image.Resampling.NEAREST).convert("RGB"))
