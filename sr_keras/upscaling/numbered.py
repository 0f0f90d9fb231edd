"""Folders of numbered frames, as games and renderers write them: a film, one picture a frame."""

import contextlib
import itertools
import pathlib
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from sr_keras.inference.tiling import Progress, Put
from sr_keras.photos import picture_reader
from sr_keras.photos.errors import PhotoError
from sr_keras.photos.picture import Picture
from sr_keras.runtime import store
from sr_keras.upscaling.choice import Choice, Choose
from sr_keras.upscaling.frame_run import PhotoUpscaler
from sr_keras.upscaling.target import Size

# Not JPEG: cameras number photos, too.
_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".bmp", ".tga"})
_FEWEST = 3
_STEM = re.compile(r"(.*?)(\d+)")


def folders(paths: Iterable[pathlib.Path]) -> Mapping[pathlib.Path, Sequence[pathlib.Path]]:
    """Those of the paths' folders whose pictures differ in a number at the end of their names alone, each with its frames.

    Frames of a film have one size: pictures of several, such as scans, are photos. What can't be read says nothing.

    Args:
        paths: all pictures of each folder.

    Returns:
        By the folder, its frames in their order.
    """
    by_folder: dict[pathlib.Path, list[pathlib.Path]] = {}
    for path in paths:
        by_folder.setdefault(path.parent, []).append(path)
    return {
        folder: sorted(frames, key=_number)
        for folder, frames in by_folder.items()
        if _is_numbered(frames) and _has_one_size(frames)
    }


def describe(folder: pathlib.Path, frames: Sequence[pathlib.Path], results: pathlib.Path) -> str:
    """How many there are, which are missing, and what is done with them, in words.

    Args:
        folder: of the frames.
        frames: in their order.
        results: the folder of the results.
    """
    numbers = [_number(frame) for frame in frames]
    gaps = list(_gaps(numbers))
    missing = f"; missing: {', '.join(gaps)}" if gaps else ""
    return (
        f"{folder}: {len(frames)} numbered frames, {numbers[0]} to {numbers[-1]}{missing}\n"
        f"{folder}: taken for frames of one film: results go to {results}; name {folder / '*'} to have them as photos"
    )


class _Remembering:
    """An upscaler that doesn't compute a photo again that equals the one before it; memory holds the last result."""

    def __init__(self, upscaler: PhotoUpscaler) -> None:
        self._upscaler = upscaler
        self.scale, self.receptive_field = upscaler.scale, upscaler.receptive_field
        self._photo: np.ndarray | None = None
        self._tiles: list[tuple[int, int, np.ndarray]] = []

    def upscale_to(self, put: Put, photo: np.ndarray, *, self_ensemble: bool, progress: Progress) -> None:
        """See `Upscaler.upscale_to`; `self_ensemble` is the same each time."""
        if self._photo is None or self._photo.dtype != photo.dtype or not np.array_equal(self._photo, photo):
            self._photo, tiles = None, []
            self._upscaler.upscale_to(lambda *tile: tiles.append(tile), photo, self_ensemble=self_ensemble, progress=progress)
            self._photo, self._tiles = photo.copy(), tiles
        for tile in self._tiles:
            put(*tile)
        progress(1.0)


def decided_once(choosers: Sequence[Choose], first_frame: Picture | None = None) -> list[Choose]:
    """Choosers that give each picture the network that the first one is given: a film by two networks would flicker.

    A frame that equals the one before it is not computed again.

    Args:
        choosers: one for each device.
        first_frame: decides, where others than these choosers have it; None is the first picture that they are given.
    """
    first: list[Picture] = [] if first_frame is None else [first_frame]
    lock = threading.Lock()

    def decided(choose: Choose) -> Choose:
        made: list[Choice] = []

        def choose_once(picture: Picture) -> Choice:
            with lock:
                if not first:
                    first.append(picture)
            if not made:
                choice = choose(first[0])
                made.append(choice._replace(upscaler=_Remembering(choice.upscaler)))
            return made[0]

        return choose_once

    return [decided(choose) for choose in choosers]


def _is_numbered(frames: Sequence[pathlib.Path]) -> bool:
    matches = [_STEM.fullmatch(frame.stem) for frame in frames]
    names = {(match[1], frame.suffix) for match, frame in zip(matches, frames, strict=True) if match}
    return len(frames) >= _FEWEST and all(matches) and len(names) == 1 and frames[0].suffix.lower() in _SUFFIXES


def _has_one_size(frames: Sequence[pathlib.Path]) -> bool:
    first: Size | None = None
    for frame in frames:
        if isinstance(frame, store.StorePath):
            continue  # each look is a request
        with contextlib.suppress(PhotoError):
            size = picture_reader.read_size(frame)
            if size != (first := first or size):
                return False
    return True


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
