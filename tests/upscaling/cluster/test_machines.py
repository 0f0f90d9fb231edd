import socket

import pytest

from sr_keras.runtime.errors import UserError
from sr_keras.upscaling.cluster.machines import Machine, Pool, _connect, room


@pytest.mark.parametrize(
    "machines, num_workers, pool",
    [
        ([Machine(2, 0)], None, Pool(1, 1, 0)),
        ([Machine(8, 0)], None, Pool(1, 7, 0)),
        ([Machine(8, 0), Machine(8, 0), Machine(8, 0)], None, Pool(3, 7, 0)),
        ([Machine(4, 0), Machine(16, 0)], None, Pool(2, 3, 0)),
        ([Machine(8, 0), Machine(8, 0)], 4, Pool(4, 3, 0)),
        ([Machine(8, 0), Machine(8, 0)], 14, Pool(14, 1, 0)),
        # Heads of clusters often have few processors, and no GPU.
        ([Machine(2, 0), Machine(16, 4), Machine(16, 4)], None, Pool(8, 3, 1)),
        # Such a cluster adds machines when workers wait.
        ([], 5, Pool(5, 1, 0)),
    ],
)
def test_each_machine_keeps_a_processor(machines: list[Machine], num_workers: int | None, pool: Pool) -> None:
    assert room(machines, num_workers) == pool


def test_no_ray_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(UserError, match=f"--cluster=127.0.0.1:{port}: no Ray answers there"):
        _connect(None, f"127.0.0.1:{port}")


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
