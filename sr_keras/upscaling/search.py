"""Which files are meant: named, searched for in folders and stores, described by a pattern or listed.

Nothing is read but names, lists and the first bytes of files.
"""

import collections
import glob
import os
import pathlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sr_keras.films import formats
from sr_keras.photos import file_kind, picture_reader
from sr_keras.runtime import extras, files, store
from sr_keras.runtime.errors import UserError

STANDARD_STREAM = "-"

# Of files that are passed over, so many kinds are named.
_MOST_KINDS = 8
_PLURALS = {
    "broken link": "broken links",
    "file without a suffix": "files without a suffix",
    "pipe or device": "pipes or devices",
}

# Of what is passed over in a folder: how many there are, by their kind.
_Passed = collections.Counter[str]


class Found(NamedTuple):
    """A file that was found, below the folder whose structure `output_dir` repeats; None is standard input.

    Attributes:
        searched: whether it was looked for, rather than named.
        in_folder: whether it was found in a folder that was named, all of whose pictures are meant.
        problem: why nothing was found in its place.
    """

    path: pathlib.Path | None
    root: pathlib.Path
    searched: bool = False
    problem: str = ""
    in_folder: bool = False

    @property
    def is_film(self) -> bool:
        """By its name."""
        return self.path is not None and self.path.suffix.lower() in formats.SUFFIXES


def find(
    arguments: Iterable[str],
    *,
    list_file: pathlib.Path | None = None,
    recursive: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> list[Found]:
    """The files that arguments mean: files, folders, patterns, "-" for standard input, and the lines of a list file.

    A file that doesn't exist is found too, and so is a folder without pictures, or a pattern that describes nothing: they fail
    when their turn comes, and the others don't. One that is named twice is found once. `tell` is told in a line what is passed
    over in a folder.

    Raises:
        UserError: the list can't be read, or names nothing.
    """
    found = [each for argument in arguments for each in _find(argument, recursive, tell)]
    if list_file is not None:
        found.extend(_listed(list_file, recursive, tell))
    if not found:
        raise UserError(f"{list_file}: names nothing")
    once: dict[str | None, Found] = {}
    for each in found:
        once.setdefault(store.place(each.path) if each.path else None, each)
    return list(once.values())


def _find(argument: str, recursive: bool, tell: Callable[[str], None]) -> Iterator[Found]:
    path = store.path_of(argument)
    if argument == STANDARD_STREAM:
        yield Found(None, pathlib.Path())
    elif isinstance(path, store.StorePath):
        yield from _stored(path, recursive, tell)
    elif os.path.isdir(path):
        yield from _searched(path, recursive, tell)
    elif glob.has_magic(argument) and not os.path.lexists(path):
        yield from _matching(argument)
    else:
        yield Found(path, path.parent)


def _listed(list_file: pathlib.Path, recursive: bool, tell: Callable[[str], None]) -> Iterator[Found]:
    try:
        # File names need not be valid text.
        text = list_file.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise UserError(f"{list_file}: {files.reason(error)}") from None
    if "\0" in text:
        raise UserError(f"{list_file}: is no list of names, a line each")
    folder = list_file.parent
    for line in filter(None, map(str.strip, text.split("\n"))):
        if line.startswith("#") and not (folder / line).exists():
            continue
        path = store.path_of(line)
        if isinstance(path, store.StorePath):
            yield from _stored(path, recursive, tell)
            continue
        path = folder / line
        if os.path.isdir(path):
            yield from _searched(path, recursive, tell)
        else:
            inside = path.is_relative_to(folder) and ".." not in path.parts
            yield Found(path, folder if inside else path.parent)


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


def _searched(folder: pathlib.Path, recursive: bool, tell: Callable[[str], None]) -> Iterator[Found]:
    problems: list[Found] = []
    passed_over: _Passed = collections.Counter()

    def note(error: OSError) -> None:
        where = pathlib.Path(error.filename)
        problems.append(Found(where, where.parent, problem=f"{where}: {files.reason(error)}"))

    photos: list[pathlib.Path] = []
    searched = _searched_suffixes()
    for where, folders, names in os.walk(folder, onerror=note):
        if not recursive:
            passed_over["folder"] += sum(not name.startswith(".") for name in folders)
            folders.clear()
        for path in (pathlib.Path(where, name) for name in names if not name.startswith(".")):
            if _is_picture(path, searched):
                photos.append(path)
            else:
                passed_over[_kind(path)] += 1
    yield from problems
    if photos or not problems:
        yield from _found_in(folder, photos, passed_over, recursive, tell)


def _stored(path: store.StorePath, recursive: bool, tell: Callable[[str], None]) -> Iterator[Found]:
    """An object, or those in a folder of a store. They go by their names' endings: each look into one is a request."""
    try:
        listed = list(path.lists(recursive=recursive)) if path.is_dir() else []
    except OSError as error:
        yield Found(path, path.parent, problem=f"{path}: {files.reason(error)}")
        return
    if not listed:
        yield Found(path, path.parent, problem=f"{path}: patterns are for folders" if glob.has_magic(path.name) else "")
        return
    photos: list[pathlib.Path] = []
    passed_over: _Passed = collections.Counter()
    searched = _searched_suffixes()
    for file, is_folder in listed:
        if file.name.startswith(".") or (is_folder and recursive):
            continue
        if not is_folder and file.suffix.lower() in searched:
            photos.append(file)
        else:
            passed_over["folder" if is_folder else file.suffix.lower() or "file without a suffix"] += 1
    yield from _found_in(path, photos, passed_over, recursive, tell)


def _found_in(
    folder: pathlib.Path, photos: Sequence[pathlib.Path], passed_over: _Passed, recursive: bool, tell: Callable[[str], None]
) -> Iterator[Found]:
    if not photos:
        hint = "" if recursive else " (--recursive looks into the folders in it)"
        yield Found(folder, folder.parent, problem=f"{folder}: holds no picture{hint}")
    elif passed_over.total():
        tell(f"{folder}: passed over {_in_words(passed_over)}")
    for path in sorted(photos):
        yield Found(path, folder, searched=True, in_folder=True)


def _searched_suffixes() -> frozenset[str]:
    return picture_reader.SUFFIXES | (formats.SEARCHED if formats.is_available() else frozenset())


def _is_picture(path: pathlib.Path, suffixes: Container[str]) -> bool:
    """By its name, or by its first bytes: none is passed over because of an ending that is wrong, or unknown."""
    return os.path.isfile(path) and (path.suffix.lower() in suffixes or file_kind.of_file(path) is not None)


def _kind(path: pathlib.Path) -> str:
    """What a file that is passed over is, in words."""
    if not os.path.isfile(path):  # also where a folder in its name can't be read
        return "broken link" if path.is_symlink() else "pipe or device"
    return path.suffix.lower() or "file without a suffix"


def _in_words(passed_over: Mapping[str, int]) -> str:
    def words(kind: str, count: int) -> str:
        if kind == "folder":
            return f"{count} folder{'s' if count > 1 else ''} (--recursive looks into them)"
        if kind in formats.SEARCHED:
            return f"{count} {kind} (films need {extras.install('video')})"
        return f"{count} {_PLURALS.get(kind, kind) if count > 1 else kind}"

    counts = sorted(passed_over.items(), key=lambda item: (item[0] != "folder", -item[1], item[0]))
    listed = [words(kind, count) for kind, count in counts[:_MOST_KINDS] if count]
    further = sum(count for _, count in counts[_MOST_KINDS:])
    return ", ".join([*listed, *([f"{further} others"] if further else [])])
