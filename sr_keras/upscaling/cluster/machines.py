"""The machines of a Ray cluster: connected to, or this machine alone, and how many workers there is room for."""

import contextlib
import logging
import math
import os
import queue
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import psutil

from sr_keras.runtime import command_line, extras, files
from sr_keras.runtime.errors import UserError

# Read by Ray when it is imported, and by the processes that it starts. Nothing is sent to its makers; and what its parts say of
# killed workers stays in its log, for the report says it.
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DEDUP_LOGS": "1",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
    "RAY_DATA_LOG_LEVEL": "CRITICAL",
}
# Nobody looks at the figures and events of a Ray of one run.
_QUIET = {"enable_metrics_collection": False, "event_stats": False, "task_events_report_interval_ms": 0}
# Bytes. It holds names and outcomes, no pictures.
_OBJECT_STORE = 100_000_000

# Ray takes 5 seconds to start, or 20 beside other work; and up to 80 to find that it can't.
_PATIENCE_SECONDS = 120
_STARTER = "start of Ray"


class Pool(NamedTuple):
    """The workers.

    Attributes:
        size: how many.
        processors, gpus: of each, as Ray counts them.
        on_each: how many of them one machine has, on average, rounded up.
    """

    size: int
    processors: int
    gpus: int
    on_each: int


class Machine(NamedTuple):
    """What a machine of the cluster has for work."""

    processors: int
    gpus: int


@contextlib.contextmanager
def connected(address: str, num_workers: int | None, tell: Callable[[str], None]) -> Iterator[Pool]:
    """While it is entered, Ray is there; yields the workers that it has room for.

    Args:
        address: as Ray has it, such as "10.0.0.1:6379" or "auto". Without one that of `RAY_ADDRESS` holds, which a job of a
            cluster has, or else a Ray of this machine alone is started, and ended again.
        num_workers: None is one for each GPU, or where there is none for each machine.
        tell: called with a line where a person will have to wait.

    Raises:
        UserError: there is no such cluster, no room, or no Ray.
    """
    address = address or os.environ.get("RAY_ADDRESS", "")
    if not address and "RAY_AUTH_MODE" not in os.environ:
        # Or it would keep one in the home directory.
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    ray = _import_ray()
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        started = _of_cluster(ray, address) if address else _of_this_machine(ray, num_workers, folder)
        option = f"--cluster={address}" if address else "--cluster"
        ended = f"{option}: ended by Ray, of which a process on this machine has ended or does not answer"
        with _last_words(ended), started:
            machines = _machines(ray.nodes())
            pool = room(machines, num_workers)
            if pool.processors > ray.available_resources().get("CPU", 0):
                tell(f"all processors of the cluster are at work: waiting for {pool.processors} that are free")
            yield pool


def is_stuck() -> bool:
    """Whether a start of Ray was given up that has not ended, and may keep the process from ending."""
    return any(thread.name == _STARTER and thread.is_alive() for thread in threading.enumerate())


def room(machines: Sequence[Machine], num_workers: int | None) -> Pool:
    """The workers that machines have room for: one processor of each is left to what feeds them.

    Args:
        machines: those that are there now; a cluster may add others for workers that wait.
        num_workers: None is one for each GPU, or where there is none for each machine.

    Raises:
        UserError: there is none.
    """
    gpus = sum(machine.gpus for machine in machines)
    able = [machine for machine in machines if machine.gpus] if gpus else machines
    free = [machine.processors - 1 for machine in able if machine.processors > 1]
    size = num_workers or gpus or len(free)
    if not machines and num_workers:
        return Pool(num_workers, 1, 0, 1)  # a cluster that begins with none
    # As many as the smallest machine has, so that a worker each fits; or fewer, so that all workers fit.
    most = range(min(free, default=0), 0, -1)
    each = next((each for each in most if sum(processors // each for processors in free) >= size), 0)
    if not each or not size:
        counts = " + ".join(str(machine.processors) for machine in able) or "no"
        raise UserError(
            f"the cluster has {counts} processors, one of which each machine needs beside its workers: "
            f"no room for {size or 'any'} worker{'s' if size > 1 else ''}"
        )
    return Pool(size, each, 1 if gpus else 0, math.ceil(size / len(free)))


def _import_ray() -> Any:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise UserError(f"--cluster needs Ray ({error}): {extras.install('cluster')}") from None
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    # Or each worker would go through all pages of its memory, once a second.
    context.memory_usage_poll_interval_s = None
    # A killed worker takes its batch with it, and nothing else.
    context.max_errored_blocks = -1
    return ray


@contextlib.contextmanager
def _of_cluster(ray: Any, address: str) -> Iterator[None]:
    """While it is entered, this process is part of the cluster."""
    host, _, port = address.rpartition(":")
    if port.isdecimal():
        # Ray waits for minutes where there is none.
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
        except OSError as error:
            raise UserError(f"--cluster={address}: no Ray answers there ({files.reason(error)})") from None
    with _initialised(ray, address=address):
        yield


def _of_this_machine(ray: Any, num_workers: int | None, folder: str) -> contextlib.AbstractContextManager[None]:
    """While it is entered, Ray runs on this machine, which counts as many processors as the workers need, and one."""
    size = num_workers or _num_gpus() or 1
    return _initialised(
        ray,
        address="local",
        num_cpus=max(size + 1, os.cpu_count() or 1),
        include_dashboard=False,
        object_store_memory=_OBJECT_STORE,
        _temp_dir=folder,
        _system_config=_QUIET,
    )


def _num_gpus() -> int:
    from ray._private.accelerators import NvidiaGPUAcceleratorManager

    return int(NvidiaGPUAcceleratorManager.get_current_node_num_accelerators())


@contextlib.contextmanager
def _initialised(ray: Any, **arguments: Any) -> Iterator[None]:
    """While it is entered, Ray is there; afterwards nothing that it started here runs.

    A thread calls `ray.init`, which on a machine with too much to do may not return. That thread stays until the end, for Linux
    ends what Ray starts together with the thread that started it.
    """
    before = set(psutil.Process().children())
    answers: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
    is_over = threading.Event()

    def initialise() -> None:
        error = None
        try:
            ray.init(log_to_driver=False, configure_logging=False, **arguments)
        except Exception as fault:  # a plain one, where its own patience ends
            error = fault
        answers.put(error)
        is_over.wait()

    handler = signal.getsignal(signal.SIGTERM)
    starter = threading.Thread(target=initialise, name=_STARTER, daemon=True)
    starter.start()
    try:
        try:
            with _silent_errors():
                error = answers.get(timeout=_PATIENCE_SECONDS)
        except queue.Empty:
            raise UserError(f"--cluster: Ray did not start within {_PATIENCE_SECONDS} seconds") from None
        # Ray's C++ puts its own in its place, which prints where it was.
        signal.signal(signal.SIGTERM, handler)
        if isinstance(error, ConnectionError):
            raise UserError(f"--cluster={arguments['address']}: no Ray runs on this machine ({_first_line(error)})")
        if error:
            raise UserError(f"--cluster: Ray does not start: {_first_line(error)}")
        try:
            yield
        finally:
            ray.shutdown()
    finally:
        is_over.set()
        _end(set(psutil.Process().children()) - before)
        starter.join(1)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _end(processes: Iterable[psutil.Process]) -> None:
    """Ends children of this process, and all that they have started."""
    children = list(processes)
    found = list(children)
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            found += process.children()  # whose turn comes too
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(children, timeout=5)


@contextlib.contextmanager
def _last_words(line: str) -> Iterator[None]:
    """Has a line said if this process ends while it is entered.

    Where Ray's C++ misses what it needs, it ends the process at once, and nothing of Python runs any more.
    """
    said = f"{command_line.call_of('upscale')}: {line}"
    # It reads a line at the end, and none where the process has ended.
    script = ["sh", "-c", 'read -r _ || echo "$1" >&2', "sh", said]
    with subprocess.Popen(script, stdin=subprocess.PIPE, text=True, start_new_session=True) as waiting:
        try:
            yield
        finally:
            waiting.communicate("\n")


@contextlib.contextmanager
def _silent_errors() -> Iterator[None]:
    """Leads standard error nowhere: Ray's C++ says there which environment it has read, whatever is asked of it."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _machines(nodes: Sequence[dict[str, Any]]) -> list[Machine]:
    resources = [node["Resources"] for node in nodes if node["Alive"]]
    return [Machine(int(each["CPU"]), int(each.get("GPU", 0))) for each in resources if each.get("CPU")]
