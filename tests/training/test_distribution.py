"""A run on several devices or machines is the run of one: logical CPUs, and processes on the loopback address."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from sr_keras.inference import saved_model
from sr_keras.training import distribution
from tests.training_runs import SMALL, printed_until, start, train

RUN = [*SMALL, "--iterations=2", "--pretrain_iterations=1", "--average_decay=0.9", "--clip_gradients=0.5"]
TWO_CPUS = """
import runpy, sys
import tensorflow as tf
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], halves)
sys.argv[0] = "train.py"
runpy.run_path("train.py", run_name="__main__")
"""


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody uses now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def tf_config(ports: list[int], index: int) -> dict[str, str]:
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    return os.environ | {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})}


def start_workers(*flags: object) -> list[subprocess.Popen[str]]:
    ports = free_ports(2)
    return [start(*flags, env=tf_config(ports, index)) for index in range(2)]


def finish(processes: list[subprocess.Popen[str]]) -> list[str]:
    outputs = [process.communicate(timeout=500)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    return outputs


def assert_same_run(one: pathlib.Path, other: pathlib.Path) -> None:
    """What is exported, and all that is in the checkpoints: both networks, the average and both optimizers."""
    for mine, theirs in zip(saved_model.load_weights(one), saved_model.load_weights(other), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)
    readers = [tf.train.load_checkpoint(str(run / "checkpoints")) for run in (one, other)]
    names = [name for name in readers[0].get_variable_to_shape_map() if not name.startswith(("_", "save_counter"))]
    assert {name.split("/")[0] for name in names} > {"generator", "discriminator", "average", "discriminator_optimizer"}
    for name in names:
        mine, theirs = (reader.get_tensor(name) for reader in readers)
        np.testing.assert_allclose(mine, theirs, atol=1e-5, err_msg=name)


@pytest.fixture(scope="module")
def one_device(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    run_dir = tmp_path_factory.mktemp("one")
    code, stderr = train(*RUN, "--strategy=one", f"--run_dir={run_dir}")
    assert code == 0, stderr
    return run_dir


def test_two_devices_train_as_one(one_device: pathlib.Path, tmp_path: pathlib.Path) -> None:
    flags = [*RUN, "--strategy=mirrored", f"--run_dir={tmp_path}"]
    process = start(*flags, command=[sys.executable, "-c", TWO_CPUS])
    _, stderr = process.communicate(timeout=500)
    assert process.returncode == 0, stderr
    assert_same_run(one_device, tmp_path)


def test_two_workers_train_as_one_and_the_chief_alone_writes(one_device: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The other worker has a folder of its own here, in which nothing may appear."""
    ports = free_ports(2)
    folders = [tmp_path / "chief", tmp_path / "other"]
    finish([start(*RUN, f"--run_dir={folder}", env=tf_config(ports, i)) for i, folder in enumerate(folders)])
    assert_same_run(one_device, folders[0])
    assert not folders[1].exists()


@pytest.mark.slow
def test_a_killed_worker_comes_back(one_device: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Its peers end with a line; started again, they all go on from the checkpoint, to the weights of an undisturbed run."""
    flags = [*RUN, f"--run_dir={tmp_path}"]
    chief, other = start_workers(*flags)
    assert "iteration 1 of 2: generator loss" in printed_until(chief, "iteration 1 of 2: generator loss")
    other.kill()
    other.communicate()
    _, stderr = chief.communicate(timeout=500)
    assert chief.returncode == 2
    assert "Traceback" not in stderr
    assert re.search(r"^train\.py: \w+Error: \w", stderr.splitlines()[-1]), stderr
    stderrs = finish(start_workers(*flags))
    assert all("resumed from" in stderr for stderr in stderrs)
    assert_same_run(one_device, tmp_path)


@pytest.mark.slow
def test_a_signal_to_one_worker_stops_all(tmp_path: pathlib.Path) -> None:
    processes = start_workers(*SMALL, f"--run_dir={tmp_path}", "--steps_per_iteration=100000", "--pretrain_iterations=9")
    for process in processes:
        assert "Ctrl-C stops it" in printed_until(process, "Ctrl-C stops it")
    processes[1].terminate()
    outputs = [process.communicate(timeout=500)[1] for process in processes]
    assert [process.returncode for process in processes] == [143, 143], outputs
    assert "stopped by another worker" in outputs[0]
    assert list((tmp_path / "checkpoints").glob("*.index"))


@pytest.mark.parametrize(
    "config, message",
    [
        ("", "multi_worker needs TF_CONFIG"),
        ("{", r"TF_CONFIG can't be used \(JSONDecodeError"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}', "with two workers or more"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}}', r"can't be used \(KeyError: 'task'"),
        ('{"cluster": {"ps": ["a:1", "b:1"]}, "task": {"type": "ps", "index": 0}}', "got 'ps'"),
    ],
)
def test_a_cluster_that_can_not_be_used_is_named(monkeypatch: pytest.MonkeyPatch, config: str, message: str) -> None:
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match=message):
        distribution.create("multi_worker")


def test_one_device_needs_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    strategy = distribution.create("auto")
    assert distribution.place(strategy) == (0, 1)
    assert distribution.devices_here(strategy) == 1
    assert distribution.gathered(strategy, 3) == [3]
    assert list(distribution.spread(strategy, [("lr", "hr")])) == [("lr", "hr")]
