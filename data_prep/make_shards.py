"""Packs photos into TFRecord shards, once, before training from network storage: python data_prep/make_shards.py PHOTOS FOLDER

Few large files take the place of many small ones; the photos themselves stay as they are, byte for byte. A photo that can't be
read is named, counted and left out.
"""

import argparse
import os
import pathlib
import signal
import sys
import warnings
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from sr_keras.runtime import quiet_tensorflow

with quiet_tensorflow.tensorflow_import():
    from sr_keras.data import shards, sources
    from sr_keras.photos import rgb
    from sr_keras.runtime import argument_types, parallel, tally

PACKED = "packed"
STOPPED = "; those of the last shard, which is unfinished, will be packed again"


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    try:
        photos = sources.open_photos(options.photos)
        options.folder.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            # Pillow warns of odd metadata; it keeps no photo from being read.
            warnings.simplefilter("ignore")
            return tally.run(
                pack(photos, options.folder, options.photos_per_shard),
                num_photos=len(photos),
                kinds=[PACKED],
                if_stopped=STOPPED,
            )
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (ValueError, ImportError) as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def pack(photos: sources.Photos, folder: pathlib.Path, photos_per_shard: int) -> Generator[tally.Outcome, None, None]:
    """Writes the shards that are not there yet, and lists all of them once the last is there.

    What a shard holds depends on the list of photos alone, so that a run goes on where an earlier one was interrupted.

    Raises:
        ValueError: a shard that is there holds other photos.
        OSError: a shard can't be written.
    """
    shard_sizes = {}
    for first in range(0, len(photos), photos_per_shard):
        some = photos.choose(range(first, min(first + photos_per_shard, len(photos))))
        file = shards.shard_path(folder, first // photos_per_shard)
        yield from _done_before(file, some) if shards.index_path(file).exists() else _write(file, some)
        shard_sizes[file.name] = len(shards.read_index(file).names)
    shards.finish(folder, shard_sizes)


def _write(file: pathlib.Path, photos: sources.Photos) -> Iterator[tally.Outcome]:
    num_threads = os.cpu_count() or 1
    with ThreadPoolExecutor(num_threads) as pool, shards.shard_writer(file) as shard:
        contents = parallel.in_order(
            lambda number: pool.submit(_read, photos, number), range(len(photos)), ahead=4 * num_threads
        )
        for name, content in zip(photos.names, contents, strict=True):
            if isinstance(content, rgb.PhotoError):
                shard.leave_out(name, str(content))
                yield tally.Outcome(tally.FAILED, str(content))
            else:
                shard.add(name, content)
                yield tally.Outcome(PACKED)


def _done_before(file: pathlib.Path, photos: sources.Photos) -> Iterator[tally.Outcome]:
    index = shards.read_index(file)
    if sorted([*index.names, *(name for name, _ in index.left_out)]) != sorted(photos.names):
        raise ValueError(f"{file}: holds other photos than it would now; take another folder, or remove this one")
    yield from (tally.Outcome(tally.DONE_BEFORE) for _ in index.names)
    yield from (tally.Outcome(tally.FAILED, line) for _, line in index.left_out)


def _read(photos: sources.Photos, number: int) -> bytes | rgb.PhotoError:
    """What a photo's file holds, or why it can't be read."""
    try:
        content = photos.content(number)
        # What is a photo by its header may be damaged behind it.
        rgb.decode_photo(content, photos.where(number))
    except rgb.PhotoError as error:
        return error
    return content


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make_shards.py",
        description="Packs photos into TFRecord shards in FOLDER, for train.py --data=FOLDER. The photos stay as they are, "
        "byte for byte. Run again after it was interrupted, it goes on.",
        epilog="Exit code: 0 all is well, 1 photos failed (each is named and left out), 2 wrong use or a shard can't be "
        "written, 130 stopped by Ctrl-C.",
    )
    parser.add_argument(
        "photos", metavar="PHOTOS", type=pathlib.Path, help="a folder of photos, or a list file, as for train.py --data"
    )
    parser.add_argument("folder", metavar="FOLDER", type=pathlib.Path, help="where the shards go; made if it isn't there")
    parser.add_argument(
        "--photos_per_shard",
        metavar="N",
        type=argument_types.positive_int,
        default=1000,
        help="photos in a shard, at most (default: %(default)s, of COCO 150 MB)",
    )
    return parser


def _refuse(reason: str) -> int:
    print(f"make_shards.py: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
