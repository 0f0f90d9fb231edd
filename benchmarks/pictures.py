"""Enlarges all pictures of a folder, and holds them against another reader: python benchmarks/pictures.py FOLDER [OPTION...]

Each result is read by FFmpeg, reduced to the size of its source, and compared with what FFmpeg reads of the source. The table
counts, by format, which results are alike, which are not, and which FFmpeg can't judge; then come the reasons of those that
were refused. Those that are not alike need a person's eyes, for FFmpeg can be wrong too. Pillow's own test pictures (its
repository, Tests/images) are what it is made for. All other options are those of upscale.py: --pixel_art --scale=2 needs no
network, and looks at reading and writing alone.
"""

import collections
import json
import pathlib
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from sr_keras.runtime import argument_types, command_line
from sr_keras.runtime.errors import UserError
from sr_keras.upscaling import command

# Levels of 255, on average: a network sharpens edges, and readers convert colours a little differently.
ALIKE = 8


def main(argv: Sequence[str] | None = None) -> int:
    prog = "pictures.py"
    parser = command_line.Parser(prog=prog, description=__doc__, epilog=command_line.EXIT_CODES)
    parser.add_argument("folder", type=argument_types.path, metavar="FOLDER", help="pictures, in folders within it too")
    options, further = parser.parse_known_args(argv)
    return command_line.run(prog, lambda: print_table(options.folder, further))


def print_table(folder: pathlib.Path, further: Sequence[str]) -> int:
    """Prints what became of each kind of file; returns 1 if a result is not as its source."""
    verdicts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    refused: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as results:
        for entry in enlarged(folder, further, pathlib.Path(results)):
            verdict = judged(entry) if entry["status"] == "done" else "refused"
            verdicts[pathlib.PurePath(entry["source"]).suffix.lower() or "none"][verdict] += 1
            if verdict == "refused":
                refused[entry["reason"].removeprefix(f"{entry['source']}: ")] += 1
            elif verdict == "not alike":
                print(f"not alike: {entry['source']} ({'; '.join(entry['notes'])})", flush=True)
    columns = ("alike", "not alike", "not judged", "refused")
    print("| suffix | " + " | ".join(columns) + " |\n| --- |" + " ---: |" * len(columns))
    for suffix, counts in (*sorted(verdicts.items()), ("all", sum(verdicts.values(), collections.Counter()))):
        print(f"| {suffix} | " + " | ".join(str(counts[column]) for column in columns) + " |")
    for reason, count in refused.most_common():
        print(f"refused, {count}: {reason}")
    return 1 if any(counts["not alike"] for counts in verdicts.values()) else 0


def enlarged(folder: pathlib.Path, further: Sequence[str], results: pathlib.Path) -> Iterator[Mapping[str, Any]]:
    """What the report of `upscale.py` says of each file."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    report = results / "report.jsonl"
    # A pattern takes all files, whatever they are.
    command.main([str(folder / "**"), f"--output_dir={results}", f"--report={report}", "--quiet", *further])
    with report.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def judged(entry: Mapping[str, Any]) -> str:
    """Whether a result is its source, enlarged, in FFmpeg's eyes."""
    source, result = (read_by_ffmpeg(pathlib.Path(entry[name])) for name in ("source", "result"))
    if source is None or result is None:
        return "not judged"
    # FFmpeg does not turn pictures as EXIF says.
    turned = (np.rot90(each, turns) for each in (source, source.swapaxes(0, 1)) for turns in range(4))
    differences = (np.abs(reduced(result, each.shape[:2]) - each).mean() for each in turned)
    return "alike" if any(difference <= ALIKE for difference in differences) else "not alike"


def read_by_ffmpeg(path: pathlib.Path) -> np.ndarray | None:
    """A file's first picture on grey, `[H, W, 3]` with levels of 255; None if FFmpeg has no decoder for it."""
    import av

    try:
        # Of an animated PNG, FFmpeg leaves out the still picture, unless it is told that it is a PNG.
        with av.open(str(path), format="png_pipe" if path.suffix.lower() in (".png", ".apng") else None) as container:
            rgba = next(container.decode(video=0)).to_ndarray(format="rgba").astype(np.float32)
    except (av.error.FFmpegError, StopIteration, IndexError, ValueError):
        return None
    alpha = rgba[..., 3:] / 255
    return np.asarray(rgba[..., :3] * alpha + 128 * (1 - alpha))


def reduced(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The mean over what each pixel of a smaller picture covers."""
    channels = (Image.fromarray(picture[..., channel]) for channel in range(3))
    return np.stack([np.asarray(each.resize(size[::-1], Image.Resampling.BOX)) for each in channels], axis=2)


if __name__ == "__main__":
    sys.exit(main())
