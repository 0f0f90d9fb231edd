"""Runs of `train.py` on the bundled photos, with very small networks."""

import atexit
import functools
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from tests.conftest import ROOT, take_interrupts

SMALL = [
    "--data=sample",
    "--batch_size=2",
    "--hr_size=32",
    "--num_blocks=1",
    "--filters=4",
    "--upscale_filters=96",
    "--discriminator_filters=2",
    "--steps_per_iteration=2",
    "--validation_fraction=0.3",
    "--validation_photos=2",
    "--validation_pictures=1",
    "--precision=float32",
]

# Imports TensorFlow once, which takes seconds; each run is forked off before anything is used.
_FORKS = """
import json, os, signal, sys, tempfile
sys.argv = ["train.py"]
from sr_keras.runtime import quiet_tensorflow
from sr_keras.training import command
with quiet_tensorflow.tensorflow_import():
    from sr_keras.training import setup
for line in sys.stdin:
    seconds, arguments = json.loads(line)
    with tempfile.TemporaryFile("w+") as stderr:
        child = os.fork()
        if not child:
            for stream in (sys.stdout, sys.stderr):
                os.dup2(stderr.fileno(), stream.fileno())
            signal.alarm(seconds)
            sys.exit(command.main(arguments))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        stderr.seek(0)
        print(json.dumps([code, stderr.read()]), flush=True)
"""


def start(*arguments: object, command: Sequence[str] = (sys.executable, "train.py"), **options: Any) -> subprocess.Popen[str]:
    """Starts `train.py` as a person does, as a process of its own."""
    options = {"preexec_fn": take_interrupts, **options}
    return subprocess.Popen([*command, *map(str, arguments)], cwd=ROOT, stderr=subprocess.PIPE, text=True, **options)


def printed_until(process: subprocess.Popen[str], words: str) -> str:
    """Waits for a line with these words on standard error, or for its end; returns what was printed until then."""
    assert process.stderr
    lines = []
    for line in process.stderr:
        lines.append(line)
        if words in line:
            break
    return "".join(lines)


def train(*arguments: object, seconds: int = 500) -> tuple[int, str]:
    """The exit code of a run, which has to end within so many seconds, and what it printed."""
    forks = _forks()
    assert forks.stdin and forks.stdout
    print(json.dumps([seconds, [*map(str, arguments)]]), file=forks.stdin, flush=True)
    code, stderr = json.loads(forks.stdout.readline())
    return code, stderr


def refused(*arguments: object) -> str:
    """The line by which a run is refused, without a traceback."""
    code, stderr = train(*arguments)
    assert code == 2, stderr
    assert "Traceback" not in stderr
    return [line for line in stderr.splitlines() if not line.startswith("Try: ")][-1]


@functools.cache
def _forks() -> subprocess.Popen[str]:
    forks = subprocess.Popen([sys.executable, "-c", _FORKS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(forks.communicate)
    return forks
