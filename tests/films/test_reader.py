import pathlib
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from sr_keras.films import film_info
from sr_keras.films.formats import FilmError
from sr_keras.films.reader import Clip, Reader, clock
from tests.films import making
from tests.films.test_pipeline import task, upscale

FIELDS = {"flags": "+ildct+ilme", "x264-params": "tff=1"}


def combed(count: int = 12) -> list[np.ndarray]:
    """Frames of a bright bar that moves by two pixels from the even lines to the odd ones, and on to the next frame."""
    frames = []
    for index in range(count):
        frame = np.full((making.HEIGHT, 64, 3), 40, np.uint8)
        frame[::2, 4 * index : 4 * index + 8] = 220
        frame[1::2, 4 * index + 2 : 4 * index + 10] = 220
        frames.append(frame)
    return frames


def comb(luma: np.ndarray) -> float:
    """How much lines differ from both lines beside them, in levels."""
    lines = luma.astype(int)
    return float(np.abs(lines[1:-1] - (lines[:-2] + lines[2:]) / 2).mean())


def test_interlaced_films_are_reported(tmp_path: pathlib.Path) -> None:
    assert film_info.probe(making.make(tmp_path / "film.mp4", combed(), options=FIELDS)).interlaced
    assert not film_info.probe(making.make(tmp_path / "whole.mp4")).interlaced


@pytest.mark.parametrize("suffix, encoder", [(".mp4", "libx264"), (".mpg", "mpeg2video")])
def test_deinterlacing_gives_whole_frames(tmp_path: pathlib.Path, suffix: str, encoder: str) -> None:
    film = making.make(
        tmp_path / f"film{suffix}",
        combed(),
        encoder=encoder,
        time_base=Fraction(1, 25),
        options={"flags": "+ildct+ilme", **({"x264-params": "tff=1"} if encoder == "libx264" else {"field_order": "tt"})},
    )
    plain = list(Reader(film).frames())
    whole = list(Reader(film, deinterlace=True).frames())
    assert [frame.pts for frame in whole] == [frame.pts for frame in plain]
    before, after = (comb(making.planes(frames[6].picture)[0]) for frames in (plain, whole))
    assert after < before / 3


def test_fields_later_on_are_said(tmp_path: pathlib.Path) -> None:
    film = tmp_path / "film.ts"
    parts = [
        making.make(tmp_path / "a.ts", making.moving(60, width=64)),
        making.make(tmp_path / "b.ts", combed(5), options=FIELDS, pts=[512 * index + 40_000 for index in range(5)]),
    ]
    film.write_bytes(b"".join(part.read_bytes() for part in parts))
    _, result = upscale(film)
    assert result.notes == ("5 frames are marked as interlaced; --deinterlace makes whole ones of them",)


def cut(film: pathlib.Path, share: float) -> None:
    content = film.read_bytes()
    film.write_bytes(content[: int(share * len(content))])


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".avi", ".mov", ".flv", ".ts", ".mpg"])
@pytest.mark.parametrize("share", [1, 0.5])
def test_of_a_film_that_is_cut_off_the_rest_is_kept(
    tmp_path: pathlib.Path, rng: np.random.Generator, suffix: str, share: float
) -> None:
    film = tmp_path / f"film{suffix}"
    with av.open(str(film), "w", options={"movflags": "faststart"} if suffix in (".mp4", ".mov") else {}) as container:
        stream = container.add_stream("mpeg2video" if suffix == ".mpg" else "libx264", rate=making.RATE)
        stream.width, stream.height = making.WIDTH, making.HEIGHT
        for frame in rng.integers(0, 256, (100, making.HEIGHT, making.WIDTH, 3), dtype=np.uint8):
            container.mux(stream.encode(VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    cut(film, share)
    after, result = upscale(film, output=tmp_path / "large.mkv")
    if share == 1:
        assert (len(after.frames), result.problems) == (100, ())
        return
    assert 20 < len(after.frames) < 80
    if suffix in (".ts", ".mpg"):  # Nothing in them says how long they were.
        return
    [problem] = result.problems
    assert problem.startswith("cut off: it ends at 0:0")
    assert " of 0:04." in problem


def test_damage_in_the_middle_is_said(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    noise = rng.integers(0, 256, (40, making.HEIGHT, making.WIDTH, 3), dtype=np.uint8)
    film = making.make(tmp_path / "film.mp4", list(noise))
    content = bytearray(film.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = 3000 * b"\xaa"
    film.write_bytes(content)
    after, result = upscale(film)
    assert 20 < len(after.frames) < 40
    [problem] = result.problems
    assert problem.startswith("damaged in ")
    assert " at 0:00." in problem


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "is empty"),
        (b"no film at all", "no film, or one that is cut off before its index"),
        (None, "No such file or directory"),
    ],
)
def test_what_is_no_film(tmp_path: pathlib.Path, content: bytes | None, reason: str) -> None:
    film = tmp_path / "film.mp4"
    if content is not None:
        film.write_bytes(content)
    with pytest.raises(FilmError, match=f"film.mp4: {reason}"):
        film_info.probe(film)


def test_a_film_that_is_cut_off_before_its_index(tmp_path: pathlib.Path) -> None:
    film = making.make(tmp_path / "film.mp4")
    cut(film, 0.5)
    with pytest.raises(FilmError, match="no film, or one that is cut off before its index"):
        film_info.probe(film)


def test_sound_alone_is_no_film(tmp_path: pathlib.Path) -> None:
    film = tmp_path / "sound.mkv"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("aac", rate=24_000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 24_000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(FilmError, match=r"sound\.mkv: holds no video, only audio"):
        film_info.probe(film)


def test_a_film_without_a_frame(tmp_path: pathlib.Path) -> None:
    film = tmp_path / "film.mp4"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = 32, 24
        container.start_encoding()
    with pytest.raises(FilmError, match=r"film\.mp4: (no frame of it can be read|holds no video)"):
        film_info.probe(film)


def test_a_part_beyond_the_end(tmp_path: pathlib.Path) -> None:
    film = making.make(tmp_path / "film.mp4")
    with pytest.raises(FilmError, match=r"film\.mp4: it has no frame from 99 s on"):
        film_info.probe(film, Clip(start=Fraction(99)))


def test_a_size_that_changes_is_refused(tmp_path: pathlib.Path) -> None:
    film = tmp_path / "film.ts"
    parts = [
        making.make(tmp_path / "a.ts", making.moving(60)),
        making.make(tmp_path / "b.ts", making.moving(5, width=64), pts=[512 * index + 40_000 for index in range(5)]),
    ]
    film.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(
        FilmError, match=r"film\.ts: changes from 32x24 \(yuv420p\) to 64x24 \(yuv420p\) at 0:0\d\.\d+; --start and"
    ):
        upscale(film)


def test_frames_without_times_are_given_some(tmp_path: pathlib.Path) -> None:
    film = tmp_path / "film.h264"
    with av.open(str(film), "w", format="h264") as container:
        stream = container.add_stream("libx264", rate=25, options={"bframes": "0"})
        stream.width, stream.height = 32, 24
        for frame in making.moving(6):
            container.mux(stream.encode(VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    after, _ = upscale(film, output=tmp_path / "large.mp4")
    assert after.pts == [Fraction(index, 25) for index in range(6)]


def test_the_number_of_frames_is_expected(tmp_path: pathlib.Path) -> None:
    film = making.make(tmp_path / "film.mp4")
    assert film_info.probe(film).num_frames == 12
    assert film_info.probe(film, Clip(end=Fraction(12, 50))).num_frames == 6
    assert film_info.probe(film, Clip(frames=5)).num_frames == 5


@pytest.mark.parametrize(
    "size, aspect", [((128, 96), Fraction(16, 15)), ((52, 38), Fraction(16, 15)), ((64, 96), Fraction(32, 15))]
)
def test_rounded_sides_are_no_other_shape(tmp_path: pathlib.Path, size: tuple[int, int], aspect: Fraction) -> None:
    info = film_info.probe(making.make(tmp_path / "film.mp4", making.moving(1), sample_aspect_ratio=Fraction(16, 15)))
    assert info.sample_aspect_of(*size) == aspect


def test_names_are_names(tmp_path: pathlib.Path) -> None:
    film = making.make(tmp_path / "50% of: it.mp4")
    assert film_info.probe(film).width == making.WIDTH
    assert task(film).info.height == making.HEIGHT


@pytest.mark.parametrize("seconds, text", [("0", "0:00.000"), ("62.5", "1:02.500"), ("3723.25", "1:02:03.250")])
def test_clock(seconds: str, text: str) -> None:
    assert clock(Fraction(seconds)) == text
