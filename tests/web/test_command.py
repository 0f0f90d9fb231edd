"""`sr-keras web` as it is started, up to where it serves."""

import contextlib
import socket
import sys

import pytest

from sr_keras.runtime.errors import UserError
from sr_keras.web import __main__


def test_an_address_that_is_taken_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert __main__.main([f"--port={port}"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(f"--host=127.0.0.1 --port={port}: Address already in use")


def test_an_address_that_is_none_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["--host=nowhere.invalid"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "--host=nowhere.invalid --port=8000: " in line
    assert "Unknown" not in line


@pytest.mark.parametrize("package", ["fastapi", "uvicorn", "python_multipart"])
def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert __main__.main(["--port=0"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "pip install '.[web]' in the checkout" in line
    assert package in line


@pytest.mark.parametrize("host, is_open", [("127.0.0.1", False), ("::1", False), ("0.0.0.0", True)])
def test_who_may_use_it_is_said(capsys: pytest.CaptureFixture[str], host: str, is_open: bool) -> None:
    with contextlib.ExitStack() as stack:
        try:
            listener = stack.enter_context(__main__._listening(host, 0))
        except UserError:
            pytest.skip("this machine has no such address")
        __main__._tell(host, listener)
        port = listener.getsockname()[1]
    out, err = capsys.readouterr()
    assert out.startswith("http://")
    assert out.endswith(f":{port} (Ctrl-C ends it)\n")
    assert ("There is no password" in err) == is_open
