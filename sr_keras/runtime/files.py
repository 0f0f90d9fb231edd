"""Files that appear whole or not at all, and what went wrong with one, in a line."""

import contextlib
import errno
import os
import pathlib
import uuid
from collections.abc import Iterator


@contextlib.contextmanager
def written_beside(path: pathlib.Path, *, overwrite: bool = True) -> Iterator[pathlib.Path]:
    """Yields a path to write to, which becomes `path` at the end, or vanishes if writing fails.

    Raises:
        FileExistsError: `path` is there, even if only since the writing began, and is not to be overwritten.
    """
    # Not made of the name, which may be as long as names can be.
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        yield part
        if overwrite:
            part.replace(path)
        else:
            _rename_to_free_name(part, path)
    finally:
        part.unlink(missing_ok=True)


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
