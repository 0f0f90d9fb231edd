import io
import pathlib
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageSequence

from sr_keras.photos import frame_stream, picture_reader, picture_writer
from sr_keras.photos.frame_stream import FrameStream
from sr_keras.photos.picture import FORMATS, Frame, Picture, fitted
from tests.types import Noise

HOLDERS = (".png", ".webp", ".avif", ".gif", ".tif")
SIZE = (24, 16)


@pytest.fixture(params=["RGB", "RGBA", "L"])
def frames(request: pytest.FixtureRequest, noise: Noise) -> list[Image.Image]:
    """Of an animation: noise in which a part changes, then nothing, then all."""
    first = noise(16, 24)
    second = first.copy()
    second[3:9, 5:20] = 255 - second[3:9, 5:20]
    pictures = [Image.fromarray(each).convert(request.param) for each in (first, second, second, noise(16, 24))]
    for index, each in enumerate(pictures if request.param == "RGBA" else []):
        # A WebP keeps no colours that can't be seen.
        each.putalpha(Image.linear_gradient("L").resize(SIZE).rotate(180 * min(index, 1)).point(lambda level: max(level, 1)))
    return pictures


def streamed(frames: list[Image.Image], suffix: str) -> bytes:
    like = [Image.new(frame.mode, (6, 4)) for frame in frames]
    stream = FrameStream(like, len(frames) * [SIZE], iter(frames))
    content = Picture(tuple(like), durations_ms=(40, 70, 100, 130), loop=3, lossless=True)
    buffer = io.BytesIO()
    picture_writer.write(buffer, content, FORMATS[suffix], 100, stream=stream)
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_frames_are_what_came(frames: list[Image.Image], suffix: str) -> None:
    with Image.open(io.BytesIO(streamed(frames, suffix))) as file:
        read = [frame.convert(frames[0].mode) for frame in ImageSequence.Iterator(file)]
    assert len(read) in (4, 3)  # a WebP may join those that are equal
    for came, found in zip(frames if len(read) == 4 else [frames[0], frames[1], frames[3]], read, strict=True):
        np.testing.assert_array_equal(found, came)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".gif", ".avif"])
def test_an_animation_keeps_its_times(frames: list[Image.Image], suffix: str) -> None:
    with Image.open(io.BytesIO(streamed(frames, suffix))) as file:
        times = [frame.copy().info["duration"] for frame in ImageSequence.Iterator(file)]
        # What GIF counts comes after the first time.
        assert suffix == ".avif" or file.info["loop"] == (2 if suffix == ".gif" else 3)
        assert file.size == SIZE
    assert sum(times) == 340


def test_a_gif_has_the_frames_that_came_and_nothing_of_the_ones_before() -> None:
    """Of few colours, whether they move over a background or over nothing."""
    for background, has_hole in (((9, 90, 200, 255), False), ((0, 0, 0, 0), True)):
        frames = []
        for index in range(4):
            frame = Image.new("RGBA", SIZE, background)
            frame.paste((200, 30 + 40 * index, 9, 255), (3 * index, index, 3 * index + 8, index + 9))
            frames.append(frame if has_hole else frame.convert("RGB"))
        content = Picture(tuple(frames), durations_ms=(33, 33, 34, 100), loop=1)
        buffer = io.BytesIO()
        picture_writer.write(buffer, content, FORMATS[".gif"])
        picture = picture_reader.read(buffer, all_frames=True)
        assert (picture.durations_ms, picture.loop) == ((30, 40, 30, 100), 1)
        for came, found in zip(frames, picture.frames, strict=True):
            assert isinstance(found, Image.Image)
            np.testing.assert_array_equal(found.convert("RGBa"), came.convert("RGBa"))  # what can be seen


def test_the_times_that_an_animation_is_shown_stay(frames: list[Image.Image]) -> None:
    for suffix in (".png", ".webp", ".gif"):
        for loop in (0, 1, 5):
            buffer = io.BytesIO()
            picture_writer.write(buffer, Picture(tuple(frames), durations_ms=(40, 70, 100, 130), loop=loop), FORMATS[suffix])
            assert picture_reader.read(buffer, all_frames=True).loop == loop


def test_half_of_transparency_is_none_or_all_in_a_gif() -> None:
    frame = Image.new("RGBA", (4, 1), (200, 30, 9, 255))
    frame.putalpha(Image.fromarray(np.array([[0, 127, 128, 255]], np.uint8)))
    content = fitted(Picture((frame,)), FORMATS[".gif"])
    assert content.notes == ("GIF holds 256 colours, and no half transparency",)
    buffer = io.BytesIO()
    picture_writer.write(buffer, content, FORMATS[".gif"])
    with Image.open(buffer) as file:
        read = np.asarray(file.convert("RGBA"))
    np.testing.assert_array_equal(read[0, :, 3], [0, 0, 255, 255])
    np.testing.assert_array_equal(read[0, 2:, :3], 2 * [[200, 30, 9]])


# An AVIF has the time of its making in it.
@pytest.mark.parametrize("suffix", [".png", ".webp", ".gif", ".tif"])
def test_what_is_written_at_once_is_the_same(frames: list[Image.Image], suffix: str) -> None:
    buffer = io.BytesIO()
    content = Picture(tuple(frames), durations_ms=(40, 70, 100, 130), loop=3, lossless=True)
    picture_writer.write(buffer, content, FORMATS[suffix], 100)
    assert buffer.getvalue() == streamed(frames, suffix)


@pytest.mark.parametrize("suffix", HOLDERS)
def test_a_frame_that_is_written_is_kept_no_longer(noise: Noise, suffix: str) -> None:
    made: list[weakref.ref[Image.Image]] = []

    def frames() -> Iterator[Frame]:
        for _ in range(6):
            assert sum(each() is not None for each in made) <= 1
            frame = Image.fromarray(noise(16, 24))
            made.append(weakref.ref(frame))
            yield frame
            del frame

    like = Image.new("RGB", (6, 4))
    picture_writer.write(
        io.BytesIO(), Picture(6 * (like,)), FORMATS[suffix], stream=FrameStream(6 * [like], 6 * [SIZE], frames())
    )
    assert len(made) == 6


@pytest.mark.parametrize("suffix", HOLDERS)
def test_what_is_raised_while_a_frame_is_made_comes_through(tmp_path: pathlib.Path, noise: Noise, suffix: str) -> None:
    class StopError(Exception):
        pass

    def frames() -> Iterator[Frame]:
        yield Image.fromarray(noise(16, 24))
        raise StopError

    like = Image.new("RGB", (6, 4))
    with pytest.raises(StopError):
        picture_writer.write(
            tmp_path / f"a{suffix}", Picture(3 * (like,)), FORMATS[suffix], stream=FrameStream(3 * [like], 3 * [SIZE], frames())
        )
    assert not list(tmp_path.iterdir())


def test_frames_of_several_modes_become_one_png(noise: Noise) -> None:
    grey, colour = Image.fromarray(noise(16, 24)).convert("L"), Image.fromarray(noise(16, 24)).convert("RGBA")
    buffer = io.BytesIO()
    picture_writer.write(buffer, Picture((grey, colour)), FORMATS[".png"])
    with Image.open(buffer) as file:
        read = [frame.convert("RGBA") for frame in ImageSequence.Iterator(file)]
    for came, found in zip((grey.convert("RGBA"), colour), read, strict=True):
        np.testing.assert_array_equal(found, came)


def test_frames_are_sought_one_after_the_other(frames: list[Image.Image]) -> None:
    sought = frame_stream.SoughtFrames(frame_stream.of(frames))
    with pytest.raises(EOFError):
        sought.seek(4)
    for index, frame in enumerate(frames):
        sought.seek(index)
        assert (sought.tell(), sought.mode, sought.size) == (index, frame.mode, frame.size)
        np.testing.assert_array_equal(sought, frame)
