"""Finds photos that show the same as test photos, by what is in them: python -m sr_keras.leaks TRAIN TEST [TEST ...]

A photo is found whatever its name: at another size, cropped, mirrored, rotated by 180 degrees, or compressed again. The middle
of one must lie in the other, and take up at least a third of its shorter side there.
"""

import argparse
import sys
from collections.abc import Sequence

from sr_keras.data import near_duplicates
from sr_keras.runtime import argument_types, command_line, quiet_tensorflow

PROG = "python -m sr_keras.leaks"


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    parser = command_line.Parser(
        prog=prog,
        description=__doc__.replace(PROG, prog),
        epilog="Exit code: 0 no pair was found, 1 some were (each is named), 2 wrong use, 130 stopped by Ctrl-C.",
    )
    parser.add_argument(
        "train", metavar="TRAIN", type=argument_types.path, help="photos, in any form that sr-keras train --data takes"
    )
    parser.add_argument("tests", metavar="TEST", nargs="+", type=argument_types.path, help="test photos, in the same forms")
    parser.add_argument(
        "--least",
        type=argument_types.share,
        default=near_duplicates.SAME,
        metavar="SIMILARITY",
        help="report pairs from this similarity on, up to 1 (%(default)s)",
    )
    options = parser.parse_args(argv)
    return command_line.run(prog, lambda: _find(options))


def _find(options: argparse.Namespace) -> int:
    # Later, because TensorFlow takes seconds to import: --help and wrong options are answered at once.
    with quiet_tensorflow.tensorflow_import():
        from sr_keras.data import sources
    photos = sources.open_photos(options.train)
    tests = [sources.open_photos(folder) for folder in options.tests]
    found = 0
    for match in near_duplicates.matches(photos, tests, least=options.least):
        print(f"{photos.where(match.number)} shows {match.test} (similarity {match.similarity:.2f})", flush=True)
        found += 1
    print(f"{len(photos)} photos: {found or 'no'} {'pair' if found == 1 else 'pairs'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
