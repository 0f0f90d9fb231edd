"""Nothing stays behind on the disk, however a server ends."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import pytest

from sr_keras.web import workspace
from tests.conftest import ROOT

HOLD = "from sr_keras.web import workspace\nwith workspace.open_workspace() as f: print(f, flush=True); input()"


@pytest.fixture(autouse=True)
def temporary(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Takes the place of the system's folder for temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def start() -> "tuple[subprocess.Popen[str], pathlib.Path]":
    """Another server's process, and its folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    folder = pathlib.Path(process.stdout.readline().strip())
    (folder / "photo").write_bytes(b"precious")
    return process, folder


def test_a_folder_is_this_users_alone_and_is_removed(temporary: pathlib.Path) -> None:
    with workspace.open_workspace() as folder:
        (folder / "job").mkdir()
        (folder / "job" / "photo").touch()
        assert folder.stat().st_mode & 0o077 == 0
        assert folder.parent.stat().st_mode & 0o077 == 0
    assert [path.name for path in folder.parent.iterdir()] == ["lock"]


def test_what_a_killed_server_left_is_removed_at_the_next_start_and_nothing_else() -> None:
    killed, left = start()
    running, used = start()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert (left / "photo").exists()
    with workspace.open_workspace() as folder:
        assert not left.exists()
        assert (used / "photo").exists()
        running.communicate("\n")
        assert not used.exists()
        assert folder.exists()


@pytest.mark.parametrize("trap", ["open to all", "link", "file"])
def test_a_place_that_others_made_is_not_used(temporary: pathlib.Path, trap: str) -> None:
    home = temporary / f"sr_keras_web_{os.getuid()}"
    (temporary / "elsewhere").mkdir(mode=0o700)
    if trap == "open to all":
        home.mkdir()
        home.chmod(0o777)
    elif trap == "link":
        home.symlink_to(temporary / "elsewhere")
    else:
        home.touch()
    with pytest.raises(workspace.WorkspaceError, match="sr_keras_web"), workspace.open_workspace():
        pass
