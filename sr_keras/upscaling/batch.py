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
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal

from sr_keras.inference import model_info
from sr_keras.inference.tiling import Progress
from sr_keras.photos import file_kind, metadata, picture_reader, picture_writer, rgb
from sr_keras.photos.frame_stream import FrameStream
from sr_keras.photos.picture import FORMATS, Format, Picture, fitted, suffix_of
from sr_keras.photos.rgb import PhotoError
from sr_keras.photos.row_writer import Layout
from sr_keras.runtime import files, store
from sr_keras.upscaling.choice import Choice, Choose, for_sizes
from sr_keras.upscaling.enlarge import described, enlarge, enlarge_to_rows, enlarged_frames, row_layout
from sr_keras.upscaling.frame_run import EnlargingOptions
from sr_keras.upscaling.plan import Job
from sr_keras.upscaling.target import Size, Target

# Larger results are written while they are computed, or before the next photo begins: two of them are never in memory.
_LARGEST_BESIDE_ANOTHER = 32_000_000

# Files whose heads have the size that the picture will have. Icons and camera raw may have another one once they are decoded.
_SURE_OF_SIZE = frozenset({"PNG", "JPEG", "GIF", "TIFF", "WEBP"})

# How long a run that is stopped waits for the tiles in hand.
_PATIENCE_SECONDS = 5.0
_WORKER = "upscale"

JobProgress = Callable[[Job, float], None]


@dataclasses.dataclass(frozen=True)
class BatchOptions:
    """What is done to each picture of a batch.

    Attributes:
        target: the size of the results.
        suffix: of results on standard output; None is as the source has it.
        quality: 1 to 100, of formats with loss; None is the best choice for each picture (see `picture_writer.write`).
        depth: 8 or 16 bits a channel; None is what each picture has.
        all_frames: see `picture_reader.read`.
        enlarging: how pictures are enlarged.
        strip: whether all that tells of persons and places is left out.
        max_pixels: the most that the frames of a picture, and those of its result, may have.
        existing: what to do where a result is there already.
        standard_input: the bytes of the picture whose job has no source.
    """

    target: Target
    suffix: str | None = None
    quality: int | None = None
    depth: int | None = None
    all_frames: bool = False
    enlarging: EnlargingOptions = EnlargingOptions()  # noqa: RUF009 - it never changes
    strip: bool = False
    max_pixels: int = 400_000_000
    existing: Literal["fail", "skip", "overwrite"] = "fail"
    standard_input: bytes = b""


@dataclasses.dataclass(frozen=True)
class JobOutcome:
    """What became of a file, or would become of it.

    Attributes:
        reason: why it failed or was skipped.
        notes: what could not be kept, in words.
        size, result_size: width and height in pixels.
        seconds: of the computing; with the writing, where that goes on beside it.
        network: which one computed it, and `why` that one, where there was a choice.
    """

    job: Job
    status: Literal["done", "planned", "skipped", "failed"]
    reason: str = ""
    notes: tuple[str, ...] = ()
    size: Size | None = None
    result_size: Size | None = None
    seconds: float | None = None
    network: str = ""
    why: str = ""


def run(
    jobs: Sequence[Job],
    choosers: Sequence[Choose],
    options: BatchOptions,
    progress: JobProgress = lambda job, share: None,
    ended: Callable[[JobOutcome], None] = lambda outcome: None,
) -> Generator[JobOutcome, None, None]:
    """Does the jobs, each as soon as an upscaler is free; yields their outcomes in the order in which they end.

    Closing the iterator early stops the work after the tiles in hand, and leaves nothing half-written.

    Args:
        jobs: no two have one result.
        choosers: one for each device: the network for a picture. Each works on one picture at a time, all of them at once.
        options: the same for all jobs.
        progress: called with the share of a job that is done, from 0 to 1, from several threads.
        ended: told of each outcome, by the thread that did the job: also of those that nobody takes, for they come while the
            iterator is closed.
    """
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    outcomes: queue.SimpleQueue[JobOutcome | Exception] = queue.SimpleQueue()
    stop = threading.Event()
    for job in jobs:
        waiting.put(job)

    def report(outcome: JobOutcome) -> None:
        ended(outcome)
        outcomes.put(outcome)

    def work_or_report(choose: Choose) -> None:
        try:
            _work(choose, options, waiting, report, progress, stop)
        except Exception as error:  # or its jobs would be waited for without end
            outcomes.put(error)

    workers = [threading.Thread(target=work_or_report, args=(choose,), name=_WORKER, daemon=True) for choose in choosers]
    for worker in workers:
        worker.start()
    try:
        for _ in jobs:
            outcome = outcomes.get()
            if isinstance(outcome, Exception):
                raise outcome
            yield outcome
    except BaseException:
        # Whatever a worker is stuck in, the run ends.
        deadline = time.monotonic() + _PATIENCE_SECONDS
        stop.set()
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))
        raise
    for worker in workers:
        worker.join()


def is_stuck() -> bool:
    """Whether a worker of a run that was closed is still at work, and would keep the process from ending."""
    return any(thread.name == _WORKER and thread.is_alive() for thread in threading.enumerate())


class _StopError(Exception):
    """Nobody waits for the rest."""


class _ExistsError(Exception):
    """The result is there, and is to stay."""


def _work(
    choose: Choose,
    options: BatchOptions,
    waiting: "queue.SimpleQueue[Job]",
    report: Callable[[JobOutcome], None],
    progress: JobProgress,
    stop: threading.Event,
) -> None:
    """Takes jobs until none waits; reads the next picture and writes the last one while one is computed."""

    def read_next() -> tuple[Job, Future[tuple[Picture, Format]]] | None:
        with contextlib.suppress(queue.Empty):
            job = waiting.get_nowait()
            return job, reader.submit(read, job, options)
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
                choice = for_sizes(choose(picture), [frame.size for frame in picture.frames], options.target)
                begun = time.monotonic()
                layout = _row_layout(job, picture, file_format, choice, options, is_last=ahead is None)
                if layout is not None or len(picture.frames) > 1:
                    if writing is not None:
                        writing.result()
                    write = _written_in_frames if layout is None else functools.partial(_written_in_rows, layout)
                    larger = write(picture, file_format, choice, options, job, functools.partial(told, job))
                    size = options.target.size(*picture.frames[0].size)
                    report(_done(job, picture, larger, size, time.monotonic() - begun, choice))
                    continue
                larger = enlarge(
                    picture,
                    choice.upscaler,
                    options.target,
                    options=options.enlarging,
                    progress=functools.partial(told, job),
                )
                seconds = time.monotonic() - begun
            except _StopError:
                return
            except model_info.ModelError:
                raise  # no other picture has it either
            except rgb.NameTakenError:
                # Another run has written it since.
                report(unfinished(job, _exists(job, options)))
                continue
            except Exception as error:
                report(unfinished(job, error))
                continue
            if writing is not None:
                writing.result()
            done = _done(job, picture, larger, larger.frames[0].size, seconds, choice)
            writing = writer.submit(_write, larger, file_format, options, done, report)
            if larger.frames[0].width * larger.frames[0].height > _LARGEST_BESIDE_ANOTHER:
                writing.result()


def _row_layout(
    job: Job, picture: Picture, file_format: Format, choice: Choice, options: BatchOptions, *, is_last: bool
) -> Layout | None:
    """The result's layout, if it is written while it is computed: where nothing else is computed while it is written."""
    if job.output is None or file_format not in picture_writer.ROW_FORMATS:
        return None
    layout = row_layout(picture, choice.upscaler, options.target, options.enlarging)
    return layout if layout and (is_last or layout.width * layout.height > _LARGEST_BESIDE_ANOTHER) else None


def _written_in_rows(
    layout: Layout,
    picture: Picture,
    file_format: Format,
    choice: Choice,
    options: BatchOptions,
    job: Job,
    progress: Progress,
) -> Picture:
    """Writes a result row by row, while it is computed; returns what it has beside its pixels."""
    assert job.output is not None  # `_row_layout` saw to that
    larger = described(picture, layout.size, options.enlarging)
    overwrite = options.existing == "overwrite"
    with (
        _folder_made(job.output.parent),
        picture_writer.rows_written(job.output, larger, layout, file_format, options.quality, overwrite=overwrite) as put_rows,
    ):
        enlarge_to_rows(picture, choice.upscaler, options.target, put_rows, options.enlarging, progress)
    return larger


def _written_in_frames(
    picture: Picture, file_format: Format, choice: Choice, options: BatchOptions, job: Job, progress: Progress
) -> Picture:
    """Writes an animation or a document, each frame as it is computed; returns what it has beside its pixels."""
    sizes = [options.target.size(*frame.size) for frame in picture.frames]
    larger = described(picture, sizes[0], options.enlarging)
    frames = enlarged_frames(picture, choice.upscaler, options.target, options.enlarging, progress)
    with contextlib.nullcontext() if job.output is None else _folder_made(job.output.parent):
        _put(larger, file_format, options, job, FrameStream(picture.frames, sizes, frames))
    return larger


@contextlib.contextmanager
def _folder_made(folder: pathlib.Path) -> Iterator[None]:
    """Makes a folder; what was made of it vanishes where the work fails."""
    made = [] if isinstance(folder, store.StorePath) else [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # others have written there
            for each in made:
                each.rmdir()
        raise


def _done(job: Job, picture: Picture, larger: Picture, result_size: Size, seconds: float, choice: Choice) -> JobOutcome:
    size = picture.frames[0].size
    return JobOutcome(job, "done", "", larger.notes, size, result_size, seconds, choice.network, choice.why)


def read(job: Job, options: BatchOptions) -> tuple[Picture, Format]:
    """Reads a picture, as its result's format can hold it; first come all the reasons not to, which `unfinished` takes."""
    if job.problem:
        raise PhotoError(job.problem)
    require_place(job, options)

    sizes: list[Size] = []

    def check_size(width: int, height: int) -> None:
        sizes.append((width, height))
        require_size(job, options.target, sizes, options.max_pixels)

    source = job.source or io.BytesIO(options.standard_input)
    picture = picture_reader.read(source, all_frames=options.all_frames, raw_bits=options.depth or 8, check_size=check_size)
    suffix = _suffix(job, options, picture)
    named = FORMATS.get(job.source.suffix.lower()) if job.source else None
    if named and picture.file_format and named.name != picture.file_format:
        note = f"{picture.file_format} by its content, whatever its name ends in"
        picture = dataclasses.replace(picture, notes=(note, *picture.notes))
    if job.output is None:
        width, height = options.target.size(*picture.frames[0].size)
        rgb.require_size(pathlib.Path(f"{job.result_name}{suffix}"), height, width)
    file_format = FORMATS[suffix]
    file_kind.require_package(file_format.package)
    if options.strip:
        picture = dataclasses.replace(picture, metadata=metadata.stripped(picture.metadata))
    return fitted(picture, file_format, options.depth), file_format


def require_size(job: Job, target: Target, sizes: Sequence[Size], max_pixels: int) -> None:
    """Tells before the work that a picture is too large, or its result.

    Args:
        job: of the picture.
        target: the size of the result.
        sizes: of the picture's frames, the last of which has not been looked at yet.
        max_pixels: the most that they may have together, and those of the result.

    Raises:
        PhotoError: they have more, or the result's format can't hold so large a picture.
    """
    results = [target.size(*size) for size in sizes]
    for name, found in (("it has", sizes), ("its result would have", results)):
        if (pixels := sum(width * height for width, height in found)) > max_pixels:
            raise PhotoError(f"{job.name}: {name} {pixels:,} pixels, more than --max_pixels={max_pixels} allows")
    if job.output is not None and not job.is_film:
        width, height = results[-1]
        rgb.require_size(job.output, height, width)


def _suffix(job: Job, options: BatchOptions, picture: Picture) -> str:
    """What the result's format is named by."""
    if job.output is not None:
        return job.output.suffix.lower()
    if options.suffix is not None:
        return options.suffix
    return suffix_of(picture)


def settled(job: Job, options: BatchOptions, *, is_there: bool) -> JobOutcome | None:
    """What becomes of a job that needs no work: it can't be done, or its result is there and stays.

    Args:
        is_there: whether there is a result already.
    """
    if job.problem:
        return unfinished(job, PhotoError(job.problem))
    if is_there and options.existing != "overwrite":
        return unfinished(job, _exists(job, options))
    return None


def require_place(job: Job, options: BatchOptions) -> None:
    """Tells before the work that a result can't be where it should; what it raises, `unfinished` takes."""
    output = job.output
    if output is None:
        return
    if store.is_there(output) and options.existing != "overwrite":
        raise _exists(job, options)
    if isinstance(output, store.StorePath):
        return  # only writing shows whether it can be
    folder = output.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise PhotoError(f"{output}: {folder} is no folder")
    if not os.access(folder, os.W_OK):
        raise PhotoError(f"{output}: its folder can't be written")


def _exists(job: Job, options: BatchOptions) -> Exception:
    """What a result that is there means."""
    if options.existing != "skip":
        return PhotoError(f"{job.output}: exists already; --overwrite replaces it, --skip_existing leaves it")
    if sizes := _other_sizes(job, options.target):
        found, wanted = (f"{width}x{height}" for width, height in sizes)
        return PhotoError(f"{job.name}: {job.output} is there already, but of another picture: {found} pixels, not {wanted}")
    return _ExistsError(f"{job.output} is there already")


def _other_sizes(job: Job, target: Target) -> tuple[Size, Size] | None:
    """The size of what is in the place of a picture's result, and that of the result, where they are known and differ."""
    if job.is_film or not (job.source and job.output) or any(isinstance(path, store.StorePath) for path in job[:2]):
        return None
    if file_kind.of_file(job.source) not in _SURE_OF_SIZE or job.source.suffix.lower() in file_kind.RAW_SUFFIXES:
        return None
    with contextlib.suppress(PhotoError):
        found, wanted = picture_reader.read_size(job.output), target.size(*picture_reader.read_size(job.source))
        return None if found == wanted else (found, wanted)
    return None


def _write(
    picture: Picture, file_format: Format, options: BatchOptions, done: JobOutcome, report: Callable[[JobOutcome], None]
) -> None:
    try:
        _put(picture, file_format, options, done.job)
    except rgb.NameTakenError:
        # Another run has written it since.
        report(unfinished(done.job, _exists(done.job, options)))
    except Exception as error:
        report(unfinished(done.job, error))
    else:
        report(done)


def _put(picture: Picture, file_format: Format, options: BatchOptions, job: Job, stream: FrameStream | None = None) -> None:
    """Writes a result to where it belongs; see `picture_writer.write` for `stream` and what is raised."""
    if job.output is None:
        buffer = io.BytesIO()
        picture_writer.write(buffer, picture, file_format, options.quality, stream=stream)
        sys.stdout.buffer.write(buffer.getbuffer())
        sys.stdout.buffer.flush()
        return
    job.output.parent.mkdir(parents=True, exist_ok=True)
    overwrite = options.existing == "overwrite"
    picture_writer.write(job.output, picture, file_format, options.quality, overwrite=overwrite, stream=stream)


def unfinished(job: Job, error: Exception) -> JobOutcome:
    reason = files.reason(error)
    if isinstance(error, _ExistsError):
        return JobOutcome(job, "skipped", reason)
    # Without memory, no thread can be started either.
    if isinstance(error, MemoryError) or "can't start new thread" in reason:
        reason = "too little memory; a smaller --memory_mb or --tile needs less"
    return JobOutcome(job, "failed", reason if job.name in reason else f"{job.name}: {reason}")
