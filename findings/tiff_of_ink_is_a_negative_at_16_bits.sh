#!/usr/bin/env bash
# pillow 13.0.0, opencv-python-headless 5.0.0.93, openimageio 3.2.2.0 (PyPI, x86-64 Linux, Python 3.11): a greyscale TIFF whose 0 is white
# (PhotometricInterpretation 0, as fax, X-ray and film scanners write it) is opened as it is meant where it has 8 bits, and as a negative, without a
# word, where it has 16: by all three. OpenCV does both with the same file: a negative with IMREAD_UNCHANGED and IMREAD_ANYDEPTH, right with the
# default flags. tifffile, and by it imageio and scikit-image, return what is stored at 8 bits too. libvips alone turns both.
#
# Workaround: read tag 262 (Pillow: `picture.tag_v2[262]`), and subtract from white where it is 0.
#
# The script writes a picture that is dark everywhere, both ways, and prints whether each reader sees it dark or light. It fails if one
# changes.
#
# Seen:
#   8 bits: Pillow dark, OpenCV dark, unchanged dark, OpenImageIO dark, libvips dark, imageio light
#   16 bits: Pillow light, OpenCV dark, unchanged light, OpenImageIO light, libvips dark, imageio light
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 opencv-python-headless==5.0.0.93 openimageio==3.2.2.0 pyvips==3.2.0 \
    pyvips-binary==8.18.7 imageio==2.38.1 tifffile==2026.3.3 numpy==2.4.6

cat >ink.py <<'PYTHON'
import cv2
import imageio.v3 as iio
import numpy as np
import OpenImageIO as oiio
import pyvips
import tifffile
from PIL import Image

FILE = "a.tif"


def by_openimageio():
    buffer = oiio.ImageBuf(FILE)
    return buffer.get_pixels(buffer.spec().format)


READERS = {
    "Pillow": lambda: np.asarray(Image.open(FILE)),
    "OpenCV": lambda: cv2.imread(FILE),
    "unchanged": lambda: cv2.imread(FILE, cv2.IMREAD_UNCHANGED),
    "OpenImageIO": by_openimageio,
    "libvips": lambda: pyvips.Image.new_from_file(FILE).numpy(),
    "imageio": lambda: iio.imread(FILE),
}

as_described = True
for dtype, light in ((np.uint8, {"imageio"}), (np.uint16, {"Pillow", "unchanged", "OpenImageIO", "imageio"})):
    white = np.iinfo(dtype).max
    tifffile.imwrite(FILE, np.full((32, 48), round(0.9 * white), dtype), photometric="miniswhite")
    shares = {name: (values := read()).mean() / np.iinfo(values.dtype).max for name, read in READERS.items()}
    assert all(min(abs(share - 0.1), abs(share - 0.9)) < 0.01 for share in shares.values()), shares
    print(f"{8 * dtype().itemsize} bits: " + ", ".join(f"{name} {'dark' if share < 0.5 else 'light'}" for name, share in shares.items()))
    as_described &= {name for name, share in shares.items() if share > 0.5} == light
raise SystemExit(not as_described)
PYTHON

venv/bin/python ink.py || { echo "a reader behaves otherwise than described above"; exit 1; }
