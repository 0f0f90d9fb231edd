"""What upscales the same photo in turns, each in a process of its own: so each has its own libraries, and its own memory."""

import contextlib
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sr_keras.benchmark import machine
from sr_keras.runtime.errors import UserError

_ROOT = pathlib.Path(__file__).parents[2]
_WORKERS = pathlib.Path(__file__).parent / "workers"

# Works when it is told to, and answers with the seconds that this took, what `getrusage` says of its memory, and the seconds
# that all cores together have worked so far.
_LOOP = """
import os, resource, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
photo = np.random.default_rng(0).integers(0, 256, ({height}, {width}, 3), dtype=np.uint8)
folder = {folder!r}
{setup}
work()
print("ready", note, time.process_time(), flush=True)
for _ in sys.stdin:
    begun = time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    print("done", seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time(), flush=True)
"""

_OURS = """
from sr_keras import Upscaler
upscaler = Upscaler.load(folder, {options})
work = lambda: upscaler.upscale(photo)
note = upscaler.overlap_factor(*photo.shape[:2]) if hasattr(upscaler, "overlap_factor") else 0
"""

_PLAIN = """
import tensorflow as tf
network = tf.saved_model.load(folder)
work = lambda: to_levels(network.serve(tf.constant(photo[np.newaxis] / np.float32(255))).numpy())
"""

_OPENVINO = """
import openvino
model = openvino.Core().read_model(folder)
model.reshape([1, *photo.shape])
compiled = openvino.compile_model(model, "CPU", {options})
work = lambda: to_levels(compiled(photo[np.newaxis] / np.float32(255))[0])
"""

_ONNX_RUNTIME = """
import onnxruntime
session = onnxruntime.InferenceSession({options}, providers=["CPUExecutionProvider"])
work = lambda: to_levels(session.run(None, {{"lr": photo.transpose(2, 0, 1)[np.newaxis] / np.float32(255)}})[0])
"""

_TORCH = """
import pathlib
sys.path.insert(0, {workers!r})
import torch_network
network = torch_network.load(pathlib.Path(folder), {precision!r})
work = lambda: network(photo)
note = 1
"""

_TO_LEVELS = """
note = 1
def to_levels(sr):
    return np.rint(np.clip(sr, 0, 1) * 255).astype(np.uint8)
"""


class Contender(NamedTuple):
    """A way to upscale.

    Attributes:
        name, precision: for a person.
        setup: code that makes `work`, a function that upscales `photo` by the network in `folder`, and `note`, a number.
        code: where the package lies that it imports.
        python: the interpreter that runs it.
    """

    name: str
    precision: str
    setup: str
    code: pathlib.Path = _ROOT
    python: str = sys.executable


class Turn(NamedTuple):
    """What a contender's work took.

    Attributes:
        memory_mb: the most resident memory of its process so far, with all that it has loaded.
        core_seconds: what all cores together worked for it, which other work on the machine disturbs least.
    """

    seconds: float
    memory_mb: float
    core_seconds: float


def ours(engine: str, precision: str, *, tile: int | None = None) -> Contender:
    """This build with an engine."""
    return Contender(f"{engine}", precision, _OURS.format(options=f"engine={engine!r}, precision={precision!r}, tile={tile}"))


def earlier(checkout: pathlib.Path, precision: str) -> Contender:
    """A build of another commit, which lies in a folder."""
    return Contender("before", precision, _OURS.format(options=f"precision={precision!r}"), checkout)


def peers(precisions: Sequence[str], onnx: pathlib.Path | None, pythons: Sequence[str]) -> tuple[list[Contender], list[str]]:
    """What others would write who know nothing of this package but its SavedModel: the whole photo at once, by each library.

    Args:
        precisions: that are compared.
        onnx: the network as a file of that format; None where what makes or runs it is not installed.
        pythons: interpreters to look in for PyTorch.

    Returns:
        The contenders, and a line for each library that is not installed.
    """
    found, left_out = [Contender("peer: TensorFlow", "float32", _TO_LEVELS + _PLAIN)], []
    hints = {"float32": "f32", "bfloat16": "bf16"}
    if is_installed("openvino"):
        for precision in precisions:
            options = {"INFERENCE_PRECISION_HINT": hints[precision]}
            found.append(Contender("peer: OpenVINO", precision, _TO_LEVELS + _OPENVINO.format(options=options)))
    else:
        left_out.append("OpenVINO: left out, for it is not installed")
    if onnx:
        found.append(Contender("peer: ONNX Runtime", "float32", _TO_LEVELS + _ONNX_RUNTIME.format(options=repr(str(onnx)))))
    else:
        left_out.append("ONNX Runtime: left out, for it is not installed, or tf2onnx is not")
    if torch := next((python for python in pythons if _has_torch(python)), None):
        for precision in precisions:
            setup = _TORCH.format(workers=str(_WORKERS), precision=precision)
            found.append(Contender("peer: PyTorch", precision, setup, python=torch))
    else:
        left_out.append(f"PyTorch: left out, for it is not installed in {' or '.join(pythons)}")
    return found, left_out


def _has_torch(python: str) -> bool:
    look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
    try:
        return subprocess.run([python, "-c", look], check=False).returncode == 0
    except OSError:
        return False


def is_installed(library: str) -> bool:
    """Whether it can be imported here."""
    return importlib.util.find_spec(library) is not None


class Worker:
    """A contender's process, which waits for its turn.

    Attributes:
        note: the number of its setup; of ours how many times the photo's own arithmetic is done.
        core_seconds: what all cores together have worked in it so far.
    """

    def __init__(
        self,
        contender: Contender,
        folder: pathlib.Path,
        height: int,
        width: int,
        environment: Mapping[str, str] = types.MappingProxyType({}),
    ) -> None:
        """Starts it, with further variables of the environment; `ready` waits for it."""
        self.contender = contender
        self.note = self.core_seconds = 0.0
        code = _LOOP.format(height=height, width=width, folder=str(folder), setup=contender.setup)
        self._process = subprocess.Popen(
            [contender.python, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=contender.code,
            env=os.environ | {"PYTHONPATH": str(contender.code), **environment},
        )

    def ready(self) -> None:
        """Waits until it has worked once, which compiles and fills caches.

        Raises:
            UserError: it failed.
        """
        self.note, self.core_seconds = self._answer("ready")

    def turn(self) -> Turn:
        """Lets it work once."""
        assert self._process.stdin
        print(file=self._process.stdin, flush=True)
        seconds, max_rss, core_seconds = self._answer("done")
        before, self.core_seconds = self.core_seconds, core_seconds
        return Turn(seconds, machine.peak_memory_mb(int(max_rss), self._process.pid), core_seconds - before)

    def stop(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()

    def _answer(self, word: str) -> list[float]:
        assert self._process.stdout and self._process.stderr
        for line in self._process.stdout:
            first, *numbers = line.split() or [""]
            if first == word:
                return [float(number) for number in numbers]
        lines = self._process.stderr.read().strip().splitlines() or ["it ended"]
        raise UserError(f"{self.contender.name}, {self.contender.precision}: {lines[-1]}")


@contextlib.contextmanager
def checkout(commit: str) -> Iterator[pathlib.Path]:
    """Gives the code of a commit of this repository, in a folder that vanishes at the end.

    Raises:
        UserError: there is no such commit, or this is no repository.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = ["git", "-C", str(_ROOT), "archive", "--format=tar", f"--output={folder}/code.tar", commit]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise UserError(f"--before={commit}: {' '.join(result.stderr.split())}")
        subprocess.run(["tar", "-xf", "code.tar"], cwd=folder, check=True)
        yield pathlib.Path(folder)


@contextlib.contextmanager
def onnx_file(folder: pathlib.Path) -> Iterator[pathlib.Path | None]:
    """Gives the network of a SavedModel as an ONNX file, or None where the libraries for that are not installed."""
    if not all(map(is_installed, ("onnxruntime", "tf2onnx"))):
        yield None
        return
    with tempfile.TemporaryDirectory() as place:
        path = pathlib.Path(place) / "network.onnx"
        command = [sys.executable, "-m", "sr_keras", "export", str(folder), "--format=onnx", f"--output={path}"]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise UserError(f"ONNX: {result.stderr.strip().splitlines()[-1]}")
        yield path
