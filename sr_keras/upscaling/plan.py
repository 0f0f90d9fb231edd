"""Which files are to be upscaled, and where the results go; nothing is read or written but names."""

import glob
import os
import pathlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sr_keras.photos import picture_file
from sr_keras.photos.picture import FORMATS
from sr_keras.runtime import files
from sr_keras.runtime.errors import UserError

STANDARD_STREAM = "-"

# What `plan` makes of a name: photo_x4, photo_1920w, photo_1080h, photo_640x480.
_RESULT_STEM = re.compile(r"(.+)_(?:x[\d.]+|\d+[wh]|\d+x\d+)")


class Job(NamedTuple):
    """One file and its result; None is standard input, or standard output.

    Attributes:
        problem: why it can't be done, if that is known already.
    """

    source: pathlib.Path | None
    output: pathlib.Path | None
    problem: str = ""

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
        searched: whether it was looked for, rather than named.
        problem: why nothing was found in its place.
    """

    path: pathlib.Path | None
    root: pathlib.Path
    searched: bool = False
    problem: str = ""


class UsageError(UserError):
    """What is asked for can't be; the message is one line."""


def find(arguments: Iterable[str], *, list_file: pathlib.Path | None = None, recursive: bool = False) -> list[Found]:
    """The files that arguments mean: files, folders, patterns, "-" for standard input, and the lines of a list file.

    A file that doesn't exist is found too, and so is a folder without pictures: they fail when their turn comes, and the others
    don't. One that is named twice is found once.

    Raises:
        UsageError: nothing at all is found, or the list can't be read.
    """
    found = [each for argument in arguments for each in _find(argument, recursive)]
    if list_file is not None:
        found.extend(_listed(list_file, recursive))
    if all(each.problem for each in found):
        raise UsageError(found[0].problem if found else "the list names nothing")
    once: dict[str | None, Found] = {}
    for each in found:
        once.setdefault(place(each.path) if each.path else None, each)
    return list(once.values())


def plan(
    found: Sequence[Found],
    *,
    label: str,
    output: pathlib.Path | None = None,
    output_dir: pathlib.Path | None = None,
    suffix: str | None = None,
    skip_results: bool = False,
) -> list[Job]:
    """Says where each result goes: to `output`, into `output_dir` as deep as below its root, or beside its source.

    A searched folder may hold the results of an earlier run; they are left out.

    Args:
        label: what a result's name says of its size; `photo_<label>.png`.
        output: the one result; "-" is standard output.
        suffix: of the results. Default: as the sources have it, or ".png" where that can't be written.
        skip_results: leave out files, too, that were named and are results of others.

    Raises:
        UsageError: two results, or a result and a source, would have one name, or a result can't have its name.
    """
    if output is not None and len(found) != 1:
        raise UsageError(f"--output names one result, but there are {len(found)} pictures; --output_dir takes many")
    if output is not None and str(output) != STANDARD_STREAM:
        _require_file_name(output)
    if output_dir is not None and any(each.path is None for each in found):
        raise UsageError("the result of standard input has no name in --output_dir; --output gives it one")

    def result(each: Found) -> pathlib.Path | None:
        if output is not None:
            return None if str(output) == STANDARD_STREAM else output
        if each.path is None:
            return None
        own = each.path.suffix if each.path.suffix.lower() in FORMATS else ".png"
        folder = each.path.parent if output_dir is None else output_dir / each.path.parent.relative_to(each.root)
        return folder / f"{each.path.stem}_{label}{suffix or own}"

    jobs = [(each, Job(each.path, result(each), each.problem)) for each in found]
    results = {place(job.output) for _, job in jobs if job.output}
    stems = {each.path.with_suffix("") for each in found if each.path}

    def is_result(path: pathlib.Path) -> bool:
        original = _RESULT_STEM.fullmatch(path.stem)
        return place(path) in results or (original is not None and path.with_name(original[1]) in stems)

    kept = [job for each, job in jobs if not ((each.searched or skip_results) and each.path and is_result(each.path))]
    _refuse_clashes(kept)
    return kept


def place(path: pathlib.Path) -> str:
    """What two paths of one file have in common."""
    return os.path.realpath(path)


def _require_file_name(output: pathlib.Path) -> None:
    if output.suffix.lower() not in FORMATS:
        raise UsageError(f"{output}: the name must end in {', '.join(FORMATS)}")
    if os.path.isdir(output):
        raise UsageError(f"{output}: is a folder; --output_dir takes one")


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    sources = {place(job.source): job for job in jobs if job.source}
    taken: dict[str, Job] = {}
    for job in jobs:
        if job.output is None or job.problem:
            continue
        where = place(job.output)
        if where in sources:
            raise UsageError(f"{job.output}: would replace {'the photo itself' if sources[where] is job else 'another photo'}")
        if where in taken:
            raise UsageError(f"{job.output}: would be the result of both {taken[where].name} and {job.name}")
        taken[where] = job


def _find(argument: str, recursive: bool) -> Iterator[Found]:
    path = pathlib.Path(argument)
    if argument == STANDARD_STREAM:
        yield Found(None, pathlib.Path())
    elif os.path.isdir(path):
        yield from _searched(path, recursive)
    elif glob.has_magic(argument) and not os.path.lexists(path):
        yield from _matching(argument)
    else:
        yield Found(path, path.parent)


def _searched(folder: pathlib.Path, recursive: bool) -> Iterator[Found]:
    problems: list[Found] = []

    def note(error: OSError) -> None:
        where = pathlib.Path(error.filename)
        problems.append(Found(where, where, problem=f"{where}: {files.reason(error)}"))

    photos = []
    for where, folders, names in os.walk(folder, onerror=note):
        if not recursive:
            folders.clear()
        paths = (pathlib.Path(where, name) for name in names if not name.startswith("."))
        photos += [path for path in paths if path.suffix.lower() in picture_file.SUFFIXES and os.path.isfile(path)]
    if not photos and not problems:
        hint = "" if recursive else " (--recursive looks into the folders in it)"
        problems.append(Found(folder, folder, problem=f"{folder}: holds no picture{hint}"))
    yield from problems
    for path in sorted(photos):
        yield Found(path, folder, searched=True)


def _matching(pattern: str) -> Iterator[Found]:
    # A folder whose own name looks like a pattern is meant as it is.
    root = next(parent for parent in (*pathlib.Path(pattern).parents, pathlib.Path()) if os.path.isdir(parent))
    inside = str(pathlib.Path(pattern).relative_to(root))
    paths = [root / name for name in sorted(glob.iglob(inside, root_dir=root, recursive=True))]  # noqa: PTH207 - hidden files are left out
    photos = [path for path in paths if os.path.isfile(path)]
    if not photos:
        path = pathlib.Path(pattern)
        yield Found(path, path.parent, problem=f"{pattern}: no such file, and nothing that it describes")
    for path in photos:
        yield Found(path, root, searched=True)


def _listed(list_file: pathlib.Path, recursive: bool) -> Iterator[Found]:
    try:
        # File names need not be valid text.
        text = list_file.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise UsageError(f"{list_file}: {files.reason(error)}") from None
    if "\0" in text:
        raise UsageError(f"{list_file}: is no list of names, a line each")
    folder = list_file.parent
    for line in filter(None, map(str.strip, text.split("\n"))):
        path = folder / line
        if os.path.isdir(path):
            yield from _searched(path, recursive)
        else:
            inside = path.is_relative_to(folder) and ".." not in path.parts
            yield Found(path, folder if inside else path.parent)
