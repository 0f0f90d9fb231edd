#!/usr/bin/env bash
# pillow 13.0.0 and rasterio 1.4.4 with its GDAL (PyPI, x86-64 Linux, Python 3.11): the smaller resolutions that a JPEG 2000 has in it, by which
# a half or a quarter is read without decoding the rest, are moved against the picture: by a quarter of their own pixel at a half, by
# 0.375 at a quarter. Pillow gives them by `photo.reduce = 2`; rasterio takes them unasked for `read(out_shape=...)`, whatever
# `resampling` it is told, average or cubic. Of the same pixels in a TIFF it is centred. So small photos made this way of satellite
# pictures (Sentinel-2 comes as JPEG 2000) teach a network to move pictures, at 4 times the size by 1.5 pixels.
#
# Why: the smaller picture is the wavelet's low-pass half, whose samples lie on the even pixels of the one above, not between two.
#
# Workaround: decode all, and downscale that; in rasterio `rasterio.open(path, OVERVIEW_LEVEL="NONE")`.
#
# The script stores a ramp whose values tell the column, and prints how far the middle of each small picture is from where its pixels'
# centres are, in its own pixels. It fails if those from JPEG 2000 are centred, or those from the TIFF or by the workaround aren't.
#
# Seen:
#   Pillow, reduce: a half 0.250, a quarter 0.375, an eighth 0.438
#   rasterio, average: a half 0.250, a quarter 0.375
#   rasterio, cubic: a half 0.250, a quarter 0.375
#   rasterio, cubic, OVERVIEW_LEVEL="NONE": a half 0.000, a quarter 0.000
#   rasterio, cubic, of a TIFF: a half 0.000, a quarter 0.000
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 rasterio==1.4.4 numpy==2.4.6

cat >resolutions.py <<'PYTHON'
import warnings

import numpy as np
import rasterio
from PIL import Image
from rasterio.enums import Resampling

SIDE, STEP = 512, 100
warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
ramp = Image.fromarray(np.tile(np.arange(SIDE, dtype=np.uint16) * STEP, (SIDE, 1)))
ramp.save("ramp.jp2")
ramp.save("ramp.tif")


def by_pillow(levels):
    with Image.open("ramp.jp2") as photo:
        photo.reduce = levels
        return np.asarray(photo, np.float64)


def by_rasterio(path, resampling, levels, **options):
    side = SIDE >> levels
    with rasterio.open(path, **options) as photo:
        return photo.read(1, out_shape=(side, side), resampling=resampling).astype(np.float64)


def shift(small):
    factor, middle = SIDE / len(small), len(small) // 2
    return (middle + 0.5) - (small[middle, middle] / STEP + 0.5) / factor


def shifts(name, small_of):
    found = {part: shift(small_of(levels)) for part, levels in (("a half", 1), ("a quarter", 2))}
    print(f"{name}: " + ", ".join(f"{part} {moved:.3f}" for part, moved in found.items()))
    return list(found.values())


of_pillow = [shift(by_pillow(levels)) for levels in (1, 2, 3)]
print("Pillow, reduce: a half {:.3f}, a quarter {:.3f}, an eighth {:.3f}".format(*of_pillow))
moved = [
    of_pillow[:2],
    shifts("rasterio, average", lambda levels: by_rasterio("ramp.jp2", Resampling.average, levels)),
    shifts("rasterio, cubic", lambda levels: by_rasterio("ramp.jp2", Resampling.cubic, levels)),
]
centred = [
    shifts(
        'rasterio, cubic, OVERVIEW_LEVEL="NONE"',
        lambda levels: by_rasterio("ramp.jp2", Resampling.cubic, levels, OVERVIEW_LEVEL="NONE"),
    ),
    shifts("rasterio, cubic, of a TIFF", lambda levels: by_rasterio("ramp.tif", Resampling.cubic, levels)),
]
raise SystemExit(not (np.allclose(moved, [[0.25, 0.375]] * 3, atol=0.01) and np.allclose(centred, 0, atol=0.01)))
PYTHON

venv/bin/python resolutions.py || { echo "pillow or rasterio behaves otherwise than described above"; exit 1; }
