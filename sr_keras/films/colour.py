"""What the numbers of a film's frames mean, kept from the film to its result: frames become RGB and back by the same rules.

Matrix and range say how the luma and chroma of a film become RGB (ITU-R BT.601, BT.709, BT.2020). Primaries and transfer say
which light that is; the pixels are not touched for them, so a film of Display P3 or PQ stays one.
"""

import functools
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

from sr_keras.films.formats import FilmError

# Numbers of ITU-T H.273 and of FFmpeg.
_UNSPECIFIED = 2
_RGB, _BT709, _FCC, _BT470BG, _SMPTE170M, _SMPTE240M, _BT2020 = 0, 1, 4, 5, 6, 7, 9
_BT2020_CONSTANT, _ICTCP = 10, 14
LIMITED, FULL = 1, 2

# What FFmpeg's scaler knows of them.
_MATRICES = {
    _BT709: Colorspace.ITU709,
    _FCC: Colorspace.FCC,
    _BT470BG: Colorspace.ITU601,
    _SMPTE170M: Colorspace.ITU601,
    _SMPTE240M: Colorspace.SMPTE240M,
    _BT2020: Colorspace.BT2020,
}
_NAMES_OF_MATRICES = {
    _BT709: "bt709",
    _FCC: "fcc",
    _BT470BG: "bt470bg",
    _SMPTE170M: "smpte170m",
    _SMPTE240M: "smpte240m",
    _BT2020: "bt2020",
}
_NAMES_OF_RANGES = {LIMITED: "limited", FULL: "full"}
_NAMES = {8: "YCgCo", _BT2020_CONSTANT: "BT.2020 with constant luminance", _ICTCP: "ICtCp", 15: "IPT (Dolby Vision)"}
_PQ, _HLG = 16, 18

# Without ACCURATE_RND and full chroma, colours are off by up to 3 levels of 255 (BT.709, limited); with them the way to RGB and
# back gives each colour as it was.
_EXACT_NAMES = "accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
# What its RGB of 16 bits has for white, if luma is limited; in the full range it falls short by the bits that luma lacks.
_WHITE_OF_LIMITED = 65283
_EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP | Interpolation.BITEXACT


class Colour(NamedTuple):
    """What a film says of its colours, in the numbers of ITU-T H.273; 2 is unspecified.

    Attributes:
        range: 1 limited, 2 full.
        depth: bits: 8, or 10 for all that is deeper.
        is_left: whether chroma is read as lying on the left one of two pixels, for the film leaves that open.
    """

    primaries: int
    transfer: int
    matrix: int
    range: int
    depth: int
    is_left: bool = False

    @property
    def is_hdr(self) -> bool:
        """PQ or HLG."""
        return self.transfer in (_PQ, _HLG)

    @property
    def pixel_format(self) -> str:
        """Of the result. Its chroma has half the size: more than the film had, as the result is so much larger."""
        return "yuv420p" if self.depth == 8 else "yuv420p10le"


def of_frame(frame: VideoFrame, *, tells_siting: bool = True) -> Colour:
    """The colours of a film from one of its frames. What it leaves open is what players take it for.

    They go by its size, and the result has another one: so the result must say it. Old films, of up to 576 lines, are BT.601.
    Chroma lies on the left one of two pixels (ITU-T H.273, type 0), but in the full range, as in JPEG, in the middle of them.

    Args:
        frame: any of the film.
        tells_siting: whether the film says where its chroma lies. Then its frames do.

    Raises:
        FilmError: it has a matrix that can't be computed with; the message doesn't name the file.
    """
    primaries, matrix = frame.color_primaries, frame.colorspace
    depth = 8 if max(component.bits for component in frame.format.components) <= 8 else 10
    if frame.format.is_rgb:
        # To be written as luma and chroma, it needs a matrix.
        return Colour(primaries, frame.color_trc, _BT709, LIMITED, depth)
    is_large = frame.width >= 1280 or frame.height > 576
    if matrix in (_UNSPECIFIED, _RGB):
        matrix = _BT709 if is_large else _BT470BG if frame.height == 576 else _SMPTE170M
        if primaries == _UNSPECIFIED and frame.height in (480, 486, 576):
            primaries = matrix  # both have the same number
    if matrix not in _MATRICES:
        raise FilmError(f"its colours are {_NAMES.get(matrix, f'matrix {matrix}')}, which can't be computed with")
    range_of_values = frame.color_range or LIMITED
    is_left = not tells_siting and range_of_values == LIMITED and frame.format.chroma_width(2) == 1
    return Colour(primaries, frame.color_trc, matrix, range_of_values, depth, is_left)


class Converter:
    """Frames of one film to RGB, and RGB of one size to frames."""

    def __init__(self, colour: Colour) -> None:
        self._colour = colour
        self._reformatter = VideoReformatter()
        self._reader: Graph | None = None
        self._writer: Graph | None = None
        self._rgb = "rgb24" if colour.depth == 8 else "rgb48le"

    def to_rgb(self, frame: VideoFrame) -> np.ndarray:
        """A frame as `[H, W, 3]`: uint8, or uint16 where the film has more than 8 bits."""
        rgb = self._converted(frame)
        black, white = _black_and_white(frame, self._colour)
        top = np.iinfo(rgb.dtype).max
        return rgb if (black, white) == (0, top) else _table(rgb.dtype.name, black, white, top)[rgb]

    def _converted(self, frame: VideoFrame) -> np.ndarray:
        """As FFmpeg's scaler has it."""
        if frame.format.is_rgb:
            return np.asarray(self._reformatter.reformat(frame, format=self._rgb).to_ndarray())
        if self._colour.is_left:
            # The reformatter goes by the frame, and takes the middle where that says nothing; a graph goes by what it is told.
            if self._reader is None:
                self._reader = _graph(frame, f"flags=bicubic+{_EXACT_NAMES}:{self._named('in')}:out_range=full", self._rgb)
            return np.asarray(_passed(self._reader, frame).to_ndarray())
        rgb = self._reformatter.reformat(
            frame,
            format=self._rgb,
            src_colorspace=_MATRICES[self._colour.matrix],
            src_color_range=self._colour.range,
            dst_color_range=FULL,
            interpolation=Interpolation.BICUBIC | _EXACT,
        )
        return np.asarray(rgb.to_ndarray())

    def to_frame(self, rgb: np.ndarray, width: int, height: int) -> VideoFrame:
        """`[H, W, 3]` as a frame of the film's colours; it is resized where it has another size.

        Args:
            rgb: of the same size each time.
            width, height: of the frame, the same each time.
        """
        if self._colour.depth > 8 and self._colour.range == LIMITED:
            rgb = _table(rgb.dtype.name, 0, np.iinfo(rgb.dtype).max, _WHITE_OF_LIMITED)[rgb]
        frame = VideoFrame.from_ndarray(rgb, format=self._rgb)
        if self._writer is None:
            scale = f"{width}:{height}:flags=lanczos+{_EXACT_NAMES}:{self._named('out')}"
            self._writer = _graph(frame, scale, self._colour.pixel_format)
        return _passed(self._writer, frame)

    def _named(self, side: str) -> str:
        """What luma and chroma mean, on a side of FFmpeg's scaler: chroma lies on the left one of two pixels."""
        matrix, range_of_values = _NAMES_OF_MATRICES[self._colour.matrix], _NAMES_OF_RANGES[self._colour.range]
        return f"{side}_color_matrix={matrix}:{side}_range={range_of_values}:{side}_chroma_loc=left"


def _black_and_white(frame: VideoFrame, colour: Colour) -> tuple[int, int]:
    """What FFmpeg's scaler makes of them in a frame."""
    bits = max(component.bits for component in frame.format.components)
    top = 255 if colour.depth == 8 else 65535
    if frame.format.name.startswith("gray") and frame.color_range == LIMITED:
        # It takes all greyscale for full.
        return 16 * (top + 1) // 256, 235 * (top + 1) // 256
    if colour.depth == 8 or frame.format.is_rgb:
        return 0, top
    is_limited = colour.range == LIMITED and not frame.format.name.startswith("gray")
    return 0, _WHITE_OF_LIMITED if is_limited else (2**bits - 1) << (16 - bits)


@functools.cache
def _table(dtype: str, black: int, white: int, new_white: int) -> np.ndarray:
    """For each value of a type another one: 0 for black, and the new white for white."""
    values = (np.arange(np.iinfo(dtype).max + 1) - black) * (new_white / (white - black))
    return np.asarray(np.rint(np.clip(values, 0, new_white)).astype(dtype))


def _graph(frame: VideoFrame, scale: str, pixel_format: str) -> Graph:
    """What converts frames like this one."""
    graph = Graph()
    buffer = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1))
    scaler, format_filter = graph.add("scale", scale), graph.add("format", pixel_format)
    graph.link_nodes(buffer, scaler, format_filter, graph.add("buffersink")).configure()
    return graph


def _passed(graph: Graph, frame: VideoFrame) -> VideoFrame:
    # The graph wants a time; a result gets its own from whoever encodes it.
    before, frame.pts = frame.pts, 0
    graph.vpush(frame)
    frame.pts = before
    return graph.vpull()
