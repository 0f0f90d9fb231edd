import pathlib
import subprocess
import sys

import pytest

from sr_keras.training import run_folder
from sr_keras.training.run_folder import Change
from tests.conftest import ROOT

HOLDER = """
import pathlib, sys
from sr_keras.training import run_folder
with run_folder.held(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_ends(tmp_path: pathlib.Path) -> None:
    """However it ends: here by SIGKILL."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "run")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        assert first.stdout.readline() == "held\n"
        with pytest.raises(run_folder.InUseError, match="run: another process trains here"), run_folder.held(tmp_path / "run"):
            pass
        first.kill()
    with run_folder.held(tmp_path / "run") as folder:
        assert folder == tmp_path / "run"


def test_flags_that_changed_are_reported(tmp_path: pathlib.Path) -> None:
    assert run_folder.changed_flags(tmp_path, ["--a=1"], []) == []
    run_folder.record_flags(tmp_path, ["--a=1", "--b=x=y", "--gone=3"])
    assert run_folder.changed_flags(tmp_path, ["--a=1", "--b=x=y", "--gone=3"], []) == []
    changes = run_folder.changed_flags(tmp_path, ["--a=2", "--b=x=y", "--new=4"], [])
    assert changes == [Change("a", "1", "2"), Change("gone", "3", ""), Change("new", "", "4")]
    assert list(map(str, changes)) == ["--a was 1, is 2", "--gone was 3, is not set", "--new was not set, is 4"]


def test_a_flag_that_is_newer_than_the_run_had_its_default(tmp_path: pathlib.Path) -> None:
    run_folder.record_flags(tmp_path, ["--a=1"])
    assert run_folder.changed_flags(tmp_path, ["--a=1", "--new=4"], ["--a=0", "--new=4"]) == []
    assert run_folder.changed_flags(tmp_path, ["--a=1", "--new=5"], ["--a=0", "--new=4"]) == [Change("new", "4", "5")]
