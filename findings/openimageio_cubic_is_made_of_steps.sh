#!/usr/bin/env bash
# openimageio 3.2.2.0, against pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): `ImageBufAlgo.resize(..., filtername="cubic")` is none of the
# cubic kernels of the field: its slope (Keys's a) is 0. Two pixels wide, it rests at each pixel and hurries to the next, so that
# a slope becomes stairs: a third as steep at the pixels, half as steep again between them. Enlarged noise is 28 dB from Pillow's
# bicubic. "keys" and "catmull-rom" are what others call cubic, and Pillow's to seven digits.
#
# Workaround: `filtername="catmull-rom"`.
#
# The script enlarges noise and a slope, and prints PSNR from Pillow's bicubic away from the borders, and how steep the slope of 1 is at most
# and at least. It fails if cubic is not a smooth step from pixel to pixel, or catmull-rom is not Pillow's.
#
# Seen:
#   cubic: 28 dB from Pillow's bicubic; a slope of 1 is 0.34 to 1.47
#   keys: 147 dB from Pillow's bicubic; a slope of 1 is 1.00 to 1.00
#   catmull-rom: 147 dB from Pillow's bicubic; a slope of 1 is 1.00 to 1.00
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openimageio==3.2.2.0 pillow==13.0.0 numpy==2.4.6

cat >cubic.py <<'PYTHON'
import numpy as np
import OpenImageIO
from PIL import Image

SIDE, SCALE = 32, 4
INNER = (slice(16, -16),) * 2
noise = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
slope = np.tile(np.arange(SIDE, dtype=np.float32), (SIDE, 1))


def by_openimageio(photo, name):
    roi = OpenImageIO.ROI(0, SCALE * SIDE, 0, SCALE * SIDE, 0, 1, 0, 1)
    return OpenImageIO.ImageBufAlgo.resize(OpenImageIO.ImageBuf(photo[..., None].copy()), filtername=name, roi=roi).get_pixels()[..., 0]


def by_pillow(photo):
    return np.asarray(Image.fromarray(photo).resize((SCALE * SIDE, SCALE * SIDE), Image.Resampling.BICUBIC))


def by_steps(photo):
    """From pixel to pixel by 3 t^2 - 2 t^3, the cubic kernel for a = 0."""
    place = (np.arange(SCALE * SIDE) + 0.5) / SCALE - 0.5
    pixel = np.floor(place).astype(int)
    share = (place - pixel) ** 2 * (3 - 2 * (place - pixel))
    weights = np.zeros((SCALE * SIDE, SIDE))
    np.add.at(weights, (np.arange(SCALE * SIDE), np.clip(pixel, 0, SIDE - 1)), 1 - share)
    np.add.at(weights, (np.arange(SCALE * SIDE), np.clip(pixel + 1, 0, SIDE - 1)), share)
    return weights @ photo @ weights.T


distances = {}
for name in ("cubic", "keys", "catmull-rom"):
    error = np.square((by_openimageio(noise, name) - by_pillow(noise))[INNER].astype(np.float64)).mean()
    distances[name] = -10 * np.log10(error)
    steepness = np.diff(by_openimageio(slope, name)[INNER], axis=1) * SCALE
    print(f"{name}: {distances[name]:.0f} dB from Pillow's bicubic; a slope of 1 is {steepness.min():.2f} to {steepness.max():.2f}")
from_steps = abs(by_openimageio(noise, "cubic") - by_steps(noise))[INNER].max()
raise SystemExit(not (from_steps < 1e-4 and distances["cubic"] < 35 and min(distances["keys"], distances["catmull-rom"]) > 100))
PYTHON

venv/bin/python cubic.py || { echo "openimageio behaves otherwise than described above"; exit 1; }
