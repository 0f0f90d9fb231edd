#!/usr/bin/env bash
# pillow 13.0.0 with astropy 8.0.2 (PyPI, x86-64 Linux, Python 3.11): a FITS of unsigned 16 bits, as cameras for telescopes and microscopes
# write them, is opened without a word with its tones cut in two: black is shown as middle grey, middle grey as black. FITS knows signed integers
# alone, so unsigned ones are stored less 32768 and the head says so (BZERO); Pillow does not look at it. Nor does it look at BSCALE,
# nor at a third axis: of three planes, which is how FITS holds colour, the red one is opened as a greyscale picture. And negative values
# of signed 16 bits are brighter than white. Rows, which FITS counts from the bottom, are turned as they should be.
#
# Workaround: astropy reads all of them.
#
# The script writes noise with astropy, and prints of each file what Pillow makes of it. It fails if the first is right, or another
# changes.
#
# Seen:
#   uint16, 0 to 65535: opened as I;16, off by 32768 everywhere
#   int16, 0 to 32767: opened as I;16, right
#   int16, from -9 on: opened as I;16, off by 65536 where it is negative
#   float32: opened as F, right
#   uint8, three planes: opened as L, the first plane
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 astropy==8.0.2 numpy==2.4.6

cat >tones.py <<'PYTHON'
import numpy as np
from astropy.io import fits
from PIL import Image

rng = np.random.default_rng(0)


def by_pillow(samples):
    """A file's mode, and its values in the order in which FITS counts rows."""
    fits.writeto("a.fits", samples, overwrite=True)
    assert np.array_equal(fits.getdata("a.fits"), samples)
    with Image.open("a.fits") as picture:
        return picture.mode, np.asarray(picture).astype(np.float64)[::-1]


outcomes = []
for name, samples in {
    "uint16, 0 to 65535": rng.integers(0, 2**16, (32, 48)).astype(np.uint16),
    "int16, 0 to 32767": rng.integers(0, 2**15, (32, 48)).astype(np.int16),
    "int16, from -9 on": rng.integers(-9, 100, (32, 48)).astype(np.int16),
    "float32": rng.random((32, 48)).astype(np.float32),
    "uint8, three planes": rng.integers(0, 256, (3, 32, 48)).astype(np.uint8),
}.items():
    mode, seen = by_pillow(samples)
    planes = samples.reshape(-1, 32, 48).astype(np.float64)
    off = seen - planes[0]
    if not off.any():
        outcome = "right" if len(planes) == 1 else "the first plane"
    elif (abs(off) == 32768).all():
        outcome = "off by 32768 everywhere"
    elif np.array_equal(off, 65536 * (planes[0] < 0)):
        outcome = "off by 65536 where it is negative"
    else:
        outcome = "otherwise"
    outcomes.append(f"{mode}, {outcome}")
    print(f"{name}: opened as {outcomes[-1]}")
raise SystemExit(
    outcomes
    != [
        "I;16, off by 32768 everywhere",
        "I;16, right",
        "I;16, off by 65536 where it is negative",
        "F, right",
        "L, the first plane",
    ]
)
PYTHON

venv/bin/python tones.py || { echo "pillow behaves otherwise than described above"; exit 1; }
