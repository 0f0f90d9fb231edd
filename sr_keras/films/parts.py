"""The finished segments of a film that is being made, in a folder beside it, so that an interrupted run goes on."""

import contextlib
import dataclasses
import json
import pathlib
import shutil
from collections.abc import Iterator, Mapping, Sequence

import filelock

from sr_keras.films.encoder import SEGMENT_SUFFIX, SegmentWriter
from sr_keras.films.formats import FilmError
from sr_keras.runtime import files

_STATE, _LOCK = "state.json", "lock"


@dataclasses.dataclass(frozen=True)
class Segment:
    """A finished segment.

    Attributes:
        count, first_pts, end_pts, delay: as `SegmentWriter` has them.
        size: of its file, in bytes.
    """

    count: int
    first_pts: int
    end_pts: int
    delay: int
    size: int


class Parts:
    """The finished segments, first to last.

    Attributes:
        segments: what is known of them.
    """

    def __init__(self, folder: pathlib.Path, recipe: Mapping[str, object], segments: Sequence[Segment]) -> None:
        self.segments = list(segments)
        self._folder, self._recipe = folder, dict(recipe)

    @property
    def paths(self) -> list[pathlib.Path]:
        return [self._path(index) for index in range(len(self.segments))]

    @property
    def num_frames(self) -> int:
        return sum(segment.count for segment in self.segments)

    @property
    def next_path(self) -> pathlib.Path:
        """Where the next segment is written."""
        return self._path(len(self.segments))

    def add(self, writer: SegmentWriter) -> None:
        """Takes the segment in that was written to `next_path`."""
        size = self.next_path.stat().st_size
        self.segments.append(Segment(writer.count, writer.first_pts, writer.end_pts, writer.delay, size))
        state = {"recipe": self._recipe, "segments": [dataclasses.asdict(segment) for segment in self.segments]}
        with files.written_beside(self._folder / _STATE) as part:
            part.write_text(json.dumps(state) + "\n", encoding="utf-8")

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, index: int) -> pathlib.Path:
        return self._folder / f"{index:06}{SEGMENT_SUFFIX}"


@contextlib.contextmanager
def opened(folder: pathlib.Path, recipe: Mapping[str, object], *, overwrite: bool = False) -> Iterator[Parts]:
    """Opens the folder of a film's segments.

    At the end, a folder without a segment vanishes; others stay until `Parts.remove`.

    Args:
        folder: is made if need be.
        recipe: all that decides how the segments look, as JSON has it.
        overwrite: whether the segments of an earlier run with another recipe are thrown away.

    Raises:
        FilmError: another process is at it, or it holds segments of another recipe.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / _LOCK, timeout=0):
            parts = Parts(folder, recipe, _finished(folder, recipe, overwrite))
            try:
                yield parts
            finally:
                if not parts.segments:
                    parts.remove()
    except filelock.Timeout:
        raise FilmError(f"{folder}: another process is making this film") from None


def _finished(folder: pathlib.Path, recipe: Mapping[str, object], overwrite: bool) -> list[Segment]:
    """The segments of an earlier run, up to the first that is missing or damaged."""
    try:
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        is_same, segments = state["recipe"] == recipe, [Segment(**each) for each in state["segments"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    if not is_same:
        if overwrite:
            return []
        count = sum(segment.count for segment in segments)
        raise FilmError(f"{folder}: holds {count} frames of a run with other options; --overwrite begins anew")
    for index, segment in enumerate(segments):
        path = folder / f"{index:06}{SEGMENT_SUFFIX}"
        if not path.is_file() or path.stat().st_size != segment.size:
            return segments[:index]
    return segments
