"""Films among the files that are upscaled: their options, and one after the other made larger."""

import argparse
import dataclasses
import math
import pathlib
import sys
import time
from collections.abc import Callable, Generator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from tqdm import tqdm

import sr_keras
from sr_keras.films import formats
from sr_keras.films.formats import FilmError
from sr_keras.inference import model_info
from sr_keras.photos import condition, rgb
from sr_keras.photos.picture import Picture
from sr_keras.runtime import argument_types, extras, store
from sr_keras.runtime.errors import UserError
from sr_keras.upscaling import job_checks
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.choice import Choice, Choose, for_sizes
from sr_keras.upscaling.frame_run import EnlargingOptions
from sr_keras.upscaling.outcome import JobOutcome, JobProgress, unfinished
from sr_keras.upscaling.plan import Job
from sr_keras.upscaling.target import Size, Target

if TYPE_CHECKING:  # PyAV takes a moment to import, and may not be there
    from sr_keras.films.encoder import Encoding
    from sr_keras.films.film_info import FilmInfo
    from sr_keras.films.pipeline import Result

# A film is made in segments of so many frames as have these pixels, within bounds: where an interrupted run goes on.
_PIXELS, _FEWEST, _MOST = 20_000_000, 24, 240
# Frames that a device has at a time.
_AT_ONCE = 1

# Options that mean nothing to other files, and their values where they are not given.
_FOR_FILMS = {**dict.fromkeys(("codec", "crf", "start", "end", "frames", "preview")), "deinterlace": False}
_FOR_PICTURES = {"all_frames": False, "depth": "auto", "quality": None}


@dataclasses.dataclass(frozen=True)
class FilmOptions:
    """What is to be done to each film.

    Attributes:
        codec, crf: None are the defaults.
        start, end, preview: in seconds; a preview is one frame, as a picture.
        frames: the most of them.
        deinterlace: makes whole frames of fields.
        model: what decides the network, for an interrupted run to be told from another one.
        quiet: draws no bar.
    """

    codec: str | None = None
    crf: int | None = None
    start: Fraction | None = None
    end: Fraction | None = None
    frames: int | None = None
    preview: Fraction | None = None
    deinterlace: bool = False
    model: str = ""
    quiet: bool = False


def add_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("films")
    defaults = ", ".join(f"{name} {codec.crf}" for name, codec in formats.CODECS.items())
    group.add_argument(
        "--codec",
        choices=list(formats.CODECS),
        help=f"codec of the result (default: h264; {formats.DEEP_CODEC} for HDR and all of 10 bits, av1 in .webm)",
    )
    group.add_argument(
        "--crf",
        type=argument_types.crf,
        metavar="0-63",
        help=f"how strongly it is compressed: more makes a smaller file of lower quality (default: {defaults})",
    )
    group.add_argument("--start", type=argument_types.moment, metavar="TIME", help="begin there; 1:30 or 90.5, in seconds")
    group.add_argument("--end", type=argument_types.moment, metavar="TIME", help="end there")
    group.add_argument("--frames", type=argument_types.positive_int, metavar="N", help="only the first N frames of that")
    group.add_argument("--preview", type=argument_types.moment, metavar="TIME", help="only this frame, as a picture")
    group.add_argument("--deinterlace", action="store_true", help="make whole frames of an interlaced film")


def refuse_contradictions(options: argparse.Namespace, jobs: Sequence[Job]) -> None:
    """Refuses options that mean nothing to any of the files.

    Raises:
        UserError: one is for films alone, or for pictures alone, and there is none.
    """
    are_films = {job.is_film for job in jobs}
    for defaults, kind, is_film in ((_FOR_FILMS, "films", True), (_FOR_PICTURES, "pictures", False)):
        given = [name for name, default in defaults.items() if getattr(options, name) != default]
        if given and is_film not in are_films:
            raise UserError(f"--{given[0]} is for {kind}, and none of these files is one")


def suffix_of(options: argparse.Namespace) -> Callable[[str], str]:
    """Gives the ending of a film's result from that of the film."""
    if options.preview is not None:
        return lambda suffix: f".{options.format or 'png'}"
    return lambda suffix: formats.result_suffix(suffix, options.codec)


def options_of(options: argparse.Namespace) -> FilmOptions:
    values = {field.name: getattr(options, field.name) for field in dataclasses.fields(FilmOptions)}
    return FilmOptions(**{**values, "model": f"{options.model}, {options.denoise}, {options.precision}"})


def run(
    jobs: Sequence[Job],
    choosers: Sequence[Choose],
    options: BatchOptions,
    film_options: FilmOptions,
    progress: JobProgress = lambda job, share: None,
) -> Generator[JobOutcome, None, None]:
    """Makes films larger, one after the other, each on all devices.

    Args:
        jobs: of films.
        choosers: one for each device; a film's network is chosen once, by its first frames.
        options: of all files.
        film_options: of films.
        progress: told the share of a film that is done, from 0 to 1, again and again.
    """
    for job in jobs:
        try:
            yield _film(job, choosers, options, film_options, progress)
        except (KeyboardInterrupt, model_info.ModelError):
            raise
        except Exception as error:
            yield unfinished(job, error)


@dataclasses.dataclass(frozen=True)
class Order:
    """What is to be made of a film, all of which can be made.

    Attributes:
        encoding: None is a preview, a picture.
        size, result_size: width and height as they are shown.
    """

    info: "FilmInfo"
    encoding: "Encoding | None"
    size: Size
    result_size: Size


def order(job: Job, options: BatchOptions, film_options: FilmOptions) -> Order:
    """What is to be made of a film; first come all the reasons not to.

    Raises:
        Exception: what `outcome.unfinished` takes.
    """
    if job.problem:
        raise FilmError(job.problem)
    assert job.source is not None and job.output is not None  # `plan` saw to that
    for path in (job.source, job.output):
        if isinstance(path, store.StorePath):
            raise FilmError(f"{path}: films and their results lie in folders, not in stores")
    job_checks.require_place(job, options)
    if options.enlarging != EnlargingOptions(self_ensemble=options.enlarging.self_ensemble):
        raise FilmError("--alpha, --data, --limit, --pixel_art and --wrap are for pictures, not for films")
    if options.strip:
        raise FilmError("--strip is for pictures: a film's title, and the place where it was made, would stay")
    info = _probe(job.source, film_options)
    size = info.shown_size
    result_size = options.target.size(*size)
    pixels = math.prod(result_size)
    if pixels > options.max_pixels:
        raise FilmError(f"its result would have {pixels:,} pixels, more than --max_pixels={options.max_pixels} allows")
    if info.interlaced and not film_options.deinterlace:
        raise FilmError("interlaced: its frames are two fields, of two moments; --deinterlace makes whole frames of them")
    if film_options.preview is None:
        return Order(info, _encoding(job, info, options.target, film_options), size, _even(result_size))
    if info.colour.is_hdr:
        raise FilmError("HDR, which a picture would show washed out; --start and --frames=1 give a film of one frame")
    return Order(info, None, size, result_size)


def _film(
    job: Job, choosers: Sequence[Choose], options: BatchOptions, film_options: FilmOptions, progress: JobProgress
) -> JobOutcome:
    todo = order(job, options, film_options)
    info, size, result_size = todo.info, todo.size, todo.result_size
    chosen = choices(choosers, todo, options.target)
    begun = time.monotonic()
    problems: tuple[str, ...] = ()
    if todo.encoding is None:
        notes = _write_preview(job, info, chosen[0], result_size, options)
    else:
        notes, problems = _write_film(job, info, chosen, todo.encoding, options, film_options, progress)
    notes = (*notes, *ignored(options))
    outcome = JobOutcome(job, "done", "", notes, size, result_size, time.monotonic() - begun, chosen[0].network, chosen[0].why)
    if not problems:
        return outcome
    reason = f"{job.name}: {'; '.join(problems)}; what could be read is in {job.result_name}"
    return dataclasses.replace(outcome, status="failed", reason=reason)


def ignored(options: BatchOptions) -> tuple[str, ...]:
    """A note of the options that pictures among the files have a use for, and films don't."""
    given = [f"--{name}" for name in _FOR_PICTURES if getattr(options, name)]
    return (f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} for pictures; films have --crf",) if given else ()


def _probe(film: pathlib.Path, film_options: FilmOptions) -> "FilmInfo":
    if not formats.is_available():
        raise FilmError(f"{film}: films need PyAV: {extras.install('video')} (Python 3.11 or later)")
    from sr_keras.films import film_info  # PyAV takes a moment to import
    from sr_keras.films.reader import Clip

    if film_options.preview is not None:
        return film_info.probe(film, Clip(start=film_options.preview, frames=1))
    return film_info.probe(film, Clip(film_options.start, film_options.end, film_options.frames))


def choices(choosers: Sequence[Choose], order: Order, target: Target) -> list[Choice]:
    """The network that the most worn of a few frames asks for, once for each device."""
    samples = order.info.samples
    worn = [sample for sample in samples if condition.examine(sample).wear]
    picture = Picture((Image.fromarray([*worn, *samples][0]),))
    return [for_sizes(choose(picture), [order.size], target) for choose in choosers]


def _encoding(job: Job, info: "FilmInfo", target: Target, film_options: FilmOptions) -> "Encoding":
    """How the result is compressed.

    Raises:
        FilmError: so it can't be.
    """
    from sr_keras.films.encoder import Encoding

    assert job.output is not None
    size = _even(target.size(*info.shown_size))
    width, height = size[::-1] if info.is_turned else size
    codec = formats.codec_of(
        job.output.suffix,
        film_options.codec,
        depth=info.colour.depth,
        has_square_pixels=info.sample_aspect_of(width, height) == 1,
    )
    crf = formats.CODECS[codec].crf if film_options.crf is None else film_options.crf
    if crf > formats.CODECS[codec].largest_crf:
        raise FilmError(f"--crf of {codec} is at most {formats.CODECS[codec].largest_crf}, got {crf}")
    formats.require_size(codec, width, height)
    return Encoding(codec, crf, width, height, min(_MOST, max(_FEWEST, _PIXELS // (info.width * info.height))))


def _write_film(
    job: Job,
    info: "FilmInfo",
    chosen: Sequence[Choice],
    encoding: "Encoding",
    options: BatchOptions,
    film_options: FilmOptions,
    progress: JobProgress,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns what could not be kept, and what was wrong with the film."""
    from sr_keras.films import pipeline
    from sr_keras.films.reader import Clip

    assert job.source is not None and job.output is not None
    task = pipeline.Task(
        job.source,
        job.output,
        info,
        encoding,
        clip=Clip(film_options.start, film_options.end, film_options.frames),
        deinterlace=film_options.deinterlace,
        self_ensemble=options.enlarging.self_ensemble,
        restore=options.target.scale == 1,
        overwrite=options.existing == "overwrite",
        recipe={"model": film_options.model, "network": chosen[0].network, "version": sr_keras.__version__},
    )
    job.output.parent.mkdir(parents=True, exist_ok=True)
    with _Bar(job, info, film_options, progress) as bar:
        result = pipeline.run(task, [choice.upscaler for choice in chosen for _ in range(_AT_ONCE)], bar.progress)
    return (bar.speed(result), *result.notes), result.problems


class _Bar:
    """Frames a second and the time left, on a terminal; where the work is interrupted, that it can go on."""

    def __init__(self, job: Job, info: "FilmInfo", film_options: FilmOptions, progress: JobProgress) -> None:
        self._job, self._begun, self._progress = job, time.monotonic(), progress
        self._is_begun = False
        self._bar = tqdm(
            total=info.num_frames,
            unit=" frames",
            desc=job.name,
            # `None` draws on terminals only.
            disable=film_options.quiet or None,
            leave=False,
            dynamic_ncols=True,
        )

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._bar.close()
        if isinstance(error, KeyboardInterrupt) and self._job.output:
            from sr_keras.films import pipeline

            folder = pipeline.parts_folder(self._job.output)
            if folder.is_dir():
                print(f"{self._job.name}: stopped; the same command goes on (what is done is in {folder})", file=sys.stderr)

    def progress(self, num_frames: int) -> None:
        if not self._is_begun:
            # What an earlier run did doesn't count for the speed.
            self._bar.initial = self._bar.n = num_frames - 1
            self._is_begun, self._begun = True, time.monotonic()
        self._bar.update(num_frames - self._bar.n)
        if self._bar.total:
            self._progress(self._job, min(1.0, num_frames / self._bar.total))

    def speed(self, result: "Result") -> str:
        """What was done, in words."""
        seconds, computed = time.monotonic() - self._begun, result.num_frames - result.num_resumed
        resumed = f", {result.num_resumed} of them by an earlier run" if result.num_resumed else ""
        equal = f", {result.num_equal} equal to the one before" if result.num_equal else ""
        return f"{result.num_frames} frames{resumed}{equal}, {computed / max(seconds, 1e-3):.1f} a second"


def _write_preview(job: Job, info: "FilmInfo", choice: Choice, size: Size, options: BatchOptions) -> tuple[str, ...]:
    """Writes one frame as a picture, upright; returns what could not be kept."""
    from sr_keras.films import pipeline

    assert job.output is not None
    width, height = size[::-1] if info.is_turned else size
    large = pipeline.enlarged(
        info.samples[0],
        choice.upscaler,
        width,
        height,
        self_ensemble=options.enlarging.self_ensemble,
        restore=options.target.scale == 1,
    )
    picture = Image.fromarray(np.ascontiguousarray(np.rot90(large, info.quarter_turns)))
    rgb.write_photo(job.output, np.asarray(picture.resize(size, Image.Resampling.LANCZOS)))
    return tuple(note for note in info.lost if "transparency" in note)


def _even(size: Size) -> Size:
    """Chroma has half the size of luma."""
    return size[0] + size[0] % 2, size[1] + size[1] % 2
