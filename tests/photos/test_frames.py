"""Animations, documents, and pictures that lie beside a photo."""

import io
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageSequence
from PIL.PngImagePlugin import Blend, Disposal

from sr_keras.photos import picture_reader, picture_writer, raster, rgb
from sr_keras.photos.picture import FORMATS, Picture, fitted
from tests.photos.in_memory import reopened, saved
from tests.types import Noise

ANIMATED_SUFFIXES = [suffix for suffix, file_format in FORMATS.items() if file_format.frames]


def animation(frames: list[Image.Image], file_format: str, **options: Any) -> io.BytesIO:
    return saved(frames[0], file_format, save_all=True, append_images=frames[1:], **options)


@pytest.mark.parametrize("source", ["GIF", "WEBP", "PNG", "AVIF"])
@pytest.mark.parametrize("suffix", ANIMATED_SUFFIXES)
def test_all_frames_come_back(noise: Noise, source: str, suffix: str) -> None:
    frames = [Image.fromarray(noise(8, 12)) for _ in range(3)]
    picture = picture_reader.read(animation(frames, source, duration=80, loop=2), all_frames=True)
    assert len(picture.frames) == 3
    result = reopened(picture, suffix)
    assert len(list(ImageSequence.Iterator(result))) == 3
    if not suffix.startswith(".tif"):
        result.seek(1)
        result.load()
        assert result.info["duration"] == 80
    if suffix in (".webp", ".png") and source != "AVIF":
        assert result.info["loop"] == picture.loop


def test_the_first_frame_is_taken_and_said(noise: Noise) -> None:
    frames = [Image.fromarray(noise(8, 12)) for _ in range(3)]
    picture = picture_reader.read(animation(frames, "TIFF"))
    assert len(picture.frames) == 1
    np.testing.assert_array_equal(picture.frames[0], frames[0])
    assert picture.notes == ("the first of 3 frames (--all_frames takes each)",)


def test_what_lies_beside_the_photo_of_a_heic_is_one_note(monkeypatch: pytest.MonkeyPatch, noise: Noise) -> None:
    """A second picture; a phone's gain map and depth, which nothing here writes."""
    content = pillow_heif.from_pillow(Image.fromarray(noise(64, 64)))
    content.add_from_pillow(Image.fromarray(noise(64, 64)))
    buffer = io.BytesIO()
    content.save(buffer)
    assert picture_reader.read(buffer).notes == ("left out: 1 further picture",)
    load: Callable[[Image.Image], Any] = pillow_heif.HeifImageFile.load  # type: ignore[assignment]

    def as_of_a_phone(file: Image.Image) -> Any:
        loaded = load(file)
        file.info |= {"aux": {"urn:com:apple:photo:2020:aux:hdrgainmap": [4]}, "depth_images": [object()]}
        return loaded

    monkeypatch.setattr(pillow_heif.HeifImageFile, "load", as_of_a_phone)
    gain_map = "the gain map of its high dynamic range (the result is standard)"
    assert picture_reader.read(buffer).notes == (f"left out: {gain_map}, 1 depth map, 1 further picture",)


def test_previews_are_no_frames(noise: Noise) -> None:
    frames = [Image.fromarray(noise(8, 12)) for _ in range(2)]
    picture = picture_reader.read(animation(frames, "MPO"), all_frames=True)
    assert len(picture.frames) == 1
    assert picture.notes == ("left out: 1 further picture",)


def test_a_format_of_one_picture_refuses_several(coloured: Image.Image) -> None:
    with pytest.raises(rgb.PhotoError, match="JPEG holds one picture, not 2 frames; PNG"):
        fitted(Picture((coloured, coloured)), FORMATS[".jpg"])


def test_frames_of_several_kinds_are_each_taken_as_they_are(grey: Image.Image) -> None:
    fine = raster.of_image(grey)
    picture = fitted(Picture((fine, grey, grey.convert("RGBA"))), FORMATS[".webp"])
    modes = [frame.mode for frame in picture.frames if isinstance(frame, Image.Image)]
    assert modes == ["L", "L", "RGBA"]
    for frame in picture.frames[:2]:
        assert isinstance(frame, Image.Image)
        np.testing.assert_array_equal(frame, grey)


def test_frames_of_several_sizes_are_for_tiff_alone(tmp_path: pathlib.Path, coloured: Image.Image) -> None:
    pages = Picture((coloured, coloured.crop((0, 0, 5, 4))))
    with pytest.raises(rgb.PhotoError, match="several sizes, which PNG can't hold"):
        fitted(pages, FORMATS[".png"])
    picture_writer.write(tmp_path / "pages.tif", fitted(pages, FORMATS[".tif"]), FORMATS[".tif"])
    assert [frame.size for frame in picture_reader.read(tmp_path / "pages.tif", all_frames=True).frames] == [(12, 8), (5, 4)]


def test_a_delay_of_nothing_keeps_the_others(noise: Noise) -> None:
    frames = [Image.fromarray(noise(8, 12)) for _ in range(3)]
    assert picture_reader.read(animation(frames, "GIF", duration=[100, 0, 80]), all_frames=True).durations_ms == (100, 0, 80)


def test_the_picture_before_an_animation_is_none_of_its_frames(noise: Noise) -> None:
    frames = [Image.fromarray(noise(8, 12)) for _ in range(3)]
    source = animation(frames, "PNG", default_image=True, duration=[200, 300])
    picture = picture_reader.read(source, all_frames=True)
    np.testing.assert_array_equal(np.asarray(picture.frames[0]), frames[1])
    assert (len(picture.frames), picture.durations_ms) == (2, (200, 300))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("has_default_image", [False, True])
@pytest.mark.parametrize("disposal", list(Disposal))
@pytest.mark.parametrize("blend", list(Blend))
def test_frames_of_an_apng_lie_over_those_before_as_the_standard_says(
    mode: str, has_default_image: bool, disposal: Disposal, blend: Blend
) -> None:
    """Of noise, each frame covers the whole canvas, transparent or not."""
    rng = np.random.default_rng(0)
    frames = [Image.fromarray(rng.integers(1, 256, (8, 12, len(mode)), dtype=np.uint8)) for _ in range(4)]
    stream = animation(frames, "PNG", duration=100, disposal=disposal, blend=blend, default_image=has_default_image)
    read = picture_reader.read(stream, all_frames=True).frames
    animated = frames[1:] if has_default_image else frames
    assert len(read) == len(animated)
    canvas = Image.new(mode, (12, 8))
    for index, (seen, frame) in enumerate(zip(read, animated, strict=True)):
        assert isinstance(seen, Image.Image)
        is_over = blend == Blend.OP_OVER and index > 0
        shown = Image.alpha_composite(canvas, frame) if is_over else frame
        np.testing.assert_array_equal(np.asarray(seen), np.asarray(shown))
        canvas = shown if disposal == Disposal.OP_NONE else Image.new(mode, (12, 8))
