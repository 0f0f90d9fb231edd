"""What does the work on a machine of the cluster: one `Upscaler`, to which batches of files come."""

import contextlib
import dataclasses
import os
import pathlib
import pickle
import socket
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

import sr_keras
from sr_keras.inference import engine
from sr_keras.photos import picture_reader
from sr_keras.photos.picture import Picture
from sr_keras.photos.rgb import PhotoError
from sr_keras.runtime import store
from sr_keras.runtime.errors import UserError
from sr_keras.upscaling import batch, console, films, loading, numbered
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.choice import Choose
from sr_keras.upscaling.film_options import FilmOptions
from sr_keras.upscaling.outcome import JobOutcome
from sr_keras.upscaling.plan import Job

if TYPE_CHECKING:  # it takes a while to import
    from sr_keras.inference.upscaler import Upscaler


@dataclasses.dataclass(frozen=True)
class Work:
    """What is done to each file, by whatever machine.

    Attributes:
        batch: options of all files.
        network: which networks there are; bundled ones by name.
        films: options of films.
        verbose: whether a line tells how it is computed.
        folder: where names that are relative begin.
        version: of this package, where the plan was made.
        host: the name of that machine.
    """

    batch: BatchOptions
    network: loading.NetworkOptions
    films: FilmOptions
    verbose: bool = False
    folder: str = dataclasses.field(default_factory=os.getcwd)
    version: str = sr_keras.__version__
    host: str = dataclasses.field(default_factory=socket.gethostname)


class Task(NamedTuple):
    """A batch of files for a worker.

    Attributes:
        jobs: all photos, or frames of one folder, or one film.
        frames: the first frames of that folder, one of which decides the network.
        is_retry: whether a worker was killed over it. What lies under the results' names then is that worker's.
    """

    jobs: tuple[Job, ...]
    frames: tuple[pathlib.Path, ...] = ()
    is_retry: bool = False


class Done(NamedTuple):
    """What became of a batch.

    Attributes:
        outcomes: of its jobs.
        told: lines for a person.
        fault: why no job of any batch can be done; "" if they can.
    """

    outcomes: tuple[JobOutcome, ...] = ()
    told: tuple[str, ...] = ()
    fault: str = ""


class Worker:
    """Is made by Ray, in a process of its own, and called with one batch after the other.

    It loads its network with the first batch, not before: a constructor that fails would be tried again without end.
    """

    def __init__(self, work: Work, on_machine: int = 1) -> None:
        """Args:
        work: what is done to each file.
        on_machine: how many workers share the machine's processors.
        """
        # Before there are any threads of what computes. Ray has set it to what it counts, which leaves some to others.
        os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // on_machine))
        self._work = work
        self._choosers: list[Choose] = []
        self._told: list[str] = []
        # As the command that upscales has it, for pictures within pictures.
        Image.MAX_IMAGE_PIXELS = work.batch.max_pixels

    def __call__(self, row: dict[str, bytes]) -> dict[str, bytes]:
        """Does a pickled `Task`; returns a pickled `Done`."""
        return {"done": pickle.dumps(self._done(pickle.loads(row["task"])))}

    def _done(self, task: Task) -> Done:
        try:
            self._prepare()
            outcomes = tuple(map(self._placed, self.outcomes(task)))
        except (UserError, ValueError, ImportError) as error:  # `command_line.run` says them in a line too
            return Done(fault=f"{socket.gethostname()}: {error}")
        told, self._told = tuple(self._told), []
        return Done(outcomes, told)

    def outcomes(self, task: Task) -> Iterator[JobOutcome]:
        """Does the jobs of a batch as `upscale` does them on one machine."""
        options = dataclasses.replace(self._work.batch, existing="overwrite") if task.is_retry else self._work.batch
        if task.jobs[0].is_film:
            return films.run(task.jobs, self._choosers, options, dataclasses.replace(self._work.films, quiet=True))
        choosers = self._choosers
        if task.frames:
            choosers = numbered.decided_once(choosers, _first_picture(task.frames))
        return batch.run(task.jobs, choosers, options)

    def _prepare(self) -> None:
        if self._choosers:
            return
        if sr_keras.__version__ != self._work.version:
            raise UserError(f"has sr_keras {sr_keras.__version__}, not {self._work.version}")
        with contextlib.suppress(OSError):
            os.chdir(self._work.folder)
        device = engine.devices(self._work.network.engine)[0]
        self._choosers = [loading.chooser(self._work.network, device, self._tell)]

    def _tell(self, upscaler: "Upscaler") -> None:
        if self._work.verbose:
            self._told.append(f"{socket.gethostname()}: {console.described(upscaler)}")

    def _placed(self, outcome: JobOutcome) -> JobOutcome:
        """With the machine's name where a file is missing there: it may share no folder with the others."""
        source, host = outcome.job.source, socket.gethostname()
        if outcome.status != "failed" or host == self._work.host or source is None or store.is_there(source):
            return outcome
        return dataclasses.replace(outcome, reason=f"{outcome.reason} (on {host})")


def _first_picture(frames: Sequence[pathlib.Path]) -> Picture | None:
    """The first one that can be read."""
    for frame in frames:
        with contextlib.suppress(PhotoError):
            return picture_reader.read(frame)
    return None
