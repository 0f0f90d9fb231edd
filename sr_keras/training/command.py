"""The command that trains: its flags, and an exit code."""

import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import absl.logging
from absl import app, flags
from tqdm.contrib.logging import logging_redirect_tqdm

from sr_keras.runtime import command_line, quiet_tensorflow
from sr_keras.runtime.errors import UserError
from sr_keras.training.options import Options, define_flags, read_flags

if TYPE_CHECKING:
    import tensorflow as tf

_ABOUT = """Trains a network: {call} --data=PHOTOS

The defaults are the paper's run. A run lives in a folder of its own: its flags, checkpoints, TensorBoard events, samples and a
SavedModel per iteration. Started again with --flagfile=RUN/train.flags, it goes on where it stopped.

"""

logger = logging.getLogger("sr_keras")

define_flags(flags.FLAGS)


def main(argv: Sequence[str] | None = None, prog: str = "train.py") -> int:
    """Runs the command as a process does: it ends in SystemExit."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not {"--help", "-h"}.isdisjoint(arguments):
        print(_help(prog))
        return 0
    if "--version" in arguments:
        print(command_line.VERSION)
        return 0
    return app.run(lambda _: _run(prog), argv=[prog, *arguments], flags_parser=_parse)


def _parse(argv: list[str]) -> list[str]:
    try:
        [prog, *others] = flags.FLAGS(argv)
    except (flags.Error, OSError) as error:
        _refuse_use(argv[0], str(error))
    if others:
        _refuse_use(prog, f"unknown argument {others[0]!r}; all options begin with --")
    return [prog]


def _refuse_use(prog: str, message: str) -> NoReturn:
    sys.stderr.write(command_line.refusal(prog, message))
    sys.exit(2)


def _help(prog: str) -> str:
    about = _ABOUT.format(call=command_line.typed(prog)) + command_line.EXIT_CODES
    return f"{about}\n{flags.FLAGS.module_help(__name__).replace(__name__, prog, 1)}"


def _run(prog: str) -> int:
    return command_line.run(prog, lambda: train(read_flags(flags.FLAGS)))


def train(options: Options) -> int:
    """Runs or resumes the training that the options describe; returns the process's exit code."""
    # Later, because TensorFlow takes seconds to import: --help and wrong flags are answered at once.
    with quiet_tensorflow.tensorflow_import():
        import tensorflow as tf

        from sr_keras.training import setup
    _log_to_stderr()
    # TensorFlow tells of every file that it writes, and of every variable of a checkpoint that was refused, in two ways.
    absl.logging.set_verbosity(absl.logging.ERROR)
    tf.get_logger().setLevel(logging.ERROR)
    try:
        with logging_redirect_tqdm([logger]):
            return setup.start(options)
    except (FloatingPointError, tf.errors.OpError) as error:
        raise UserError(_reason(error)) from None


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _reason(error: "FloatingPointError | tf.errors.OpError") -> str:
    """The line that says it; from inside a step it is not the first."""
    if isinstance(error, FloatingPointError):
        return str(error)
    lines = [line.strip() for line in error.message.splitlines() if line.strip()]
    noise = ("Graph execution error", "Detected at node", "File ", "Stack trace", "<stack_trace", "[[{{node", "Node:", "Hint:")
    telling = [line for line in lines if not line.startswith(noise)]
    return f"{type(error).__name__}: {(telling or lines or ['no reason given'])[0]}"
