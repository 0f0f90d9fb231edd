"""Types of command-line arguments."""

import argparse


def positive_int(text: str) -> int:
    """A whole number from 1 on.

    Raises:
        ArgumentTypeError: it is none; argparse makes one line of it.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text!r}")
    return int(text)
