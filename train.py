"""Trains the paper's networks: python train.py --flagfile=srgan.flags --data=PHOTOS

A run lives in a folder of its own: its flags, checkpoints, TensorBoard events, samples and a SavedModel per iteration. Started
again with the folder's train.flags, it goes on where it stopped.
"""

import logging
import signal
import sys
from typing import TYPE_CHECKING

import absl.logging
from absl import app, flags
from tqdm.contrib.logging import logging_redirect_tqdm

from sr_keras.inference import model_info
from sr_keras.photos import rgb
from sr_keras.runtime import quiet_tensorflow
from sr_keras.training import run_folder
from sr_keras.training.options import Options, define_flags, read_flags

if TYPE_CHECKING:
    import tensorflow as tf

logger = logging.getLogger("sr_keras")

define_flags(flags.FLAGS)


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        return _refuse(f"unknown argument {argv[1]!r}; all options begin with --")
    try:
        return train(read_flags(flags.FLAGS))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


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
    except (OSError, ValueError, ImportError, FloatingPointError) as error:
        return _refuse(str(error))
    except (rgb.PhotoError, model_info.ModelError, run_folder.InUseError) as error:
        return _refuse(str(error))
    except tf.errors.OpError as error:
        return _refuse(_reason(error))


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _reason(error: "tf.errors.OpError") -> str:
    """The line that says it; from inside a step it is not the first."""
    lines = [line.strip() for line in error.message.splitlines() if line.strip()]
    noise = ("Graph execution error", "Detected at node", "File ", "Stack trace", "<stack_trace", "[[{{node", "Node:", "Hint:")
    telling = [line for line in lines if not line.startswith(noise)]
    return f"{type(error).__name__}: {(telling or lines or ['no reason given'])[0]}"


def _refuse(reason: str) -> int:
    print(f"train.py: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    app.run(main)
