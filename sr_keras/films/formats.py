"""Which files are films, and what their results are written as. Needs no PyAV, so that names and options are known at once."""

import importlib.util
from typing import NamedTuple

from sr_keras.runtime.errors import UserError

# What is taken for a film by its name; FFmpeg reads them all.
SUFFIXES = frozenset(
    (
        *(".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".h264", ".h265", ".hevc", ".ivf", ".m2ts"),
        *(".m2v", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".obu", ".ogm", ".ogv"),
        *(".qt", ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv", ".y4m"),
    )
)

# What is looked for in folders; programs in TypeScript end in .ts, too.
SEARCHED = SUFFIXES - {".ts"}


class FilmError(UserError):
    """A film can't be read or written; the message is one line that names the file and the reason."""


class Container(NamedTuple):
    """A kind of file that films are written to.

    Attributes:
        name: FFmpeg's name of it.
        codecs: the names in `CODECS` that it holds, the default first.
        rotation: whether it can store how a film is to be rotated.
        shape: the codecs with which it says what shape pixels have.
    """

    name: str
    codecs: tuple[str, ...]
    rotation: bool = True
    shape: tuple[str, ...] = ("h264", "h265", "av1")


class Codec(NamedTuple):
    """How films are compressed.

    Attributes:
        encoder: FFmpeg's name of what does it.
        crf: the default of `--crf`, at which a loss is hard to see. The scales of the codecs differ.
        options: for speed. Slower settings make smaller files, not better ones: the quality follows from `crf`.
        longest_side: in pixels.
    """

    encoder: str
    crf: int
    largest_crf: int
    options: dict[str, str]
    longest_side: int


CODECS = {
    "h264": Codec("libx264", 17, 51, {"preset": "veryfast"}, 16384),
    "h265": Codec("libx265", 19, 51, {"preset": "veryfast"}, 8192),
    "av1": Codec("libsvtav1", 24, 63, {"preset": "9"}, 16384),
}
# Pixels of a frame at the highest levels of H.264 (6.2, table A-1), H.265 (6.2, table A.8) and AV1 (6.3): no player takes more.
LARGEST_FRAME = 35_651_584
# Players show H.264 of more than 8 bits seldom.
DEEP_CODEC = "h265"

_ALL = ("h264", "h265", "av1")
CONTAINERS = {
    ".mp4": Container("mp4", _ALL),
    ".m4v": Container("mp4", _ALL),
    ".mov": Container("mov", ("h264", "h265")),
    # They could say it of AV1, but PyAV gives no way to.
    ".mkv": Container("matroska", _ALL, shape=("h264", "h265")),
    ".webm": Container("webm", ("av1",), shape=()),
    ".ts": Container("mpegts", ("h264", "h265"), rotation=False),
    ".mts": Container("mpegts", ("h264", "h265"), rotation=False),
    ".m2ts": Container("mpegts", ("h264", "h265"), rotation=False),
}
# It holds nearly every kind of sound and subtitles, and frames that last differently long.
_ANY_STREAM = ".mkv"


def result_suffix(suffix: str, codec: str | None) -> str:
    """The ending of a film's result: its own, where that kind of file can be written and holds the codec.

    Args:
        suffix: of the film, such as ".avi".
        codec: a name in `CODECS`; None takes what the container has as its default.
    """
    container = CONTAINERS.get(suffix.lower())
    return suffix if container and (codec is None or codec in container.codecs) else _ANY_STREAM


def codec_of(suffix: str, codec: str | None, *, depth: int, has_square_pixels: bool) -> str:
    """The codec of a result.

    Args:
        suffix: of the result, one of `CONTAINERS`.
        codec: what is asked for.
        depth: bits of the film's colours.
        has_square_pixels: whether the result is shown as it is stored.

    Raises:
        FilmError: the container doesn't hold what is asked for; the message doesn't name the file.
    """
    container = CONTAINERS[suffix.lower()]
    if codec is None:
        codec = DEEP_CODEC if depth > 8 and DEEP_CODEC in container.codecs else container.codecs[0]
    if codec not in container.codecs:
        raise FilmError(f"{suffix} files hold no {codec}; .mkv does")
    if not has_square_pixels and codec not in container.shape:
        raise FilmError(f"its pixels are not square, which {suffix} files with {codec} don't say; .mp4 does, and --codec=h265")
    return codec


def require_size(codec: str, width: int, height: int) -> None:
    """Tells before the work what no encoder takes, or no player.

    Raises:
        FilmError: the frames are too large; the message doesn't name the film.
    """
    size, longest = f"{width}x{height}", CODECS[codec].longest_side
    if max(width, height) > longest:
        raise FilmError(f"{codec} holds at most {longest} pixels a side, not {size}")
    if width * height > LARGEST_FRAME:
        raise FilmError(f"{codec} holds at most {LARGEST_FRAME:,} pixels a frame, not {size}")


def is_available() -> bool:
    """Whether PyAV is installed."""
    return importlib.util.find_spec("av") is not None
