"""Files that appear whole or not at all, and the reason in one line why one could not be written."""

import contextlib
import errno
import functools
import os
import pathlib
import re
import uuid
from collections.abc import Iterator

from sr_keras.runtime import store

try:
    import fcntl
except ImportError:  # Windows, where the parts of killed processes stay
    fcntl = None  # type: ignore[assignment]

_PART = re.compile(r"\.[0-9a-f]{32}\.part")


@contextlib.contextmanager
def written_beside(path: pathlib.Path, *, overwrite: bool = True) -> Iterator[pathlib.Path]:
    """Yields a path to write to, which becomes `path` at the end, or vanishes if writing fails.

    Its content is on the disk before the name appears. What processes left in the folder that were killed is removed.

    Raises:
        FileExistsError: `path` is there, even if only since the writing began, and is not to be overwritten.
    """
    if isinstance(path, store.StorePath):
        with store.written_whole(path, overwrite=overwrite) as part:
            yield part
        return
    _remove_abandoned_once(path.parent)
    part, lock = _new_part(path)
    try:
        yield part
        _sync(part)
        if overwrite:
            part.replace(path)
        else:
            _rename_to_free_name(part, path)
        _sync(path.parent)
    finally:
        part.unlink(missing_ok=True)
        os.close(lock)


def _new_part(path: pathlib.Path) -> tuple[pathlib.Path, int]:
    """A new file beside `path`, and what holds its lock until it is closed, or the process ends."""
    while True:
        # Not made of the name, which may be as long as names can be.
        part = path.with_name(f".{uuid.uuid4().hex}.part")
        lock = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        if _locked(lock) and part.exists():
            return part, lock
        os.close(lock)  # another process took it for abandoned, before it was locked


def _locked(file: int) -> bool:
    """Locks an open file; False if another process has it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


@functools.cache
def _remove_abandoned_once(folder: pathlib.Path) -> None:
    """Once a process and folder."""
    remove_abandoned(folder)


def remove_abandoned(folder: pathlib.Path) -> None:
    """Removes the parts of processes that are gone."""
    if fcntl is None or isinstance(folder, store.StorePath):
        return
    with contextlib.suppress(OSError):
        for name in filter(_PART.fullmatch, os.listdir(folder)):  # noqa: PTH208 - a folder may hold very many
            with contextlib.suppress(OSError):
                file = os.open(folder / name, os.O_RDWR)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails where its process lives
                    (folder / name).unlink()
                finally:
                    os.close(file)


def _sync(path: pathlib.Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk; where the file system can't tell, for nothing."""
    with contextlib.suppress(OSError):
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def _rename_to_free_name(part: pathlib.Path, path: pathlib.Path) -> None:
    try:
        os.link(part, path)  # fails where something is, without a moment in between
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        part.replace(path)


def reason(error: Exception) -> str:
    """What went wrong, in one line and without the file's name."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
