"""The temporary folder of a server: removed at its end, and after a crash at the next start."""

import contextlib
import os
import pathlib
import shutil
import stat
import tempfile
from collections.abc import Iterator

import filelock

from sr_keras.runtime.errors import UserError


class WorkspaceError(UserError):
    """There is no place for temporary files; the message is one line."""


@contextlib.contextmanager
def open_workspace() -> Iterator[pathlib.Path]:
    """Gives an empty folder that only this user may look into. Folders of servers that are no more are removed.

    Several servers may run at once: each holds a lock, which the system takes away when a process ends, however it ends.

    Raises:
        WorkspaceError: there is no place for it.
    """
    home = _home()
    with filelock.FileLock(home / "lock"):  # so that no folder is without its lock while others look
        _remove_leftovers(home)
        folder = pathlib.Path(tempfile.mkdtemp(dir=home))
        lock = filelock.FileLock(_lock_of(folder))
        lock.acquire()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _lock_of(folder).unlink(missing_ok=True)
        lock.release()


def _home() -> pathlib.Path:
    home = pathlib.Path(tempfile.gettempdir(), f"sr_keras_web_{os.getuid()}")
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        status = home.lstat()
    except OSError as error:
        raise WorkspaceError(f"{home}: {error.strerror}") from None
    # In a folder that all may write to, others may have been there first.
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise WorkspaceError(f"{home}: is not a folder of yours alone; remove it, or set TMPDIR to another place")
    return home


def _remove_leftovers(home: pathlib.Path) -> None:
    for folder in home.iterdir():
        if not folder.is_dir():
            continue
        lock = filelock.FileLock(_lock_of(folder), blocking=False)
        with contextlib.suppress(filelock.Timeout), lock:
            shutil.rmtree(folder, ignore_errors=True)
            _lock_of(folder).unlink(missing_ok=True)


def _lock_of(folder: pathlib.Path) -> pathlib.Path:
    return folder.with_name(f"{folder.name}.lock")
