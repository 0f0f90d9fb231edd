"""A server in this process, whose computing is real or under the test's control."""

import contextlib
import dataclasses
import pathlib
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from PIL import Image

from sr_keras.web import app
from sr_keras.web.jobs import Compute, Job, JobQueue, Progress, Result
from sr_keras.web.orders import Limits

# Seconds; only a fault takes so long.
PATIENCE = 60


@dataclasses.dataclass
class Served:
    """A server, and a client of it."""

    client: httpx.Client
    queue: JobQueue
    folder: pathlib.Path

    def post(self, path: pathlib.Path, *, name: str | None = None, **fields: Any) -> httpx.Response:
        with path.open("rb") as file:
            return self.client.post("/v1/upscale", files={"file": (name or path.name, file)}, data=fields)

    def job(self, path: pathlib.Path, **fields: Any) -> str:
        """The id of a job that is not waited for."""
        answer = self.post(path, wait="false", **fields)
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["id"]
        return job_id

    def state(self, job_id: str) -> str | None:
        answer = self.client.get(f"/v1/jobs/{job_id}")
        return answer.json()["state"] if answer.status_code == 200 else None


Serve = Callable[..., Served]


class Hand:
    """Stands for computing: a job is done when the test says so, and its result is the picture itself, twice as large."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.share = 0.0
        self.names: list[str] = []

    def __call__(self, job: Job, progress: Progress) -> Result:
        self.names.append(job.name)
        progress(0.0)
        while not self.go.wait(0.01):
            progress(self.share)
        path = job.folder / "result.png"
        with Image.open(job.source) as picture:
            larger = picture.resize(job.result_size, Image.Resampling.NEAREST)
        larger.save(path)
        return Result(path, path.stat().st_size, larger.size, "hand", "clean", ("made by hand",), 0.1)


@contextlib.contextmanager
def running(application: object, port: int = 0) -> Iterator[str]:
    """Gives the address of a server of the application; it runs in a thread."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        server = uvicorn.Server(uvicorn.Config(application, log_level="error", timeout_graceful_shutdown=1))  # type: ignore[arg-type]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def serve(tmp_path: pathlib.Path) -> Iterator[Serve]:
    """Starts a server with one device."""
    with contextlib.ExitStack() as stack:

        def serve(compute: Compute, limits: Limits | None = None, *, grace: float = 0.2) -> Served:
            return stack.enter_context(serving(tmp_path / "server", compute, limits or Limits(), grace=grace))

        yield serve


@contextlib.contextmanager
def serving(folder: pathlib.Path, compute: Compute, limits: Limits, *, grace: float = 0.2, port: int = 0) -> Iterator[Served]:
    """A server with one device, whose files lie in a new folder."""
    folder.mkdir()
    queue = JobQueue([compute], limits)
    with running(app.create_app(queue, limits, folder, {"localhost"}, grace=grace), port) as address:
        with httpx.Client(base_url=address, timeout=PATIENCE) as client:
            yield Served(client, queue, folder)
        queue.stop_soon()  # or the end of the server would be waited for by those who read events
    shutil.rmtree(folder)


@pytest.fixture
def hand() -> Iterator[Hand]:
    hand = Hand()
    yield hand
    hand.go.set()


@pytest.fixture
def picture(tmp_path: pathlib.Path) -> pathlib.Path:
    """A drawn picture of 24x16 pixels."""
    path = tmp_path / "drawn.png"
    y, x = np.mgrid[:16, :24]
    Image.fromarray(np.stack([10 * x, 15 * y, 255 * ((x + y) % 5 == 0)], axis=2).astype(np.uint8)).save(path)
    return path


def until(condition: Callable[[], object]) -> None:
    """Waits for a condition."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
