"""Fifty at once for a minute: none gets another's picture, and memory stays as it is."""

import contextlib
import io
import os
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image

from tests.conftest import ROOT, take_interrupts

CLIENTS, SECONDS = 50, 60
# Bytes that the process may have more at the end than after the first half.
GROWTH = 60_000_000


class Client:
    """Sends pictures of its own colour, again and again; a result of another colour, or none, is a fault."""

    def __init__(self, address: str, index: int, end: float) -> None:
        self.colour = np.array([5 * index, 250 - 5 * index, 40 * (index % 6)])
        self.faults: list[str] = []
        self.results = 0
        self._address, self._end = address, end
        self._side = 8 + index % 9

    def run(self) -> None:
        file = io.BytesIO()
        Image.new("RGB", (self._side, 12), tuple(map(int, self.colour))).save(file, "PNG")
        with httpx.Client(base_url=self._address, timeout=120) as client:
            while time.monotonic() < self._end:
                form = {"model": "espcn"}
                answer = client.post("/v1/upscale", files={"file": ("a.png", file.getvalue())}, data=form)
                if answer.status_code != 200:
                    self.faults.append(answer.text)
                    continue
                self.results += 1
                result = np.asarray(Image.open(io.BytesIO(answer.content)))
                mean = result.mean((0, 1))
                # The next colours differ by 5. Towards its edge, a picture may differ by a few levels.
                if result.shape != (48, 4 * self._side, 3) or abs(mean - self.colour).max() > 2:
                    self.faults.append(f"{self.colour} became {mean} {result.shape}")


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.mark.slow
def test_none_gets_anothers_picture_and_memory_is_flat(tmp_path: pathlib.Path, stack: contextlib.ExitStack) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "sr_keras.web", "--port=0"],
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=take_interrupts,
    )
    assert server.stdout
    stack.callback(server.kill)  # if the test fails before its end
    address = server.stdout.readline().split()[0]
    clients = [Client(address, index, time.monotonic() + SECONDS) for index in range(CLIENTS)]
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS / 2)
    half_way = psutil.Process(server.pid).memory_info().rss
    for thread in threads:
        thread.join()
    at_the_end = psutil.Process(server.pid).memory_info().rss
    results = sum(client.results for client in clients)
    print(f"{results} results in {SECONDS} s, {half_way / 1e6:.0f} MB half way, {at_the_end / 1e6:.0f} MB at the end")
    assert [fault for client in clients for fault in client.faults] == []
    assert all(client.results for client in clients)
    assert at_the_end - half_way < GROWTH
    assert list(tmp_path.rglob("source")) == []
    server.terminate()
    assert server.wait(60) == 128 + 15
    server.stdout.close()
