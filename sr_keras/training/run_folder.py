"""A run's folder: one process at a time, and the flags that it was started with."""

import contextlib
import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import filelock

from sr_keras.runtime import flag_file
from sr_keras.runtime.errors import UserError

_FLAGS = "train.flags"


class InUseError(UserError):
    """Another process trains in the folder; the message is one line."""


class Change(NamedTuple):
    """A flag whose value is not the recorded one; "" is not set."""

    name: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"--{self.name} was {self.before or 'not set'}, is {self.now or 'not set'}"


@contextlib.contextmanager
def held(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Makes the folder, yields it, and keeps other processes out of it until this one ends, however it does.

    Raises:
        InUseError: another process is there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / "lock", timeout=0):
            yield folder
    except filelock.Timeout:
        raise InUseError(f"{folder}: another process trains here") from None


def record_flags(folder: pathlib.Path, lines: Sequence[str]) -> None:
    """Writes flags, each `--name=value`, so that `--flagfile` repeats them."""
    flag_file.write(folder / _FLAGS, lines)


def changed_flags(folder: pathlib.Path, lines: Sequence[str], defaults: Sequence[str]) -> list[Change]:
    """How flags differ from those recorded; empty if none are recorded.

    Args:
        lines, defaults: flags as they are, and as they would be by themselves, each `--name=value`. One that was not recorded,
            because there was no such flag yet, had its default.
    """
    recorded = flag_file.read(folder / _FLAGS)
    if not recorded:
        return []
    before = {**flag_file.values(defaults), **recorded}
    now = flag_file.values(lines)
    return [
        Change(name, before.get(name, ""), now.get(name, ""))
        for name in sorted(before.keys() | now.keys())
        if before.get(name, "") != now.get(name, "")
    ]
