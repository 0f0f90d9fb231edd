"""Films among the files that are upscaled: one after the other made larger."""

import dataclasses
import sys
import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from tqdm import tqdm

import sr_keras
from sr_keras.inference import model_info
from sr_keras.photos import rgb
from sr_keras.upscaling import film_order
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.choice import Choice, Choose
from sr_keras.upscaling.film_options import FilmOptions, ignored
from sr_keras.upscaling.outcome import JobOutcome, JobProgress, unfinished
from sr_keras.upscaling.plan import Job
from sr_keras.upscaling.target import Size

if TYPE_CHECKING:  # PyAV takes a moment to import, and may not be there
    from sr_keras.films.encoder import Encoding
    from sr_keras.films.film_info import FilmInfo
    from sr_keras.films.pipeline import Result


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


def _film(
    job: Job, choosers: Sequence[Choose], options: BatchOptions, film_options: FilmOptions, progress: JobProgress
) -> JobOutcome:
    todo = film_order.order(job, options, film_options)
    info, size, result_size = todo.info, todo.size, todo.result_size
    chosen = film_order.choices(choosers, todo, options.target)
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
        result = pipeline.run(task, [choice.upscaler for choice in chosen], bar.progress)
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
