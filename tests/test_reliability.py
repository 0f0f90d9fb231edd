"""What a run of `train.py` survives. The long forms are slow: make test-slow."""

import pathlib
import random
import re
import resource
import signal
import time
from collections.abc import Sequence

import numpy as np
import pytest

from sr_keras.evaluation import run_figures
from sr_keras.inference import model_info, saved_model
from tests.training_runs import SMALL, printed_until, start, train

# Checkpoints within iterations, so that kills find the run between them, before the first, and while one is written.
EXACT = [*SMALL, "--deterministic", "--steps_per_iteration=6", "--checkpoint_steps=2", "--pretrain_iterations=1"]
EXACT += ["--average_decay=0.9", "--adversarial_ramp_steps=9", "--label_smoothing=0.1", "--clip_gradients=1"]


def newest_checkpoint(run: pathlib.Path) -> int:
    return max((int(path.stem.split("-")[1]) for path in (run / "checkpoints").glob("*.index")), default=0)


def killed(flags: Sequence[str], run: pathlib.Path, seconds: float, after_checkpoint: bool) -> bool:
    """Starts a run and ends it by SIGKILL so many seconds after training began, or after it has written one more checkpoint.

    Returns:
        Whether that hit; not if the run had ended by itself.
    """
    process = start(*flags, f"--run_dir={run}")
    before = newest_checkpoint(run)
    printed_until(process, "training; Ctrl-C")
    while after_checkpoint and process.poll() is None and newest_checkpoint(run) == before:
        time.sleep(0.01)
    time.sleep(seconds)
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def survived_kills(tmp_path: pathlib.Path, kills: int, iterations: int) -> tuple[int, int]:
    """Kills a run again and again, and lets it end; its weights must be those of a run that nothing happened to.

    Every other kill comes before the run has got anywhere, the others around checkpoints, exports and new stages.

    Returns:
        How many kills hit, and how many checkpoints the run had written before the last start.
    """
    flags = [*EXACT, f"--iterations={iterations}"]
    code, stderr = train(*flags, f"--run_dir={tmp_path / 'whole'}")
    assert code == 0, stderr
    moments = random.Random(0)
    run = tmp_path / "killed"
    hits = sum(killed(flags, run, moments.uniform(0, 0.5), after_checkpoint=bool(number % 2)) for number in range(kills))
    written = newest_checkpoint(run)
    code, stderr = train(*flags, f"--run_dir={run}")
    assert code == 0, stderr
    for name in ("whole", "killed"):
        assert model_info.versions(tmp_path / name)[-1].name == str(iterations)
    for one, other in zip(*(saved_model.load_weights(tmp_path / name) for name in ("whole", "killed")), strict=True):
        np.testing.assert_array_equal(one, other)
    return hits, written


def test_a_kill_does_not_show_in_the_weights(tmp_path: pathlib.Path) -> None:
    hits, written = survived_kills(tmp_path, kills=2, iterations=2)
    assert hits == 2
    assert written >= 1


@pytest.mark.slow
def test_memory_and_disk_stay_flat_over_200_iterations(tmp_path: pathlib.Path) -> None:
    """Each with an export, a sample, summaries and a checkpoint."""
    flags = ["--iterations=200", "--average_decay=0.9", "--keep_exports=2", "--keep_checkpoints=2", "--keep_samples=4"]
    code, stderr = train(*SMALL, *flags, f"--run_dir={tmp_path}", seconds=3000)
    assert code == 0, stderr
    curves = run_figures.read_scalars(tmp_path / "tensorboard")
    assert set(curves["work/traces_of_the_step"].values()) == {1.0}
    resident = [curves["work/host_mib"][iteration] for iteration in range(50, 201)]
    growth = np.polyfit(range(50, 201), resident, 1)[0]
    events = sum(path.stat().st_size for path in (tmp_path / "tensorboard").rglob("*") if path.is_file())
    print(f"{growth:.3f} MiB of memory, {events / 200 / 1000:.0f} kB of summaries an iteration")
    assert growth < 0.1, resident
    assert events / 200 < 100_000
    # What the flags keep, of the last iterations, is all that is there besides.
    assert {path.name for path in model_info.versions(tmp_path)} == {"199", "200"}
    assert len(list((tmp_path / "checkpoints").iterdir())) == 5
    assert len(list((tmp_path / "samples").iterdir())) == 4


@pytest.mark.slow
def test_twenty_kills_do_not_show_in_the_weights(tmp_path: pathlib.Path) -> None:
    hits, written = survived_kills(tmp_path, kills=20, iterations=12)
    print(f"{hits} kills hit, {written} checkpoints were written before the last start")
    assert hits == 20
    assert written >= 5


def test_a_full_disk_is_one_line_and_leaves_the_last_checkpoint(tmp_path: pathlib.Path) -> None:
    """No file may grow beyond what a checkpoint needs: as on a full disk, writing fails half-way."""
    flags = [*SMALL, f"--run_dir={tmp_path}"]
    code, stderr = train(*flags, "--iterations=1")
    assert code == 0, stderr
    largest = max(path.stat().st_size for path in (tmp_path / "checkpoints").iterdir())

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest // 2, largest // 2))

    process = start(*flags, "--iterations=2", preexec_fn=full)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 2
    assert re.search(r"^train\.py: .*(File too large|space)", stderr.splitlines()[-1]), stderr
    assert "Traceback" not in stderr
    assert not list((tmp_path / "checkpoints").glob("*_temp"))
    code, stderr = train(*flags, "--iterations=2")
    assert code == 0, stderr
    assert "resumed from" in stderr
    assert model_info.versions(tmp_path)[-1].name == "2"


def test_a_run_that_comes_apart_says_where_and_what_is_left(tmp_path: pathlib.Path) -> None:
    # Without norms, and too deep for such a learning rate.
    sizes = ["--generator=edsr", "--num_blocks=8", "--filters=16"]
    flags = [*(flag for flag in SMALL if not flag.startswith("--upscale_filters")), *sizes, f"--run_dir={tmp_path}"]
    code, stderr = train(*flags, "--init=random", "--iterations=1")
    assert code == 0, stderr
    code, stderr = train(*flags, "--init=random", "--iterations=9", "--learning_rate=1", "--steps_per_iteration=50")
    assert code == 2
    line = stderr.splitlines()[-1]
    assert re.search(r"became (nan|inf) in step \d+ of iteration \d+; the last good checkpoint: .*/ckpt-\d+$", line), stderr
