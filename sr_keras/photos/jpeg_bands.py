"""JPEG in bands of rows, with restart markers, after which nothing depends on what was before.

The pixels are those of Pillow's own file.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sr_keras.photos.rows import Layout, as_file

_FRAME, _SCAN = 0xC0, 0xDA
_LAST_RESTART, _END_OF_IMAGE = b"\xff\xd7", b"\xff\xd9"


class Jpeg:
    """See `row_bands.Encoder`."""

    def __init__(self, layout: Layout, options: Mapping[str, Any]) -> None:
        """Args:
        layout: of the picture.
        options: what Pillow is told to write beside the pixels. Each colour must have its full resolution.
        """
        self._height = layout.height
        self._options = {**options, "restart_marker_rows": 1}
        # What is beside the pixels stands in the first band's file alone.
        self._bare = {name: self._options[name] for name in ("quality", "subsampling", "restart_marker_rows")}

    def encoded(self, band: np.ndarray, above: np.ndarray | None) -> bytes:
        content = as_file(band, "JPEG", self._options if above is None else self._bare)
        size, scan = _places(content)
        if above is None:
            return content[:size] + struct.pack(">H", self._height) + content[size + 2 : -len(_END_OF_IMAGE)]
        return _LAST_RESTART + content[scan : -len(_END_OF_IMAGE)]

    def joined(self, encoded: bytes) -> Iterator[bytes]:
        yield encoded

    def end(self) -> bytes:
        return _END_OF_IMAGE


def _places(content: bytes) -> tuple[int, int]:
    """Where a JPEG says its height, and where its scan begins."""
    height, place = 0, 2
    while True:
        kind, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        if kind == _FRAME:
            height = place + 5
        place += 2 + length
        if kind == _SCAN:
            return height, place
