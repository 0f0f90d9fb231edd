"""A file of flags, a line `--name=value` for each, as `--flagfile` takes it."""

import pathlib
from collections.abc import Mapping, Sequence

from sr_keras.runtime import files


def write(path: pathlib.Path, lines: Sequence[str]) -> None:
    """Writes flags, each `--name=value`."""
    with files.written_beside(path) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read(path: pathlib.Path) -> Mapping[str, str]:
    """The values of the flags by name; empty if there is no such file."""
    return values(path.read_text(encoding="utf-8").splitlines()) if path.exists() else {}


def values(lines: Sequence[str]) -> Mapping[str, str]:
    """The values by name of flags, each `--name=value`; other lines are left out."""
    pairs = (line.removeprefix("--").partition("=") for line in lines if line.startswith("--"))
    return {name: value for name, _, value in pairs}
