"""Upscales many files: one that fails does not stop the others, and reading and writing go on beside the computing."""

import contextlib
import functools
import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from sr_keras.inference import model_info
from sr_keras.photos import picture_writer
from sr_keras.photos.errors import NameTakenError
from sr_keras.photos.picture import Format, Picture
from sr_keras.photos.rows import Layout
from sr_keras.upscaling import job_checks, result_writer, source_reader
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.choice import Choice, Choose, for_sizes
from sr_keras.upscaling.enlarge import enlarge, row_layout
from sr_keras.upscaling.outcome import JobOutcome, JobProgress, unfinished
from sr_keras.upscaling.plan import Job

# Larger results are written while they are computed, or before the next photo begins: two of them are never in memory.
_LARGEST_BESIDE_ANOTHER = 32_000_000

# How long a run that is stopped waits for the tiles in hand.
_PATIENCE_SECONDS = 5.0
_WORKER = "upscale"

Reading = Future[tuple[Picture, Format]]


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
            _Worker(choose, options, waiting, report, progress, stop).work()
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


class _Worker:
    """Does jobs on one device: reads the next picture and writes the last one while one is computed."""

    def __init__(
        self,
        choose: Choose,
        options: BatchOptions,
        waiting: "queue.SimpleQueue[Job]",
        report: Callable[[JobOutcome], None],
        progress: JobProgress,
        stop: threading.Event,
    ) -> None:
        self._choose, self._options, self._waiting = choose, options, waiting
        self._report, self._progress, self._stop = report, progress, stop
        self._writing: Future[None] | None = None

    def work(self) -> None:
        """Takes jobs until none waits, or the run is stopped."""
        with contextlib.suppress(_StopError), ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
            ahead = self._read_next(reader)
            while ahead is not None and not self._stop.is_set():
                (job, reading), ahead = ahead, self._read_next(reader)
                self._do(job, reading, writer, is_last=ahead is None)

    def _read_next(self, reader: ThreadPoolExecutor) -> tuple[Job, Reading] | None:
        with contextlib.suppress(queue.Empty):
            job = self._waiting.get_nowait()
            return job, reader.submit(source_reader.read, job, self._options)
        return None

    def _do(self, job: Job, reading: Reading, writer: ThreadPoolExecutor, *, is_last: bool) -> None:
        try:
            picture, file_format = reading.result()
            done, unwritten = self._computed(job, picture, file_format, is_last=is_last)
        except (_StopError, model_info.ModelError):
            raise  # the other jobs can't be done either
        except Exception as error:
            self._report(self._failed(job, error))
            return
        if unwritten is None:
            self._report(done)
            return
        self._wait_for_writing()
        self._writing = writer.submit(self._write, unwritten, file_format, done)
        if _is_large(*unwritten.frames[0].size):
            self._wait_for_writing()

    def _computed(self, job: Job, picture: Picture, file_format: Format, *, is_last: bool) -> tuple[JobOutcome, Picture | None]:
        """What becomes of a job, and the result, if it is not written yet."""
        options, target = self._options, self._options.target
        choice = for_sizes(self._choose(picture), [frame.size for frame in picture.frames], target)
        progress = functools.partial(self._tell, job)
        begun = time.monotonic()
        layout = self._row_layout(job, picture, file_format, choice, is_last=is_last)
        is_written = layout is not None or len(picture.frames) > 1
        if is_written:
            self._wait_for_writing()
        if layout is not None:
            larger = result_writer.write_rows(job, picture, file_format, layout, choice.upscaler, options, progress)
        elif is_written:
            larger = result_writer.write_frames(job, picture, file_format, choice.upscaler, options, progress)
        else:
            larger = enlarge(picture, choice.upscaler, target, options=options.enlarging, progress=progress)
        size, seconds = picture.frames[0].size, time.monotonic() - begun
        done = JobOutcome(job, "done", "", larger.notes, size, target.size(*size), seconds, choice.network, choice.why)
        return done, None if is_written else larger

    def _row_layout(self, job: Job, picture: Picture, file_format: Format, choice: Choice, *, is_last: bool) -> Layout | None:
        """The result's layout, if it is written while it is computed: where nothing else is computed while it is written."""
        if job.output is None or file_format not in picture_writer.ROW_FORMATS:
            return None
        layout = row_layout(picture, choice.upscaler, self._options.target, self._options.enlarging)
        return layout if layout and (is_last or _is_large(*layout.size)) else None

    def _tell(self, job: Job, share: float) -> None:
        if self._stop.is_set():
            raise _StopError
        self._progress(job, share)

    def _wait_for_writing(self) -> None:
        if self._writing is not None:
            self._writing.result()

    def _write(self, larger: Picture, file_format: Format, done: JobOutcome) -> None:
        try:
            result_writer.write(done.job, larger, file_format, self._options)
        except Exception as error:
            self._report(self._failed(done.job, error))
        else:
            self._report(done)

    def _failed(self, job: Job, error: Exception) -> JobOutcome:
        if isinstance(error, NameTakenError):
            # Another run has written it since.
            error = job_checks.exists_error(job, self._options)
        return unfinished(job, error)


def _is_large(width: int, height: int) -> bool:
    return width * height > _LARGEST_BESIDE_ANOTHER
