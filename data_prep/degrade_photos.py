"""Makes pairs of photos and of what people have of them, to train on: python data_prep/degrade_photos.py PHOTOS DIR

Of each photo one pair, degraded in one of three fixed ways in turn: as a phone, the web and a surveillance camera do, which is
what `python -m sr_keras.evaluate --degrade` measures on. `train.py --data=DIR` takes them as they are.
"""

import argparse
import logging
import pathlib
import signal
import sys
from collections.abc import Sequence

import tqdm

from sr_keras.runtime import quiet_tensorflow

with quiet_tensorflow.tensorflow_import():
    from sr_keras.data import sources
    from sr_keras.evaluation import degradations
    from sr_keras.photos import rgb

SCALE = 4
_KINDS = list(degradations.KINDS)


def main(argv: Sequence[str]) -> int:
    logging.basicConfig(format="degrade_photos.py: %(message)s")
    options = _parser().parse_args(argv)
    try:
        photos = sources.open_photos(options.photos)
        folders = [options.dir / "HR", options.dir / f"LR_x{SCALE}"]
        for folder in folders:
            folder.mkdir(parents=True)
    except FileExistsError as error:
        print(f"degrade_photos.py: {error.filename}: exists; take another folder, or remove it", file=sys.stderr)
        return 2
    except (OSError, ValueError, ImportError) as error:
        print(f"degrade_photos.py: {error}", file=sys.stderr)
        return 2
    try:
        return _write_pairs(photos, *folders)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _write_pairs(photos: sources.Photos, of_hr: pathlib.Path, of_lr: pathlib.Path) -> int:
    exit_code = 0
    for number in tqdm.tqdm(range(len(photos)), unit="photo", disable=None):
        kind = _KINDS[number % len(_KINDS)]
        name = f"{number:04d}_{kind}.png"
        try:
            hr = photos.photo(number)
            height, width = (length // SCALE * SCALE for length in hr.shape[:2])
            if not height or not width:
                raise rgb.PhotoError(f"{photos.where(number)}: smaller than {SCALE}x{SCALE} pixels")
            rgb.write_photo(of_hr / name, hr[:height, :width])
            rgb.write_photo(of_lr / name, degradations.degrade(hr[:height, :width], kind, name, SCALE))
        except rgb.PhotoError as error:
            print(f"degrade_photos.py: {error}", file=sys.stderr)
            exit_code = 1
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="degrade_photos.py",
        description=f"Writes each photo as PNG to DIR/HR, and to DIR/LR_x{SCALE} what is left of it after a phone, the web or "
        "a surveillance camera, in turn.",
        epilog="Exit code: 0 all is well, 1 a photo can't be read or written, 2 wrong use or the folders are there, 130 "
        "stopped by Ctrl-C.",
    )
    parser.add_argument(
        "photos",
        metavar="PHOTOS",
        type=pathlib.Path,
        help="what train.py --data takes: a folder, a list file, shards, ...",
    )
    parser.add_argument("dir", metavar="DIR", type=pathlib.Path, help="where the pairs go; made if it isn't there")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
