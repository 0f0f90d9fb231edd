"""The package as `pip install` brings it: without the checkout, by its command and from Python. It needs no network."""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable

import pytest

import sr_keras
from sr_keras import __main__
from sr_keras.inference import model_info
from sr_keras.photos import rgb
from tests.conftest import ROOT
from tests.types import Noise

COMMANDS = ["upscale", "web", "train", "evaluate", "figures", "leaks", "benchmark", "models"]
MOST_MB = 100


@pytest.fixture(autouse=True)
def called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever started pytest: messages say how this process's user calls the commands."""
    monkeypatch.setattr(sys, "argv", ["sr-keras"])


def pip(*arguments: object) -> None:
    # Nothing is looked up: setuptools is there already.
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Built from a copy, for building leaves files in its folder."""
    source, dist = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in ("setup.cfg", "pyproject.toml", "LICENSE", "docs/package.md", "saved_models/README.md"):
        (source / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    shutil.copytree(ROOT / "sr_keras", source / "sr_keras", ignore=shutil.ignore_patterns("__pycache__"))
    for name in model_info.shipped():
        shutil.copytree(ROOT / "saved_models" / name, source / "saved_models" / name)
    pip("wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", f"--wheel-dir={dist}", source)
    [wheel] = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--quiet", "--no-deps", "--no-index", f"--target={folder}", wheel)
    return folder


@pytest.fixture
def run(installed: pathlib.Path, tmp_path: pathlib.Path) -> Callable[..., str]:
    """Runs a command in another folder, where the checkout can't be imported; returns what it printed."""

    def run(*command: object) -> str:
        # -S: an editable installation in these site-packages would bring the checkout back.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(installed), sysconfig.get_path("purelib")])}
        arguments = [sys.executable, "-S", *map(str, command)]
        result = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


def test_the_wheel_holds_all_of_the_package_and_is_not_large(wheel: pathlib.Path, installed: pathlib.Path) -> None:
    assert wheel.stat().st_size < MOST_MB * 10**6
    for path in (ROOT / "sr_keras").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert (installed / path.relative_to(ROOT)).read_bytes() == path.read_bytes()
    for name in model_info.shipped():
        for path in (ROOT / "saved_models" / name).rglob("*"):
            assert not path.is_file() or (installed / "sr_keras" / path.relative_to(ROOT)).read_bytes() == path.read_bytes()


def test_each_bundled_network_has_a_purpose() -> None:
    listed = subprocess.run(["git", "ls-files", "saved_models"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = {pathlib.PurePath(line).parts[1] for line in listed.splitlines()} - {"README.md"}
    assert names == set(sr_keras.list_models())


def test_a_bundled_network_is_looked_up_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["models", "espcn"]) == 0
    assert capsys.readouterr().out.startswith("espcn         x4 ")


def test_the_installed_command_upscales(
    run: Callable[..., str], installed: pathlib.Path, tmp_path: pathlib.Path, noise: Noise
) -> None:
    rgb.write_photo(tmp_path / "photo.png", noise(9, 8))
    out = run("-m", "sr_keras", "models")
    assert [line.split()[0] for line in out.splitlines()[1:-2]] == model_info.shipped()
    assert str(installed) in out
    run(installed / "bin" / "sr-keras", "upscale", "photo.png", "-m", "espcn", "-o", "large.png")
    assert rgb.read_photo(tmp_path / "large.png").shape == (36, 32, 3)


def test_the_installed_package_upscales(run: Callable[..., str], installed: pathlib.Path) -> None:
    code = (
        "import sr_keras, numpy as np; from sr_keras import Upscaler;"
        "print(sr_keras.__file__, Upscaler.load('espcn').upscale(np.zeros((5, 4, 3), np.uint8)).shape, sr_keras.__version__)"
    )
    assert run("-c", code).split(maxsplit=1) == [
        str(installed / "sr_keras" / "__init__.py"),
        f"(20, 16, 3) {sr_keras.__version__}\n",
    ]


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    """The exit code of `sr-keras`, and what it printed to standard output and error."""
    code: int | str | None
    try:
        code = __main__.main(arguments)
    except SystemExit as stop:
        code = stop.code
    return code, *capsys.readouterr()


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS), ["benchmark", "upscale"], ["benchmark", "train"]])
def test_wrong_use_is_a_line_and_a_hint(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    call = " ".join(["sr-keras", *command])
    code, out, err = answer(capsys, *command, "--nothing=1")
    line, hint = err.splitlines()
    assert (code, out) == (2, "")
    assert line.startswith("sr-keras")
    assert hint in (f"Try: {call} --help", "Try: sr-keras benchmark --help", "Try: sr-keras --help")


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_each_command_tells_its_version_and_its_exit_codes(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    assert answer(capsys, *command, "--version") == (0, f"sr_keras {sr_keras.__version__}\n", "")
    code, out, err = answer(capsys, *command, "--help")
    assert (code, err) == (0, "")
    assert " ".join(["sr-keras", *command]) in out
    assert "2 wrong use, 130 stopped by Ctrl-C" in out


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = answer(capsys, "--help")
    assert all(f"\n  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize(
    "command", [["upscale", "photo.jpg", "-m"], ["evaluate", "--data=drawn"], ["benchmark", "upscale", "-m"]], ids=" ".join
)
def test_an_unknown_model_is_answered_with_those_that_there_are(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    code, _, err = answer(capsys, *command, "nothing")
    [line] = err.splitlines()
    assert code == 2
    assert ", ".join(model_info.shipped()) in line


def test_what_the_package_offers_is_there() -> None:
    assert [name for name in sr_keras.__all__ if not hasattr(sr_keras, name)] == []
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {sr_keras.__version__}\n" in citation
