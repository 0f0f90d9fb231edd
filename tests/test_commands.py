"""What all commands have in common: how they answer wrong use, nonsense, Ctrl-C, --help and --version."""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest
from absl import flags
from absl.testing import flagsaver

import sr_keras
import sr_keras.training.command  # defines the flags, which are saved and restored
from sr_keras import __main__
from sr_keras.photos import rgb
from sr_keras.runtime import argument_types, command_line
from sr_keras.training import options
from tests.conftest import ROOT

# By the command: arguments that are right, and the function that does its work.
COMMANDS = {
    "upscale": (["photo.jpg"], "sr_keras.upscaling.command._run"),
    "train": (["--data=sample"], "sr_keras.training.command.train"),
    "evaluate": (["edsr", "--data=photos"], "sr_keras.evaluate._evaluate"),
    "figures": (["run"], "sr_keras.figures._draw"),
    "leaks": (["photos", "tests"], "sr_keras.leaks._find"),
    "benchmark": (["upscale"], "sr_keras.benchmark.__main__._print"),
    "web": ([], "sr_keras.web.__main__._serve"),
    "export": (["edsr", "--format=onnx"], "sr_keras.exchange.export_command._export"),
    "import": (["weights.pth"], "sr_keras.exchange.import_command._import"),
    "models": ([], "sr_keras.models._print_models"),
}

NONSENSE = ("nan", "inf", "-inf", "1000000000", "0", "-1", "", " ", "-", "e\nf")
# Some of it means something to some: by the flag, or by the type of its argument.
MEANT = {
    "--cluster": {""},
    "--crf": {"0"},
    "--denoise": {"0"},
    "--end": {"0"},
    "--least": {"0"},
    "--max_pixels": {"1000000000"},
    "--max_reduction": {"inf", "1000000000"},
    "--port": {"0"},
    "--preview": {"0"},
    "--seed": {"0", "1000000000"},
    "--start": {"0"},
}
# Such names may be those of files, which the work looks for.
NAMES = (argument_types.line, argument_types.path, argument_types.place, argument_types.name, argument_types.output_file)


def exit_code(command: str, *arguments: str) -> int:
    """What a process would end with."""
    try:
        with flagsaver.flagsaver():
            return __main__.main([command, *arguments])
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 0


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command's work is done at once."""
    monkeypatch.setattr(sys, "argv", ["/usr/bin/sr-keras"])
    for _, work in COMMANDS.values():
        monkeypatch.setattr(work, lambda *_: 0)


def test_all_commands_are_tried() -> None:
    assert set(COMMANDS) == set(__main__._COMMANDS)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", COMMANDS)
def test_right_use_is_exit_code_0(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(command, *COMMANDS[command][0]) == 0
    assert not capsys.readouterr().err


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", COMMANDS)
def test_the_version_is_told(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(command, "--version") == 0
    assert capsys.readouterr().out == f"sr_keras {sr_keras.__version__}\n"


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", COMMANDS)
def test_help_tells_the_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(command, "--help") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"sr-keras {command}" in told
    assert "Exit code: 0 " in told
    assert "2 wrong use, 130 stopped by Ctrl-C" in told


def test_help_of_all_and_of_many_files_tells_that_some_may_fail(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["upscale", "--help"]):
        with pytest.raises(SystemExit, match="0"):
            __main__.main(arguments)
        assert "1 some files failed (each is named), 2 wrong use," in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("wrong", ["--nothing=3", "--nothing\n\x1b[31m"])
@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_use_is_a_line_and_a_hint(command: str, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(command, *COMMANDS[command][0], wrong) == 2
    line, hint = capsys.readouterr().err.splitlines()
    assert line.startswith(f"sr-keras {command}")
    assert line.isprintable()
    assert hint.startswith(f"Try: sr-keras {command}")
    assert hint.endswith(" --help")


@pytest.mark.usefixtures("no_work")
def test_an_option_that_there_is_not_leads_to_the_one_that_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("upscale", "photo.jpg", "--output-dir=large", "--skip-existing") == 2
    told = "unrecognized arguments: --output-dir=large --skip-existing (did you mean --output_dir --skip_existing?)"
    assert told in capsys.readouterr().err
    assert exit_code("benchmark", "upscale", "--peer-python=x") == 2
    assert "(did you mean --peer_python?)" in capsys.readouterr().err


@pytest.mark.parametrize("named", ["gone.jpg", "*.jpg", "empty"])
def test_a_file_that_is_not_there_has_failed_however_it_is_named(
    named: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["/usr/bin/sr-keras"])
    pathlib.Path("empty").mkdir()
    assert exit_code("upscale", named) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"sr-keras upscale: {named}: ")


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_is_exit_code_130(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    arguments, work = COMMANDS[command]
    monkeypatch.setattr(work, interrupted)
    assert exit_code(command, *arguments) == 130
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    "error, told",
    [
        (OSError(28, "No space left on device", "a\nb"), "a b: No space left on device"),
        (ValueError("three\nlines\n"), "three lines"),
        (MemoryError(), "MemoryError"),
    ],
)
@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_is_a_line(
    command: str, error: Exception, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fault(*_: object) -> int:
        raise error

    arguments, work = COMMANDS[command]
    monkeypatch.setattr(work, fault)
    assert exit_code(command, *arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"sr-keras {command}: ")


@pytest.mark.parametrize("arguments", [["models"], ["upscale", "--help"], ["--help"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_fault(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) as output:
        command = [sys.executable, "-m", "sr_keras", *arguments]
        result = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, cwd=ROOT)
    # argparse takes it for no fault either.
    assert (result.returncode, result.stderr) == (0 if "--help" in arguments else 128 + signal.SIGPIPE, b"")


def parser_of(command: str, monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    found: list[argparse.ArgumentParser] = []

    def keep(parser: argparse.ArgumentParser, argv: Sequence[str] | None = None) -> None:
        found.append(parser)
        raise SystemExit(0)

    with monkeypatch.context() as patch:
        patch.setattr(command_line.Parser, "parse_args", keep)
        exit_code(command)
    return found[0]


def actions(parser: argparse.ArgumentParser, before: Sequence[str] = ()) -> Iterator[tuple[Sequence[str], argparse.Action]]:
    """What a command and its subcommands take, each with the words that lead to it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, subparser in action.choices.items():
                yield from actions(subparser, [*before, word])
        elif not isinstance(action, (argparse._HelpAction, argparse._VersionAction)):
            yield before, action


def is_meant(flag: str, action: argparse.Action, value: str) -> bool:
    is_name = action.type in NAMES or action.dest in ("model", "name")
    return value in MEANT.get(flag, ()) or (is_name and bool(value.strip()))


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "train"])
def test_nonsense_is_refused_by_each_flag(
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: pathlib.Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    right = [] if command == "benchmark" else COMMANDS[command][0]
    wrong = []
    for before, action in actions(parser_of(command, monkeypatch)):
        for value in NONSENSE:
            flag = action.option_strings[-1] if action.option_strings else ""
            given = [f"{flag}={value}"] if flag else ["--", value]
            code = exit_code(command, *before, *(right if flag else []), *given)
            lines = capsys.readouterr().err.splitlines()
            if (code, len(lines)) != (2, 2) and not (is_meant(flag, action, value) and (code, lines) == (0, [])):
                wrong.append((flag or action.dest, value, code, lines))
    assert not wrong


@pytest.mark.parametrize("name", options.KINDS)
def test_nonsense_is_refused_by_each_flag_of_train(name: str) -> None:
    kind = options.KINDS[name]
    for value in NONSENSE:
        values = flags.FlagValues()
        options.define_flags(values)
        is_list = isinstance(values[name], flags.MultiFlag) or isinstance(values[name].parser, flags.ListParser)
        is_name = (kind.is_path or is_list) and value.strip() and not (is_list and "\n" in value)
        is_zero = value == "0" and (kind.lowest == 0 or isinstance(values[name].default, bool))
        if is_name or is_zero or value in MEANT.get(f"--{name}", ()):
            values(["train", f"--{name}={value}"])
            continue
        with pytest.raises(flags.Error):
            values(["train", f"--{name}={value}"])


@pytest.mark.usefixtures("no_work")
def test_a_refused_flag_of_train_is_a_line_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("train", "--data=sample", "--brightness_by=nan") == 2
    line, hint = capsys.readouterr().err.splitlines()
    assert "brightness_by" in line
    assert hint == "Try: sr-keras train --help"


INPUTS = {
    "upscale": [["{value}"], ["{photo}", "--model={value}"], ["--list={value}"]],
    "train": [
        *(["--data={photos}", f"--{name}={{value}}"] for name in ("exclude", "validation", "init", "teacher", "sample")),
        ["--data={value}"],
        ["--data={photos}", "--perceptual_model={value}", "--perceptual_layers=a"],
    ],
    "evaluate": [
        ["{value}", "--data={photos}"],
        ["espcn", "--data={value}"],
        ["espcn", "--data={photos}", "--perceptual={value}"],
    ],
    "figures": [["{value}"], ["{run}", "--photos={value}"], ["{run}", "--large={value}"]],
    "leaks": [["{value}", "{photos}"], ["{photos}", "{value}"]],
    "benchmark": [["upscale", "--model={value}"], ["train", "--data={value}"]],
}


@pytest.mark.slow
@pytest.mark.parametrize("command, arguments", [(command, each) for command, ways in INPUTS.items() for each in ways])
def test_what_is_not_there_is_said_before_any_work(
    command: str,
    arguments: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: pathlib.Path,
) -> None:
    """Names of files that nonsense may be: here there is none of them, and a line says so."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["/usr/bin/sr-keras"])
    names = {"photo": rgb.SAMPLE / "small.png", "photos": rgb.SAMPLE / "photos", "run": tmp_path / "run"}
    if command == "figures":
        names["run"].mkdir()
    for value in ("nan", "1000000000", "0", "e\nf"):
        run_dir = [f"--run_dir={names['run']}"] if command == "train" else []
        assert exit_code(command, *run_dir, *(each.format(**names, value=value) for each in arguments)) in (1, 2)
        lines = capsys.readouterr().err.splitlines()  # notes of the work may be among them
        assert len([line for line in lines if line.startswith(f"sr-keras {command}: ") or "no such" in line.lower()]) == 1, (
            lines
        )
