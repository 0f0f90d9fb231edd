"""What is to be done: of each file that was found, where its result goes, and what stands against it."""

import contextlib
import os
import pathlib
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sr_keras.films import formats
from sr_keras.photos import file_kind, picture_reader
from sr_keras.photos.picture import FORMATS, kept_suffix
from sr_keras.runtime import store
from sr_keras.runtime.errors import UserError
from sr_keras.upscaling import numbered
from sr_keras.upscaling.result_names import Namer, Template, mark
from sr_keras.upscaling.search import STANDARD_STREAM, Found

# What `plan` makes of a name: photo_x4, photo_1920w, photo_1080h, photo_640x480.
_RESULT_STEM = re.compile(r"(.+)_(?:x[\d.]+|\d+[wh]|\d+x\d+)")
# Bytes, beyond which a name may become too long.
_LONG_STEM = 200


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


def plan(
    found: Sequence[Found],
    *,
    label: str,
    output: pathlib.Path | None = None,
    output_dir: pathlib.Path | None = None,
    suffix: str | None = None,
    name: Template | None = None,
    film_suffix: Callable[[str], str] = lambda suffix: suffix,
    skip_results: bool = False,
) -> list[Job]:
    """Says where each result goes: to `output`, into `output_dir` as deep as below its root, or beside its source.

    A searched folder may hold the results of an earlier run; they are left out. Two pictures of one name, whose results would
    have one name too, get their formats into it (icon_gif_x4.png, icon_png_x4.png); also if only one of them is to be done now,
    for the result of the other may be there. What clashes even so becomes a problem of these jobs alone.

    Args:
        label: what a result's name says of its size; `photo_<label>.png`.
        output: the one result; "-" is standard output.
        suffix: of the results of pictures. Default: as the sources have it, or as their first bytes ask for; ".png" where that
            can't be written, or is GIF.
        name: of the results. Default: `photo_<label>.png`; numbered frames keep their names, in a folder of their own.
        film_suffix: gives the ending of a film's result from its own.
        skip_results: leave out files, too, that were named and are results of others.

    Raises:
        UserError: the one result would replace its source, or can't have its name.
    """
    _refuse_output(found, output, output_dir, film_suffix)
    pictures = {each.path: each.in_folder for each in found if each.path and not each.is_film}
    in_numbers = numbered.folders(path for path, in_folder in pictures.items() if in_folder)
    frames = {frame for frames in in_numbers.values() for frame in frames}
    template = name or Template("{stem}_{label}{ext}")
    # So that what reads the ones reads the others.
    frame_template = name or Template("{stem}{ext}")
    beside = list(_beside(found)) if output is None else []
    to_name = [each.path for each in [*found, *beside] if each.path and not each.is_film]
    suffixes = _suffixes(to_name, suffix) if output is None else {}
    namer = Namer(label, output, output_dir, template, frame_template, suffixes, film_suffix, frames)

    alike = _alike([*found, *beside], namer)

    def job(each: Found) -> Job:
        result = namer.result(each, tells_format=each in alike)
        return Job(each.path, result, each.problem, each.path.parent if each.path and each.path in frames else None)

    jobs = [(each, job(each)) for each in _in_order(found, in_numbers)]
    kept = _with_clashes(_without_results(jobs, in_numbers, even_named=skip_results))
    if output is not None and kept and kept[0].problem and not found[0].problem:
        raise UserError(kept[0].problem)
    return kept


def _refuse_output(
    found: Sequence[Found],
    output: pathlib.Path | None,
    output_dir: pathlib.Path | None,
    film_suffix: Callable[[str], str],
) -> None:
    if output is not None and len(found) != 1:
        raise UserError(f"--output names one result, but there are {len(found)} pictures; --output_dir takes many")
    if output is not None and str(output) != STANDARD_STREAM:
        _require_file_name(output, found[0].is_film, film_suffix)
    if output_dir is not None and any(each.path is None for each in found):
        raise UserError("the result of standard input has no name in --output_dir; --output gives it one")


def _require_file_name(output: pathlib.Path, is_film: bool, film_suffix: Callable[[str], str]) -> None:
    suffix = output.suffix.lower()
    is_picture = suffix in FORMATS
    if is_film and is_picture and film_suffix(".mp4") not in FORMATS:
        raise UserError(f"{output}: a film's result must end in {', '.join(formats.CONTAINERS)}; --preview gives a picture")
    if not is_picture and not (is_film and suffix in formats.CONTAINERS):
        allowed = [*FORMATS, *(formats.CONTAINERS if is_film else ())]
        raise UserError(f"{output}: the name must end in {', '.join(allowed)}")
    if os.path.isdir(output):
        raise UserError(f"{output}: is a folder; --output_dir takes one")


def _suffixes(pictures: Iterable[pathlib.Path], suffix: str | None) -> dict[pathlib.Path, str]:
    """What the results of pictures end in: in the one that is asked for, or else in what each picture's kind asks for."""
    return {path: suffix or kept_suffix(path.suffix, file_kind.of_file(path)) for path in pictures}


def _beside(found: Iterable[Found]) -> Iterator[Found]:
    """Pictures and films that lie beside those that were found, and have their names but for the endings.

    Where a whole folder was found, so were they. In stores none is looked for: each look is a request.
    """
    paths = {each.path for each in found}
    named = [each for each in found if each.path and not each.in_folder and not isinstance(each.path, store.StorePath)]
    folders: dict[pathlib.Path, dict[str, list[pathlib.Path]]] = {}
    for each in named:
        assert each.path is not None
        folder = each.path.parent
        if folder not in folders:
            folders[folder] = _by_stem(folder)
        for path in folders[folder].get(each.path.stem, ()):
            if path not in paths:
                yield Found(path, each.root)


def _by_stem(folder: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    """The pictures and films of a folder, by what comes before the ending of the name."""
    found: dict[str, list[pathlib.Path]] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 - a folder may hold very many
            path = folder / name
            if path.suffix.lower() in picture_reader.SUFFIXES | formats.SUFFIXES:
                found.setdefault(path.stem, []).append(path)
    return found


def _alike(found: Sequence[Found], namer: Namer) -> set[Found]:
    """Those whose results would have a name that one of another format has too."""
    takers: dict[str, list[Found]] = {}
    for each in found:
        if output := namer.result(each, tells_format=False):
            takers.setdefault(store.place(output), []).append(each)
    return {each for takes in takers.values() if len({each.path and each.path.suffix for each in takes}) > 1 for each in takes}


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


def _without_results(
    jobs: Sequence[tuple[Found, Job]], numbered_folders: Container[pathlib.Path], *, even_named: bool
) -> list[Job]:
    """The jobs, but for those of files that are results of others, by their names, and were searched for, or even named."""
    # What has the name of its own result is no result of another: it is told to be in the way.
    results = {
        store.place(job.output)
        for _, job in jobs
        if job.output and not (job.source and store.place(job.source) == store.place(job.output))
    }
    stems = {stem for each, _ in jobs if each.path for stem in (each.path.with_suffix(""), _with_format(each.path))}
    # Those of names that were too long.
    marks = {stem.with_name(mark(stem.name)) for stem in stems if len(os.fsencode(stem.name)) > _LONG_STEM}

    def is_result(path: pathlib.Path) -> bool:
        folder, original = _RESULT_STEM.fullmatch(path.parent.name), _RESULT_STEM.fullmatch(path.stem)
        is_frame = folder is not None and path.parent.with_name(folder[1]) in numbered_folders
        if store.place(path) in results or is_frame:
            return True
        if original is None:
            return False
        return path.with_name(original[1]) in stems or path.with_name(original[1][-len(mark("")) :]) in marks

    return [job for each, job in jobs if not ((each.searched or even_named) and each.path and is_result(each.path))]


def _with_format(path: pathlib.Path) -> pathlib.Path:
    """What the name of a result begins with that says what format its source has."""
    return path.with_name(f"{path.stem}_{path.suffix[1:]}")


def _with_clashes(jobs: Sequence[Job]) -> list[Job]:
    """The jobs; those that would replace a picture, or have the name of another's result, have that as their problem."""
    sources = {store.place(job.source): job for job in jobs if job.source}
    takers: dict[str, list[Job]] = {}
    for job in jobs:
        if job.output is not None and not job.problem:
            takers.setdefault(store.place(job.output), []).append(job)

    def clash(job: Job) -> str:
        if job.output is None or job.problem:
            return job.problem
        where = store.place(job.output)
        if where in sources:
            return f"{job.output}: would replace {'the photo itself' if sources[where] is job else 'another photo'}"
        others = [other.name for other in takers[where] if other is not job]
        return f"{job.name}: {job.output} would also be the result of {others[0]}" if others else ""

    return [job._replace(problem=clash(job)) for job in jobs]
