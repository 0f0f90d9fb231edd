"""Upscales many files on the machines of a Ray cluster, each once, whatever happens to a worker."""

import contextlib
import os
import pathlib
import pickle
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

from sr_keras.runtime import files, store
from sr_keras.runtime.errors import UserError
from sr_keras.upscaling import job_checks
from sr_keras.upscaling.cluster import machines
from sr_keras.upscaling.cluster.machines import Pool
from sr_keras.upscaling.cluster.worker import Done, Task, Work, Worker
from sr_keras.upscaling.outcome import JobOutcome
from sr_keras.upscaling.plan import Job

# A batch is this large at most, and no larger than leaves each worker so many of them: work that can be shared out.
_MOST_FILES, _BATCHES_EACH = 16, 4
# The first of these that can be read decides the network of a folder of numbered frames.
_DECIDING_FRAMES = 8

# By the folder.
Frames = Mapping[pathlib.Path | None, tuple[pathlib.Path, ...]]


def outcomes(
    todo: Sequence[Job],
    work: Work,
    *,
    address: str,
    num_workers: int | None = None,
    tell: Callable[[str], None],
    worker: type[Worker] = Worker,
) -> Generator[JobOutcome, None, None]:
    """Does the jobs; yields what became of each, once, in the order in which batches of them end.

    A job whose worker is killed is done once more, alone, by another one; if that one is killed too, the job fails.

    Args:
        todo: the plan, as for one machine.
        work: what is done to each.
        address, num_workers: see `machines.connected`.
        tell: called with lines for a person.
        worker: the class of the workers.

    Raises:
        UserError: no job can be done: there is no cluster, no room in it, or no network.
    """
    left: dict[Job, None] = {}
    for job, is_there in zip(todo, _are_there(todo), strict=True):
        outcome = job_checks.settled(job, work.batch, is_there=is_there)
        if outcome is None:
            left[job] = None
        else:
            yield outcome
    if not left:
        return
    try:
        with machines.connected(address, num_workers, tell) as pool:
            frames = _frames(todo)
            for is_retry in (False, True):
                tasks = _retries(left, frames) if is_retry else _first_tasks(left, frames, pool)
                for done in _done(tasks, work, pool, worker) if tasks else ():
                    if done.fault:
                        raise UserError(done.fault)
                    for line in done.told:
                        tell(line)
                    for outcome in done.outcomes:
                        if outcome.job in left:
                            del left[outcome.job]
                            yield outcome
        for job in left:
            yield JobOutcome(job, "failed", f"{job.name}: the process that did it was killed, twice")
    finally:
        for folder in {job.output.parent for job in todo if job.output}:
            files.remove_abandoned(folder)


def _first_tasks(jobs: Iterable[Job], frames: Frames, pool: Pool) -> list[Task]:
    """Films first, for they take longest, and each alone; then photos and frames, so many at a time."""
    pictures = [job for job in jobs if not job.is_film]
    size = max(1, min(_MOST_FILES, len(pictures) // (_BATCHES_EACH * pool.size)))
    tasks = [Task((job,)) for job in jobs if job.is_film]
    apart: dict[pathlib.Path | None, list[Job]] = {}
    for job in pictures:
        apart.setdefault(job.numbered, []).append(job)
    for folder, each in apart.items():
        tasks += [Task(tuple(each[start : start + size]), frames.get(folder, ())) for start in range(0, len(each), size)]
    return tasks


def _retries(jobs: Iterable[Job], frames: Frames) -> list[Task]:
    return [Task((job,), frames.get(job.numbered, ()), is_retry=True) for job in jobs]


def _frames(todo: Sequence[Job]) -> Frames:
    frames: dict[pathlib.Path | None, list[pathlib.Path]] = {}
    for job in todo:
        if job.numbered and job.source and len(frames.setdefault(job.numbered, [])) < _DECIDING_FRAMES:
            frames[job.numbered].append(job.source)
    return {folder: tuple(each) for folder, each in frames.items()}


def _done(tasks: Sequence[Task], work: Work, pool: Pool, worker: type[Worker]) -> Iterator[Done]:
    """Has the tasks done by Ray Data, a row each. Those of a worker that is killed are missing from what it yields."""
    import ray

    rows = [{"task": pickle.dumps(task)} for task in tasks]
    is_retry = any(task.is_retry for task in tasks)
    # A block each: a block is what a worker takes, and nothing has to be read or divided, which would need a processor too.
    dataset = ray.data.from_items(rows, override_num_blocks=len(rows))
    with warnings.catch_warnings():
        # Ray 2.60 calls the old way of passing the last three deprecated, and has no other one for them yet.
        warnings.simplefilter("ignore")
        dataset = dataset.map(
            worker,
            fn_constructor_args=(work, pool.on_each),
            # What waits for a worker that is killed is lost with it, and would count as tried.
            compute=ray.data.ActorPoolStrategy(
                size=min(pool.size, len(rows)), max_tasks_in_flight_per_actor=1 if is_retry else 2
            ),
            num_cpus=pool.processors,
            num_gpus=pool.gpus,
            scheduling_strategy="SPREAD",
            max_restarts=-1,
            max_task_retries=0,
        )
    with contextlib.closing(iter(dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0))) as batches:
        for rows_done in batches:
            yield from map(pickle.loads, rows_done["done"].to_pylist())


def _are_there(todo: Sequence[Job]) -> Iterator[bool]:
    """Whether each job's result is there; each folder of results is listed once."""
    names: dict[pathlib.Path, set[str]] = {}
    for job in todo:
        if job.output is None:
            yield False
            continue
        if job.output.parent not in names:
            names[job.output.parent] = _names(job.output.parent)
        yield job.output.name in names[job.output.parent]


def _names(folder: pathlib.Path) -> set[str]:
    if isinstance(folder, store.StorePath):
        return {file.path.name for file in folder.lists(recursive=False)}
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return {entry.name for entry in entries}
    return set()
