"""The same as `test_run`, with Ray."""

import os
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from sr_keras.photos import rgb
from sr_keras.upscaling import loading, plan, search
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.cluster import run
from sr_keras.upscaling.cluster.worker import Task, Work, Worker
from sr_keras.upscaling.film_options import FilmOptions
from sr_keras.upscaling.outcome import JobOutcome
from sr_keras.upscaling.target import Target
from tests.conftest import ROOT, take_interrupts
from tests.types import Noise

# Ray warns of its own parts.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")]


class Fragile(Worker):
    """Is killed by what the photos' names say, as by the kernel when memory is short."""

    def outcomes(self, task: Task) -> Iterator[JobOutcome]:
        for outcome in super().outcomes(task):
            assert outcome.job.source is not None
            if outcome.job.source.stem == "poison" or (outcome.job.source.stem == "once" and not task.is_retry):
                os.kill(os.getpid(), signal.SIGKILL)
            yield outcome


class Idle(Worker):
    """Says of each photo that it is done, at once."""

    def outcomes(self, task: Task) -> Iterator[JobOutcome]:
        return (JobOutcome(job, "done") for job in task.jobs)

    def _prepare(self) -> None:
        """Needs nothing."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers find the classes of this module; all Rays of this process have one token, for it is read once."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 64)


@pytest.fixture
def work() -> Work:
    return Work(BatchOptions(Target(scale=4)), loading.NetworkOptions("espcn"), FilmOptions())


def _plan(folder: pathlib.Path, noise: Noise, names: list[str]) -> list[plan.Job]:
    for name in names:
        rgb.write_photo(folder / f"{name}.jpg", noise(8, 8))
    return plan.plan(search.find([str(folder)]), label="x4", output_dir=folder / "large")


def test_killed_workers(tmp_path: pathlib.Path, noise: Noise, work: Work) -> None:
    todo = _plan(tmp_path, noise, [*(f"p{number}" for number in range(20)), "once", "poison"])
    outcomes = list(run.outcomes(todo, work, address="", num_workers=2, tell=print, worker=Fragile))
    assert sorted(outcome.job.name for outcome in outcomes) == sorted(job.name for job in todo)
    assert [outcome.reason for outcome in outcomes if outcome.status != "done"] == [
        f"{tmp_path / 'poison.jpg'}: the process that did it was killed, twice"
    ]
    assert not list((tmp_path / "large").glob(".*"))
    assert not {process.name() for process in psutil.Process().children()} & {"raylet", "gcs_server"}


def test_two_machines(tmp_path: pathlib.Path, noise: Noise, work: Work, capfd: pytest.CaptureFixture[str]) -> None:
    from ray.cluster_utils import Cluster

    todo = _plan(tmp_path, noise, [f"p{number}" for number in range(16)])
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
    try:
        cluster.add_node(num_cpus=2)
        told: list[str] = []
        outcomes = list(run.outcomes(todo, work, address=cluster.address, tell=told.append))
    finally:
        cluster.shutdown()
    assert {outcome.status for outcome in outcomes} == {"done"}
    assert len(outcomes) == len(todo)


def test_memory_stays_flat(work: Work) -> None:
    todo = [plan.Job(pathlib.Path(f"photos/{number}.jpg"), pathlib.Path(f"large/{number}_x4.jpg")) for number in range(100_000)]
    running = run.outcomes(todo, work, address="", tell=print, worker=Idle)
    next(running)
    begun = psutil.Process().memory_info().rss
    assert sum(1 for _ in running) == len(todo) - 1
    grown = psutil.Process().memory_info().rss - begun
    print(f"{begun / 1e6:.0f} MB, grown by {grown / 1e6:.0f} MB")
    assert grown < 100e6


def test_the_command(tmp_path: pathlib.Path, noise: Noise) -> None:
    _plan(tmp_path, noise, ["a", "b"])
    arguments = [
        sys.executable,
        "upscale.py",
        "--cluster",
        str(tmp_path),
        f"--output_dir={tmp_path / 'large'}",
        "--model=espcn",
    ]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "2 done, 0 skipped, 0 failed"
    assert sorted(path.name for path in (tmp_path / "large").iterdir()) == ["a_x4.jpg", "b_x4.jpg"]


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c(tmp_path: pathlib.Path, noise: Noise, number: int, code: int) -> None:
    for name in range(40):
        rgb.write_photo(tmp_path / f"p{name}.jpg", noise(200, 200))
    arguments = [sys.executable, "upscale.py", "--cluster", str(tmp_path), f"--output_dir={tmp_path / 'large'}", "--model=edsr"]
    running = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=take_interrupts)
    assert running.stdout is not None
    assert running.stdout.readline()
    started = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(number)
    error = running.communicate()[1].decode()
    assert re.fullmatch(r"upscale\.py: stopped: \d+ of 40 done; with --skip_existing, the same command goes on\n", error)
    assert running.returncode == code
    assert not list((tmp_path / "large").glob(".*"))
    assert not psutil.wait_procs(started, timeout=10)[1]
