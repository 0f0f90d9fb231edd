"""Files that appear whole or not at all, with what killed processes leave."""

import pathlib
import signal
import subprocess
import sys

import pytest

from sr_keras.runtime import files

HOLDER = """
import pathlib, sys, time
from sr_keras.runtime import files
with files.written_beside(pathlib.Path(sys.argv[1])) as part:
    part.write_bytes(b"half")
    print("begun", flush=True)
    time.sleep(60)
"""


def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(tmp_path: pathlib.Path) -> None:
    def parts() -> int:
        return len(list(tmp_path.glob(".*.part")))

    def write(name: str) -> None:
        files._remove_abandoned_once.cache_clear()
        with files.written_beside(tmp_path / name) as part:
            part.write_bytes(b"whole")

    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "a")], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        write("b")
        assert parts() == 1
        holder.send_signal(signal.SIGKILL)
    assert parts() == 1
    write("c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "c"]


def test_a_file_that_is_there_by_now_is_kept(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileExistsError), files.written_beside(tmp_path / "a", overwrite=False) as part:
        part.write_bytes(b"ours")
        (tmp_path / "a").write_bytes(b"theirs")
    assert (tmp_path / "a").read_bytes() == b"theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_permissions_are_those_of_any_new_file(tmp_path: pathlib.Path) -> None:
    with files.written_beside(tmp_path / "a") as part:
        part.write_bytes(b"")
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode
