"""The open file that metadata is read from."""

from typing import Any, Protocol

from PIL import Image


class TaggedFile(Protocol):
    """What readers of metadata want of a file; Pillow's are such."""

    @property
    def info(self) -> dict[Any, Any]: ...

    @property
    def mode(self) -> str: ...

    @property
    def format(self) -> str | None: ...

    def getexif(self) -> Image.Exif: ...


def as_bytes(value: object) -> bytes | None:
    """A value of a file's `info` that is bytes or text; None if it is another, or empty."""
    if isinstance(value, str):
        value = value.encode()
    return value if isinstance(value, bytes) and value else None
