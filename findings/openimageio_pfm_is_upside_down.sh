#!/usr/bin/env bash
# openimageio 3.2.2.0 (PyPI, x86-64 Linux, Python 3.11): a floating-point PFM is opened upside down, that which OpenImageIO itself has just
# written too. Rows of a PFM begin at the bottom. OpenImageIO writes them so, as do Pillow and OpenCV, and its reader has an attribute for it,
# `pnm:pfmflip`, whose default is 1; but the default is not applied where a file is opened without attributes, as ImageBuf and
# ImageInput.open(file) do. Named explicitly, it is.
#
# Workaround: ImageInput.open(file, spec) with spec["pnm:pfmflip"] = 1, or another reader.
#
# The script writes noise, and prints whether rows come back in their order. It fails if OpenImageIO's own do, or those of another don't.
#
# Seen:
#   by Pillow: Pillow in order, OpenCV in order, OpenImageIO upside down, with pnm:pfmflip in order
#   by OpenCV: Pillow in order, OpenCV in order, OpenImageIO upside down, with pnm:pfmflip in order
#   by OpenImageIO: Pillow in order, OpenCV in order, OpenImageIO upside down, with pnm:pfmflip in order
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openimageio==3.2.2.0 opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6

cat >rows.py <<'PYTHON'
import cv2
import numpy as np
import OpenImageIO as oiio
from PIL import Image

FILE = "a.pfm"
heights = np.random.default_rng(0).random((24, 32), dtype=np.float32)


def with_attribute():
    spec = oiio.ImageSpec()
    spec["pnm:pfmflip"] = 1
    return oiio.ImageInput.open(FILE, spec).read_image()


WRITERS = {
    "Pillow": lambda: Image.fromarray(heights).save(FILE),
    "OpenCV": lambda: cv2.imwrite(FILE, heights),
    "OpenImageIO": lambda: oiio.ImageBuf(heights[..., np.newaxis]).write(FILE),
}
READERS = {
    "Pillow": lambda: np.asarray(Image.open(FILE)),
    "OpenCV": lambda: cv2.imread(FILE, cv2.IMREAD_UNCHANGED),
    "OpenImageIO": lambda: oiio.ImageBuf(FILE).get_pixels(),
    "with pnm:pfmflip": with_attribute,
}

as_described = True
for writer, write in WRITERS.items():
    write()
    orders = {}
    for reader, read in READERS.items():
        seen = read().reshape(heights.shape)
        orders[reader] = "in order" if np.array_equal(seen, heights) else "upside down" if np.array_equal(seen[::-1], heights) else "other"
    print(f"by {writer}: " + ", ".join(f"{reader} {order}" for reader, order in orders.items()))
    as_described &= list(orders.values()) == ["in order", "in order", "upside down", "in order"]
raise SystemExit(not as_described)
PYTHON

venv/bin/python rows.py || { echo "openimageio behaves otherwise than described above"; exit 1; }
