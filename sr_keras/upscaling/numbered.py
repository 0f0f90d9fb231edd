"""Folders of numbered frames, as games and renderers write them: a film, one picture a frame."""

import itertools
import pathlib
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sr_keras.photos.picture import Picture
from sr_keras.upscaling.choice import Choice, Choose

# Not JPEG: cameras number photos, too.
_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".bmp", ".tga"})
_FEWEST = 3
_STEM = re.compile(r"(.*?)(\d+)")


def folders(paths: Iterable[pathlib.Path]) -> Mapping[pathlib.Path, Sequence[pathlib.Path]]:
    """Those of the paths' folders whose pictures differ in a number at the end of their names alone, each with its frames.

    Args:
        paths: all pictures of each folder.

    Returns:
        By the folder, its frames in their order.
    """
    by_folder: dict[pathlib.Path, list[pathlib.Path]] = {}
    for path in paths:
        by_folder.setdefault(path.parent, []).append(path)
    return {folder: sorted(frames, key=_number) for folder, frames in by_folder.items() if _is_numbered(frames)}


def describe(frames: Sequence[pathlib.Path]) -> str:
    """How many there are, and which are missing, in words."""
    numbers = [_number(frame) for frame in frames]
    gaps = list(_gaps(numbers))
    missing = f"; missing: {', '.join(gaps)}" if gaps else ""
    return f"{len(frames)} numbered frames, {numbers[0]} to {numbers[-1]}{missing}"


def decided_once(choosers: Sequence[Choose]) -> list[Choose]:
    """Choosers that give each picture the network that the first one is given: a film by two networks would flicker."""
    first: list[Picture] = []
    lock = threading.Lock()

    def decided(choose: Choose) -> Choose:
        made: list[Choice] = []

        def choose_once(picture: Picture) -> Choice:
            with lock:
                if not first:
                    first.append(picture)
            if not made:
                made.append(choose(first[0]))
            return made[0]

        return choose_once

    return [decided(choose) for choose in choosers]


def _is_numbered(frames: Sequence[pathlib.Path]) -> bool:
    matches = [_STEM.fullmatch(frame.stem) for frame in frames]
    names = {(match[1], frame.suffix) for match, frame in zip(matches, frames, strict=True) if match}
    return len(frames) >= _FEWEST and all(matches) and len(names) == 1 and frames[0].suffix.lower() in _SUFFIXES


def _number(frame: pathlib.Path) -> int:
    match = _STEM.fullmatch(frame.stem)
    assert match is not None  # `_is_numbered` saw to that
    return int(match[2])


def _gaps(numbers: Sequence[int]) -> Iterator[str]:
    for before, after in itertools.pairwise(numbers):
        if after - before == 2:
            yield str(before + 1)
        elif after - before > 2:
            yield f"{before + 1} to {after - 1}"
