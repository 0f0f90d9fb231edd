"""Writes PNG and JPEG in bands of rows, as they come: a large picture need never be in memory as a whole.

Bands are encoded side by side, by Pillow, and joined.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from sr_keras.photos import png_bands
from sr_keras.photos.jpeg_bands import Jpeg
from sr_keras.photos.row_bands import in_bands, rows_in_band
from sr_keras.photos.rows import Layout, PutRows


@contextlib.contextmanager
def opened(file: BinaryIO, layout: Layout, file_format: str, options: Mapping[str, Any]) -> Iterator[PutRows]:
    """Yields what takes the rows of a picture, from the top on: uint8 or uint16, `[n, W]` or `[n, W, C]`.

    At the end the file is complete.

    Args:
        file: open for writing.
        layout: of the picture.
        file_format: "PNG" or "JPEG".
        options: what Pillow is told to write beside the pixels. Of a JPEG, each colour must have its full resolution.

    Raises:
        OSError: it can't be written.
    """
    is_png = file_format == "PNG"
    encoder = png_bands.Png(png_bands.image_data, png_bands.chunk(b"IEND", b"")) if is_png else Jpeg(layout, options)
    if is_png:
        file.write(png_bands.head(layout, options))
    with in_bands(file, encoder, rows=rows_in_band(layout)) as put:
        yield put
