"""FITS, of which Pillow reads the plain ones."""

import io
from typing import BinaryIO

import numpy as np
import pytest

from sr_keras.photos import picture_reader, rgb
from tests.photos.in_memory import only


def fits(samples: np.ndarray, **cards: int) -> BinaryIO:
    """A FITS as cameras for telescopes write it: rows from the bottom, blocks of 2880 bytes."""
    bits = {"uint8": 8, ">i2": 16}[samples.dtype.name if samples.dtype.itemsize == 1 else samples.dtype.str]
    sizes = {f"NAXIS{axis}": size for axis, size in enumerate(reversed(samples.shape), 1)}
    values = {"SIMPLE": "T", "BITPIX": bits, "NAXIS": samples.ndim, **sizes, **cards}
    head = "".join(f"{name:8}= {value:>20}".ljust(80) for name, value in values.items()) + "END".ljust(80)
    parts = (head.ljust(2880).encode(), np.ascontiguousarray(samples[..., ::-1, :]).tobytes())
    return io.BytesIO(b"".join(part + bytes(-len(part) % 2880) for part in parts))


@pytest.mark.parametrize(
    "samples, cards, reason",
    [
        (np.zeros((4, 6), ">i2"), {"BZERO": 32768}, r"its values have an offset or a factor \(BZERO, BSCALE\)"),
        (np.zeros((4, 6), ">i2"), {"BZERO": 0, "BSCALE": 2}, r"its values have an offset or a factor \(BZERO, BSCALE\)"),
        (np.zeros((4, 6), ">i2"), {"BZERO": 0}, "its values are signed 16-bit integers"),
        (np.zeros((3, 4, 6), np.uint8), {}, "it has 3 planes"),
    ],
)
def test_a_fits_that_pillow_reads_otherwise_than_it_is_meant_is_refused(
    samples: np.ndarray, cards: dict[str, int], reason: str
) -> None:
    """Pillow 13.0.0 passes over the offset, by which unsigned 16 bits are stored, and over all planes but the first."""
    sentence = f"a FITS of a kind that is not read: {reason}; save it as TIFF$"
    with pytest.raises(rgb.PhotoError, match=f"^{sentence}"):
        picture_reader.read(fits(samples, **cards))
    with pytest.raises(rgb.PhotoError, match=f"^a.fits: {sentence}"):
        rgb.decode_photo(fits(samples, **cards).read(), "a.fits")


def test_a_plain_fits_is_read() -> None:
    samples = np.random.default_rng(0).integers(0, 256, (4, 6)).astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(only(picture_reader.read(fits(samples, BZERO=0)))), samples)
