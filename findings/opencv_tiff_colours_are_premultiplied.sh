#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 with pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): `cv2.imread(file, IMREAD_UNCHANGED)` of a transparent TIFF
# of 8 bits returns colours that are multiplied by their alpha, though the file says that they are not (ExtraSamples 2), and nothing tells.
# The same picture as PNG, or as TIFF of 16 bits, comes back as it is, and so does a TIFF that OpenCV itself wrote, for it leaves out
# the tag. So whoever reads a folder of transparent PNG and TIFF, and saves or composes them, darkens edges and glass in the TIFF alone. What
# is fully transparent is black afterwards, whatever colour it had. libtiff's function for any RGBA, which OpenCV calls for 8 bits, does
# that by design.
#
# Workaround: read such a TIFF by Pillow, tifffile or libvips.
#
# The script writes noise of 4 channels, and prints how far what OpenCV reads is from it, and from it multiplied by its alpha, at most. It
# fails if the TIFF that Pillow wrote comes back, or another does not.
#
# Seen:
#   PNG by Pillow, 8 bits: off by 0; from the premultiplied by 247
#   TIFF by Pillow, 8 bits: off by 247; from the premultiplied by 0
#   TIFF by tifffile, 8 bits: off by 247; from the premultiplied by 0
#   TIFF by tifffile, 16 bits: off by 0; from the premultiplied by 63494
#   TIFF by OpenCV, 8 bits: off by 0; from the premultiplied by 247
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6

cat >colours.py <<'PYTHON'
import cv2
import numpy as np
import tifffile
from PIL import Image

rgba = np.random.default_rng(0).integers(0, 256, (32, 32, 4), dtype=np.uint8)
deep = rgba.astype(np.uint16) * 257


def tiff(samples):
    tifffile.imwrite("a.tif", samples, photometric="rgb", extrasamples=["unassalpha"])


comes_back = []
for name, file, samples, write in (
    ("PNG by Pillow, 8 bits", "a.png", rgba, lambda: Image.fromarray(rgba).save("a.png")),
    ("TIFF by Pillow, 8 bits", "a.tif", rgba, lambda: Image.fromarray(rgba).save("a.tif")),
    ("TIFF by tifffile, 8 bits", "a.tif", rgba, lambda: tiff(rgba)),
    ("TIFF by tifffile, 16 bits", "a.tif", deep, lambda: tiff(deep)),
    ("TIFF by OpenCV, 8 bits", "a.tif", rgba, lambda: cv2.imwrite("a.tif", rgba[..., [2, 1, 0, 3]])),
):
    write()
    read = cv2.imread(file, cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]].astype(np.float64)
    colours = samples[..., :3].astype(np.float64)
    shares = samples[..., 3:] / np.iinfo(samples.dtype).max
    assert read.shape == samples.shape and (read[..., 3] == samples[..., 3]).all()
    off, off_premultiplied = (abs(read[..., :3] - wanted).max() for wanted in (colours, colours * shares))
    print(f"{name}: off by {off:.0f}; from the premultiplied by {off_premultiplied:.0f}")
    comes_back.append(None if off_premultiplied < 1 else off == 0)
raise SystemExit(comes_back != [True, None, None, True, True])
PYTHON

OPENCV_LOG_LEVEL=ERROR venv/bin/python colours.py || { echo "opencv behaves otherwise than described above"; exit 1; }
