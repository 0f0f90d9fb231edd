"""The jobs: they wait in line, one at a time is computed on each device, and each ends in a file or in a reason why not."""

import dataclasses
import functools
import logging
import pathlib
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal

from sr_keras.upscaling.target import Size
from sr_keras.web.orders import Limits, Order, Reason, RefusalError

logger = logging.getLogger(__name__)

Progress = Callable[[float], None]
State = Literal["waiting", "computing", "done", "failed"]


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of a picture.

    Attributes:
        path: of the file, in the job's folder; its suffix is the format.
        num_bytes: of the file.
        size: width and height in pixels.
        network, why: which one computed, and why it was chosen, if there was a choice.
        notes: what could not be kept, in words.
        seconds: of the computing alone.
    """

    path: pathlib.Path
    num_bytes: int
    size: Size
    network: str
    why: str
    notes: tuple[str, ...]
    seconds: float


@dataclasses.dataclass(eq=False)
class Job:
    """A picture and what becomes of it. What changes is written by `JobQueue` alone.

    Attributes:
        id: can't be guessed, so that nobody is shown another's picture.
        name: of the picture, for a person.
        folder: holds its files, and nothing else; `source` is the picture.
        size, result_size: width and height in pixels.
        session: whose it is; None is nobody's who would take it away with him.
        progress: the share that is done, from 0 to 1.
        ended: when, by the monotonic clock.
    """

    id: str
    name: str
    order: Order
    folder: pathlib.Path
    size: Size
    result_size: Size
    session: str | None = None
    state: State = "waiting"
    progress: float = 0.0
    result: Result | None = None
    refusal: RefusalError | None = None
    ended: float = 0.0
    removed: bool = False
    began: float = 0.0
    pace: "Pace | None" = None

    @property
    def source(self) -> pathlib.Path:
        return source_in(self.folder)

    @property
    def result_name(self) -> str | None:
        """What a person calls the result; None before it is there."""
        return self.order.result_name(self.name, self.result.path.suffix) if self.result else None


@dataclasses.dataclass(frozen=True)
class Pace:
    """From when and what share on a job was watched, and until when; by the monotonic clock.

    Loading the network comes before that, so it does not count.
    """

    since: float
    share: float
    until: float

    def seconds_left(self, progress: float, now: float) -> float | None:
        done = progress - self.share
        if done <= 0:
            return None
        return max(0.0, (self.until - self.since) * (1 - progress) / done - (now - self.until))


Compute = Callable[[Job, Progress], Result]


class JobQueue:
    """Keeps the jobs, and computes them in the order in which they came. All of it may be called from any thread."""

    def __init__(self, computers: Sequence[Compute], limits: Limits) -> None:
        """Args:
        computers: one for each device. Each is called for one job at a time, from a thread of its own. The progress that it
            tells ends the work where nobody wants it any more.
        limits: of the jobs.
        """
        self._limits = limits
        self._jobs: dict[str, Job] = {}
        self._change = threading.Condition()
        self._stopping = False
        self._threads = [threading.Thread(target=self._work, args=(compute,), daemon=True) for compute in computers]
        for thread in self._threads:
            thread.start()

    def require_place(self) -> None:
        """Raises:
        RefusalError: too many jobs wait.
        """
        with self._change:
            waiting = sum(job.state == "waiting" for job in self._jobs.values())
        if waiting >= self._limits.max_jobs:
            raise RefusalError(Reason.BUSY, f"{waiting} pictures are waiting, and no more are taken; try again in a while")

    def add(self, job: Job) -> None:
        """Raises:
        RefusalError: too many jobs wait.
        """
        with self._change:
            self.require_place()
            self._jobs[job.id] = job
            self._change.notify()

    def get(self, job_id: str) -> Job | None:
        with self._change:
            return self._jobs.get(job_id)

    def of_session(self, session: str) -> list[Job]:
        """In the order in which they came."""
        with self._change:
            return [job for job in self._jobs.values() if job.session == session]

    def place(self, job: Job) -> int | None:
        """1 is the next one; None is not waiting."""
        with self._change:
            waiting = [each for each in self._jobs.values() if each.state == "waiting"]
            return waiting.index(job) + 1 if job in waiting else None

    def counts(self) -> tuple[int, int]:
        """How many jobs wait, and how many are computed."""
        with self._change:
            states = [job.state for job in self._jobs.values()]
        return states.count("waiting"), states.count("computing")

    def remove(self, job: Job) -> None:
        """Ends a job, and removes its files."""
        with self._change:
            self._jobs.pop(job.id, None)
            job.removed = True
            is_computing = job.state == "computing"
        if not is_computing:  # else the thread that computes does that
            _remove_folder(job)

    def remove_expired(self) -> None:
        """Removes the jobs that ended long ago."""
        before = time.monotonic() - self._limits.keep_seconds
        with self._change:
            expired = [job for job in self._jobs.values() if job.state in ("done", "failed") and job.ended < before]
        for job in expired:
            self.remove(job)

    @property
    def is_stopping(self) -> bool:
        return self._stopping

    def stop_soon(self) -> None:
        """Ends the work after the tiles in hand. It waits for nothing, so a signal handler may call it."""
        self._stopping = True

    def stop(self) -> None:
        """Ends the work after the tiles in hand, and waits for that."""
        with self._change:
            self._stopping = True
            self._change.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self, compute: Compute) -> None:
        while (job := self._next()) is not None:
            try:
                result = compute(job, functools.partial(self._advance, job))
            except _UnwantedError:
                self._end(job)
            except RefusalError as refusal:
                self._end(job, refusal=refusal)
            except Exception:
                logger.exception("a job failed")
                self._end(job, refusal=RefusalError(Reason.FAULT, "a fault of the server; its log says more"))
            else:
                self._end(job, result=result)

    def _next(self) -> Job | None:
        with self._change:
            while not self._stopping:
                for job in self._jobs.values():
                    if job.state == "waiting":
                        job.state, job.began = "computing", time.monotonic()
                        return job
                self._change.wait()
        return None

    def _advance(self, job: Job, share: float) -> None:
        now = time.monotonic()
        with self._change:
            if job.removed or self._stopping:
                raise _UnwantedError
            if now - job.began > self._limits.max_seconds:
                raise RefusalError(
                    Reason.TOO_LARGE,
                    f"it took longer than {self._limits.max_seconds:g} seconds, more than is allowed here; "
                    "a smaller size or a faster network takes less",
                )
            job.progress = share
            job.pace = Pace(job.pace.since, job.pace.share, now) if job.pace else Pace(now, share, now)

    def _end(self, job: Job, result: Result | None = None, refusal: RefusalError | None = None) -> None:
        with self._change:
            job.result, job.refusal, job.ended = result, refusal, time.monotonic()
            job.progress = 1.0 if result else job.progress
            job.state = "done" if result else "failed"
            removed = job.removed
        if removed:
            _remove_folder(job)


class _UnwantedError(Exception):
    """Nobody waits for the rest."""


def new_id() -> str:
    return secrets.token_urlsafe(16)


def source_in(folder: pathlib.Path) -> pathlib.Path:
    return folder / "source"


def _remove_folder(job: Job) -> None:
    shutil.rmtree(job.folder, ignore_errors=True)
