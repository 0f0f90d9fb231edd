"""Writes frames as segments of a film: files that each can be played from its first frame on, without any other."""

import dataclasses
import io
import os
import pathlib
from collections.abc import Callable, Iterable
from fractions import Fraction

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from sr_keras.films import formats
from sr_keras.films.film_info import FilmInfo
from sr_keras.films.formats import CODECS, FilmError
from sr_keras.runtime import files

# SVT-AV1 tells of itself on standard error; it reads this when it begins.
os.environ.setdefault("SVT_LOG", "1")

# It keeps any time base; times before 0 would move all others.
SEGMENT_FORMAT, SEGMENT_SUFFIX = "nut", ".nut"
# Frames are stored at most this many places early: decoders hold no more of them.
_MOST_DELAY = 16


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How frames are compressed.

    Attributes:
        codec: a name in `formats.CODECS`.
        crf: how much may be lost; 0 is the least.
        width, height: of the result, even.
        longest: the most frames between two from which a film can be played.
    """

    codec: str
    crf: int
    width: int
    height: int
    longest: int


def require_encodable(encoding: Encoding, info: FilmInfo) -> None:
    """Tells before the work what the encoder would refuse.

    Raises:
        FilmError: the size is none that it can hold; the message doesn't name the film.
    """
    formats.require_size(encoding.codec, encoding.width, encoding.height)
    size = f"{encoding.width}x{encoding.height}"
    with av.open(io.BytesIO(), "w", format=SEGMENT_FORMAT) as trial:
        try:
            _add_stream(trial, encoding, info).codec_context.open()
        except (av.error.FFmpegError, ValueError) as error:
            raise FilmError(f"{encoding.codec} can't hold {size}: {files.reason(error)}") from None


class SegmentWriter:
    """Writes one segment.

    Attributes:
        delay: by how many places frames are stored before their turn, at most; known after `close`.
        first_pts, end_pts: when its first frame begins and its last one ends.
        count: of frames.
    """

    def __init__(self, path: pathlib.Path, encoding: Encoding, info: FilmInfo) -> None:
        self.delay = self.count = self.first_pts = self.end_pts = 0
        self._time_base = info.time_base
        self._numbers: dict[int, int] = {}
        self._durations: dict[int, int] = {}
        self._num_written = 0
        self._container = av.open(str(path), "w", format=SEGMENT_FORMAT)
        self._stream = _add_stream(self._container, encoding, info)

    def add(self, frame: VideoFrame, pts: int, duration: int) -> None:
        """Adds a frame that is shown after those before it; times are in units of the film's time base."""
        frame.pts, frame.time_base = pts, self._time_base
        if not self.count:
            self.first_pts = pts
        self._numbers[pts], self._durations[pts] = self.count, duration
        self.count += 1
        self.end_pts = pts + duration
        self._write(self._stream.encode(frame))

    def close(self) -> None:
        """Ends the segment."""
        try:
            self._write(self._stream.encode(None))
        finally:
            self._container.close()

    def abandon(self) -> None:
        """Ends it without what the encoder still holds."""
        self._container.close()

    def _write(self, packets: Iterable["Packet[VideoStream]"]) -> None:
        for packet in packets:
            assert packet.pts is not None  # encoders give the frames' own
            number = self._numbers.pop(packet.pts)
            self.delay = max(self.delay, self._num_written - number)
            packet.duration = self._durations.pop(packet.pts)
            # When frames are decoded is settled where segments are joined. x265 gives it wrongly for two frames.
            packet.pts, packet.dts = packet.pts - self.first_pts + _MOST_DELAY, self._num_written
            self._num_written += 1
            self._container.mux(packet)


def _add_stream(container: av.container.OutputContainer, encoding: Encoding, info: FilmInfo) -> VideoStream:
    codec = CODECS[encoding.codec]
    options = (
        codec.options | {"crf": str(encoding.crf), "chroma_sample_location": "left"} | _encoder_options(encoding.codec, info)
    )
    stream = container.add_stream(
        codec.encoder,
        rate=info.rate.limit_denominator(100_000),
        options=options,
        time_base=info.time_base,
        width=encoding.width,
        height=encoding.height,
    )
    assert isinstance(stream, VideoStream)
    context = stream.codec_context
    context.pix_fmt = info.colour.pixel_format
    context.gop_size = encoding.longest
    context.sample_aspect_ratio = info.sample_aspect_of(encoding.width, encoding.height)
    context.color_primaries, context.color_trc = info.colour.primaries, info.colour.transfer
    context.colorspace, context.color_range = info.colour.matrix, info.colour.range
    return stream


def _encoder_options(codec: str, info: FilmInfo) -> dict[str, str]:
    """Options in an encoder's own words: to be quiet, and for HDR10 the display it was made on."""
    light = ",".join(map(str, info.light))
    match codec:
        case "h264":
            options = {"mastering-display": _in_whole_numbers(info), "cll": light}
        case "h265":
            options = {"master-display": _in_whole_numbers(info), "max-cll": light, "log-level": "none"}
        case _:
            options = {"mastering-display": _in_decimals(info), "content-light": light}
    name = {"h264": "x264-params", "h265": "x265-params", "av1": "svtav1-params"}[codec]
    words = ":".join(f"{key}={value}" for key, value in options.items() if value)
    return {name: words} if words else {}


def _in_whole_numbers(info: FilmInfo) -> str:
    """In units of 1/50,000 and of 1/10,000 candela per square metre."""
    return _display(info.mastering, lambda value, is_light: str(round(value * (10_000 if is_light else 50_000))))


def _in_decimals(info: FilmInfo) -> str:
    return _display(info.mastering, lambda value, is_light: f"{float(value):.5f}")


def _display(mastering: tuple[Fraction, ...], written: Callable[[Fraction, bool], str]) -> str:
    """`written` makes text of a number, told whether it is a light."""
    if not mastering:
        return ""
    *colours, darkest, brightest = mastering
    red, green, blue, white = (
        f"({written(x, False)},{written(y, False)})" for x, y in zip(colours[::2], colours[1::2], strict=True)
    )
    return f"G{green}B{blue}R{red}WP{white}L({written(brightest, True)},{written(darkest, True)})"
