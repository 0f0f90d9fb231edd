"""What the numbers of a film's frames mean, kept from the film to its result: frames become RGB and back by the same rules.

Matrix and range say how the luma and chroma of a film become RGB (ITU-R BT.601, BT.709, BT.2020). Primaries and transfer say
which light that is; the pixels are not touched for them, so a film of Display P3 or PQ stays one.
"""

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
_EXACT_NAMES = "lanczos+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
_EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP | Interpolation.BITEXACT


class Colour(NamedTuple):
    """What a film says of its colours, in the numbers of ITU-T H.273; 2 is unspecified.

    Attributes:
        range: 1 limited, 2 full.
        depth: bits: 8, or 10 for all that is deeper.
    """

    primaries: int
    transfer: int
    matrix: int
    range: int
    depth: int

    @property
    def is_hdr(self) -> bool:
        """PQ or HLG."""
        return self.transfer in (_PQ, _HLG)

    @property
    def pixel_format(self) -> str:
        """Of the result. Its chroma has half the size: more than the film had, as the result is so much larger."""
        return "yuv420p" if self.depth == 8 else "yuv420p10le"


def of_frame(frame: VideoFrame) -> Colour:
    """The colours of a film from one of its frames. What it leaves open is what players take it for.

    They go by its size, and the result has another one: so the result must say it. Old films, of up to 576 lines, are BT.601.

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
    return Colour(primaries, frame.color_trc, matrix, frame.color_range or LIMITED, depth)


class Converter:
    """Frames of one film to RGB, and RGB of one size to frames."""

    def __init__(self, colour: Colour) -> None:
        self._colour = colour
        self._reader = VideoReformatter()
        self._writer: Graph | None = None
        self._rgb = "rgb24" if colour.depth == 8 else "rgb48le"

    def to_rgb(self, frame: VideoFrame) -> np.ndarray:
        """A frame as `[H, W, 3]`: uint8, or uint16 where the film has more than 8 bits."""
        if frame.format.is_rgb:
            return np.asarray(self._reader.reformat(frame, format=self._rgb).to_ndarray())
        rgb = self._reader.reformat(
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
        frame = VideoFrame.from_ndarray(rgb, format=self._rgb)
        if self._writer is None:
            self._writer = self._graph(frame, width, height)
        # The graph wants a time; the frame gets its own from whoever encodes it.
        frame.pts = 0
        self._writer.vpush(frame)
        return self._writer.vpull()

    def _graph(self, rgb: VideoFrame, width: int, height: int) -> Graph:
        graph = Graph()
        buffer = graph.add_buffer(width=rgb.width, height=rgb.height, format=rgb.format, time_base=Fraction(1))
        # Chroma lies where players look for it if a film doesn't say it: on the left one of two pixels.
        scale = graph.add(
            "scale",
            f"{width}:{height}:flags={_EXACT_NAMES}:out_color_matrix={_NAMES_OF_MATRICES[self._colour.matrix]}"
            f":out_range={_NAMES_OF_RANGES[self._colour.range]}:out_chroma_loc=left",
        )
        pixel_format, sink = graph.add("format", self._colour.pixel_format), graph.add("buffersink")
        graph.link_nodes(buffer, scale, pixel_format, sink).configure()
        return graph
