"""Files in object stores, s3:// and gs://, as paths that read and write whole objects."""

import contextlib
import errno
import functools
import io
import os
import pathlib
import re
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

from sr_keras.runtime import extras
from sr_keras.runtime.errors import UserError

_STORED = re.compile(r"(?:s3|gs)://[^/]+.*", re.DOTALL)

# Of pyarrow's file systems.
_OPTIONS = {
    # An object is put in one request; without, in three, however small it is.
    "s3:": "allow_delayed_open=true",
    # Each request is tried for so long; without, for 15 minutes, also where a machine has no credentials.
    "gs:": "retry_limit_seconds=60",
}


class StorePath(pathlib.PosixPath):
    """An object, or a folder of objects: s3://bucket/photo.jpg, gs://bucket/photos. Its parts and parents are those of a path.

    Folders are beginnings of names in such a store: there is none to make, and each one that could be made is there.
    """

    def __str__(self) -> str:
        return re.sub(r"^(s3|gs):/(?!/)", r"\1://", super().__str__())

    def read_bytes(self) -> bytes:
        """The whole object.

        Raises:
            OSError: it is not there, or can't be read.
        """
        file_system, name = _located(self)
        try:
            with file_system.open_input_stream(name) as stream:
                return bytes(stream.read())
        except FileNotFoundError:  # which each store says in its own words
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self)) from None

    def lists(self, *, recursive: bool) -> "Iterator[StoredFile]":
        """The objects in a folder, by one listing.

        Raises:
            OSError: the bucket is not there, or can't be read.
        """
        file_system, name = _located(self)
        from pyarrow import fs  # it is there

        for info in file_system.get_file_info(fs.FileSelector(name, allow_not_found=True, recursive=recursive)):
            yield StoredFile(StorePath(f"{self.parts[0]}//{info.path}"), info.type == fs.FileType.Directory)

    def is_dir(self, *_: object, **__: object) -> bool:
        """Whether there are objects in it."""
        return self._type() == "Directory"

    def exists(self, *_: object, **__: object) -> bool:
        """Whether there is such an object, or objects in such a folder."""
        return self._type() != "NotFound"

    def mkdir(self, *_: object, **__: object) -> None:
        """Has nothing to do."""

    def _type(self) -> str:
        file_system, name = _located(self)
        return str(file_system.get_file_info(name).type.name)


class StoredFile(NamedTuple):
    """What a listing names."""

    path: StorePath
    is_folder: bool


def path_of(text: str) -> pathlib.Path:
    """The path that a text names, in a store or in a folder."""
    return StorePath(text) if _STORED.fullmatch(text) else pathlib.Path(text)


@contextlib.contextmanager
def written_whole(path: StorePath, *, overwrite: bool) -> Iterator[pathlib.Path]:
    """Yields a file to write to, which is put under its name in one request at the end, or not at all if writing fails.

    Raises:
        FileExistsError: the object is there, and is not to be overwritten.
        OSError: it can't be written.
    """
    with tempfile.TemporaryDirectory(prefix="sr_keras-") as folder:
        # Formats are named by suffixes.
        part = pathlib.Path(folder, f"part{path.suffix}")
        part.touch()
        yield part
        if not overwrite and path.exists():
            raise FileExistsError(None, "exists already", str(path))
        content = part.read_bytes()
        file_system, name = _located(path)
        # An object appears when its stream is closed; one that breaks off before leaves none.
        with file_system.open_output_stream(name, buffer_size=None) as stream:
            stream.write(content)


def opened(path: StorePath) -> io.BytesIO:
    """The object, to be read from any place."""
    return io.BytesIO(path.read_bytes())


def _located(path: StorePath) -> tuple[Any, str]:
    """The store of an object, and what it is called there."""
    bucket = "/".join(path.parts[1:])
    return _file_system(path.parts[0], path.parts[1]), bucket


@functools.cache
def _file_system(scheme: str, bucket: str) -> Any:
    try:
        from pyarrow import fs
    except ImportError:
        raise UserError(f"{scheme}//{bucket}: needs pyarrow: {extras.install('cluster')}") from None
    # Not `S3FileSystem()`: only a name leads to the region of its bucket, and to AWS_ENDPOINT_URL.
    file_system, _ = fs.FileSystem.from_uri(f"{scheme}//{bucket}?{_OPTIONS[scheme]}")
    return file_system


def is_there(path: pathlib.Path) -> bool:
    """Whether something has that name, be it a broken link."""
    return path.exists() if isinstance(path, StorePath) else os.path.lexists(path)


def place(path: pathlib.Path) -> str:
    """What two paths of one file have in common."""
    return str(path) if isinstance(path, StorePath) else os.path.realpath(path)
