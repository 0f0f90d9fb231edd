"""What a cluster does with a plan, by workers in this process; `test_ray` has Ray do it."""

import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import pickle
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from sr_keras.photos import rgb
from sr_keras.runtime import threads
from sr_keras.runtime.errors import UserError
from sr_keras.upscaling import command, loading, plan, search
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.cluster import machines, run
from sr_keras.upscaling.cluster.machines import Pool
from sr_keras.upscaling.cluster.worker import Done, Task, Work, Worker
from sr_keras.upscaling.film_options import FilmOptions
from sr_keras.upscaling.target import Target
from tests.types import Noise

Kill = Callable[[Task], bool]


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> list[Kill]:
    """Has workers of this process do what Ray's would; those that one of these returns True for vanish with their batch."""
    kills: list[Kill] = []

    @contextlib.contextmanager
    def connected(*_: object) -> Iterator[Pool]:
        yield Pool(2, 1, 0, 2)

    def done(tasks: Sequence[Task], work: Work, pool: Pool, worker: type[Worker]) -> Iterator[Done]:
        one = worker(pickle.loads(pickle.dumps(work)))
        for task in tasks:
            result = one({"task": pickle.dumps(task)})["done"]
            if not any(kill(task) for kill in kills):
                yield pickle.loads(result)

    # A worker sets it.
    monkeypatch.setenv("OMP_NUM_THREADS", str(os.cpu_count()))
    monkeypatch.setattr(machines, "connected", connected)
    monkeypatch.setattr(run, "_done", done)
    return kills


@pytest.fixture
def photos(tmp_path: pathlib.Path, noise: Noise) -> pathlib.Path:
    """A folder with eight photos, one in it that is none, and three numbered frames."""
    folder = tmp_path / "photos"
    (folder / "film").mkdir(parents=True)
    for name in "abcdefgh":
        rgb.write_photo(folder / f"{name}.jpg", noise(9, 12))
    (folder / "bad.png").write_bytes(b"")
    for number in range(3):
        rgb.write_photo(folder / "film" / f"{number}.png", noise(9, 12))
    return folder


def _report(path: pathlib.Path) -> dict[str, dict[str, object]]:
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert max(collections.Counter(entry["source"] for entry in entries).values()) == 1
    return {entry["source"]: {key: value for key, value in entry.items() if key != "seconds"} for entry in entries}


def _tree(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("again", ["--skip_existing", "--scale=4"])
def test_all_is_as_on_one_machine(
    photos: pathlib.Path, kills: list[Kill], capsys: pytest.CaptureFixture[str], again: str
) -> None:
    told, trees, reports = [], [], []
    for where in ([], ["--cluster"]):
        large, report = photos.parent / "large", photos.parent / f"report{len(where)}.jsonl"
        arguments = [str(photos), "--recursive", f"--output_dir={large}", "--model=espcn", f"--report={report}"]
        assert command.main([*arguments, *where]) == 1
        reports.append(_report(report))
        report.unlink()
        trees.append(_tree(large))
        (large / "a_x4.jpg").write_bytes(b"of another run")
        (large / "b_x4.jpg").unlink()
        assert command.main([*arguments, *where, again]) == 1
        reports.append(_report(report))
        trees.append(_tree(large))
        out, err = capsys.readouterr()
        told.append([line.rsplit(", ", 1)[0] for line in out.splitlines()] + err.splitlines())
        for path in sorted(large.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
    assert sorted(set(told[0]) ^ set(told[1])) == []
    assert trees[:2] == trees[2:]
    assert reports[:2] == reports[2:]


def _plan(photos: pathlib.Path, existing: str = "fail") -> tuple[list[plan.Job], Work]:
    todo = plan.plan(search.find([str(photos)]), label="x4", output_dir=photos.parent / "large")
    batch_options = BatchOptions(Target(scale=4), existing=existing)  # type: ignore[arg-type]
    return todo, Work(batch_options, loading.NetworkOptions("espcn"), FilmOptions())


def test_a_killed_workers_photos_are_done_by_another(photos: pathlib.Path, kills: list[Kill]) -> None:
    todo, work = _plan(photos)
    kills.append(lambda task: not task.is_retry)  # after it has written their results
    outcomes = list(run.outcomes(todo, work, address="", tell=print))
    assert sorted(outcome.job.name for outcome in outcomes) == sorted(job.name for job in todo)
    assert {outcome.job.source.name for outcome in outcomes if outcome.status == "failed" and outcome.job.source} == {"bad.png"}


def test_a_photo_that_kills_workers_fails_alone_after_two_tries(photos: pathlib.Path, kills: list[Kill]) -> None:
    todo, work = _plan(photos)
    tries: collections.Counter[str] = collections.Counter()

    def kill(task: Task) -> bool:
        names = [job.source.name for job in task.jobs if job.source]
        tries.update(names)
        return "c.jpg" in names

    kills.append(kill)
    outcomes = {
        outcome.job.source.name: outcome for outcome in run.outcomes(todo, work, address="", tell=print) if outcome.job.source
    }
    assert {name for name, outcome in outcomes.items() if outcome.status == "failed"} == {"bad.png", "c.jpg"}
    assert outcomes["c.jpg"].reason == f"{photos / 'c.jpg'}: the process that did it was killed, twice"
    assert tries["c.jpg"] == 2
    assert len(outcomes) == len(todo)


@pytest.mark.parametrize("existing", ["fail", "skip"])
def test_a_retry_replaces_what_the_killed_worker_wrote_and_nothing_else(
    photos: pathlib.Path, kills: list[Kill], existing: str
) -> None:
    todo, work = _plan(photos, existing)
    large = photos.parent / "large"
    large.mkdir()
    (large / "a_x4.jpg").write_bytes(b"a user's")
    kills.append(lambda task: not task.is_retry)
    outcomes = {outcome.job.name: outcome.status for outcome in run.outcomes(todo, work, address="", tell=print)}
    assert outcomes[str(photos / "a.jpg")] == {"fail": "failed", "skip": "skipped"}[existing]
    assert outcomes[str(photos / "b.jpg")] == "done"
    assert (large / "a_x4.jpg").read_bytes() == b"a user's"


def test_results_are_looked_for_once_a_folder(photos: pathlib.Path, kills: list[Kill], monkeypatch: pytest.MonkeyPatch) -> None:
    todo, work = _plan(photos, "skip")
    large = photos.parent / "large"
    large.mkdir()
    for job in todo:
        assert job.output is not None
        job.output.write_bytes(b"")
    listed: list[pathlib.Path] = []
    scandir = os.scandir

    def scan(folder: pathlib.Path) -> "Iterator[os.DirEntry[str]]":
        listed.append(folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", scan)
    monkeypatch.setattr(os.path, "lexists", lambda path: pytest.fail("asked for one file"))
    assert {outcome.status for outcome in run.outcomes(todo, work, address="", tell=print)} == {"skipped"}
    assert listed == [large]


@pytest.mark.parametrize("on_machine, limit", [(1, 8), (3, 2), (20, 1)])
def test_workers_of_a_machine_share_its_processors(
    photos: pathlib.Path, monkeypatch: pytest.MonkeyPatch, on_machine: int, limit: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")  # by Ray
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    Worker(_plan(photos)[1], on_machine)
    assert threads.limit() == limit


def test_frames_of_a_folder_have_one_network_whoever_does_them(tmp_path: pathlib.Path, kills: list[Kill], noise: Noise) -> None:
    for number in range(20):
        # The first one is clean, all others look worn.
        photo = np.full((40, 40, 3), 128, np.uint8) if number == 0 else noise(40, 40)
        rgb.write_photo(tmp_path / f"{number:02}.png", photo)
    todo = plan.plan(search.find([str(tmp_path)]), label="x4", output_dir=tmp_path / "large")
    work = Work(BatchOptions(Target(scale=1)), loading.NetworkOptions("auto"), FilmOptions())
    assert {outcome.network for outcome in run.outcomes(todo, work, address="", tell=print)} == {"edsr"}


def test_what_no_job_can_do_without_ends_the_run(photos: pathlib.Path, kills: list[Kill]) -> None:
    todo, work = _plan(photos)
    for fault, broken in {
        "no such model folder": dataclasses.replace(work, network=loading.NetworkOptions(photos / "none")),
        "has sr_keras": dataclasses.replace(work, version="0.0.1"),
    }.items():
        with pytest.raises(UserError, match=fault):
            list(run.outcomes(todo, broken, address="", tell=print))


def test_options_that_do_not_fit(photos: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, line in {
        (str(photos / "a.jpg"), "--cluster", "--output=-"): "the machines write files, not standard output",
        (str(photos / "a.jpg"), "--workers=2"): "--workers is for --cluster",
    }.items():
        with contextlib.suppress(SystemExit):
            assert command.main(arguments) == 2
        assert line in capsys.readouterr().err
