"""A film that is read: what it is, and its frames, each with its time."""

import contextlib
import dataclasses
import math
import os
import pathlib
import struct
from collections.abc import Generator, Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple, cast

import av
import numpy as np
from av.container.input import InputContainer
from av.sidedata import sidedata
from av.sidedata.sidedata import Type as SideData
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from sr_keras.films import colour
from sr_keras.films.formats import FilmError
from sr_keras.runtime import files

# Finer time bases are rounded to it: no film needs more, and results in .mp4 would run out of numbers.
_FINEST = Fraction(1, 1_000_000)
# Which frames of a film's first ones are looked at to tell how it is worn. The very first ones are often black.
_SAMPLED = range(0, 49, 12)
# From a key frame so far before its beginning, an excerpt is decoded: decoders need some frames to get going.
_RUN_UP = Fraction(10)
# Of these, the header says how long they are, so that one that is cut off can be told.
_KNOW_THEIR_LENGTH = frozenset({"mov", "matroska", "avi", "flv", "asf"})
# Sound, and the last frame, may end before what the header says: by such a share of the film, within these seconds.
_MISSED_SHARE, _LEAST_MISSED, _MOST_MISSED = Fraction(1, 20), Fraction(1, 10), Fraction(1)
_USUAL_RATE = Fraction(25)

_LOST = {
    SideData.A53_CC: "closed captions within its pictures are left out",
    SideData.DOVI_METADATA: "the data of Dolby Vision is left out; the film without it is kept",
    SideData.DYNAMIC_HDR_PLUS: "the data of HDR10+ is left out; the film without it is kept",
}


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


@dataclasses.dataclass(frozen=True)
class FilmInfo:
    """What a film is.

    Attributes:
        width, height: as stored, before rotation.
        rate: frames a second; of a film with a varying rate, some mean.
        time_base: the unit of its times, in seconds.
        start: where its times begin, in seconds.
        num_frames: of the part that is wanted; an estimate, None where there is none.
        sample_aspect: width by height of a pixel as it is shown; None is unknown.
        display_matrix: how it is to be turned, as FFmpeg writes it: 9 numbers; None is not at all.
        interlaced: whether its frames are marked as two fields.
        mastering: of an HDR10 film, the display that it was made on: x and y of red, green, blue and white (CIE 1931), the
            darkest and the brightest light in candela per square metre; empty where it isn't said.
        light: of an HDR10 film, its brightest pixel and the mean of its brightest frame, in candela per square metre.
        lost: what can't be kept, in words.
        samples: some of the first frames, RGB `[H, W, 3]`, uint8.
    """

    width: int
    height: int
    rate: Fraction
    time_base: Fraction
    start: Fraction
    num_frames: int | None
    sample_aspect: Fraction | None
    display_matrix: tuple[int, ...] | None
    interlaced: bool
    colour: colour.Colour
    mastering: tuple[Fraction, ...]
    light: tuple[int, ...]
    lost: tuple[str, ...]
    samples: tuple[np.ndarray, ...]

    def sample_aspect_of(self, width: int, height: int) -> Fraction:
        """Width by height of a pixel where the film is stored in such a size: a film is always shown in its own shape."""
        own, change = self.sample_aspect or Fraction(1), Fraction(self.width * height, self.height * width)
        # Sides are whole, and even: that is no change of shape.
        is_rounded = abs(change - 1) < Fraction(3, 2 * width) + Fraction(3, 2 * height)
        return own if is_rounded else (own * change).limit_denominator(10_000)

    @property
    def quarter_turns(self) -> int:
        """How many times it is rotated by 90 degrees, counterclockwise, to be shown."""
        if self.display_matrix is None:
            return 0
        return round(math.atan2(-self.display_matrix[1], self.display_matrix[0]) / (math.pi / 2)) % 4

    @property
    def is_turned(self) -> bool:
        """Whether width and height are swapped to be shown."""
        return self.quarter_turns % 2 == 1

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height as it is shown, but for the shape of pixels."""
        return (self.height, self.width) if self.is_turned else (self.width, self.height)


class Frame(NamedTuple):
    """A frame and its time: `pts` and `duration` in units of the film's `time_base`."""

    pts: int
    duration: int
    picture: VideoFrame


@contextlib.contextmanager
def opened(path: pathlib.Path) -> Iterator[InputContainer]:
    """Opens a film for reading.

    Raises:
        FilmError: it is missing or no film.
    """
    try:
        # Names with "%" or ":" are names, neither patterns nor protocols; metadata need not be valid text.
        container = av.open(f"file:{path.absolute()}", metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise FilmError(_why_not_opened(path, error)) from None
    with container:
        yield container


def video_of(container: InputContainer, path: pathlib.Path) -> VideoStream:
    """The film's pictures; not the cover of a piece of music.

    Raises:
        FilmError: there are none, or none that can be decoded.
    """
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            if stream.codec_context is None:
                raise FilmError(f"{path}: no decoder knows its pictures")
            stream.thread_type = "AUTO"
            return stream
    raise FilmError(f"{path}: holds no video, only {_kinds(container)}")


def probe(path: pathlib.Path, clip: Clip = WHOLE) -> FilmInfo:
    """Finds out what a film is, from its header and its first frames.

    Args:
        path: of the film.
        clip: the first frames of this part are looked at.

    Raises:
        FilmError: it can't be read, has no frame, or colours that can't be computed with.
    """
    reader = Reader(path, clip)
    samples: list[VideoFrame] = []
    interlaced = False
    with contextlib.closing(reader.frames()) as frames:
        for index, frame in enumerate(frames):
            interlaced |= frame.picture.interlaced_frame
            if index in _SAMPLED:
                samples.append(frame.picture)
            if index == _SAMPLED[-1]:
                break
    if not samples:
        nothing = f"it has no frame from {float(clip.start):g} s on" if clip.start else "no frame of it can be read"
        raise FilmError(f"{path}: {'; '.join([nothing, *reader.problems])}")
    first = samples[0]
    try:
        film_colour = colour.of_frame(first)
    except FilmError as error:
        raise FilmError(f"{path}: {error}") from None
    converter = colour.Converter(film_colour)
    # PyAV's own types take it for a dictionary.
    side_data = {each.type: bytes(each) for each in cast("Iterable[sidedata.SideData]", first.side_data)}
    return FilmInfo(
        first.width,
        first.height,
        reader.rate,
        reader.time_base,
        reader.start,
        _expected_frames(reader, clip),
        reader.sample_aspect,
        _display_matrix(side_data),
        interlaced,
        film_colour,
        _mastering(side_data),
        _light(side_data),
        tuple(_lost(first, side_data)),
        tuple(_as_eight_bit(converter.to_rgb(frame)) for frame in samples),
    )


class Reader:
    """Reads a film's frames, once.

    Attributes:
        problems: after the reading, what was wrong with the film; each a few words.
        num_interlaced: frames so far that are marked as two fields, and were left so.
        rate, time_base, start, sample_aspect: as `FilmInfo` has them, known after the first frame.
        length: in seconds, as the film's header has it; None is unknown.
        declared_frames: as the header has them; 0 is unknown.
    """

    rate: Fraction
    time_base: Fraction
    start: Fraction
    sample_aspect: Fraction | None
    length: Fraction | None
    declared_frames: int

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
        with opened(self._path) as container:
            stream = video_of(container, self._path)
            self._note(container, stream)
            if start is not None:
                try:
                    container.seek(int((start + self.start) * av.time_base))
                except av.error.FFmpegError:
                    return
            pictures = self._pictures(container, stream)
            yield from self._timed(_deinterlaced(pictures) if self._deinterlace else pictures, has_times=start is not None)

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


def _deinterlaced(pictures: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    """One frame for each, its missing lines made of those beside them and of the frames around it (bwdif)."""
    graph, sink = None, None
    for picture in pictures:
        if graph is None:
            graph = av.filter.Graph()
            buffer = graph.add_buffer(
                width=picture.width, height=picture.height, format=picture.format, time_base=picture.time_base
            )
            bwdif, sink = graph.add("bwdif", "mode=send_frame"), graph.add("buffersink")
            graph.link_nodes(buffer, bwdif, sink).configure()
        graph.push(picture)
        yield from _pulled(graph)
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph)


def _pulled(graph: av.filter.Graph) -> Iterator[VideoFrame]:
    with contextlib.suppress(av.error.BlockingIOError, av.error.EOFError):
        while True:
            yield graph.vpull()


def _seconds(ticks: int, picture: VideoFrame) -> Fraction:
    assert picture.time_base is not None  # the decoder has it from its stream
    return Fraction(ticks * picture.time_base)


def _shape(picture: VideoFrame) -> tuple[int, int, bool]:
    return picture.width, picture.height, max(part.bits for part in picture.format.components) > 8


def _described(picture: VideoFrame) -> str:
    return f"{picture.width}x{picture.height} ({picture.format.name})"


def _why_not_opened(path: pathlib.Path, error: av.error.FFmpegError) -> str:
    if not os.path.lexists(path):
        return f"{path}: No such file or directory"
    if path.is_file() and not path.stat().st_size:
        return f"{path}: is empty"
    if isinstance(error, av.error.InvalidDataError):
        return f"{path}: no film, or one that is cut off before its index"
    return f"{path}: {files.reason(error)}"


def _kinds(container: InputContainer) -> str:
    return " and ".join(sorted({stream.type for stream in container.streams if stream.type != "video"})) or "nothing at all"


def _expected_frames(reader: Reader, clip: Clip) -> int | None:
    if reader.length is None:
        return clip.frames
    start, end = clip.start or Fraction(0), min(clip.end or reader.length, reader.length)
    share = max(Fraction(0), end - start) / reader.length
    count = math.ceil(share * (reader.declared_frames or reader.length * reader.rate))
    return min(count, clip.frames or count)


def _as_eight_bit(rgb: np.ndarray) -> np.ndarray:
    return rgb if rgb.dtype == np.uint8 else (rgb // 257).astype(np.uint8)


def _display_matrix(side_data: dict[SideData, bytes]) -> tuple[int, ...] | None:
    matrix = side_data.get(SideData.DISPLAYMATRIX)
    return struct.unpack("=9i", matrix) if matrix else None


def _mastering(side_data: dict[SideData, bytes]) -> tuple[Fraction, ...]:
    """AVMasteringDisplayMetadata: ten fractions, and whether the colours and the light are known."""
    content = side_data.get(SideData.MASTERING_DISPLAY_METADATA)
    if not content:
        return ()
    numbers = struct.unpack("=22i", content)
    if not all(numbers[20:]) or not all(numbers[1:20:2]):
        return ()
    return tuple(Fraction(*pair) for pair in zip(numbers[:20:2], numbers[1:20:2], strict=True))


def _light(side_data: dict[SideData, bytes]) -> tuple[int, ...]:
    content = side_data.get(SideData.CONTENT_LIGHT_LEVEL)
    return struct.unpack("=2I", content) if content else ()


def _lost(frame: VideoFrame, side_data: dict[SideData, bytes]) -> Iterator[str]:
    yield from (words for kind, words in _LOST.items() if kind in side_data)
    if any(part.is_alpha for part in frame.format.components):
        yield "its transparency is left out"
    bits = max(part.bits for part in frame.format.components)
    if bits > 10:
        yield f"its {bits} bits become 10"
