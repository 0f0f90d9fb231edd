"""Training steps of this build, of an earlier one and of other frameworks, each in a process of its own, timed in turns."""

import contextlib
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, NamedTuple

from sr_keras.benchmark.workers import protocol
from sr_keras.runtime.errors import UserError

OURS, BEFORE, TORCH, JAX = "this build", "before", "PyTorch", "Keras on JAX"

_WORKERS = pathlib.Path(__file__).parent / "workers"
_OURS = pathlib.Path(__file__).parents[2]
_SCRIPTS = {TORCH: "torch_step.py", JAX: "jax_step.py"}


class StepTimes(NamedTuple):
    """Seconds of a step. What slows the machine down meets all contenders, the fastest run least, and work of cores hardly.

    Attributes:
        fastest, median: from its beginning to its end.
        cores: that all cores together worked for it, the median.
    """

    fastest: float
    median: float
    cores: float


class Contender(NamedTuple):
    """A process that runs a training step whenever it is asked."""

    name: str
    process: "subprocess.Popen[str]"

    def seconds(self) -> tuple[float, float]:
        """Runs a step: how long it took, and how long all cores together worked for it.

        Raises:
            UserError: the process has ended.
        """
        _pipe(self.process.stdin).write("step\n")
        _pipe(self.process.stdin).flush()
        elapsed, worked = map(float, _line(self).split())
        return elapsed, worked


def measure(contenders: Sequence[Contender], repeats: int) -> Mapping[str, StepTimes]:
    """Times a step of each in turns."""
    turns = [{contender.name: contender.seconds() for contender in contenders} for _ in range(repeats)]
    of_each = {contender.name: [turn[contender.name] for turn in turns] for contender in contenders}
    times = {name: tuple(zip(*seconds, strict=True)) for name, seconds in of_each.items()}
    return {
        name: StepTimes(min(elapsed), statistics.median(elapsed), statistics.median(worked))
        for name, (elapsed, worked) in times.items()
    }


@contextlib.contextmanager
def started(
    arguments: Sequence[str], before: str | None, peer_pythons: Sequence[str]
) -> Iterator[tuple[list[Contender], list[str]]]:
    """Starts this build and whatever there is to compare it with.

    Args:
        arguments: of the workers; see `protocol.arguments`.
        before: a commit, or the folder of a checkout; None for none.
        peer_pythons: Python interpreters to look in for PyTorch and for JAX.

    Returns:
        The contenders, and a line for each peer that is not installed.

    Raises:
        UserError: there is no such commit, or a step can't be built.
    """
    left_out: list[str] = []
    with contextlib.ExitStack() as stack:
        contenders = [_sr_keras(stack, OURS, _OURS, arguments)]
        if before is not None:
            contenders.append(_sr_keras(stack, BEFORE, stack.enter_context(_checkout(before)), arguments))
        for name, script in _SCRIPTS.items() if peer_pythons else ():
            found = (_start(stack, name, [python, str(_WORKERS / script), *arguments], _OURS) for python in peer_pythons)
            peer = next((contender for contender in found if contender), None)
            if peer:
                contenders.append(peer)
            else:
                left_out.append(f"{name}: left out, for it is not installed in {' or '.join(peer_pythons)}")
        yield contenders, left_out


def _sr_keras(stack: contextlib.ExitStack, name: str, checkout: pathlib.Path, arguments: Sequence[str]) -> Contender:
    contender = _start(stack, name, [sys.executable, str(_WORKERS / "tensorflow_step.py"), *arguments], checkout)
    if contender is None:
        raise UserError(f"{name}: TensorFlow is not installed")
    return contender


def _start(stack: contextlib.ExitStack, name: str, command: list[str], checkout: pathlib.Path) -> Contender | None:
    """The contender once its step is built; None if its framework is not installed."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(checkout)},
    )
    stack.callback(_end, process)
    contender = Contender(name, process)
    if (first := _pipe(process.stdout).readline()) == "ready\n":
        return contender
    if process.wait() == protocol.NOT_INSTALLED:
        return None
    raise UserError(f"{name}: its training step can't be built ({first.strip() or f'exit code {process.returncode}'})")


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


@contextlib.contextmanager
def _checkout(before: str) -> Iterator[pathlib.Path]:
    """The folder of another build: the one that is named, or a commit's, for as long as it takes."""
    if pathlib.Path(before).is_dir():
        yield pathlib.Path(before).absolute()
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "-C", _OURS, "archive", before], capture_output=True, check=False)
        if archive.returncode:
            raise UserError(f"--before={before}: neither a folder nor a commit of {_OURS}")
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        yield pathlib.Path(folder)


def _line(contender: Contender) -> str:
    if line := _pipe(contender.process.stdout).readline():
        return line
    raise UserError(f"{contender.name}: its process ended (exit code {contender.process.wait()})")


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
