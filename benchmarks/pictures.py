"""Enlarges all pictures of a folder, and holds them against another reader: python benchmarks/pictures.py FOLDER

Each result is read by FFmpeg, reduced to the size of its source, and compared with what FFmpeg reads of the source. The table
counts, by format, which results are alike, which are not, and which FFmpeg can't judge; then come the reasons of those that
were refused. Pillow's own test pictures (its repository, Tests/images) are what it is made for.
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
    parser.add_argument("--model", default="espcn", metavar="MODEL", help="as upscale.py has it (%(default)s)")
    options = parser.parse_args(argv)
    return command_line.run(prog, lambda: print_table(options.folder, options.model))


def print_table(folder: pathlib.Path, model: str) -> int:
    """Prints what became of each kind of file; returns 1 if a result is not as its source."""
    verdicts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    refused: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as results:
        for entry in enlarged(folder, model, pathlib.Path(results)):
            verdict = judged(entry) if entry["status"] == "done" else "refused"
            verdicts[pathlib.PurePath(entry["source"]).suffix.lower() or "none"][verdict] += 1
            if verdict == "refused":
                refused[entry["reason"].removeprefix(f"{entry['source']}: ")] += 1
            elif verdict == "not alike":
                print(f"not alike: {entry['source']} ({'; '.join(entry['notes'])})")
    columns = ("alike", "not alike", "not judged", "refused")
    print("| suffix | " + " | ".join(columns) + " |\n| --- |" + " ---: |" * len(columns))
    for suffix, counts in (*sorted(verdicts.items()), ("all", sum(verdicts.values(), collections.Counter()))):
        print(f"| {suffix} | " + " | ".join(str(counts[column]) for column in columns) + " |")
    for reason, count in refused.most_common():
        print(f"refused, {count}: {reason}")
    return 1 if any(counts["not alike"] for counts in verdicts.values()) else 0


def enlarged(folder: pathlib.Path, model: str, results: pathlib.Path) -> Iterator[Mapping[str, Any]]:
    """What the report of `upscale.py` says of each file."""
    report = results / "report.jsonl"
    names = [str(path) for path in sorted(folder.rglob("*")) if path.is_file()]
    if not names:
        raise UserError(f"{folder}: holds no file")
    listed = results / "list.txt"
    listed.write_text("\n".join(str(pathlib.Path(name).absolute()) for name in names), encoding="utf-8")
    command.main([f"--list={listed}", f"--model={model}", f"--output_dir={results}", f"--report={report}", "--quiet"])
    with report.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def judged(entry: Mapping[str, Any]) -> str:
    """Whether a result is its source, enlarged, in FFmpeg's eyes."""
    source, result = (read_by_ffmpeg(pathlib.Path(entry[name])) for name in ("source", "result"))
    if source is None or result is None:
        return "not judged"
    # FFmpeg does not turn pictures as EXIF says.
    turned = [np.rot90(each, turns) for each in (source, source.swapaxes(0, 1)) for turns in range(4)]
    differences = [np.abs(reduced(result, each.shape[:2]) - each).mean() for each in turned]
    return "alike" if min(differences) <= ALIKE else "not alike"


def read_by_ffmpeg(path: pathlib.Path) -> np.ndarray | None:
    """A file's first picture on grey, `[H, W, 3]` with levels of 255; None if FFmpeg has no decoder for it."""
    import av

    try:
        with av.open(str(path)) as container:
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
