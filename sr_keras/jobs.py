"""Which files are to be upscaled, and where the results go; nothing is read or written but the names."""

import glob
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sr_keras import images, pictures

STANDARD_STREAM = "-"


class Job(NamedTuple):
    """One file and its result; None is standard input, or standard output."""

    source: pathlib.Path | None
    output: pathlib.Path | None

    @property
    def name(self) -> str:
        """Of the source, for a person."""
        return str(self.source or "standard input")

    @property
    def result_name(self) -> str:
        """Of the result, for a person."""
        return str(self.output or "standard output")


class Found(NamedTuple):
    """A file that was found, below the folder whose structure `output_dir` repeats; None is standard input.

    Attributes:
        searched: whether a folder was searched, rather than the file named.
    """

    path: pathlib.Path | None
    root: pathlib.Path
    searched: bool = False


class UsageError(Exception):
    """What is asked for can't be; the message is one line."""


def find(arguments: Iterable[str], *, list_file: pathlib.Path | None = None, recursive: bool = False) -> list[Found]:
    """The files that arguments mean: files, folders, patterns, "-" for standard input, and the lines of a list file.

    A file that doesn't exist is found too: it fails when its turn comes, and the others don't. One that is named twice is
    found once.

    Raises:
        UsageError: a folder holds no picture, a pattern finds nothing, or the list can't be read.
    """
    found = [each for argument in arguments for each in _find(argument, recursive)]
    if list_file is not None:
        found.extend(_listed(list_file, recursive))
    once: dict[str | None, Found] = {}
    for each in found:
        once.setdefault(_place(each.path) if each.path else None, each)
    return list(once.values())


def plan(
    found: Sequence[Found],
    *,
    label: str,
    output: pathlib.Path | None = None,
    output_dir: pathlib.Path | None = None,
    suffix: str | None = None,
) -> list[Job]:
    """Says where each result goes: to `output`, into `output_dir` as deep as below its root, or beside its source.

    A searched folder may hold the results of an earlier run; they are left out.

    Args:
        label: what a result's name says of its size; `photo_<label>.png`.
        output: the one result; "-" is standard output.
        suffix: of the results. Default: as the sources have it, or ".png" where that can't be written.

    Raises:
        UsageError: two results, or a result and a source, would have one name.
    """
    if output is not None and len(found) != 1:
        raise UsageError(f"--output names one result, but there are {len(found)} pictures; --output_dir takes many")
    if output is not None and str(output) != STANDARD_STREAM and output.suffix.lower() not in pictures.FORMATS:
        raise UsageError(f"{output}: the name must end in {', '.join(pictures.FORMATS)}")

    def result(each: Found) -> pathlib.Path | None:
        if output is not None:
            return None if str(output) == STANDARD_STREAM else output
        if each.path is None:
            return None
        own = each.path.suffix if each.path.suffix.lower() in pictures.FORMATS else ".png"
        name = f"{each.path.stem}_{label}{suffix or own}"
        folder = each.path.parent if output_dir is None else output_dir / each.path.parent.relative_to(each.root)
        return folder / name

    jobs = [(each, Job(each.path, result(each))) for each in found]
    results = {_place(job.output) for _, job in jobs if job.output}
    kept = [job for each, job in jobs if not (each.searched and each.path and _place(each.path) in results)]
    _refuse_clashes(kept)
    return kept


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    sources = {_place(job.source): job for job in jobs if job.source}
    taken: dict[str, Job] = {}
    for job in jobs:
        if job.output is None:
            continue
        place = _place(job.output)
        if place in sources:
            raise UsageError(f"{job.output}: would replace {'the photo itself' if sources[place] is job else 'another photo'}")
        if place in taken:
            raise UsageError(f"{job.output}: would be the result of both {taken[place].name} and {job.name}")
        taken[place] = job


def _place(path: pathlib.Path) -> str:
    return os.path.realpath(path)


def _find(argument: str, recursive: bool) -> Iterator[Found]:
    path = pathlib.Path(argument)
    if argument == STANDARD_STREAM:
        yield Found(None, pathlib.Path())
    elif path.is_dir():
        yield from _searched(path, recursive)
    elif glob.has_magic(argument) and not path.exists():
        yield from _matching(argument)
    else:
        yield Found(path, path.parent)


def _searched(folder: pathlib.Path, recursive: bool) -> Iterator[Found]:
    paths = folder.rglob("*") if recursive else folder.glob("*")
    photos = sorted(path for path in paths if path.suffix.lower() in pictures.SUFFIXES and path.is_file())
    if not photos:
        raise UsageError(f"{folder}: holds no picture" + ("" if recursive else " (--recursive looks into the folders in it)"))
    for path in photos:
        yield Found(path, folder, searched=True)


def _matching(pattern: str) -> Iterator[Found]:
    paths = sorted(path for path in map(pathlib.Path, glob.iglob(pattern, recursive=True)) if path.is_file())  # noqa: PTH207 - absolute ones too
    if not paths:
        raise UsageError(f"{pattern}: no such file, and nothing that it describes")
    fixed = itertools.takewhile(lambda part: not glob.has_magic(part), pathlib.Path(pattern).parent.parts)
    root = pathlib.Path(*fixed)
    for path in paths:
        yield Found(path, root)


def _listed(list_file: pathlib.Path, recursive: bool) -> Iterator[Found]:
    try:
        lines = list_file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{list_file}: {images.reason(error)}") from None
    folder = list_file.parent
    for line in filter(None, map(str.strip, lines)):
        path = folder / line
        if path.is_dir():
            yield from _searched(path, recursive)
        else:
            inside = path.is_relative_to(folder) and ".." not in path.parts
            yield Found(path, folder if inside else path.parent)
