"""Makes small films, and reads what became of them."""

import contextlib
import dataclasses
import io
import itertools
import pathlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.stream import Stream
from av.video.frame import VideoFrame

WIDTH, HEIGHT = 32, 24
RATE, TICKS = 25, 12_800  # a second
USUAL = TICKS // RATE

_SUBTITLES = b"1\n00:00:00,000 --> 00:00:00,200\nhello\n\n2\n00:00:00,240 --> 00:00:00,400\nworld\n\n"


def moving(count: int = 12, *, width: int = WIDTH, height: int = HEIGHT) -> list[np.ndarray]:
    """Frames of a smooth pattern that moves, uint8 `[H, W, 3]`; no two are equal."""
    y, x = np.mgrid[:height, :width]
    waves = [
        [np.sin((x + 2 * index) / 5 + channel) * np.cos(y / 4 + channel) for channel in range(3)] for index in range(count)
    ]
    return [(128 + 90 * np.stack(wave, axis=-1)).astype(np.uint8) for wave in waves]


def flat(
    levels: Sequence[int], pixel_format: str, count: int = 12, width: int = WIDTH, height: int = HEIGHT
) -> list[VideoFrame]:
    """Frames of one luma and two chroma levels."""
    frames = []
    for _ in range(count):
        frame = VideoFrame(width, height, pixel_format)
        level_type = np.uint16 if "10le" in pixel_format else np.uint8
        for plane, level in zip(frame.planes, levels, strict=False):
            plane.update(np.full(plane.buffer_size // np.dtype(level_type).itemsize, level, level_type).tobytes())
        frames.append(frame)
    return frames


def make(
    path: pathlib.Path,
    frames: Sequence[np.ndarray | VideoFrame] | None = None,
    *,
    encoder: str = "libx264",
    pixel_format: str = "yuv420p",
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, TICKS),
    options: dict[str, str] | None = None,
    sound: bool = False,
    subtitles: bool = False,
    chapters: bool = False,
    matrix: Sequence[int] | None = None,
    **context: Any,
) -> pathlib.Path:
    """Writes a film and returns its path.

    Args:
        frames: RGB, or as the encoder takes them.
        pts: when each frame is shown, in units of `time_base`.
        matrix: how the film is to be turned.
        context: attributes of the encoder.
    """
    pictures = [_picture(each, pixel_format) for each in frames or moving()]
    pts = pts or [round(index / (RATE * time_base)) for index in range(len(pictures))]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=RATE, time_base=time_base, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = pictures[0].width, pictures[0].height, pixel_format
        for name, value in context.items():
            setattr(stream.codec_context, name, value)
        if matrix:
            stream.set_display_matrix(matrix)
        container.metadata["title"] = "a film"
        if chapters:
            container.set_chapters([_chapter(0), _chapter(1)])
        audio = _add_sound(container) if sound else None
        words: contextlib.AbstractContextManager[list[Any]] = _subtitles(container) if subtitles else contextlib.nullcontext([])
        with words as packets:
            for picture, when in zip(pictures, pts, strict=True):
                picture.pts, picture.time_base = when, time_base
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
            container.mux(packets)
        if audio is not None:
            for index in range(12):
                tone = np.sin(np.arange(1024) / (5 + index), dtype=np.float32)[np.newaxis]
                sounding = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
                sounding.sample_rate, sounding.pts = 24_000, 1024 * index
                container.mux(audio.encode(sounding))
            container.mux(audio.encode(None))
    return path


@dataclasses.dataclass(frozen=True)
class Content:
    """What lies in a film.

    Attributes:
        pts: when each frame is shown, in seconds.
        frames: as they are decoded.
        packets: of each other stream, by its index: time in seconds, and content.
    """

    pts: list[Fraction]
    frames: list[VideoFrame]
    packets: dict[int, list[tuple[Fraction, bytes]]]
    kinds: list[str]
    chapters: list[tuple[Fraction, Fraction, str]]
    metadata: dict[str, str]
    rotation: int
    aspect: Fraction | None
    languages: list[str | None]

    @property
    def colours(self) -> tuple[int, int, int, int]:
        frame = self.frames[0]
        return frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range


def content(path: pathlib.Path) -> Content:
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        frames: list[VideoFrame] = []
        packets: dict[int, list[tuple[Fraction, bytes]]] = {}
        for packet in container.demux():
            if packet.stream is video:
                frames += [frame for frame in packet.decode() if isinstance(frame, VideoFrame)]
            elif packet.size:
                packets.setdefault(packet.stream_index, []).append((_seconds(packet), bytes(packet)))
        chapters = [
            (each["start"] * base, each["end"] * base, each["metadata"]["title"])
            for each in container.chapters()
            if (base := each["time_base"])
        ]
        return Content(
            [*map(_seconds, frames)],
            frames,
            packets,
            [stream.type for stream in container.streams],
            chapters,
            dict(container.metadata),
            frames[0].rotation,
            video.sample_aspect_ratio,
            [stream.language for stream in container.streams],
        )


def _seconds(timed: Any) -> Fraction:
    """When a packet or a frame is shown."""
    return Fraction(timed.pts * timed.time_base)


def planes(frame: VideoFrame) -> list[np.ndarray]:
    """Luma and chroma `[H, W]`, `[h, w]`, without the padding of lines."""
    level_type = np.uint16 if frame.format.components[0].bits > 8 else np.uint8
    return [np.frombuffer(bytes(plane), level_type).reshape(plane.height, -1)[:, : plane.width] for plane in frame.planes]


def _picture(frame: np.ndarray | VideoFrame, pixel_format: str) -> VideoFrame:
    if isinstance(frame, VideoFrame):
        return frame
    return VideoFrame.from_ndarray(frame, format="rgb24").reformat(format=pixel_format, dst_colorspace="ITU601")


def _chapter(number: int) -> Any:
    start = 240 * number
    return {
        "id": number,
        "start": start,
        "end": start + 240,
        "time_base": Fraction(1, 1000),
        "metadata": {"title": f"part {number}"},
    }


def _add_sound(container: OutputContainer) -> av.AudioStream:
    stream = container.add_stream("aac", rate=24_000, layout="mono")
    stream.metadata["language"] = "fin"
    return stream


@contextlib.contextmanager
def _subtitles(container: OutputContainer) -> Iterator[list[Any]]:
    """Packets of two lines, of the kind that the container holds."""
    in_mp4 = "mp4" in container.format.name
    with av.open(io.BytesIO(_SUBTITLES), "r", format="srt") as lines:
        template = lines.streams.subtitles[0]
        stream: Stream = container.add_mux_stream("mov_text") if in_mp4 else container.add_stream_from_template(template)
        packets = []
        for packet in itertools.takewhile(lambda packet: packet.size, lines.demux()):
            text = bytes(packet)
            line = av.Packet(len(text).to_bytes(2, "big") + text if in_mp4 else text)
            line.pts, line.dts, line.duration = packet.pts, packet.pts, packet.duration
            line.time_base, line.stream = packet.time_base, stream
            packets.append(line)
        yield packets
