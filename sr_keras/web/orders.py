"""What a visitor asks for, how far that may go, and what is refused. Knows neither HTTP nor TensorFlow."""

import contextlib
import dataclasses
import enum
import functools
import pathlib
import re
import unicodedata
from typing import BinaryIO

from PIL import Image

from sr_keras.photos import file_kind, picture_reader, rgb
from sr_keras.photos.picture import FORMATS
from sr_keras.upscaling.target import Size, Target
from sr_keras.web import networks

# On the way to a smaller size the network makes 16 times as many pixels as the picture has.
_PIXELS_OF_PICTURE = 1 / 4

# Longer names are of no use to a person, and more than some file systems take.
_LONGEST_STEM, _LONGEST_SUFFIX = 120, 8


class Reason(enum.Enum):
    """Why something is refused."""

    TOO_LARGE = enum.auto()
    NO_PICTURE = enum.auto()
    WRONG_USE = enum.auto()
    BUSY = enum.auto()
    FAULT = enum.auto()


class RefusalError(Exception):
    """What is not carried out, and why; the message is one line for the visitor."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class Limits:
    """How much the server takes on.

    Attributes:
        max_bytes: of an uploaded file.
        max_pixels: of a result; a picture may have a quarter of that.
        max_jobs: that wait.
        max_seconds: of computing, for each job.
        keep_seconds: how long a result is kept that nobody removes.
    """

    max_bytes: int = 100_000_000
    max_pixels: int = 200_000_000
    max_jobs: int = 100
    max_seconds: float = 1800
    keep_seconds: float = 3600

    @property
    def max_picture_pixels(self) -> int:
        return int(_PIXELS_OF_PICTURE * self.max_pixels)

    def check(self, size: Size, result_size: Size) -> None:
        """Raises:
        RefusalError: a picture, or what it would become, has too many pixels.
        """
        rows = (("the picture has", size, self.max_picture_pixels), ("the result would have", result_size, self.max_pixels))
        for name, (width, height), most in rows:
            if width * height > most:
                raise RefusalError(Reason.TOO_LARGE, f"{name} {width}x{height} pixels; at most {most:,} are taken here")


@dataclasses.dataclass(frozen=True)
class Order:
    """What is to be done to a picture.

    Attributes:
        model: one of `networks.names()`.
        target: the size of the result.
        denoise: how much a network that restores takes out of a picture, from 0 to 1.
        suffix: of the result; None is as the picture has it.
        quality: 1 to 100, of formats with loss; None as `picture_writer.write` has it.

    Raises:
        RefusalError: a strength is chosen for a network that has none.
    """

    model: str
    target: Target
    denoise: float = 1.0
    suffix: str | None = None
    quality: int | None = None

    def __post_init__(self) -> None:
        if self.denoise < 1 and not networks.has_strength(self.model):
            raise RefusalError(Reason.WRONG_USE, f"denoise: {self.model} has no strength to choose")

    def result_name(self, name: str, suffix: str) -> str:
        """What the result of the file `name` is called."""
        return f"{pathlib.PurePath(name).stem}_{self.target.label}{suffix}"


def safe_name(name: str | None) -> str:
    """What a visitor calls a file, without folders. It is for persons, and for the result's name; no file here is called so."""
    last = re.split(r"[/\\]", name or "")[-1]
    shown = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C" and letter not in '<>:"|?*')
    path = pathlib.PurePath(shown)
    stem = path.stem.strip(" .")[:_LONGEST_STEM]
    return f"{stem}{path.suffix[:_LONGEST_SUFFIX]}" if stem else "picture"


def examine(path: pathlib.Path, order: Order, limits: Limits) -> tuple[Size, Size]:
    """The sizes of a picture and of its result; nothing is decoded.

    Raises:
        RefusalError: it is no picture of a kind that is taken, it or its result is too large, or the format can't hold it.
    """
    size = _size(path)
    result_size = order.target.size(*size)
    limits.check(size, result_size)
    if order.suffix is not None:
        require_format(order.suffix, result_size)
    return size, result_size


def require_format(suffix: str, size: Size) -> None:
    """Raises:
    RefusalError: the format can't hold so many pixels a side.
    """
    width, height = size
    try:
        rgb.require_size(pathlib.Path(f"result{suffix}"), height, width)
    except rgb.PhotoError as error:
        raise RefusalError(Reason.TOO_LARGE, str(error).removeprefix(f"result{suffix}: ")) from None


@functools.cache
def formats() -> list[str]:
    """Those that results can be written in here, by their suffix without its dot."""

    def is_writable(suffix: str) -> bool:
        with contextlib.suppress(rgb.PhotoError):
            file_kind.require_package(FORMATS[suffix].package)
            return True
        return False

    return sorted(suffix[1:] for suffix in FORMATS if is_writable(suffix))


class _HeaderReadError(rgb.PhotoError):
    """All is known that was asked for."""


def _size(path: pathlib.Path) -> Size:
    sizes: list[Size] = []

    def note(width: int, height: int) -> None:
        sizes.append((width, height))
        raise _HeaderReadError

    try:
        with path.open("rb") as file:
            _require_kind(file)
            picture_reader.read(file, check_size=note)
    except _HeaderReadError:
        pass
    except rgb.PhotoError as error:
        raise RefusalError(Reason.NO_PICTURE, str(error)) from None
    except Exception:  # whatever damaged headers make Pillow stumble over
        raise RefusalError(Reason.NO_PICTURE, "not a picture") from None
    return sizes[0]


def _require_kind(file: BinaryIO) -> None:
    """Lets pictures through alone: some of what else Pillow opens, it hands to other programs.

    Raises:
        PhotoError: it is none.
    """
    file_kind.init_plugins()
    if file_kind.of_stream(file) is not None:
        return
    kinds = Image.registered_extensions()
    with Image.open(file) as picture:
        if picture.format not in {kinds[suffix] for suffix in picture_reader.SUFFIXES if suffix in kinds}:
            raise rgb.PhotoError(f"{picture.format} files are not taken")
    file.seek(0)
