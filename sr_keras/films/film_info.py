"""What a film is: its size, rate, colours and rotation, and what of it can't be kept."""

import contextlib
import dataclasses
import math
import pathlib
import struct
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import cast

import numpy as np
from av.sidedata import sidedata
from av.sidedata.sidedata import Type as SideData
from av.video.frame import VideoFrame

from sr_keras.films import colour
from sr_keras.films.formats import FilmError
from sr_keras.films.reader import WHOLE, Clip, Reader

# Which frames of a film's first ones are looked at to tell how it is worn. The very first ones are often black.
_SAMPLED = range(0, 49, 12)

_LOST = {
    SideData.A53_CC: "closed captions within its pictures are left out",
    SideData.DOVI_METADATA: "the data of Dolby Vision is left out; the film without it is kept",
    SideData.DYNAMIC_HDR_PLUS: "the data of HDR10+ is left out; the film without it is kept",
}


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
        film_colour = colour.of_frame(first, tells_siting=reader.tells_siting)
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
