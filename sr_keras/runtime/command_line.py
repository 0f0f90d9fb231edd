"""What all commands have in common: how they answer wrong use and --version, and what they are called by."""

import argparse
import contextlib
import difflib
import os
import pathlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

import sr_keras
from sr_keras.runtime import signals
from sr_keras.runtime.errors import UserError, one_line

EXIT_CODES = "Exit code: 0 done, 2 wrong use, 130 stopped by Ctrl-C."
# Of what goes through many files, and of all commands together.
EXIT_CODES_OF_MANY = "Exit code: 0 done or skipped, 1 some files failed (each is named), 2 wrong use, 130 stopped by Ctrl-C."
VERSION = f"sr_keras {sr_keras.__version__}"


class Parser(argparse.ArgumentParser):
    """Answers wrong use in one line and a hint, and `--version`."""

    def __init__(self, *, prog: str, description: str | None = None, epilog: str | None = None) -> None:
        super().__init__(
            prog=prog, description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        self.add_argument("--version", action="version", version=VERSION)

    # Of its overloads, this is the one that is used here.
    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """See `ArgumentParser`; of an option that there is not, the nearest one is named."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._meant(unknown)}")
        return options

    def _meant(self, unknown: Sequence[str]) -> str:
        """Which options were meant, about, in words."""
        typed = [argument.partition("=")[0] for argument in unknown if argument.startswith("--")]
        nearest = [difflib.get_close_matches(option, list(self._options()), 1) for option in typed]
        meant = [option for options in nearest for option in options]
        return f" (did you mean {' '.join(meant)}?)" if meant else ""

    def _options(self) -> Iterator[str]:
        """Its options, and those of its subcommands."""
        yield from self._option_string_actions
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                for parser in action.choices.values():
                    yield from parser._option_string_actions

    def error(self, message: str) -> NoReturn:
        self.exit(2, refusal(self.prog, message))


def run(prog: str, work: Callable[[], int]) -> int:
    """Does a command's work and returns the process's exit code.

    That is 2, with a line, where a user or a file is at fault, and 128 + N after signal N: 130 after Ctrl-C.

    Args:
        prog: what the command was called by.
        work: returns the exit code. Faults within it are `UserError`, or Python's errors over files and values.
    """
    try:
        with signals.as_interrupts(signal.SIGTERM, signal.SIGHUP), _flushed_output():
            return work()
    except BrokenPipeError:
        # Who read the output has gone, as `head` does. Python would try to write the rest at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (UserError, OSError, ValueError, ImportError, MemoryError) as error:
        print(f"{prog}: {one_line(_told(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        return 128 + (interrupt.args[0] if interrupt.args else signal.SIGINT)


@contextlib.contextmanager
def _flushed_output() -> Iterator[None]:
    """Flushes standard output at the end, also after --help, which leaves by an exception."""
    try:
        yield
    finally:
        sys.stdout.flush()


def open_closed_streams() -> None:
    """Gives a process its three streams where whoever started it, such as cron, has closed them; they lead nowhere.

    Else the next file that is opened would take the place of one, and be written to.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number, which is this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, pathlib.Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the process ends


def _told(error: Exception) -> str:
    """The message of an error, with the file's name first where it is about one."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return str(error) or type(error).__name__


def refusal(prog: str, message: str) -> str:
    """The answer to wrong use: a line, and a hint."""
    return f"{prog}: {one_line(message)}\nTry: {typed(prog)} --help\n"


def typed(prog: str) -> str:
    """What a person types to call it."""
    return f"python {prog}" if prog.endswith(".py") else prog


def package_call() -> str:
    """How this process's user starts the commands of the package."""
    return "python -m sr_keras" if pathlib.PurePath(sys.argv[0]).name == "__main__.py" else "sr-keras"


def call_of(command: str) -> str:
    """How the user starts a command that is also a script in the checkout, such as `train`; as this process was started."""
    by_script = pathlib.PurePath(sys.argv[0]).name in ("train.py", "upscale.py")
    return f"python {command}.py" if by_script else f"{package_call()} {command}"
