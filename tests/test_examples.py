"""The examples do what they say."""

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sr_keras.photos import rgb
from tests.conftest import ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture
def photo(tmp_path: Path, rng: np.random.Generator) -> Path:
    """The only photo of a folder: 48x48 pixels of noise."""
    path = tmp_path / "photos" / "photo.png"
    path.parent.mkdir()
    rgb.write_photo(path, rng.integers(0, 256, (48, 48, 3), dtype=np.uint8))
    return path


def run(script: str, *arguments: object) -> str:
    command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_an_array_is_upscaled(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = photo.with_name("large.png")
    assert runpy.run_path(str(EXAMPLES / "upscale_array.py"))["main"](str(photo), str(target), "espcn") == 0
    assert rgb.read_photo(target).shape == (192, 192, 3)
    assert capsys.readouterr().out.startswith("48x48 -> 192x192, x4, in ")


@pytest.mark.slow
def test_a_network_is_fine_tuned_and_ready_to_use(tmp_path: Path) -> None:
    small = ["--steps_per_iteration=1", "--iterations=1", "--pretrain_iterations=1", "--hr_size=32", "--batch_size=1"]
    assert "best is ready" in run("fine_tune.py", "sample", tmp_path / "run", *small, "--validation_photos=1")


@pytest.mark.slow
def test_two_networks_are_compared_photo_by_photo(photo: Path) -> None:
    last_line = run("compare_networks.py", "espcn", "edsr", photo.parent).splitlines()[-1]
    assert last_line.startswith("photo.png: e")


def test_each_example_is_named() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"({path.name})" in listed for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("script", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_what_is_missing_is_a_line(script: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    if script == "serving_client.py":
        pytest.importorskip("tensorflow_serving")
    monkeypatch.setattr(sys, "argv", [script, "alone"])
    with pytest.raises(SystemExit) as ending:
        runpy.run_path(str(EXAMPLES / script), run_name="__main__")
    assert ending.value.code == 2
    assert capsys.readouterr().err.startswith(f"usage: {script} ")
