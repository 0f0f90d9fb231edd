import pathlib
import threading
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

from sr_keras.inference import model_info
from sr_keras.inference.tiling import Progress, Put
from sr_keras.photos import picture_reader, rgb
from sr_keras.photos.picture import Picture
from sr_keras.upscaling import batch, choice
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.outcome import JobOutcome
from sr_keras.upscaling.plan import Job
from sr_keras.upscaling.target import Target
from tests.types import Noise
from tests.upscaling.making import Repeater

DOUBLE = BatchOptions(Target(scale=2))
# The result of the network itself, which is written while it is computed.
QUADRUPLE = BatchOptions(Target(scale=4))

both_ways = pytest.mark.parametrize("options", [DOUBLE, QUADRUPLE], ids=["afterwards", "while computed"])


@pytest.fixture
def photos(tmp_path: pathlib.Path, noise: Noise) -> list[Job]:
    """Jobs for four photos, of which the second is damaged and the third is missing."""
    jobs = [Job(tmp_path / f"{name}.png", tmp_path / "large" / f"{name}.png") for name in "abcd"]
    for job in jobs:
        rgb.write_photo(job.name, noise(9, 7))
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:80])
    (tmp_path / "c.png").unlink()
    return jobs


@pytest.fixture
def large(tmp_path: pathlib.Path) -> pathlib.Path:
    """The folder of their results, which is not there yet."""
    return tmp_path / "large"


def outcomes(
    jobs: Sequence[Job], options: BatchOptions = DOUBLE, upscalers: Sequence[Repeater] | None = None
) -> dict[str, JobOutcome]:
    results = batch.run(jobs, choosers(*upscalers or [Repeater()]), options)
    return {pathlib.Path(outcome.job.name).stem: outcome for outcome in results}


def choosers(*upscalers: Repeater) -> list[choice.Choose]:
    return [choice.always(upscaler) for upscaler in upscalers]


def statuses(jobs: Sequence[Job], options: BatchOptions = DOUBLE, upscalers: Sequence[Repeater] | None = None) -> str:
    return "".join(outcome.status[0] for _, outcome in sorted(outcomes(jobs, options, upscalers).items()))


def test_a_bad_file_stops_nothing(photos: list[Job], large: pathlib.Path) -> None:
    result = outcomes(photos)
    assert [result[name].status for name in "abcd"] == ["done", "failed", "failed", "done"]
    assert "b.png: " in result["b"].reason
    assert "c.png: No such file" in result["c"].reason
    assert result["d"].size == (7, 9)
    assert result["d"].result_size == (14, 18)
    assert sorted(path.name for path in large.iterdir()) == ["a.png", "d.png"]


def test_results_are_those_of_one_photo_alone(photos: list[Job]) -> None:
    outcomes(photos)
    for job in (photos[0], photos[3]):
        source = Image.open(job.name)
        large = source.resize((28, 36), Image.Resampling.NEAREST).resize((14, 18), Image.Resampling.LANCZOS)
        np.testing.assert_array_equal(np.asarray(Image.open(job.result_name)), np.asarray(large))


def test_a_result_that_is_written_while_it_is_computed_is_the_same(photos: list[Job], large: pathlib.Path) -> None:
    outcome = outcomes(photos, QUADRUPLE)["d"]
    assert (outcome.status, outcome.size, outcome.result_size) == ("done", (7, 9), (28, 36))
    for name in "ad":
        repeated = Image.open(large.parent / f"{name}.png").resize((28, 36), Image.Resampling.NEAREST)
        np.testing.assert_array_equal(np.asarray(Image.open(large / f"{name}.png")), np.asarray(repeated))


@pytest.mark.parametrize("existing, status, replaced", [("fail", "f", False), ("skip", "s", False), ("overwrite", "d", True)])
def test_existing_results(photos: list[Job], large: pathlib.Path, existing: Any, status: str, replaced: bool) -> None:
    large.mkdir()
    (large / "a.png").write_bytes(b"precious")
    assert statuses(photos, BatchOptions(Target(scale=2), existing=existing)) == f"{status}ffd"
    assert ((large / "a.png").read_bytes() != b"precious") == replaced


@pytest.mark.parametrize("max_pixels, reason", [(62, "it has 63 pixels"), (251, "its result would have 252 pixels")])
def test_too_many_pixels_are_refused_before_they_are_decoded(photos: list[Job], max_pixels: int, reason: str) -> None:
    result = outcomes(photos[:1], BatchOptions(Target(scale=2), max_pixels=max_pixels))["a"]
    assert result.status == "failed"
    assert f"{reason}, more than --max_pixels={max_pixels} allows" in result.reason


@pytest.mark.parametrize(
    "output, options",
    [("wide.webp", DOUBLE), (None, BatchOptions(Target(scale=2), suffix=".webp"))],
    ids=["file", "standard output"],
)
def test_a_format_that_cannot_hold_the_result_is_refused(
    tmp_path: pathlib.Path, output: str | None, options: BatchOptions
) -> None:
    Image.new("L", (9000, 1)).save(tmp_path / "wide.png")
    result = outcomes([Job(tmp_path / "wide.png", tmp_path / output if output else None)], options)["wide"]
    assert ".webp holds at most 16383 pixels a side, not 18000x2" in result.reason


@both_ways
@pytest.mark.parametrize("error, reason", [(MemoryError(), "too little memory"), (ValueError("not finite"), "not finite")])
def test_a_network_that_fails_is_a_failed_photo(
    photos: list[Job], large: pathlib.Path, error: Exception, reason: str, options: BatchOptions
) -> None:
    class Failing(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            put(0, 0, np.zeros((4, 4 * photo.shape[1], 3), np.uint8))
            raise error

    result = outcomes(photos[:1], options, upscalers=[Failing()])["a"]
    assert result.status == "failed"
    assert f"{photos[0].source}: " in result.reason
    assert reason in result.reason
    assert not large.exists()


def test_a_place_that_cannot_be_written_is_a_failed_photo(photos: list[Job], tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    result = outcomes([photos[0]._replace(output=tmp_path / "file" / "a.png")])["a"]
    assert result.status == "failed"
    assert "file is no folder" in result.reason


def test_a_full_disk_is_a_failed_photo(photos: list[Job], large: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    result = outcomes(photos[:1])["a"]
    assert result.status == "failed"
    assert "No space left on device" in result.reason
    assert not large.exists()  # it was made for this one


def test_several_upscalers_share_the_work(tmp_path: pathlib.Path, noise: Noise) -> None:
    """Each has a photo in hand before any of them ends."""
    together = threading.Barrier(3, timeout=30)

    class Meeting(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            together.wait()
            super().upscale_to(put, photo, **options)

    jobs = [Job(tmp_path / f"{index}.png", tmp_path / f"{index}_x2.png") for index in range(9)]
    for job in jobs:
        rgb.write_photo(job.name, noise(3, 4))
    assert statuses(jobs, upscalers=[Meeting() for _ in range(3)]) == 9 * "d"


def test_the_next_photo_is_read_while_one_is_computed(photos: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    read = threading.Semaphore(0)
    original = picture_reader.read

    def noted(*arguments: Any, **options: Any) -> Picture:
        read.release()
        return original(*arguments, **options)

    class Waiting(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            for _ in range(2):
                assert read.acquire(timeout=10)
            super().upscale_to(put, photo, **options)

    monkeypatch.setattr(picture_reader, "read", noted)
    assert statuses([photos[0], photos[1]], upscalers=[Waiting()]) == "df"


def test_a_worker_that_breaks_down_ends_the_run(photos: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its jobs would be waited for without end."""

    def no_threads(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(batch, "ThreadPoolExecutor", no_threads)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        list(batch.run(photos, choosers(Repeater()), DOUBLE))


@both_ways
def test_closing_stops_between_tiles_and_leaves_nothing(photos: list[Job], large: pathlib.Path, options: BatchOptions) -> None:
    begun = threading.Event()

    class Endless(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, *, progress: Progress, **options: Any) -> None:
            while True:
                progress(0.1)
                begun.set()

    running = batch.run([photos[2], photos[0], photos[3]][: 2 if options is QUADRUPLE else 3], choosers(Endless()), options)
    assert next(running).status == "failed"
    assert begun.wait(timeout=10)
    running.close()
    assert not large.exists()


def test_a_result_that_is_written_while_the_run_is_closed_is_told_of(photos: list[Job], large: pathlib.Path) -> None:
    begun = threading.Event()

    class EndlessFromTheSecondOn(Repeater):
        calls = 0

        def upscale_to(self, put: Put, photo: np.ndarray, *, progress: Progress, **options: Any) -> None:
            self.calls += 1
            while self.calls > 1:
                begun.set()
                progress(0.1)
            super().upscale_to(put, photo, progress=progress, **options)

    told: list[JobOutcome] = []
    upscaler = EndlessFromTheSecondOn()
    running = batch.run([photos[2], photos[0], photos[3]], choosers(upscaler), DOUBLE, ended=told.append)
    assert next(running).status == "failed"
    assert begun.wait(timeout=10)
    running.close()
    assert [(outcome.job, outcome.status) for outcome in told] == [(photos[2], "failed"), (photos[0], "done")]
    assert [path.name for path in large.iterdir()] == ["a.png"]


def test_what_was_chosen_is_reported(photos: list[Job]) -> None:
    by_name = choice.Choice(Repeater(), "edsr", "clean")
    outcome = next(iter(batch.run(photos[:1], [lambda picture: by_name], DOUBLE)))
    assert (outcome.network, outcome.why) == ("edsr", "clean")


def test_a_network_that_is_missing_ends_the_run(photos: list[Job]) -> None:
    def missing(picture: Picture) -> choice.Choice:
        raise model_info.ModelError("no such network")

    with pytest.raises(model_info.ModelError, match="no such network"):
        list(batch.run([photos[0], photos[3]], [missing], DOUBLE))


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("existing, status", [("skip", "skipped"), ("fail", "failed")])
def test_a_result_that_another_run_has_written_meanwhile(
    photos: list[Job], existing: Literal["skip", "fail"], status: str, scale: int
) -> None:
    class Racing(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            output = photos[0].output
            assert output is not None
            output.parent.mkdir(exist_ok=True)
            output.write_bytes(b"theirs")
            super().upscale_to(put, photo, **options)

    options = BatchOptions(Target(scale=scale), existing=existing)
    assert outcomes(photos[:1], options, upscalers=[Racing()])["a"].status == status
    assert photos[0].output is not None
    assert photos[0].output.read_bytes() == b"theirs"


def test_a_worker_that_is_stuck_does_not_keep_a_stopped_run(photos: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "_PATIENCE_SECONDS", 0.1)
    begun, end = threading.Event(), threading.Event()

    class Stuck(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            begun.set()
            end.wait(timeout=30)

    running = batch.run([photos[2], photos[0]], choosers(Stuck()), DOUBLE)
    assert next(running).status == "failed"
    assert begun.wait(timeout=10)
    running.close()
    assert batch.is_stuck()
    end.set()


def test_all_frames_together_count(tmp_path: pathlib.Path, noise: Noise) -> None:
    frames = [Image.fromarray(noise(9, 7)) for _ in range(3)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    options = BatchOptions(Target(scale=2), all_frames=True, max_pixels=3 * 252 - 1)
    outcome = outcomes([Job(tmp_path / "a.png", tmp_path / "b.png")], options)["a"]
    assert "its result would have 756 pixels" in outcome.reason
