"""Types of command-line arguments."""

import argparse
import contextlib

_LARGEST_SCALE = 1000


def positive_int(text: str) -> int:
    """A whole number from 1 on.

    Raises:
        ArgumentTypeError: it is none; argparse makes one line of it.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text!r}")
    return int(text)


def percent(text: str) -> int:
    """A whole number from 1 to 100.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 100, got {text!r}")
    return int(text)


def share(text: str) -> float:
    """A number from 0 to 1.

    Raises:
        ArgumentTypeError: it is none.
    """
    with contextlib.suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, got {text!r}")


def scale(text: str) -> float:
    """A number from 1 to 1000, such as 2 or 1.5.

    Raises:
        ArgumentTypeError: it is none.
    """
    with contextlib.suppress(ValueError):
        if 1 <= float(text) <= _LARGEST_SCALE:
            return float(text)
    raise argparse.ArgumentTypeError(f"must be a number from 1 to {_LARGEST_SCALE}, got {text!r}")
