"""A run's folder: one process at a time, and the flags that it was started with."""

import contextlib
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import filelock

from sr_keras import files

_FLAGS = "train.flags"


class InUseError(Exception):
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
    """Makes the folder, gives it, and keeps other processes out of it until this one ends, however it does.

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
    with files.written_beside(folder / _FLAGS) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")


def recorded_flags(folder: pathlib.Path) -> Mapping[str, str]:
    """The values of the flags that were written, by name; nothing where none were."""
    path = folder / _FLAGS
    return _values(path.read_text(encoding="utf-8").splitlines()) if path.exists() else {}


def changed_flags(folder: pathlib.Path, lines: Sequence[str], defaults: Sequence[str]) -> list[Change]:
    """How flags differ from those recorded; nothing where none are.

    Args:
        lines, defaults: flags as they are, and as they would be by themselves, each `--name=value`. One that was not recorded,
            because there was no such flag yet, had its default.
    """
    recorded = recorded_flags(folder)
    if not recorded:
        return []
    before = {**_values(defaults), **recorded}
    now = _values(lines)
    return [
        Change(name, before.get(name, ""), now.get(name, ""))
        for name in sorted(before.keys() | now.keys())
        if before.get(name, "") != now.get(name, "")
    ]


def _values(lines: Sequence[str]) -> Mapping[str, str]:
    pairs = (line.removeprefix("--").partition("=") for line in lines if line.startswith("--"))
    return {name: value for name, _, value in pairs}
