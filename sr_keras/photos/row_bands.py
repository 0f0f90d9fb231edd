"""Encodes the rows of a picture in bands, side by side, as they come: it need never be in memory as a whole."""

import collections
import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, Protocol

import numpy as np

from sr_keras.photos.rows import Layout, PutRows

# Eight rows of blocks of 8x8 pixels: as many as there are restart markers in a JPEG, which are numbered in turns.
_ROWS = 64
_BAND_BYTES = 2**20

_MOST_THREADS = 8


class Encoder(Protocol):
    """Encodes bands of rows, each by itself, in threads; and joins them in their order."""

    def encoded(self, band: np.ndarray, above: np.ndarray | None) -> Any:
        """A band, below a row of the picture or at its top."""

    def joined(self, encoded: Any) -> Iterator[bytes]:
        """The next parts of the file."""

    def end(self) -> bytes:
        """The last part of it."""


def rows_in_band(layout: Layout) -> int:
    """How many rows of a picture are encoded at a time."""
    return _ROWS * -(-_BAND_BYTES // (_ROWS * layout.row_bytes))


@contextlib.contextmanager
def in_bands(file: BinaryIO, encoder: Encoder, *, rows: int) -> Iterator[PutRows]:
    """Yields what takes the rows of a picture, from the top on, and writes them in bands of so many rows."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS), "encode") as executor:
        bands = _Bands(file, encoder, executor, rows=rows)
        try:
            yield bands.put
            bands.end()
        except BaseException:
            bands.cancel()
            raise


class _Bands:
    """Collects rows into bands, and has a few of them encoded at once; memory of those that are written is used again."""

    def __init__(self, file: BinaryIO, encoder: Encoder, executor: ThreadPoolExecutor, *, rows: int) -> None:
        self._file, self._encoder, self._executor, self._rows = file, encoder, executor, rows
        self._band: np.ndarray | None = None
        self._filled = 0
        self._free: list[np.ndarray] = []
        self._above: np.ndarray | None = None
        self._encoding: collections.deque[tuple[Future[Any], np.ndarray]] = collections.deque()

    def put(self, rows: np.ndarray) -> None:
        while len(rows):
            if self._band is None:
                self._band = self._free.pop() if self._free else np.empty((self._rows, *rows.shape[1:]), rows.dtype)
            # Copied: whoever computed them may use their memory again.
            part = rows[: self._rows - self._filled]
            self._band[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            rows = rows[len(part) :]
            if self._filled == self._rows:
                self._submit(self._band)

    def end(self) -> None:
        if self._band is not None:
            self._submit(self._band)
        while self._encoding:
            self._write_next()
        self._file.write(self._encoder.end())

    def cancel(self) -> None:
        for future, _ in self._encoding:
            future.cancel()

    def _submit(self, band: np.ndarray) -> None:
        rows = band[: self._filled]
        self._encoding.append((self._executor.submit(self._encoder.encoded, rows, self._above), band))
        self._above = rows[-1:].copy()
        self._band, self._filled = None, 0
        if len(self._encoding) > (os.cpu_count() or 1):
            self._write_next()

    def _write_next(self) -> None:
        future, band = self._encoding.popleft()
        for part in self._encoder.joined(future.result()):
            self._file.write(part)
        self._free.append(band)
