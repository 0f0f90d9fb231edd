"""Which files are to be upscaled, and where the results go; nothing is read but names and the first bytes of files."""

import collections
import glob
import hashlib
import os
import pathlib
import re
import string
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sr_keras.films import formats
from sr_keras.photos import file_kind, picture_reader
from sr_keras.photos.picture import FORMATS, kept_suffix
from sr_keras.runtime import files, store
from sr_keras.runtime.errors import UserError
from sr_keras.upscaling import numbered

STANDARD_STREAM = "-"

# Bytes, of nearly all file systems.
_LONGEST_NAME = 255

# Of files that are passed over, so many kinds are named.
_MOST_KINDS = 8
_PLURALS = {
    "broken link": "broken links",
    "file without a suffix": "files without a suffix",
    "pipe or device": "pipes or devices",
}

# What `plan` makes of a name: photo_x4, photo_1920w, photo_1080h, photo_640x480.
_RESULT_STEM = re.compile(r"(.+)_(?:x[\d.]+|\d+[wh]|\d+x\d+)")


# Of what is passed over in a folder: how many there are, by their kind.
Passed = collections.Counter[str]


class Job(NamedTuple):
    """One file and its result; None is standard input, or standard output.

    Attributes:
        problem: why it can't be done, if that is known already.
        numbered: the folder of numbered frames that it is one of.
    """

    source: pathlib.Path | None
    output: pathlib.Path | None
    problem: str = ""
    numbered: pathlib.Path | None = None

    @property
    def is_film(self) -> bool:
        """By its name."""
        return self.source is not None and self.source.suffix.lower() in formats.SUFFIXES

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
        in_folder: whether it was found in a folder that was named, all of whose pictures are meant.
        problem: why nothing was found in its place.
    """

    path: pathlib.Path | None
    root: pathlib.Path
    searched: bool = False
    problem: str = ""
    in_folder: bool = False


class UsageError(UserError):
    """What is asked for can't be; the message is one line."""


class Template:
    """What results are called: "{stem}_x{scale}{ext}".

    Its fields are the name of the source without its ending, the factor, the label (as `Target.label` has it) and the ending.
    """

    def __init__(self, text: str) -> None:
        """Raises:
        UsageError: it is no name of a file in the folder that results are for.
        """
        fields = [field for _, field, _, _ in self._parsed(text) if field is not None]
        if unknown := [field for field in fields if field not in ("stem", "scale", "label", "ext")]:
            raise UsageError(
                f"--name={text}: {{{unknown[0]}}} is unknown; there are {{stem}}, {{scale}}, {{label}} and {{ext}}"
            )
        if "stem" not in fields or not text.endswith("{ext}"):
            raise UsageError(f"--name={text}: must have {{stem}}, and end in {{ext}}")
        if any(character in text for character in "/\\\0") or text.startswith("-"):
            raise UsageError(f"--name={text}: must be a name, not a path or an option; --output_dir says in which folder")
        self._text = text
        self._has_scale = "scale" in fields

    def fill(self, stem: str, label: str, ext: str) -> str:
        """The name of a result. One that is too long for a file system is shortened, and stays one of a kind.

        Raises:
            UsageError: it has {scale}, and the label is not that of a factor.
        """
        if self._has_scale and not re.fullmatch(r"x[\d.]+", label):
            raise UsageError(f"--name={self._text}: there is no {{scale}} with --width and --height; {{label}} is {label}")

        def filled(stem: str) -> str:
            return self._text.format(stem=stem, scale=label[1:], label=label, ext=ext)

        excess = len(os.fsencode(filled(stem))) - _LONGEST_NAME
        if excess <= 0:
            return filled(stem)
        mark = "~" + hashlib.sha1(os.fsencode(stem), usedforsecurity=False).hexdigest()[:8]
        kept = os.fsencode(stem)[: -(excess + len(mark)) * self._text.count("{stem}")]
        return filled(kept.decode(errors="ignore") + mark)

    @staticmethod
    def _parsed(text: str) -> list[tuple[str, str | None, str | None, str | None]]:
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError as error:
            raise UsageError(f"--name={text}: {error}") from None
        if any(spec or conversion for _, _, spec, conversion in parts):
            raise UsageError(f"--name={text}: fields are plain, without : or !")
        return parts


def find(
    arguments: Iterable[str],
    *,
    list_file: pathlib.Path | None = None,
    recursive: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> list[Found]:
    """The files that arguments mean: files, folders, patterns, "-" for standard input, and the lines of a list file.

    A file that doesn't exist is found too, and so is a folder without pictures: they fail when their turn comes, and the others
    don't. One that is named twice is found once. `tell` is told in a line what is passed over in a folder.

    Raises:
        UsageError: nothing at all is found, or the list can't be read.
    """
    found = [each for argument in arguments for each in _find(argument, recursive, tell)]
    if list_file is not None:
        found.extend(_listed(list_file, recursive, tell))
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
    name: "Template | None" = None,
    film_suffix: Callable[[str], str] = lambda suffix: suffix,
    skip_results: bool = False,
) -> list[Job]:
    """Says where each result goes: to `output`, into `output_dir` as deep as below its root, or beside its source.

    A searched folder may hold the results of an earlier run; they are left out. Of two pictures whose results would have one
    name, one that changes its format gets its old format into the name (icon_gif_x4.png). What clashes even so becomes a
    problem of these jobs alone.

    Args:
        label: what a result's name says of its size; `photo_<label>.png`.
        output: the one result; "-" is standard output.
        suffix: of the results of pictures. Default: as the sources have it, or as their first bytes ask for; ".png" where that
            can't be written, or is GIF.
        name: of the results. Default: `photo_<label>.png`; numbered frames keep their names, in a folder of their own.
        film_suffix: gives the ending of a film's result from its own.
        skip_results: leave out files, too, that were named and are results of others.

    Raises:
        UsageError: the one result would replace its source, or can't have its name.
    """
    if output is not None and len(found) != 1:
        raise UsageError(f"--output names one result, but there are {len(found)} pictures; --output_dir takes many")
    if output is not None and str(output) != STANDARD_STREAM:
        _require_file_name(output, _is_film(found[0]), film_suffix)
    if output_dir is not None and any(each.path is None for each in found):
        raise UsageError("the result of standard input has no name in --output_dir; --output gives it one")

    template = name or Template("{stem}_{label}{ext}")
    # So that what reads the ones reads the others.
    frame_template = name or Template("{stem}{ext}")
    pictures = {each.path: each.in_folder for each in found if each.path and not _is_film(each)}
    in_numbers = numbered.folders(path for path, in_folder in pictures.items() if in_folder)
    frames = {frame for frames in in_numbers.values() for frame in frames}

    asked = output is None and suffix is None
    kept_suffixes = {path: kept_suffix(path.suffix, file_kind.of_file(path)) for path in pictures} if asked else {}

    def result(each: Found) -> pathlib.Path | None:
        if output is not None:
            return None if str(output) == STANDARD_STREAM else output
        if each.path is None:
            return None
        folder = each.path.parent if output_dir is None else output_dir / each.path.parent.relative_to(each.root)
        if _is_film(each):
            return folder / template.fill(each.path.stem, label, film_suffix(each.path.suffix))
        ext = suffix or kept_suffixes[each.path]
        if each.path not in frames:
            changed = ext.lower() != each.path.suffix.lower()
            stem = f"{each.path.stem}_{each.path.suffix[1:]}" if changed and each in alike else each.path.stem
            return folder / template.fill(stem, label, ext)
        if output_dir is None:
            beside = folder if folder.name not in ("", "..") else folder.resolve()
            folder = beside.with_name(f"{beside.name}_{label}")
        return folder / frame_template.fill(each.path.stem, label, ext)

    def job(each: Found) -> Job:
        return Job(each.path, result(each), each.problem, each.path.parent if each.path and each.path in frames else None)

    alike: set[Found] = set()
    alike = _alike(found, [result(each) for each in found])
    jobs = [(each, job(each)) for each in _in_order(found, in_numbers)]
    results = {place(job.output) for _, job in jobs if job.output}
    stems = {each.path.with_suffix("") for each in found if each.path}

    def is_result(path: pathlib.Path) -> bool:
        folder, original = _RESULT_STEM.fullmatch(path.parent.name), _RESULT_STEM.fullmatch(path.stem)
        is_frame = folder is not None and path.parent.with_name(folder[1]) in in_numbers
        return place(path) in results or is_frame or (original is not None and path.with_name(original[1]) in stems)

    kept = [job for each, job in jobs if not ((each.searched or skip_results) and each.path and is_result(each.path))]
    kept = _with_clashes(kept)
    if output is not None and kept and kept[0].problem and not found[0].problem:
        raise UsageError(kept[0].problem)
    return kept


def place(path: pathlib.Path) -> str:
    """What two paths of one file have in common."""
    return str(path) if isinstance(path, store.StorePath) else os.path.realpath(path)


def _is_film(each: Found) -> bool:
    return each.path is not None and each.path.suffix.lower() in formats.SUFFIXES


def _in_order(found: Sequence[Found], numbered_folders: Mapping[pathlib.Path, Sequence[pathlib.Path]]) -> list[Found]:
    """The same files, frames by their numbers."""
    places = {frame: number for frames in numbered_folders.values() for number, frame in enumerate(frames)}
    firsts: dict[pathlib.Path, int] = {}

    def place_of(index: int) -> tuple[int, int]:
        path = found[index].path
        if path is None or path not in places:
            return index, 0
        return firsts.setdefault(path.parent, index), places[path]

    return [found[index] for index in sorted(range(len(found)), key=place_of)]


def _require_file_name(output: pathlib.Path, is_film: bool, film_suffix: Callable[[str], str]) -> None:
    suffix = output.suffix.lower()
    is_picture = suffix in FORMATS
    if is_film and is_picture and film_suffix(".mp4") not in FORMATS:
        raise UsageError(f"{output}: a film's result must end in {', '.join(formats.CONTAINERS)}; --preview gives a picture")
    if not is_picture and not (is_film and suffix in formats.CONTAINERS):
        allowed = [*FORMATS, *(formats.CONTAINERS if is_film else ())]
        raise UsageError(f"{output}: the name must end in {', '.join(allowed)}")
    if os.path.isdir(output):
        raise UsageError(f"{output}: is a folder; --output_dir takes one")


def _alike(found: Sequence[Found], outputs: Sequence[pathlib.Path | None]) -> set[Found]:
    """Those whose results would have a name that another's has too."""
    counts = collections.Counter(place(output) for output in outputs if output)
    return {each for each, output in zip(found, outputs, strict=True) if output and counts[place(output)] > 1}


def _with_clashes(jobs: Sequence[Job]) -> list[Job]:
    """The jobs; those that would replace a picture, or have the name of another's result, have that as their problem."""
    sources = {place(job.source): job for job in jobs if job.source}
    takers: dict[str, list[Job]] = {}
    for job in jobs:
        if job.output is not None and not job.problem:
            takers.setdefault(place(job.output), []).append(job)

    def clash(job: Job) -> str:
        if job.output is None or job.problem:
            return job.problem
        where = place(job.output)
        if where in sources:
            return f"{job.output}: would replace {'the photo itself' if sources[where] is job else 'another photo'}"
        others = [other.name for other in takers[where] if other is not job]
        return f"{job.name}: {job.output} would also be the result of {others[0]}" if others else ""

    return [job._replace(problem=clash(job)) for job in jobs]


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


def _searched(folder: pathlib.Path, recursive: bool, tell: Callable[[str], None]) -> Iterator[Found]:
    problems: list[Found] = []
    passed_over: Passed = collections.Counter()

    def note(error: OSError) -> None:
        where = pathlib.Path(error.filename)
        problems.append(Found(where, where, problem=f"{where}: {files.reason(error)}"))

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
        yield Found(path, path, problem=f"{path}: {files.reason(error)}")
        return
    if not listed:
        yield Found(path, path.parent, problem=f"{path}: patterns are for folders" if glob.has_magic(path.name) else "")
        return
    photos: list[pathlib.Path] = []
    passed_over: Passed = collections.Counter()
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
    folder: pathlib.Path, photos: Sequence[pathlib.Path], passed_over: Passed, recursive: bool, tell: Callable[[str], None]
) -> Iterator[Found]:
    if not photos:
        hint = "" if recursive else " (--recursive looks into the folders in it)"
        yield Found(folder, folder, problem=f"{folder}: holds no picture{hint}")
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
            return f"{count} {kind} (films need pip install 'sr_keras[video]')"
        return f"{count} {_PLURALS.get(kind, kind) if count > 1 else kind}"

    counts = sorted(passed_over.items(), key=lambda item: (item[0] != "folder", -item[1], item[0]))
    listed = [words(kind, count) for kind, count in counts[:_MOST_KINDS] if count]
    further = sum(count for _, count in counts[_MOST_KINDS:])
    return ", ".join([*listed, *([f"{further} others"] if further else [])])


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


def _listed(list_file: pathlib.Path, recursive: bool, tell: Callable[[str], None]) -> Iterator[Found]:
    try:
        # File names need not be valid text.
        text = list_file.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise UsageError(f"{list_file}: {files.reason(error)}") from None
    if "\0" in text:
        raise UsageError(f"{list_file}: is no list of names, a line each")
    folder = list_file.parent
    for line in filter(None, map(str.strip, text.split("\n"))):
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
