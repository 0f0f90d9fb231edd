"""What a cluster of one machine costs: the same photos by `upscale`, and by `upscale --cluster` with one worker and more.

    python benchmarks/cluster.py --photos=200 --workers=1,2

Each is run in turns, as a process of its own, on all photos and on one: the difference is the work without the start.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

import numpy as np

from sr_keras.photos import rgb
from sr_keras.runtime import argument_types, command_line

_ROOT = pathlib.Path(__file__).parents[1]


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.Parser(prog="benchmarks/cluster.py", description=__doc__, epilog=command_line.EXIT_CODES)
    parser.add_argument("--photos", type=argument_types.positive_int, default=200, metavar="N", help="how many (%(default)s)")
    parser.add_argument(
        "--size", type=argument_types.positive_int, default=128, metavar="PIXELS", help="of a side (%(default)s)"
    )
    parser.add_argument("--model", type=argument_types.name, default="edsr", help="which network (%(default)s)")
    parser.add_argument("--workers", type=_counts, default=[1, 2], metavar="N,N", help="how many, in turns (1,2)")
    parser.add_argument(
        "--rounds", type=argument_types.positive_int, default=3, metavar="N", help="of which the median counts (%(default)s)"
    )
    options = parser.parse_args(argv)
    return command_line.run(parser.prog, lambda: _print(options))


def _counts(text: str) -> list[int]:
    return [argument_types.positive_int(each) for each in text.split(",")]


def _print(options: argparse.Namespace) -> int:
    contenders: dict[str, list[str]] = {"upscale": []} | {
        f"--cluster, {n} worker{'s' if n > 1 else ''}": ["--cluster", f"--workers={n}"] for n in options.workers
    }
    with tempfile.TemporaryDirectory() as folder:
        photos = pathlib.Path(folder, "photos")
        photos.mkdir()
        rng = np.random.default_rng(0)
        names = [photos / f"photo{number}.jpg" for number in range(options.photos)]
        for path in names:
            rgb.write_photo(path, rng.integers(0, 256, (options.size, options.size, 3), dtype=np.uint8))
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
        for _ in range(options.rounds):
            for name, arguments in contenders.items():
                common = [f"--output_dir={folder}/large", f"--model={options.model}", "--overwrite", "--quiet", *arguments]
                seconds[name].append((_seconds([str(photos), *common]), _seconds([str(names[0]), *common])))
    print(f"{options.photos} photos of {options.size}x{options.size} pixels, {options.model}: median of {options.rounds}")
    print("| | seconds | of it start | of it work | work, against upscale in the same round |")
    print("| --- | --- | --- | --- | --- |")
    for name, runs in seconds.items():
        total, start = (statistics.median(each) for each in zip(*runs, strict=True))
        work = statistics.median(total - start for total, start in runs)
        ratios = [(a - b) / (c - d) for (a, b), (c, d) in zip(runs, seconds["upscale"], strict=True)]
        print(f"| {name} | {total:.1f} | {start:.1f} | {work:.1f} | {statistics.median(ratios):.2f} |")
    return 0


def _seconds(arguments: Sequence[str]) -> float:
    begun = time.monotonic()
    subprocess.run([sys.executable, "-m", "sr_keras", "upscale", *arguments], cwd=_ROOT, check=True)
    return time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main())
