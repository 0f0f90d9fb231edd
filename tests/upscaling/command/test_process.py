"""`upscale.py` as a process: its streams, its terminal, its signals."""

import contextlib
import fcntl
import io
import os
import pathlib
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from typing import Any

import pytest
from PIL import Image

from sr_keras.photos import rgb
from tests.conftest import ROOT, take_interrupts
from tests.types import Noise


def start(*arguments: object, model: pathlib.Path, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "upscale.py", *map(str, arguments), f"--model={model}"]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **{"preexec_fn": take_interrupts, **options}
    )


def test_help_needs_no_tensorflow() -> None:
    code = "import sys, upscale\ntry: upscale.main(['--help'])\nexcept SystemExit: print('tensorflow' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "False"


def test_nothing_but_the_result_line_is_printed(photo: pathlib.Path, interpolator: pathlib.Path) -> None:
    process = start(photo, model=interpolator)
    out, err = process.communicate()
    assert err == b""
    assert len(out.splitlines()) == 1


def test_standard_streams(photo: pathlib.Path, interpolator: pathlib.Path) -> None:
    process = start("-", model=interpolator, stdin=subprocess.PIPE)
    out, err = process.communicate(photo.read_bytes())
    assert process.returncode == 0
    with Image.open(io.BytesIO(out)) as result:
        assert (result.format, result.size) == ("JPEG", (136, 84))
    assert err.splitlines()[0].startswith(b"standard input (34x21) -> standard output (136x84)")


def test_a_terminal_shows_a_bar(photo: pathlib.Path, interpolator: pathlib.Path) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [sys.executable, "upscale.py", str(photo), f"--model={interpolator}", "--tile=8"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # the end of a terminal
            while piece := os.read(ours, 1000):
                shown += piece
        os.close(ours)
    assert process.returncode == 0
    assert b"%|" in shown
    assert b" of 1 [" in shown


@pytest.mark.parametrize(
    "number, engine",
    [(signal.SIGINT, "tensorflow"), *((each, "openvino") for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))],
)
def test_signals_leave_nothing_half_done(
    tmp_path: pathlib.Path, noise: Noise, interpolator: pathlib.Path, number: signal.Signals, engine: str
) -> None:
    for index in range(30):
        rgb.write_photo(tmp_path / f"{index}-noise.png", noise(90, 90))
    process = start(tmp_path, f"--output_dir={tmp_path / 'large'}", "--tile=8", f"--engine={engine}", model=interpolator)
    assert process.stdout
    process.stdout.readline()
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    results = list((tmp_path / "large").iterdir())
    line = f"upscale.py: stopped: {len(results)} of 30 done; with --skip_existing, the same command goes on"
    assert err.decode().splitlines() == [line]
    assert 0 < len(results) < 30
    assert all(rgb.read_photo(result).shape == (360, 360, 3) for result in results)


def test_a_photo_that_is_stopped_leaves_no_result(tmp_path: pathlib.Path, noise: Noise, interpolator: pathlib.Path) -> None:
    rgb.write_photo(tmp_path / "noise.png", noise(1200, 1200))
    process = start(tmp_path / "noise.png", "--tile=8", "--verbose", model=interpolator)
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"upscale.py: stopped: no result was written\n")
    assert [path.name for path in tmp_path.iterdir() if not path.is_dir()] == ["noise.png"]


def test_ctrl_c_while_standard_input_is_awaited(interpolator: pathlib.Path) -> None:
    with start("-", model=interpolator, stdin=subprocess.PIPE) as process:
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert process.stderr and process.stderr.read() == b""


def test_a_reader_that_goes_away_stops_nothing(tmp_path: pathlib.Path, noise: Noise, interpolator: pathlib.Path) -> None:
    for index in range(3):
        rgb.write_photo(tmp_path / f"{index}.png", noise(20, 20))
    with start(tmp_path, f"--output_dir={tmp_path / 'large'}", model=interpolator) as process:
        assert process.stdout
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr and process.stderr.read() == b""
    assert len(list((tmp_path / "large").iterdir())) == 3


def test_names_that_are_no_text_or_none_in_this_terminal(
    tmp_path: pathlib.Path, noise: Noise, interpolator: pathlib.Path
) -> None:
    for name in ("é.png".encode(), b"\xff.png"):
        rgb.write_photo(tmp_path / os.fsdecode(name), noise(3, 4))
    process = start(tmp_path, model=interpolator, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == b""
    assert len(out.splitlines()) == 3


def test_closed_streams_are_no_traceback(photo: pathlib.Path, interpolator: pathlib.Path) -> None:
    command = f"{sys.executable} upscale.py {photo} --model={interpolator} <&- >&-"
    result = subprocess.run(command, shell=True, cwd=ROOT, stderr=subprocess.PIPE, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    assert rgb.read_photo(photo.with_name("photo_x4.jpg")).shape == (84, 136, 3)
