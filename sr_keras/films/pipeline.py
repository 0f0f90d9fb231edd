"""Upscales a film: decoding, computing and encoding run side by side, each a few frames ahead of the next."""

import collections
import contextlib
import dataclasses
import itertools
import pathlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol, TypeVar

import av
import numpy as np
from av.video.frame import VideoFrame

from sr_keras.films import colour, encoder, joining, parts
from sr_keras.films.film_info import FilmInfo
from sr_keras.films.formats import FilmError
from sr_keras.films.reader import WHOLE, Clip, Reader
from sr_keras.runtime import files

Item = TypeVar("Item")

# Bytes of the frames that wait between two stages, and the most of them.
_WAITING_BYTES, _MOST_WAITING = 256_000_000, 8


class Upscaler(Protocol):
    """What is needed of an `inference.upscaler.Upscaler`."""

    scale: int

    def upscale_to(
        self,
        put: Callable[[int, int, np.ndarray], None],
        photo: np.ndarray,
        *,
        self_ensemble: bool,
        progress: Callable[[float], None],
    ) -> None:
        """See `Upscaler.upscale_to`."""


@dataclasses.dataclass(frozen=True)
class Task:
    """What is to be done to a film.

    Attributes:
        film, output: their paths; the ending of `output` is one of `formats.CONTAINERS`.
        info: of the film.
        encoding: of the result.
        clip: the part of the film that is wanted.
        deinterlace, self_ensemble: see `reader.Reader` and `Upscaler.upscale_to`.
        restore: whether frames go through the network even if they are large enough.
        overwrite: whether an older result is replaced, and what is finished of one with another recipe.
        recipe: what else decides how the result looks, such as the network; an interrupted run goes on only with the same.
    """

    film: pathlib.Path
    output: pathlib.Path
    info: FilmInfo
    encoding: encoder.Encoding
    clip: Clip = WHOLE
    deinterlace: bool = False
    self_ensemble: bool = False
    restore: bool = False
    overwrite: bool = False
    recipe: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Result(NamedTuple):
    """What became of a film.

    Attributes:
        num_frames: in the result; `num_resumed` of them from an interrupted run, `num_equal` computed only once with the frame
            before them.
        notes: what could not be kept.
        problems: what was wrong with the film, so that a part of it is missing.
    """

    num_frames: int
    num_resumed: int
    num_equal: int
    notes: tuple[str, ...]
    problems: tuple[str, ...]


class _Shot(NamedTuple):
    """A frame as RGB. That of an equal frame is the same object as the one before."""

    pts: int
    duration: int
    rgb: np.ndarray


class _StopError(Exception):
    """Nobody waits for the rest."""


def parts_folder(output: pathlib.Path) -> pathlib.Path:
    """Where the finished segments of a result lie until it is whole."""
    return output.with_name(f"{output.name}.parts")


def run(task: Task, upscalers: Sequence[Upscaler], progress: Callable[[int], None] = lambda num_frames: None) -> Result:
    """Makes the result, or goes on with one that was interrupted. Both give the same film.

    Args:
        task: what is to be done.
        upscalers: frames are computed by all of them at once, each one by one. The same one may be there twice.
        progress: called with the number of finished frames. What it raises ends the work.

    Raises:
        FilmError: the film can't be read or the result can't be written.
        FileExistsError: the result is there, and is not to be overwritten.
        ValueError, MemoryError: as `Upscaler` has them.
    """
    info = task.info
    encoder.require_encodable(task.encoding, info)
    reader = Reader(task.film, task.clip, deinterlace=task.deinterlace)
    with parts.opened(parts_folder(task.output), _recipe(task), overwrite=task.overwrite) as finished:
        num_resumed = finished.num_frames
        waiting, stop = _waiting(task), threading.Event()
        shots = _Shots(reader, colour.Converter(info.colour), skip=num_resumed, stop=stop)
        with contextlib.closing(_beside(iter(shots), waiting)) as decoded:
            computed = _computed(decoded, upscalers, task, stop)
            with contextlib.closing(_beside(computed, waiting)) as results:
                try:
                    _encode(results, task, finished, progress)
                finally:
                    stop.set()
        if not finished.segments:
            raise FilmError(f"{task.film}: {'; '.join(['holds no frame of this part', *reader.problems])}")
        notes = _join(task, reader, finished)
        num_frames = finished.num_frames
        finished.remove()
    if reader.num_interlaced and not info.interlaced:
        notes.append(f"{reader.num_interlaced} frames are marked as interlaced; --deinterlace makes whole ones of them")
    return Result(num_frames, num_resumed, shots.num_equal, (*info.lost, *notes), tuple(reader.problems))


def _recipe(task: Task) -> dict[str, object]:
    """All that decides how the segments look, as JSON has it."""
    state = task.film.stat()
    return {
        "film": [state.st_size, state.st_mtime_ns],
        "encoding": dataclasses.asdict(task.encoding),
        "clip": [None if value is None else str(value) for value in task.clip],
        "deinterlace": task.deinterlace,
        "self_ensemble": task.self_ensemble,
        **task.recipe,
    }


def _waiting(task: Task) -> int:
    frame = 3 * task.encoding.width * task.encoding.height * (1 if task.info.colour.depth == 8 else 2)
    return max(1, min(_MOST_WAITING, _WAITING_BYTES // frame))


class _Shots:
    """A film's frames as RGB, of which the first few are skipped; until `stop` is set.

    Attributes:
        num_equal: frames that equal the one before them.
    """

    def __init__(self, reader: Reader, converter: colour.Converter, *, skip: int, stop: threading.Event) -> None:
        self.num_equal = 0
        self._reader, self._converter, self._skip, self._stop = reader, converter, skip, stop

    def __iter__(self) -> Iterator[_Shot]:
        last = None
        with contextlib.closing(self._reader.frames()) as frames:
            for index, frame in enumerate(frames):
                if self._stop.is_set():
                    return
                # What is finished is decoded again: a film can't be trusted to be searched to the frame.
                if index < self._skip:
                    continue
                rgb = self._converter.to_rgb(frame.picture)
                if last is not None and np.array_equal(rgb, last):
                    rgb = last
                    self.num_equal += 1
                last = rgb
                yield _Shot(frame.pts, frame.duration, rgb)


def _computed(shots: Iterator[_Shot], upscalers: Sequence[Upscaler], task: Task, stop: threading.Event) -> Iterator[_Shot]:
    """The shots, enlarged, in their order, until `stop` is set."""
    free: queue.SimpleQueue[Upscaler] = queue.SimpleQueue()
    for upscaler in upscalers:
        free.put(upscaler)
    waiting: collections.deque[tuple[_Shot, Future[np.ndarray]]] = collections.deque()

    def check(_: float) -> None:
        if stop.is_set():
            raise _StopError

    def compute(rgb: np.ndarray) -> np.ndarray:
        upscaler, encoding = free.get(), task.encoding
        try:
            size = (encoding.width, encoding.height)
            return enlarged(rgb, upscaler, *size, self_ensemble=task.self_ensemble, restore=task.restore, check=check)
        finally:
            free.put(upscaler)

    with ThreadPoolExecutor(len(upscalers), thread_name_prefix="upscale") as pool:
        for shot in shots:
            same = waiting and waiting[-1][0].rgb is shot.rgb
            waiting.append((shot, waiting[-1][1] if same else pool.submit(compute, shot.rgb)))
            # One stays, to be the same as the next.
            if len(waiting) > len(upscalers) + 1:
                yield _finished(*waiting.popleft())
        while waiting:
            yield _finished(*waiting.popleft())


def _finished(shot: _Shot, computing: "Future[np.ndarray]") -> _Shot:
    return shot._replace(rgb=computing.result())


def enlarged(
    rgb: np.ndarray,
    upscaler: Upscaler,
    width: int,
    height: int,
    *,
    self_ensemble: bool = False,
    restore: bool = False,
    check: Callable[[float], None] = lambda share: None,
) -> np.ndarray:
    """A frame `[H, W, 3]` in as many passes of the network as a size takes; it may get larger than that.

    Args:
        restore: whether it takes one pass at least, as always with a network of scale 1.
        check: called again and again; what it raises ends the work.
    """
    passes = 0
    is_wanted = restore or upscaler.scale == 1
    while (is_wanted and passes < 1) or (upscaler.scale > 1 and (rgb.shape[0] < height or rgb.shape[1] < width)):
        sr = np.empty((upscaler.scale * rgb.shape[0], upscaler.scale * rgb.shape[1], 3), rgb.dtype)

        def put(y: int, x: int, tile: np.ndarray, sr: np.ndarray = sr) -> None:
            sr[y : y + tile.shape[0], x : x + tile.shape[1]] = tile

        upscaler.upscale_to(put, rgb, self_ensemble=self_ensemble, progress=check)
        rgb = sr
        passes += 1
    return rgb


def _encode(shots: Iterator[_Shot], task: Task, finished: parts.Parts, progress: Callable[[int], None]) -> None:
    """Writes segment after segment."""
    converter = colour.Converter(task.info.colour)
    last: tuple[np.ndarray, VideoFrame] | None = None
    while (first := next(shots, None)) is not None:
        writer = encoder.SegmentWriter(finished.next_path, task.encoding, task.info)
        try:
            for shot in itertools.chain([first], itertools.islice(shots, task.encoding.longest - 1)):
                if last is None or shot.rgb is not last[0]:
                    last = shot.rgb, converter.to_frame(shot.rgb, task.encoding.width, task.encoding.height)
                writer.add(last[1], shot.pts, shot.duration)
                progress(finished.num_frames + writer.count)
        except BaseException:
            writer.abandon()
            raise
        writer.close()
        finished.add(writer)


def _join(task: Task, reader: Reader, finished: parts.Parts) -> list[str]:
    unit, clip = task.info.time_base, task.clip
    is_cut = clip.end is not None or clip.frames is not None
    part = joining.Range(
        finished.segments[0].first_pts * unit if clip.start else reader.start,
        finished.segments[-1].end_pts * unit if is_cut else None,
        is_excerpt=bool(clip.start),
    )
    try:
        with files.written_beside(task.output, overwrite=task.overwrite) as path:
            return joining.join(finished, path, task.film, task.info, task.encoding, part, suffix=task.output.suffix)
    except av.error.FFmpegError as error:
        raise FilmError(f"{task.output}: {files.reason(error)}") from None


def _beside(items: Iterator[Item], most: int) -> Generator[Item, None, None]:
    """The items, made in a thread of their own, which is at most so many ahead; closing ends it."""
    ready: queue.Queue[tuple[Item] | BaseException | None] = queue.Queue(most)
    stop = threading.Event()

    def put(what: tuple[Item] | BaseException | None) -> bool:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(what, timeout=0.1)
                return True
        return False

    def make() -> None:
        try:
            for item in items:
                if not put((item,)):
                    break
        except BaseException as error:
            put(error)
        else:
            put(None)
        finally:
            # In the thread that runs it: a generator can't be closed from another one.
            if isinstance(items, Generator):
                items.close()

    maker = threading.Thread(target=make, daemon=True)
    maker.start()
    try:
        while (made := ready.get()) is not None:
            if isinstance(made, BaseException):
                raise made
            yield made[0]
    finally:
        stop.set()
        maker.join()
