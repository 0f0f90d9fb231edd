"""Opens films, and says why one can't be opened."""

import contextlib
import io
import os
import pathlib
from collections.abc import Iterator

import av
from av.container.input import InputContainer
from av.video.stream import VideoStream

from sr_keras.films.formats import FilmError
from sr_keras.runtime import files

# Of Matroska (RFC 9559): the identifier of ChromaSitingHorz, and that its value takes a byte.
_CHROMA_SITING = b"\x55\xb7\x81"


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


def tells_siting(stream: VideoStream) -> bool:
    """Whether a film, or its codec's standard, says where its chroma lies between the pixels of luma.

    PyAV does not show it. But FFmpeg writes it into Matroska's header, and nothing where it is unspecified.
    """
    header = io.BytesIO()
    try:
        with av.open(header, "w", format="matroska") as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (av.error.FFmpegError, ValueError):  # Matroska has no such codec, which is an old one, of a standard that says it
        return True
    return _CHROMA_SITING in header.getvalue()


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
