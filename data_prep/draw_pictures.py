"""Draws pictures of text, line art, flat shapes, windows and pages to train on: python data_prep/draw_pictures.py DIR --count=N

Picture number `i` is always the same. `python -m sr_keras.evaluate --data=drawn` measures on others.
"""

import argparse
import os
import pathlib
import signal
import sys
from collections.abc import Sequence

import tqdm

from sr_keras.photos import rgb
from sr_keras.photos.drawn_pictures import drawn
from sr_keras.runtime import argument_types


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    numbers = range(drawn.FIRST_FOR_TRAINING, drawn.FIRST_FOR_TRAINING + options.count)
    try:
        options.dir.mkdir(parents=True, exist_ok=True)
        _require_free([options.dir / drawn.file_name(number) for number in numbers])
    except OSError as error:
        print(f"draw_pictures.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"draw_pictures.py: {error}", file=sys.stderr)
        return 2
    try:
        for number in tqdm.tqdm(numbers, unit="picture", disable=None):
            rgb.write_photo(options.dir / drawn.file_name(number), drawn.picture(number))
    except rgb.PhotoError as error:
        print(f"draw_pictures.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _require_free(paths: Sequence[pathlib.Path]) -> None:
    for path in paths:
        if os.path.lexists(path):
            raise ValueError(f"{path}: exists; take another folder, or remove it")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="draw_pictures.py",
        description="Draws pictures of text, line art, flat shapes, windows and pages as PNG, for train.py --data. None is "
        "overwritten.",
        epilog="Exit code: 0 all is well, 1 a picture can't be written, 2 wrong use or a picture is there, 130 stopped by "
        "Ctrl-C.",
    )
    parser.add_argument("dir", metavar="DIR", type=pathlib.Path, help="where the pictures go; made if it isn't there")
    parser.add_argument(
        "--count",
        metavar="N",
        type=argument_types.positive_int,
        required=True,
        help=f"how many: those from number {drawn.FIRST_FOR_TRAINING} on",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
