"""What a cluster of one machine costs: the same photos by `upscale`, and by `upscale --cluster` with one worker and more.

    python benchmarks/cluster.py --photos=200 --workers=1,2

Each is run in turns, as a process of its own, on all photos and on one: the difference is the work without the start.
"""

import argparse
import contextlib
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import psutil

from sr_keras.photos import rgb
from sr_keras.runtime import argument_types, command_line
from sr_keras.runtime.errors import UserError

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
        costs: dict[str, list[tuple[Cost, Cost]]] = {name: [] for name in contenders}
        for _ in range(options.rounds):
            for name, arguments in contenders.items():
                common = [f"--output_dir={folder}/large", f"--model={options.model}", "--overwrite", "--quiet", *arguments]
                all_photos, one_photo = _cost([str(photos), *common]), _cost([str(names[0]), *common])
                costs[name].append((all_photos.minus(one_photo), one_photo))
    print(f"{options.photos} photos of {options.size}x{options.size} pixels, {options.model}: median of {options.rounds}")
    print("| | start, s | work, s | against upscale | work, s of processors | against upscale |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, runs in costs.items():
        start = statistics.median(start.wall for _, start in runs)
        cells = [f"{start:.1f}"]
        for field in ("wall", "processor"):
            work = [getattr(each, field) for each, _ in runs]
            alone = [getattr(each, field) for each, _ in costs["upscale"]]
            ratio = statistics.median(ours / theirs for ours, theirs in zip(work, alone, strict=True))
            cells += [f"{statistics.median(work):.1f}", f"{ratio:.2f}"]
        print(f"| {name} | {' | '.join(cells)} |")
    return 0


class Cost(NamedTuple):
    """Of a process and all that it starts.

    Attributes:
        wall: seconds that pass.
        processor: seconds of all processors, which other work on the machine hardly changes.
    """

    wall: float
    processor: float

    def minus(self, other: "Cost") -> "Cost":
        return Cost(self.wall - other.wall, self.processor - other.processor)


def _cost(arguments: Sequence[str]) -> Cost:
    used: dict[int, float] = {}
    begun = time.monotonic()
    with psutil.Popen([sys.executable, "-m", "sr_keras", "upscale", *arguments], cwd=_ROOT) as process:
        while process.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                for each in (process, *process.children(recursive=True)):
                    times = each.cpu_times()
                    used[each.pid] = times.user + times.system
            time.sleep(0.1)
    if process.returncode:
        raise UserError(f"upscale {' '.join(arguments)} ended with {process.returncode}")
    return Cost(time.monotonic() - begun, sum(used.values()))


if __name__ == "__main__":
    sys.exit(main())
