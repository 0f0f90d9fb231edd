"""Reads a film's frames, each with its time, whatever is wrong with the film."""

import contextlib
import pathlib
from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import NamedTuple

import av
from av.container.input import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from sr_keras.films import film_file
from sr_keras.films.deinterlacing import deinterlaced
from sr_keras.films.formats import FilmError
from sr_keras.runtime import files

# Finer time bases are rounded to it: no film needs more, and results in .mp4 would run out of numbers.
_FINEST = Fraction(1, 1_000_000)
# From a key frame so far before its beginning, an excerpt is decoded: decoders need some frames to get going.
_RUN_UP = Fraction(10)
# Of these, the header says how long they are, so that one that is cut off can be told.
_KNOW_THEIR_LENGTH = frozenset({"mov", "matroska", "avi", "flv", "asf"})
# Sound, and the last frame, may end before what the header says: by such a share of the film, within these seconds.
_MISSED_SHARE, _LEAST_MISSED, _MOST_MISSED = Fraction(1, 20), Fraction(1, 10), Fraction(1)
_USUAL_RATE = Fraction(25)


class Clip(NamedTuple):
    """The part of a film that is wanted.

    Attributes:
        start, end: in seconds from the film's beginning; a frame that is shown from `end` on is left out.
        frames: the most of them.
    """

    start: Fraction | None = None
    end: Fraction | None = None
    frames: int | None = None


WHOLE = Clip()


class Frame(NamedTuple):
    """A frame and its time: `pts` and `duration` in units of the film's `time_base`."""

    pts: int
    duration: int
    picture: VideoFrame


class Reader:
    """Reads a film's frames, once.

    Attributes:
        problems: after the reading, what was wrong with the film; each a few words.
        num_interlaced: frames so far that are marked as two fields, and were left so.
        rate, time_base, start, sample_aspect: as `film_info.FilmInfo` has them, known after the first frame.
        length: in seconds, as the film's header has it; None is unknown.
        declared_frames: as the header has them; 0 is unknown.
        tells_siting: whether the film says where its chroma lies.
    """

    rate: Fraction
    time_base: Fraction
    start: Fraction
    sample_aspect: Fraction | None
    length: Fraction | None
    declared_frames: int
    tells_siting: bool

    def __init__(self, path: pathlib.Path, clip: Clip = WHOLE, *, deinterlace: bool = False) -> None:
        """Args:
        path: of the film.
        clip: the part that is read.
        deinterlace: makes a whole frame of the two fields of each.
        """
        self.problems: list[str] = []
        self.num_interlaced = 0
        self._path, self._clip, self._deinterlace = path, clip, deinterlace
        self._num_damaged = 0
        self._first_damaged = Fraction(0)

    def frames(self) -> Generator[Frame, None, None]:
        """The frames of the part, in the order of their times, which grow from each to the next.

        Raises:
            FilmError: it can't be read at all, or the size of its pictures changes.
        """
        count = 0
        last = None
        for frame in self._from_start():
            moment = frame.pts * self.time_base - self.start
            if self._clip.start is not None and moment < self._clip.start:
                continue
            if self._clip.end is not None and moment >= self._clip.end:
                break
            if last is not None and _shape(frame.picture) != _shape(last.picture):
                raise FilmError(
                    f"{self._path}: changes from {_described(last.picture)} to {_described(frame.picture)} at "
                    f"{clock(moment)}; --start and --end take a part"
                )
            last = frame
            self.num_interlaced += frame.picture.interlaced_frame and not self._deinterlace
            yield frame
            count += 1
            if count == self._clip.frames:
                break
        if self._num_damaged:
            places = f"{self._num_damaged} places, the first" if self._num_damaged > 1 else "one place,"
            self.problems.append(f"damaged in {places} at {clock(self._first_damaged)}")

    def _from_start(self) -> Iterator[Frame]:
        """The frames from the part's beginning or a little earlier."""
        start = self._clip.start
        if start is not None and start > _RUN_UP:
            with contextlib.closing(self._decoded(start - _RUN_UP)) as frames:
                first = next(frames, None)
                # Some films can't be searched, or not precisely.
                if first is not None and first.pts * self.time_base - self.start <= start:
                    yield first
                    yield from frames
                    return
            self._num_damaged = 0
            self.problems.clear()
        yield from self._decoded(None)

    def _decoded(self, start: Fraction | None) -> Generator[Frame, None, None]:
        with film_file.opened(self._path) as container:
            stream = film_file.video_of(container, self._path)
            self._note(container, stream)
            if start is not None:
                try:
                    container.seek(int((start + self.start) * av.time_base))
                except av.error.FFmpegError:
                    return
            pictures = self._pictures(container, stream)
            yield from self._timed(deinterlaced(pictures) if self._deinterlace else pictures, has_times=start is not None)

    def _note(self, container: InputContainer, stream: VideoStream) -> None:
        self.rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
        self.time_base = max(stream.time_base or 1 / _USUAL_RATE, _FINEST)
        self.start = Fraction(container.start_time or 0, av.time_base)
        self.length = Fraction(container.duration, av.time_base) if container.duration else None
        if container.format.name == "avi" and self.length:
            # FFmpeg shortens it where the file is too short, but knows how many frames there were.
            self.length = max(self.length, stream.frames / self.rate)
        self.sample_aspect = stream.sample_aspect_ratio or None
        self.declared_frames = stream.frames
        self.tells_siting = film_file.tells_siting(stream)

    def _pictures(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        """What the decoder gives, whatever is wrong with the film."""
        end, shown = self.start, self.start
        packets = container.demux()
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except (av.error.FFmpegError, OSError) as error:
                self.problems.append(f"can't be read after {clock(shown - self.start)} ({files.reason(error)})")
                break
            # Packets of .avi say only when they are decoded.
            when = packet.pts if packet.pts is not None else packet.dts
            if when is not None:
                end = max(end, (when + (packet.duration or 0)) * packet.time_base)
            if packet.stream is not stream:
                continue
            try:
                decoded = packet.decode()
            except av.error.EOFError:
                break
            except av.error.FFmpegError:
                self._num_damaged += 1
                self._first_damaged = self._first_damaged or shown - self.start
                continue
            for frame in decoded:
                assert isinstance(frame, VideoFrame)
                shown = shown if frame.pts is None else _seconds(frame.pts, frame)
                yield frame
        if self.length is None or _KNOW_THEIR_LENGTH.isdisjoint(container.format.name.split(",")):
            return
        missed = self.length - (end - self.start)
        if missed > min(max(_MISSED_SHARE * self.length, _LEAST_MISSED), _MOST_MISSED) and not self.problems:
            self.problems.append(f"cut off: it ends at {clock(shown - self.start)} of {clock(self.length)}")

    def _timed(self, pictures: Iterator[VideoFrame], *, has_times: bool) -> Iterator[Frame]:
        """Gives each frame a time after that of the one before it.

        Args:
            pictures: from the decoder, in the order in which they are shown.
            has_times: whether the first one must have a time of its own: those that were passed over can't be counted.
        """
        usual = max(1, round(1 / self.rate / self.time_base))
        last = None
        for picture in pictures:
            # .avi has no times of its own, only those of decoding.
            own = picture.pts if picture.pts is not None else picture.dts
            if own is not None:
                pts = round(_seconds(own, picture) / self.time_base)
                pts = pts if last is None else max(pts, last + 1)
            elif last is not None:
                pts = last + usual
            elif has_times:
                return
            else:
                pts = round(self.start / self.time_base)
            last = pts
            duration = round(_seconds(picture.duration, picture) / self.time_base) if picture.duration else usual
            yield Frame(pts, max(1, duration), picture)


def clock(seconds: Fraction) -> str:
    """A moment of a film for a person: "1:02:03.500", or "2:03.500"."""
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    clock = f"{minutes:02}:{rest / 1000:06.3f}" if hours else f"{minutes}:{rest / 1000:06.3f}"
    return f"{hours}:{clock}" if hours else clock


def _seconds(ticks: int, picture: VideoFrame) -> Fraction:
    assert picture.time_base is not None  # the decoder has it from its stream
    return Fraction(ticks * picture.time_base)


def _shape(picture: VideoFrame) -> tuple[int, int, bool]:
    return picture.width, picture.height, max(part.bits for part in picture.format.components) > 8


def _described(picture: VideoFrame) -> str:
    return f"{picture.width}x{picture.height} ({picture.format.name})"
