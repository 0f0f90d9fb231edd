"""Joins the segments of a film to one file, with all else that lay in the film: sound, subtitles, chapters, words."""

import collections
import contextlib
import heapq
import io
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import av
from av.container.input import InputContainer
from av.container.output import OutputContainer
from av.packet import Packet
from av.stream import Stream

from sr_keras.films import source
from sr_keras.films.encoder import Encoding
from sr_keras.films.formats import CONTAINERS
from sr_keras.films.parts import Parts
from sr_keras.films.source import FilmInfo

if TYPE_CHECKING:
    from av.container.core import Chapter

# What a file says of itself, not of the film; and what Matroska counts of the old streams.
_OF_THE_FILE = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})
_OF_THE_STREAM = ("_STATISTICS", "BPS", "DURATION", "NUMBER_OF_", "encoder")


class Range(NamedTuple):
    """The part of a film that a result holds, in seconds; `stop` None is up to its end."""

    start: Fraction
    stop: Fraction | None = None


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
    notes = []
    with contextlib.ExitStack() as stack:
        read = stack.enter_context(source.opened(film))
        first = stack.enter_context(av.open(str(parts.paths[0])))
        written = stack.enter_context(av.open(str(path), "w", format=kind.name))
        main = source.video_of(read, film)
        streams: dict[int, Stream] = {}
        left_out: list[Stream] = []
        for stream in read.streams:
            if stream is main:
                streams[stream.index] = written.add_stream_from_template(first.streams.video[0], opaque=True)
            elif _is_chapters(stream, read):
                continue
            elif _holds(kind.name, stream):
                streams[stream.index] = written.add_stream_from_template(stream, opaque=True)
            else:
                left_out.append(stream)
        pictures = streams[main.index]
        pictures.time_base = info.time_base
        pictures.codec_context.framerate = info.rate.limit_denominator(100_000)
        pictures.codec_context.sample_aspect_ratio = encoding.sample_aspect(info)
        if encoding.codec == "h265" and kind.name in ("mp4", "mov"):
            pictures.codec_context.codec_tag = "hvc1"  # Apple's players know no other
        if info.display_matrix:
            if kind.rotation:
                pictures.set_display_matrix(info.display_matrix)
            else:
                notes.append(f"{suffix} files can't say that a film is turned; .mp4 and .mkv do")
        notes += _what_was_left_out(left_out, suffix)
        for index, stream in streams.items():
            stream.disposition = read.streams[index].disposition
            stream.metadata.update(_words(read.streams[index].metadata, _OF_THE_STREAM))
        written.metadata.update(_words(read.metadata, _OF_THE_FILE))
        written.set_chapters(_chapters(read, part))
        pictures_first = heapq.merge(
            _pictures(parts, info, pictures, part.start),
            _others(read, streams, main, part),
            key=lambda packet: packet.dts * packet.time_base,
        )
        for packet in pictures_first:
            written.mux(packet)
    return notes


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


def _pictures(parts: Parts, info: FilmInfo, stream: Stream, start: Fraction) -> Iterator[Packet]:
    """The packets of the segments.

    A packet's place in time among all those before it tells when it must be decoded: each encoder only knew its own segment.
    """
    shift = round(start / info.time_base)
    delay = max(segment.delay for segment in parts.segments)
    usual = max(1, round(1 / info.rate / info.time_base))
    decoding: collections.deque[int] = collections.deque(
        parts.segments[0].first_pts - usual * place for place in range(delay, 0, -1)
    )
    for path, segment in zip(parts.paths, parts.segments, strict=True):
        with av.open(str(path)) as container:
            # The times of a segment begin at 0, and so that none is negative.
            packets = [packet for packet in container.demux(video=0) if packet.size]
            unit = packets[0].time_base / info.time_base
            begin = packets[0].pts
            shown = [segment.first_pts + round((packet.pts - begin) * unit) for packet in packets]
            decoding.extend(sorted(shown))
            for packet, pts in zip(packets, shown, strict=True):
                packet.duration = round(packet.duration * unit)
                packet.time_base = info.time_base
                packet.pts, packet.dts = pts - shift, decoding.popleft() - shift
                packet.stream = stream
                yield packet


def _others(read: InputContainer, streams: Mapping[int, Stream], main: Stream, part: Range) -> Iterator[Packet]:
    """The packets of all other streams; where the film is damaged, they end."""
    copied = [read.streams[index] for index in streams if index != main.index]
    if not copied:
        return
    last: dict[int, int] = {}
    packets = read.demux(copied)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError, OSError):
            return
        pts = packet.pts if packet.pts is not None else packet.dts
        if pts is None or not packet.size:
            continue
        moment, index = pts * packet.time_base, packet.stream_index
        is_cover = bool(packet.stream.disposition & av.stream.Disposition.attached_pic)
        if not is_cover and (part.stop is not None and moment >= part.stop):
            continue
        if not is_cover and moment + packet.duration * packet.time_base <= part.start and part.start > 0:
            continue
        shift = round(part.start / packet.time_base)
        dts = (packet.dts if packet.dts is not None else pts) - shift
        # Files refuse times of decoding that don't grow.
        dts = max(dts, last.get(index, dts - 1) + 1)
        last[index] = dts
        packet.pts, packet.dts = max(pts - shift, dts), dts
        packet.stream = streams[index]
        yield packet


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
