"""Joins the segments of a film to one file, with all else that lay in the film: sound, subtitles, chapters, words."""

import collections
import contextlib
import heapq
import io
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import av
from av.container.input import InputContainer
from av.container.output import OutputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from sr_keras.films import film_file
from sr_keras.films.encoder import Encoding
from sr_keras.films.film_info import FilmInfo
from sr_keras.films.formats import CONTAINERS, Container
from sr_keras.films.parts import Parts

if TYPE_CHECKING:
    from av.container.core import Chapter

# What a file says of itself, not of the film; and what Matroska counts of the old streams.
_OF_THE_FILE = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})
_OF_THE_STREAM = ("_STATISTICS", "BPS", "DURATION", "NUMBER_OF_", "encoder")


class Range(NamedTuple):
    """The part of a film that a result holds, in seconds.

    Attributes:
        stop: None is up to its end.
        is_excerpt: whether there may be something before `start`, which is left out.
    """

    start: Fraction
    stop: Fraction | None = None
    is_excerpt: bool = False


def join(
    parts: Parts,
    path: pathlib.Path,
    film: pathlib.Path,
    info: FilmInfo,
    encoding: Encoding,
    part: Range,
    *,
    suffix: str,
) -> list[str]:
    """Writes the result: the pictures from the segments, all else from the film; its times begin at 0.

    Args:
        parts: at least one segment.
        path: of the result.
        film: where all else is.
        info: of the film.
        encoding: of the segments.
        part: of the film, in its own times.
        suffix: the kind of the result, one of `formats.CONTAINERS`.

    Returns:
        What the result can't hold, in words.
    """
    kind = CONTAINERS[suffix.lower()]
    with (
        film_file.opened(film) as read,
        av.open(str(parts.paths[0])) as first,
        # Without it, Matroska files have random numbers in them.
        av.open(str(path), "w", format=kind.name, container_options={"fflags": "bitexact"}) as written,
    ):
        main = film_file.video_of(read, film)
        pictures: VideoStream | None = None
        others: dict[int, Stream] = {}
        left_out: list[Stream] = []
        # In the order that they have in the film.
        for stream in read.streams:
            if stream is main:
                pictures = _add_pictures(written, first.streams.video[0], info, encoding, kind)
                _describe(pictures, stream)
            elif _holds(kind.name, stream):
                others[stream.index] = written.add_stream_from_template(stream, opaque=True)
                _describe(others[stream.index], stream)
            elif not _is_chapters(stream, read):
                left_out.append(stream)
        assert pictures is not None  # `main` is one of the streams
        written.metadata.update(_words(read.metadata, _OF_THE_FILE))
        written.set_chapters(_chapters(read, part))
        streams = _pictures(parts, info, pictures, part.start), _others(read, others, part)
        for packet in heapq.merge(*streams, key=lambda packet: (packet.dts or 0) * packet.time_base):
            written.mux(packet)
        notes = list(_what_was_left_out(left_out, suffix))
    if info.display_matrix and not kind.rotation:
        notes.append(f"{suffix} files can't say that a film is turned; .mp4 and .mkv do")
    return notes


def _add_pictures(
    written: OutputContainer, template: VideoStream, info: FilmInfo, encoding: Encoding, kind: Container
) -> VideoStream:
    stream = written.add_stream_from_template(template, opaque=True)
    stream.time_base = info.time_base
    context = stream.codec_context
    context.framerate = info.rate.limit_denominator(100_000)
    context.sample_aspect_ratio = info.sample_aspect_of(encoding.width, encoding.height)
    if encoding.codec == "h265" and kind.name in ("mp4", "mov"):
        context.codec_tag = "hvc1"  # Apple's players know no other
    if info.display_matrix and kind.rotation:
        stream.set_display_matrix(info.display_matrix)
    return stream


def _describe(stream: Stream, template: Stream) -> None:
    stream.disposition = template.disposition
    stream.metadata.update(_words(template.metadata, _OF_THE_STREAM))


def _holds(kind: str, stream: Stream) -> bool:
    """Whether such a file can hold a stream; what FFmpeg says beforehand isn't all, so it is tried."""
    with contextlib.suppress(av.error.FFmpegError, ValueError):
        trial = av.open(io.BytesIO(), "w", format=kind)
        try:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
        finally:
            trial.close()
        return True
    return False


def _is_chapters(stream: Stream, read: InputContainer) -> bool:
    """Whether it is the titles of the chapters, as .mp4 has them: they are written with the chapters."""
    return stream.type == "data" and stream.name == "bin_data" and bool(read.chapters())


def _pictures(parts: Parts, info: FilmInfo, stream: VideoStream, start: Fraction) -> Iterator["Packet[Any]"]:
    """The packets of the segments.

    When a frame must be decoded follows from the times of all of them: each encoder only knew its own segment.
    """
    shift = round(start / info.time_base)
    delay = max(segment.delay for segment in parts.segments)
    usual = max(1, round(1 / info.rate / info.time_base))
    begin = parts.segments[0].first_pts
    decoding = collections.deque(begin - usual * place for place in range(delay, 0, -1))
    for path, segment in zip(parts.paths, parts.segments, strict=True):
        with av.open(str(path)) as container:
            packets = [packet for packet in container.demux(video=0) if packet.size]
            unit = packets[0].time_base / info.time_base
            # A segment's own times begin anywhere.
            offset = segment.first_pts - min(_time(packet) for packet in packets) * unit
            shown = [round(_time(packet) * unit + offset) for packet in packets]
            decoding.extend(sorted(shown))
            for packet, pts in zip(packets, shown, strict=True):
                packet.duration = round((packet.duration or 0) * unit)
                packet.time_base = info.time_base
                packet.pts, packet.dts = pts - shift, decoding.popleft() - shift
                packet.stream = stream
                yield packet


def _others(read: InputContainer, streams: Mapping[int, Stream], part: Range) -> Iterator["Packet[Any]"]:
    """The packets of all other streams, by their index in the film; where it is damaged, they end."""
    last: dict[int, int] = {}
    packets = read.demux([read.streams[index] for index in streams]) if streams else iter(())
    with contextlib.suppress(av.error.FFmpegError, OSError):
        for packet in packets:
            if not packet.size or not _is_within(packet, part):
                continue
            shift = round(part.start / packet.time_base)
            pts = _time(packet) - shift
            dts = pts if packet.dts is None else packet.dts - shift
            # Files refuse times of decoding that don't grow.
            index = packet.stream_index
            dts = last[index] = max(dts, last.get(index, dts - 1) + 1)
            packet.pts, packet.dts = max(pts, dts), dts
            packet.stream = streams[index]
            yield packet


def _is_within(packet: "Packet[Any]", part: Range) -> bool:
    if packet.stream.disposition & Disposition.attached_pic:
        return True
    begin = _time(packet) * packet.time_base
    is_before = part.is_excerpt and begin + (packet.duration or 0) * packet.time_base <= part.start
    return not is_before and (part.stop is None or begin < part.stop)


def _time(packet: "Packet[Any]") -> int:
    """When it is shown or heard; there are files that say only when it is decoded, or nothing."""
    return packet.pts if packet.pts is not None else packet.dts if packet.dts is not None else 0


def _chapters(read: InputContainer, part: Range) -> "list[Chapter]":
    chapters: list[Chapter] = []
    for chapter in read.chapters():
        unit = chapter["time_base"] or Fraction(1)
        shift = round(part.start / unit)
        start, end = chapter["start"] - shift, chapter["end"] - shift
        if part.stop is not None:
            end = min(end, round((part.stop - part.start) / unit))
        if end > max(0, start):
            chapters.append({**chapter, "start": max(0, start), "end": end})
    return chapters


def _words(metadata: Mapping[str, str], left_out: Sequence[str] | frozenset[str]) -> dict[str, str]:
    return {key: value for key, value in metadata.items() if not key.startswith(tuple(left_out))}


def _what_was_left_out(streams: Sequence[Stream], suffix: str) -> Iterator[str]:
    counts = collections.Counter((stream.type, stream.name or "of an unknown kind") for stream in streams)
    for (kind, name), count in counts.items():
        holder = "" if suffix.lower() == ".mkv" or kind == "data" else "; .mkv does"
        what = f"its {kind} stream ({name}) is" if count == 1 else f"its {count} {kind} streams ({name}) are"
        yield f"{what} left out: {suffix} files don't hold it{holder}"
