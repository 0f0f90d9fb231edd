"""Reduces a picture whose rows come one after the other."""

import math

import numpy as np
from PIL import Image

from sr_keras.photos import raster
from sr_keras.photos.rows import PutRows
from sr_keras.upscaling.target import Size

# It cuts off the frequencies that the smaller picture can't hold, more sharply than others.
METHOD = Image.Resampling.LANCZOS
# How far it sees, in pixels of the smaller picture.
SUPPORT = 3

# So many rows of the smaller picture are made at once, at least, as long as more are to come.
_ROWS = 16


class RowReducer:
    """Takes the rows of a picture, and passes on those of the smaller one that can be made; none is kept longer than needed.

    They are those of the whole picture, reduced at once, but for roundings.
    """

    def __init__(self, put_rows: PutRows, size: Size, smaller: Size) -> None:
        """Args:
        put_rows: takes the rows of the smaller picture, from the top on, `[n, w, C]`.
        size, smaller: widths and heights; the smaller one is larger along no axis.
        """
        self._put_rows = put_rows
        self._height, self._smaller = size[1], smaller
        self._factor = size[1] / smaller[1]
        self._rows: list[np.ndarray] = []
        # The first row that is kept, how many there were, and how many of the smaller picture are done.
        self._first = self._end = self._done = 0

    def put(self, rows: np.ndarray) -> None:
        """Takes the next rows, uint8 or uint16 `[n, W, C]`; uint8 of 2 or 4 channels are weighed by the last one, alpha."""
        self._rows.append(rows.copy())
        self._end += len(rows)
        possible = self._possible()
        if possible - self._done < _ROWS and self._end < self._height:
            return
        band = np.concatenate(self._rows)
        # A single precision number is what Pillow takes.
        top, bottom = (np.float32(row * self._factor - self._first) for row in (self._done, possible))
        size = self._smaller[0], possible - self._done
        self._put_rows(_reduced(band, size, float(top), min(float(bottom), len(band))))
        self._done = possible
        first = max(self._first, math.floor((possible + 0.5 - SUPPORT) * self._factor - 1))
        self._rows, self._first = [band[first - self._first :].copy()], first

    def _possible(self) -> int:
        """Up to which row the smaller picture can be made."""
        if self._end == self._height:
            return self._smaller[1]
        return max(self._done, math.floor((self._end - 1) / self._factor - SUPPORT + 0.5))


def _reduced(band: np.ndarray, size: Size, top: float, bottom: float) -> np.ndarray:
    """What lies between two heights of a part of a picture, uint8 or uint16 `[h, w, C]`."""
    if band.dtype == np.uint8:
        frame = Image.fromarray(band[..., 0] if band.shape[2] == 1 else band)
        weighed = frame.convert({"LA": "La", "RGBA": "RGBa"}.get(frame.mode, frame.mode))
        return np.atleast_3d(np.asarray(_resized(weighed, size, top, bottom).convert(frame.mode)))
    bands = [_resized(Image.fromarray(band[..., each].astype(np.float32)), size, top, bottom) for each in range(band.shape[2])]
    samples = np.stack([np.asarray(each) for each in bands], axis=2)
    return raster.rounded(np.clip(samples, 0, raster.white(band.dtype)), band.dtype)


def _resized(frame: Image.Image, size: Size, top: float, bottom: float) -> Image.Image:
    # Which axis comes first, Pillow decides by the shape; of whole pictures that are not very tall, it is this one.
    narrower = frame.resize((size[0], frame.height), METHOD)
    return narrower.resize(size, METHOD, box=(0, top, size[0], bottom))
