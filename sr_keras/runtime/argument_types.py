"""Types of command-line arguments. A wrong value is refused in a line, before any work."""

import argparse
import contextlib
import fractions
import pathlib
import re

from sr_keras.runtime import store

_LARGEST_SCALE = 1000
_LATEST_MOMENT = 1000 * 3600
_LARGEST_CRF = 63

# What a count can't sensibly be above; a mistyped one would run for years, or take all memory.
MOST = 10**8


def positive_int(text: str) -> int:
    """A whole number from 1 to `MOST`.

    Raises:
        ArgumentTypeError: it is none; argparse makes one line of it.
    """
    return _whole(text, 1, MOST)


def pixel_count(text: str) -> int:
    """How many pixels a picture may have: a whole number from 1 to 10^12.

    Raises:
        ArgumentTypeError: it is none.
    """
    return _whole(text, 1, 10**12)


def percent(text: str) -> int:
    """A whole number from 1 to 100.

    Raises:
        ArgumentTypeError: it is none.
    """
    return _whole(text, 1, 100)


def crf(text: str) -> int:
    """A whole number from 0 to 63.

    Raises:
        ArgumentTypeError: it is none.
    """
    return _whole(text, 0, _LARGEST_CRF)


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


def moment(text: str) -> fractions.Fraction:
    """A time in seconds, below 1000 hours, from a text such as 90, 1:30 or 0:01:30.5.

    Raises:
        ArgumentTypeError: it is none.
    """
    if re.fullmatch(r"(\d+:){0,2}\d+(\.\d+)?", text):
        *larger, seconds = text.split(":")
        minutes = 0
        for part in larger:
            minutes = 60 * minutes + int(part)
        time = 60 * minutes + fractions.Fraction(seconds)
        if time < _LATEST_MOMENT:
            return time
    raise argparse.ArgumentTypeError(f"must be a time such as 90, 1:30 or 0:01:30.5, got {text!r}")


def name(text: str) -> str:
    """A name, or a path, of whatever is looked up by it.

    Raises:
        ArgumentTypeError: it is empty, or nothing can have it.
    """
    return str(place(text))


def line(text: str) -> str:
    """One line of text, kept as it is.

    Raises:
        ArgumentTypeError: it is empty, or not one line.
    """
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError(f"must be a line of text, got {text!r}")
    return text


def path(text: str) -> pathlib.Path:
    """The path of a file or a folder, which need not be there.

    Raises:
        ArgumentTypeError: no file can have it.
    """
    if not text.strip() or "\0" in text:
        raise argparse.ArgumentTypeError(f"must be a path, got {text!r}")
    return pathlib.Path(text)


def place(text: str) -> pathlib.Path:
    """The path of a file or a folder, which may be one in an object store: s3://bucket/folder.

    Raises:
        ArgumentTypeError: no file can have it.
    """
    path(text)
    if text in ("s3://", "gs://"):
        raise argparse.ArgumentTypeError(f"must name a bucket, got {text!r}")
    return store.path_of(text)


def cluster_address(text: str) -> str:
    """Where a Ray cluster is: host:port, "auto", or nothing.

    Raises:
        ArgumentTypeError: it is none of these.
    """
    if text not in ("", "auto") and not re.fullmatch(r"[^\s:/]+:\d+|\[[\da-fA-F:]+\]:\d+", text):
        raise argparse.ArgumentTypeError(f"must be host:port, or auto, got {text!r}")
    return text


def output_file(text: str) -> pathlib.Path:
    """The path of a file that is to be written, in a folder that is there.

    Raises:
        ArgumentTypeError: it can't be written there.
    """
    file = path(text)
    if not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {str(file.parent)!r}")
    if file.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder")
    return file


def _whole(text: str, lowest: int, highest: int) -> int:
    with contextlib.suppress(ValueError):
        if text.isdecimal() and lowest <= int(text) <= highest:
            return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number from {lowest} to {highest}, got {text!r}")
