import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import psutil
import pytest

from sr_keras.runtime.errors import UserError
from sr_keras.upscaling.cluster import machines as cluster
from sr_keras.upscaling.cluster.machines import Machine, Pool, room
from tests.conftest import take_interrupts


@pytest.mark.parametrize(
    "machines, num_workers, pool",
    [
        ([Machine(2, 0)], None, Pool(1, 1, 0, on_each=1)),
        ([Machine(8, 0)], None, Pool(1, 7, 0, on_each=1)),
        ([Machine(8, 0), Machine(8, 0), Machine(8, 0)], None, Pool(3, 7, 0, on_each=1)),
        ([Machine(4, 0), Machine(16, 0)], None, Pool(2, 3, 0, on_each=1)),
        ([Machine(8, 0), Machine(8, 0)], 4, Pool(4, 3, 0, on_each=2)),
        ([Machine(8, 0), Machine(8, 0)], 14, Pool(14, 1, 0, on_each=7)),
        # Heads of clusters often have few processors, and no GPU.
        ([Machine(2, 0), Machine(16, 4), Machine(16, 4)], None, Pool(8, 3, 1, on_each=4)),
        # Such a cluster adds machines when workers wait.
        ([], 5, Pool(5, 1, 0, on_each=1)),
    ],
)
def test_each_machine_keeps_a_processor(machines: list[Machine], num_workers: int | None, pool: Pool) -> None:
    assert room(machines, num_workers) == pool


def test_no_ray_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with (
        pytest.raises(UserError, match=f"--cluster=127.0.0.1:{port}: no Ray answers there"),
        cluster._of_cluster(None, f"127.0.0.1:{port}"),
    ):
        pass


@pytest.mark.parametrize(
    "end, code, said",
    [
        ("import os; os._exit(1)", 1, "python upscale.py: of Ray\n"),
        ("import os; os.kill(os.getpid(), 9)", -9, "python upscale.py: of Ray\n"),
        ("pass", 0, ""),
        ("sys.exit(2)", 2, ""),
        ("import signal; signal.raise_signal(signal.SIGINT)", 130, ""),
    ],
)
def test_the_end_of_the_process_is_said(end: str, code: int, said: str) -> None:
    """As where a process of Ray's is frozen: its C++ then ends the one that connects, without a word."""
    script = f"""
import sys
from sr_keras.upscaling.cluster import machines
sys.argv[0] = "upscale.py"
try:
    with machines._last_words("of Ray"), machines._silent_errors():
        {end}
except KeyboardInterrupt:
    sys.exit(130)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, preexec_fn=take_interrupts)
    assert (done.returncode, done.stderr) == (code, said)


class StartingRay:
    """In place of Ray: starts a process, which starts another one, and goes on with `then`."""

    def __init__(self, then: Callable[[], object]) -> None:
        self._then = then

    def init(self, **_: object) -> None:
        reader, writer = os.pipe()
        self._process = subprocess.Popen(["sh", "-c", "sleep 60 & echo; wait"], stdout=writer)
        os.read(reader, 1)
        os.close(reader)
        os.close(writer)
        self._started = psutil.Process(self._process.pid).children()
        self._then()

    def left_nothing(self) -> bool:
        """Within some seconds."""
        self._process.wait()
        deadline = time.monotonic() + 10
        while any(map(_is_alive, self._started)) and time.monotonic() < deadline:
            time.sleep(0.01)
        return not any(map(_is_alive, self._started))


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_start_without_end_is_given_up_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE_SECONDS", 0.5)
    is_over = threading.Event()
    ray = StartingRay(is_over.wait)
    with (
        pytest.raises(UserError, match=r"Ray did not start within 0\.5 seconds"),
        cluster._initialised(ray, address="local"),
    ):
        pass
    assert ray.left_nothing()
    assert cluster.is_stuck()
    is_over.set()


@pytest.mark.parametrize(
    "error, line",
    [
        (Exception("timed out.\nSee the log."), "--cluster: Ray does not start: timed out."),
        (ConnectionError("Could not find any."), "--cluster=auto: no Ray runs on this machine (Could not find any.)"),
    ],
)
def test_a_start_that_fails_is_a_line_and_leaves_nothing(error: Exception, line: str) -> None:
    def fail() -> None:
        raise error

    ray = StartingRay(fail)
    with pytest.raises(UserError) as raised, cluster._initialised(ray, address="auto"):
        pass
    assert str(raised.value) == line
    assert ray.left_nothing()


@pytest.mark.parametrize(
    "machines, num_workers, line",
    [
        ([], None, "the cluster has no processors"),
        ([Machine(1, 0)], None, "the cluster has 1 processors, one of which each machine needs beside its workers"),
        ([Machine(1, 0)], 1, "no room for 1 worker"),
        ([Machine(2, 0), Machine(3, 0)], 4, "the cluster has 2 + 3 processors"),
    ],
)
def test_no_room_is_said(machines: list[Machine], num_workers: int | None, line: str) -> None:
    with pytest.raises(UserError) as error:
        room(machines, num_workers)
    assert line in str(error.value)
