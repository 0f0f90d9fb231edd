import dataclasses
import pathlib
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import psutil
import pytest

from sr_keras.films import film_info, formats, pipeline
from sr_keras.films.encoder import Encoding
from sr_keras.films.formats import FilmError
from sr_keras.films.reader import WHOLE, Clip
from tests.films import making

QUARTER_TURN = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
# As a screen recording has them: a frame lasts until something changes.
UNEVEN = [0, 512, 1024, 3000, 3512, 4000, 9000, 9512, 10_000, 10_640, 12_800, 20_000]
TASK_FIELDS = {field.name for field in dataclasses.fields(pipeline.Task)}


class Repeater:
    """Makes `scale` times as many pixels of each, along each axis; counts its calls."""

    scale = 4
    receptive_field = 0

    def __init__(self) -> None:
        self.calls = 0

    def upscale_to(
        self,
        put: Callable[[int, int, np.ndarray], None],
        photo: np.ndarray,
        *,
        self_ensemble: bool = False,
        progress: Callable[[float], None] = lambda share: None,
    ) -> None:
        self.calls += 1
        put(0, 0, photo.repeat(self.scale, axis=0).repeat(self.scale, axis=1))
        progress(1.0)


def task(film: pathlib.Path, **options: Any) -> pipeline.Task:
    """In segments of five frames."""
    clip = options.get("clip", WHOLE)
    info = film_info.probe(film, clip)
    fields = {name: options.pop(name) for name in list(options) if name in TASK_FIELDS}
    encoding = {"codec": "h264", "crf": 12, "width": 4 * info.width, "height": 4 * info.height, "longest": 5, **options}
    return pipeline.Task(
        film, **{"output": film.with_name(f"large{film.suffix}"), **fields}, info=info, encoding=Encoding(**encoding)
    )


def upscale(film: pathlib.Path, **options: Any) -> tuple[making.Content, pipeline.Result]:
    each = task(film, **options)
    result = pipeline.run(each, [Repeater()])
    return making.content(each.output), result


class InterruptError(Exception):
    pass


def interrupt_at(count: int) -> Callable[[int], None]:
    def progress(num_frames: int) -> None:
        if num_frames == count:
            raise InterruptError

    return progress


@pytest.mark.parametrize("suffix, data", [(".mp4", ["data"]), (".mkv", []), (".mov", ["data"])])
def test_all_that_lies_in_a_film_is_kept(tmp_path: pathlib.Path, suffix: str, data: list[str]) -> None:
    film = making.make(
        tmp_path / f"film{suffix}",
        pts=UNEVEN,
        sound=True,
        subtitles=suffix != ".mov",
        chapters=True,
        matrix=QUARTER_TURN,
        sample_aspect_ratio=Fraction(16, 15),
    )
    before = making.content(film)
    after, result = upscale(film)
    assert after.pts == before.pts
    assert [(frame.width, frame.height) for frame in after.frames] == 12 * [(128, 96)]
    assert after.kinds == before.kinds == ["video", "audio", *(["subtitle"] if suffix != ".mov" else []), *data]
    assert after.packets == before.packets
    assert after.chapters == before.chapters
    assert len(after.chapters) == 2
    assert after.rotation == before.rotation == -90
    assert after.aspect == before.aspect == Fraction(16, 15)
    assert after.metadata["title"] == "a film"
    assert after.languages == before.languages
    assert (result.notes, result.problems, result.num_frames) == ((), (), 12)


def test_a_transport_stream_keeps_sound_and_pictures_together(tmp_path: pathlib.Path) -> None:
    film = making.make(tmp_path / "film.ts", pts=UNEVEN, sound=True)
    before = making.content(film)
    after, _ = upscale(film)
    shift = before.pts[0] - after.pts[0]
    assert [pts + shift for pts in after.pts] == before.pts
    assert [(when + shift, content) for when, content in after.packets[1]] == before.packets[1]


def test_frames_are_those_of_the_film(tmp_path: pathlib.Path) -> None:
    frames = making.moving(12)
    film = making.make(tmp_path / "film.mkv", frames, encoder="ffv1", pixel_format="bgr0")
    after, _ = upscale(film, crf=1)
    for frame, large in zip(frames, after.frames, strict=True):
        rgb = large.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
        # Chroma has half the size, so that a colour's edge lies on that of a pixel of the film.
        assert np.abs(rgb[1::4, 1::4].astype(int) - frame).mean() < 4


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_two_runs_give_the_same_bytes(tmp_path: pathlib.Path, suffix: str) -> None:
    film = making.make(tmp_path / f"film{suffix}", sound=True)
    results = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for result in results:
        pipeline.run(task(film, output=result), [Repeater(), Repeater()])
    assert results[0].read_bytes() == results[1].read_bytes()


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_an_interrupted_run_goes_on(tmp_path: pathlib.Path, codec: str) -> None:
    """The result is that of one go; until it is whole, nothing lies under its name."""
    film = making.make(tmp_path / "film.mp4", sound=True, pts=UNEVEN)
    whole = task(film, output=tmp_path / "whole.mp4", codec=codec)
    pipeline.run(whole, [Repeater()])
    resumed = dataclasses.replace(whole, output=tmp_path / "resumed.mp4")
    with pytest.raises(InterruptError):
        pipeline.run(resumed, [Repeater()], interrupt_at(8))
    assert not resumed.output.exists()
    upscaler = Repeater()
    result = pipeline.run(resumed, [upscaler])
    assert (result.num_resumed, result.num_frames, upscaler.calls) == (5, 12, 7)
    assert resumed.output.read_bytes() == whole.output.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mp4", "resumed.mp4", "whole.mp4"]


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_segments_of_any_length(tmp_path: pathlib.Path, codec: str) -> None:
    for longest in (1, 2, 3, 7):
        film = making.make(tmp_path / f"{longest}.mp4", pts=UNEVEN)
        after, _ = upscale(film, codec=codec, longest=longest, output=tmp_path / f"{longest}_large.mp4")
        assert after.pts == making.content(film).pts


def test_an_interruption_before_the_first_segment_leaves_nothing(tmp_path: pathlib.Path) -> None:
    film = making.make(tmp_path / "film.mp4")
    with pytest.raises(InterruptError):
        pipeline.run(task(film), [Repeater()], interrupt_at(3))
    assert list(tmp_path.iterdir()) == [film]


@pytest.mark.parametrize("changed", [{"crf": 30}, {"recipe": {"network": "other"}}, {"clip": Clip(frames=11)}])
def test_other_options_never_mix_with_what_is_finished(tmp_path: pathlib.Path, changed: dict[str, Any]) -> None:
    """Nor do they throw it away, unless that is asked for."""
    film = making.make(tmp_path / "film.mp4")
    with pytest.raises(InterruptError):
        pipeline.run(task(film), [Repeater()], interrupt_at(8))
    with pytest.raises(FilmError, match="holds 5 frames of a run with other options; --overwrite begins anew"):
        pipeline.run(task(film, **changed), [Repeater()])
    with pytest.raises(InterruptError):
        pipeline.run(task(film, overwrite=True), [Repeater()], interrupt_at(12))
    assert pipeline.run(task(film, overwrite=True, **changed), [Repeater()]).num_resumed == 0


def test_a_damaged_segment_is_made_again(tmp_path: pathlib.Path) -> None:
    film = making.make(tmp_path / "film.mp4")
    with pytest.raises(InterruptError):
        pipeline.run(task(film), [Repeater()], interrupt_at(12))
    [_, second] = sorted(pipeline.parts_folder(task(film).output).glob("*.nut"))[:2]
    second.write_bytes(second.read_bytes()[:-1])
    assert pipeline.run(task(film), [Repeater()]).num_resumed == 5


def test_two_runs_never_make_one_film(tmp_path: pathlib.Path) -> None:
    film = making.make(tmp_path / "film.mp4")

    def begin_another(num_frames: int) -> None:
        with pytest.raises(FilmError, match="another process is making this film"):
            pipeline.run(task(film), [Repeater()])

    pipeline.run(task(film), [Repeater()], begin_another)


def test_an_older_result_is_not_replaced(tmp_path: pathlib.Path) -> None:
    film = making.make(tmp_path / "film.mp4")
    output = tmp_path / "large.mp4"
    output.write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        pipeline.run(task(film), [Repeater()])
    assert output.read_bytes() == b"precious"
    pipeline.run(task(film, overwrite=True), [Repeater()])
    assert len(making.content(output).frames) == 12


def test_equal_frames_are_computed_once(tmp_path: pathlib.Path) -> None:
    first, second = making.moving(2)
    still = [*5 * [first], *4 * [second], *3 * [first]]
    film = making.make(tmp_path / "film.mkv", still, encoder="ffv1", pixel_format="bgr0")
    each, upscaler = task(film), Repeater()
    result = pipeline.run(each, [upscaler])
    assert (upscaler.calls, result.num_equal, result.num_frames) == (3, 9, 12)
    assert making.content(each.output).pts == making.content(film).pts


def test_upscalers_work_at_once(tmp_path: pathlib.Path) -> None:
    together = threading.Barrier(2, timeout=30)

    class Meeting(Repeater):
        def upscale_to(self, *arguments: Any, **options: Any) -> None:
            together.wait()
            super().upscale_to(*arguments, **options)

    pipeline.run(task(making.make(tmp_path / "film.mp4")), [Meeting(), Meeting()])


def test_what_the_network_raises_ends_the_work(tmp_path: pathlib.Path) -> None:
    class Failing(Repeater):
        def upscale_to(self, *arguments: Any, **options: Any) -> None:
            raise ValueError("not finite")

    film = making.make(tmp_path / "film.mp4")
    with pytest.raises(ValueError, match="not finite"):
        pipeline.run(task(film), [Failing()])
    assert list(tmp_path.iterdir()) == [film]


@pytest.mark.parametrize(
    "clip, shown",
    [
        (Clip(start=Fraction("0.2")), slice(5, None)),
        (Clip(end=Fraction("0.2")), slice(0, 5)),
        (Clip(frames=3), slice(0, 3)),
        (Clip(Fraction("0.08"), Fraction("0.4"), 5), slice(2, 7)),
    ],
)
def test_a_part_of_a_film(tmp_path: pathlib.Path, clip: Clip, shown: slice) -> None:
    film = making.make(tmp_path / "film.mp4", sound=True, chapters=True)
    before = making.content(film)
    after, _ = upscale(film, clip=clip)
    start = before.pts[shown][0]
    assert after.pts == [pts - start for pts in before.pts[shown]]
    stop = before.pts[shown][-1] + Fraction(1, 25) if clip.end or clip.frames else 99
    length = Fraction(1024, 24_000)
    sound = [
        (when - start, content)
        for when, content in before.packets[1]
        if (not clip.start or when + length > start) and when < stop
    ]
    assert after.packets[1] == sound
    assert all(begin >= 0 for begin, _, _ in after.chapters)


def test_a_part_from_the_middle_is_searched(tmp_path: pathlib.Path) -> None:
    """It holds the frames that it has in the whole film, also where pictures are stored out of order."""
    frames = making.moving(750)
    film = making.make(tmp_path / "film.mp4", frames, options={"x264-params": "open-gop=1:keyint=40:bframes=3"})
    after, _ = upscale(film, clip=Clip(start=Fraction(25), frames=6), crf=1)
    before = making.content(film).frames[625:631]
    for small, large in zip(before, after.frames, strict=True):
        luma = making.planes(large)[0][1::4, 1::4].astype(int)
        assert np.abs(luma - making.planes(small)[0]).max() <= 6


def test_another_size_keeps_the_shape_as_it_is_shown(tmp_path: pathlib.Path) -> None:
    film = making.make(tmp_path / "film.mp4", sample_aspect_ratio=Fraction(16, 15))
    after, _ = upscale(film, width=64, height=96)
    assert (after.frames[0].width, after.frames[0].height, after.aspect) == (64, 96, Fraction(32, 15))


@pytest.mark.parametrize(
    "suffix, codec", [(suffix, codec) for suffix, kind in formats.CONTAINERS.items() for codec in kind.codecs]
)
def test_each_kind_of_file_holds_its_codecs(tmp_path: pathlib.Path, suffix: str, codec: str) -> None:
    film = making.make(tmp_path / "film.mp4", making.moving(3), sample_aspect_ratio=Fraction(16, 15), matrix=QUARTER_TURN)
    after, _ = upscale(film, codec=codec, output=tmp_path / f"large{suffix}")
    kind = formats.CONTAINERS[suffix]
    assert len(after.frames) == 3
    assert after.rotation == (-90 if kind.rotation else 0)
    assert after.aspect == (Fraction(16, 15) if codec in kind.shape else 1)


def test_more_than_one_pass(tmp_path: pathlib.Path) -> None:
    after, _ = upscale(making.make(tmp_path / "film.mp4", making.moving(2)), width=192, height=144)
    assert (after.frames[0].width, after.frames[0].height) == (192, 144)


def test_what_a_container_cannot_hold_is_said(tmp_path: pathlib.Path) -> None:
    film = making.make(tmp_path / "film.mkv", sound=True, subtitles=True)
    after, result = upscale(film, output=tmp_path / "large.mp4")
    assert after.kinds == ["video", "audio"]
    assert result.notes == ("its subtitle stream (srt) is left out: .mp4 files don't hold it; .mkv does",)
    film = making.make(tmp_path / "turned.mp4", matrix=QUARTER_TURN)
    _, result = upscale(film, output=tmp_path / "large.ts")
    assert result.notes == (".ts files can't say that a film is turned; .mp4 and .mkv do",)


def test_a_size_that_a_codec_cannot_hold(tmp_path: pathlib.Path) -> None:
    film = making.make(tmp_path / "film.mp4")
    with pytest.raises(FilmError, match="h265 holds at most 8192 pixels a side, not 8200x96"):
        upscale(film, codec="h265", width=8200)


def test_memory_stays_flat(tmp_path: pathlib.Path) -> None:
    film = making.make(tmp_path / "film.mp4", making.moving(2000), sound=True)
    process, resident = psutil.Process(), {}

    def note(num_frames: int) -> None:
        if num_frames % 500 == 0:
            resident[num_frames] = process.memory_info().rss

    upscaled = task(film, longest=100)
    pipeline.run(upscaled, [Repeater()], note)
    assert resident[2000] - resident[500] < 20e6


@pytest.mark.parametrize("width, height", [(6, 4), (12, 8)])
def test_a_network_that_does_not_enlarge_restores_a_frame_once(width: int, height: int) -> None:
    class Restorer(Repeater):
        scale = 1

    upscaler, frame = Restorer(), np.zeros((4, 6, 3), np.uint8)
    assert pipeline.enlarged(frame, upscaler, width, height).shape == frame.shape
    assert upscaler.calls == 1


def test_a_frame_that_is_large_enough_is_restored_where_that_is_wanted() -> None:
    upscaler, frame = Repeater(), np.zeros((4, 6, 3), np.uint8)
    assert pipeline.enlarged(frame, upscaler, 6, 4).shape == frame.shape
    assert upscaler.calls == 0
    assert pipeline.enlarged(frame, upscaler, 6, 4, restore=True).shape == (16, 24, 3)
    assert upscaler.calls == 1
