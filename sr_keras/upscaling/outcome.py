"""How far a job is, and what became of it: done, planned, skipped or failed, and why."""

import dataclasses
from collections.abc import Callable
from typing import Literal

from sr_keras.runtime import files
from sr_keras.upscaling.plan import Job
from sr_keras.upscaling.target import Size

# Takes the share that is done, up to 1.
JobProgress = Callable[[Job, float], None]


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


class ResultExistsError(Exception):
    """The result is there, and is to stay."""


def unfinished(job: Job, error: Exception) -> JobOutcome:
    """Of a job that ended with an error: skipped, if its result is to stay as it is, or failed."""
    reason = files.reason(error)
    if isinstance(error, ResultExistsError):
        return JobOutcome(job, "skipped", reason)
    # Without memory, no thread can be started either.
    if isinstance(error, MemoryError) or "can't start new thread" in reason:
        reason = "too little memory; a smaller --memory_mb or --tile needs less"
    return JobOutcome(job, "failed", reason if job.name in reason else f"{job.name}: {reason}")
