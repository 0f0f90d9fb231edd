"""Puts tiles together to whole rows."""

import numpy as np

from sr_keras.photos.rows import PutRows


class RowOrder:
    """Puts tiles together to whole rows, and passes on those that are complete, from the top."""

    def __init__(self, put_rows: PutRows, width: int) -> None:
        self._put_rows, self._width = put_rows, width
        self._top = 0
        self._rows: np.ndarray | None = None
        # How much of each row from `_top` on is there, in pixels.
        self._filled = np.zeros(0, np.int64)

    def put(self, y: int, x: int, tile: np.ndarray) -> None:
        """Takes a tile `[h, w, C]`; tiles may overlap those of rows that are complete, and no others."""
        tile, y = tile[max(0, self._top - y) :], max(0, y - self._top)
        if y == 0 and self._rows is None and tile.shape[1] == self._width:
            self._pass_on(tile)
            return
        self._grow(y + len(tile), tile)
        assert self._rows is not None
        self._rows[y : y + len(tile), x : x + tile.shape[1]] = tile
        self._filled[y : y + len(tile)] = np.maximum(self._filled[y : y + len(tile)], x + tile.shape[1])
        complete = int(np.argmin(np.append(self._filled, 0) == self._width))
        if complete:
            self._pass_on(self._rows[:complete])
            self._rows, self._filled = self._rows[complete:].copy(), self._filled[complete:]
            self._rows = self._rows if len(self._rows) else None

    def _pass_on(self, rows: np.ndarray) -> None:
        if len(rows):
            self._put_rows(rows)
            self._top += len(rows)

    def _grow(self, height: int, like: np.ndarray) -> None:
        """Makes room for rows."""
        missing = height - len(self._filled)
        if missing > 0:
            # Twice as many as there are, or large photos in several columns would be copied again and again.
            more = np.empty((max(missing, len(self._filled)), self._width, like.shape[2]), like.dtype)
            self._rows = more if self._rows is None else np.concatenate([self._rows, more])
            self._filled = np.append(self._filled, np.zeros(len(more), np.int64))
