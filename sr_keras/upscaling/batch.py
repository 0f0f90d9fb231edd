"""Upscales many files: one that fails does not stop the others, and reading and writing go on beside the computing."""

import contextlib
import dataclasses
import functools
import io
import os
import pathlib
import queue
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal

from sr_keras.inference import model_info
from sr_keras.photos import pictures, rgb
from sr_keras.photos.pictures import Format, Picture
from sr_keras.photos.rgb import PhotoError
from sr_keras.runtime import files
from sr_keras.upscaling.choice import Choice, Choose
from sr_keras.upscaling.enlarge import Size, Target, enlarge
from sr_keras.upscaling.plan import Job

# Larger results are written before the next photo begins, so that two of them are never in memory.
_LARGEST_BESIDE_ANOTHER = 32_000_000

Progress = Callable[[Job, float], None]


@dataclasses.dataclass(frozen=True)
class Work:
    """What is to be done to each picture.

    Attributes:
        target: the size of the results.
        suffix: of results on standard output; None is as the source has it.
        quality: 1 to 100, of formats with loss.
        all_frames, self_ensemble: see `pictures.read` and `enlarge`.
        max_pixels: the most that a picture and its result may have.
        existing: what becomes of results that are there already.
        standard_input: its content, where a job has it as its source.
    """

    target: Target
    suffix: str | None = None
    quality: int = 95
    all_frames: bool = False
    self_ensemble: bool = False
    max_pixels: int = 400_000_000
    existing: Literal["fail", "skip", "overwrite"] = "fail"
    standard_input: bytes = b""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Attributes:
        reason: why it failed or was skipped.
        notes: what could not be kept, in words.
        size, result_size: width and height in pixels.
        seconds: of the computing alone.
        network: which one was chosen, and `why`, where there was a choice.
    """

    job: Job
    status: Literal["done", "skipped", "failed"]
    reason: str = ""
    notes: tuple[str, ...] = ()
    size: Size | None = None
    result_size: Size | None = None
    seconds: float | None = None
    network: str = ""
    why: str = ""


def run(
    jobs: Sequence[Job], choosers: Sequence[Choose], work: Work, progress: Progress = lambda job, share: None
) -> Generator[Outcome, None, None]:
    """Does the jobs, each as soon as an upscaler is free; gives their outcomes in the order in which they end.

    Closing the iterator early stops the work after the tiles in hand, and leaves nothing half-written.

    Args:
        jobs: no two have one result.
        choosers: one for each device: which network does a picture. Each works on one picture at a time, all of them at once.
        work: the same for all.
        progress: told the share of a job that is done, from 0 to 1, from several threads.
    """
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    outcomes: queue.SimpleQueue[Outcome | Exception] = queue.SimpleQueue()
    stop = threading.Event()
    for job in jobs:
        waiting.put(job)

    def work_or_tell(choose: Choose) -> None:
        try:
            _work(choose, work, waiting, outcomes.put, progress, stop)
        except Exception as error:  # or its jobs would be waited for without end
            outcomes.put(error)

    workers = [threading.Thread(target=work_or_tell, args=(choose,)) for choose in choosers]
    for worker in workers:
        worker.start()
    try:
        for _ in jobs:
            outcome = outcomes.get()
            if isinstance(outcome, Exception):
                raise outcome
            yield outcome
    finally:
        stop.set()
        for worker in workers:
            worker.join()


class _StopError(Exception):
    """Nobody waits for the rest."""


class _ExistsError(Exception):
    """The result is there, and is to stay."""


def _work(
    choose: Choose,
    work: Work,
    waiting: "queue.SimpleQueue[Job]",
    report: Callable[[Outcome], None],
    progress: Progress,
    stop: threading.Event,
) -> None:
    """Takes jobs until none waits; reads the next picture and writes the last one while one is computed."""

    def read_next() -> tuple[Job, Future[tuple[Picture, Format]]] | None:
        with contextlib.suppress(queue.Empty):
            job = waiting.get_nowait()
            return job, reader.submit(_read, job, work)
        return None

    def told(job: Job, share: float) -> None:
        if stop.is_set():
            raise _StopError
        progress(job, share)

    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        ahead = read_next()
        writing: Future[None] | None = None
        while ahead is not None and not stop.is_set():
            (job, reading), ahead = ahead, read_next()
            try:
                picture, file_format = reading.result()
                choice = choose(picture)
                begun = time.monotonic()
                larger = enlarge(
                    picture,
                    choice.upscaler,
                    work.target,
                    self_ensemble=work.self_ensemble,
                    progress=functools.partial(told, job),
                )
                seconds = time.monotonic() - begun
            except _StopError:
                return
            except model_info.ModelError:
                raise  # no other picture has it either
            except Exception as error:
                report(_unfinished(job, error))
                continue
            if writing is not None:
                writing.result()
            done = _done(job, picture, larger, seconds, choice)
            writing = writer.submit(_write, larger, file_format, work, done, report)
            if larger.frames[0].width * larger.frames[0].height > _LARGEST_BESIDE_ANOTHER:
                writing.result()


def _done(job: Job, picture: Picture, larger: Picture, seconds: float, choice: Choice) -> Outcome:
    size, result_size = picture.frames[0].size, larger.frames[0].size
    return Outcome(job, "done", "", larger.notes, size, result_size, seconds, choice.network, choice.why)


def _read(job: Job, work: Work) -> tuple[Picture, Format]:
    """Reads a picture, as its result's format can hold it; first come all the reasons not to."""
    if job.problem:
        raise PhotoError(job.problem)
    if job.output is not None:
        _require_place(job.output, work)

    def check_size(width: int, height: int) -> None:
        result = work.target.size(width, height)
        for name, pixels in (("it has", width * height), ("its result would have", result[0] * result[1])):
            if pixels > work.max_pixels:
                raise PhotoError(f"{job.name}: {name} {pixels:,} pixels, more than --max_pixels={work.max_pixels} allows")
        if job.output is not None:
            rgb.require_writable(job.output, height=result[1], width=result[0])

    source = job.source or io.BytesIO(work.standard_input)
    picture = pictures.read(source, all_frames=work.all_frames, check_size=check_size)
    suffix = _suffix(job, work, picture)
    if job.output is None:
        width, height = work.target.size(*picture.frames[0].size)
        rgb.require_writable(pathlib.Path(f"{job.result_name}{suffix}"), height, width)
    file_format = pictures.FORMATS[suffix]
    return pictures.fitted(picture, file_format), file_format


def _suffix(job: Job, work: Work, picture: Picture) -> str:
    """What the result's format is named by."""
    if job.output is not None:
        return job.output.suffix.lower()
    if work.suffix is not None:
        return work.suffix
    suffixes = {file_format.name: suffix for suffix, file_format in pictures.FORMATS.items()}
    return suffixes.get(picture.file_format or "", ".png")


def _require_place(output: pathlib.Path, work: Work) -> None:
    if os.path.lexists(output) and work.existing == "skip":
        raise _ExistsError(f"{output} is there already")
    if os.path.lexists(output) and work.existing == "fail":
        raise PhotoError(f"{output}: exists already; --overwrite replaces it, --skip_existing leaves it")
    folder = output.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise PhotoError(f"{output}: {folder} is no folder")
    if not os.access(folder, os.W_OK):
        raise PhotoError(f"{output}: its folder can't be written")


def _write(picture: Picture, file_format: Format, work: Work, done: Outcome, report: Callable[[Outcome], None]) -> None:
    output = done.job.output
    try:
        if output is None:
            buffer = io.BytesIO()
            pictures.write(buffer, picture, file_format, work.quality)
            sys.stdout.buffer.write(buffer.getbuffer())
            sys.stdout.buffer.flush()
        else:
            output.parent.mkdir(parents=True, exist_ok=True)
            pictures.write(output, picture, file_format, work.quality, overwrite=work.existing == "overwrite")
    except Exception as error:
        report(_unfinished(done.job, error))
    else:
        report(done)


def _unfinished(job: Job, error: Exception) -> Outcome:
    reason = files.reason(error)
    if isinstance(error, _ExistsError):
        return Outcome(job, "skipped", reason)
    # Without memory, no thread can be started either.
    if isinstance(error, MemoryError) or "can't start new thread" in reason:
        reason = "too little memory; a smaller --memory_mb or --tile needs less"
    return Outcome(job, "failed", reason if job.name in reason else f"{job.name}: {reason}")
