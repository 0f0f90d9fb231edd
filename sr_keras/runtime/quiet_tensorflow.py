"""Keeps TensorFlow's notes for its own developers off a user's terminal."""

import contextlib
import os
from collections.abc import Iterator

from sr_keras.runtime import threads


@contextlib.contextmanager
def tensorflow_import() -> Iterator[None]:
    """Put it around the first `import tensorflow`: what its native code prints then can't be switched off in another way.

    Errors in Python are not touched.
    """
    # Later notes can; it reads this when it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if limit := threads.limit():
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(limit))
    stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
