#!/usr/bin/env bash
# ncnn 1.0.20261020 (PyPI, x86-64 Linux, Python 3.11): `ncnn.Mat.from_pixels` given a crop of a NumPy photo, `photo[:, 2:7]`,
# reads other pixels than the crop's, without an error.
#
# Why: it takes the address of the first pixel, and what lies behind it in memory; the strides, by which the crop skips the rest
# of each row, are not looked at. `np.ascontiguousarray(crop)` cures it.
#
# The script looks at a photo of 4 rows, 9 columns and 3 channels whose numbers count up from 0. What is read for the crop,
# 4 * 5 * 3 = 60 numbers from 6 on, lies within the photo's 108. It fails if the crop is read rightly, or is refused,
# or if something else than these 60 numbers is read.
#
# Seen:
#   second row of the crop, red: 33 36 39 42 45
#   from_pixels(crop): 21 24 27 30 33
#   from_pixels(np.ascontiguousarray(crop)): 33 36 39 42 45
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-deps --disable-pip-version-check ncnn==1.0.20261020 numpy==2.2.6

cat >crop.py <<'PYTHON'
import ncnn
import numpy as np

photo = np.arange(4 * 9 * 3, dtype=np.uint8).reshape(4, 9, 3)
crop = photo[:, 2:7]


def read(pixels):
    """Rows, columns, channels, as NumPy has them."""
    height, width, _ = pixels.shape
    mat = ncnn.Mat.from_pixels(pixels, ncnn.Mat.PixelType.PIXEL_RGB, width, height)
    return np.array(mat).transpose(1, 2, 0)


of_crop = read(crop)
print("second row of the crop, red:", *crop[1, :, 0])
print("from_pixels(crop):", *of_crop[1, :, 0].astype(int))
print("from_pixels(np.ascontiguousarray(crop)):", *read(np.ascontiguousarray(crop))[1, :, 0].astype(int))
assert np.array_equal(read(np.ascontiguousarray(crop)), crop), "not even the contiguous crop is read rightly"
assert not np.array_equal(of_crop, crop), "the crop is read rightly"
assert np.array_equal(of_crop.ravel(), photo.ravel()[6:66]), "something else is read"
PYTHON
venv/bin/python crop.py
