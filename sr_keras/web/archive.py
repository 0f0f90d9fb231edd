"""Many files as one ZIP archive that is made while it is sent: it takes no memory and no disk."""

import io
import pathlib
import zipfile
from collections.abc import Iterable, Iterator, Mapping

_CHUNK = 1 << 20


class _Outbox(io.RawIOBase):
    """Takes what is written until it is fetched."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, chunk: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]  # typeshed names no type that can be imported
        self._chunks.append(bytes(chunk))
        return len(chunk)

    def fetch(self) -> bytes:
        content, self._chunks = b"".join(self._chunks), []
        return content


def stream(members: Mapping[str, pathlib.Path]) -> Iterator[bytes]:
    """The archive, chunk by chunk.

    Args:
        members: the files, by their names in the archive. Pictures are compressed already, so they are only stored. A file that
            is removed meanwhile is left out.
    """
    outbox = _Outbox()
    with zipfile.ZipFile(outbox, "w") as archive:
        for name, path in members.items():
            try:
                source = path.open("rb")
            except FileNotFoundError:
                continue
            with source, archive.open(zipfile.ZipInfo.from_file(path, name), "w", force_zip64=True) as member:
                while chunk := source.read(_CHUNK):
                    member.write(chunk)
                    yield outbox.fetch()
            yield outbox.fetch()
    yield outbox.fetch()


def with_distinct_names(files: Iterable[tuple[str, pathlib.Path]]) -> dict[str, pathlib.Path]:
    """The files by their names, with a number in those that came before: a folder may hold each once, whatever its case."""
    members: dict[str, pathlib.Path] = {}
    taken: set[str] = set()
    for name, file in files:
        path, number = pathlib.PurePath(name), 1
        while name.casefold() in taken:
            number += 1
            name = f"{path.stem} ({number}){path.suffix}"
        taken.add(name.casefold())
        members[name] = file
    return members
