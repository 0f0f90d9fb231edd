#!/usr/bin/env bash
# mnn 3.6.1, against opencv-python-headless 5.0.0.93 (PyPI, x86-64 Linux, Python 3.11): `MNN.cv`, which has OpenCV's functions for programs on
# phones, has OpenCV's names of kernels too, and takes them all; but INTER_CUBIC, INTER_AREA and INTER_LANCZOS4 repeat, or leave out,
# pixels: they are INTER_NEAREST, to the last bit. INTER_LINEAR is right, to a level. So a network that adds to a bicubic gets blocks
# under its result on the phone, and "area", meant for downscaling without aliasing, aliases most.
#
# Workaround: OpenCV; or cubic enlarging within the network, by convolutions.
#
# The script enlarges an enlarged noise to 3 times its size, and makes a quarter of it, and prints PSNR from OpenCV's of the same name. It
# fails if linear differs from OpenCV's by more than a level, or one of the three differs from MNN's own nearest.
#
# Seen (3 times as large, a quarter):
#   INTER_LINEAR: 59.2 dB, the same
#   INTER_CUBIC: 25.2 dB, 20.8 dB; MNN's INTER_NEAREST
#   INTER_AREA: the same, 19.1 dB; MNN's INTER_NEAREST
#   INTER_LANCZOS4: 25.9 dB, 20.9 dB; MNN's INTER_NEAREST
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mnn==3.6.1 opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6

cat >kernels.py <<'PYTHON'
import cv2
import MNN.cv
import numpy as np
from PIL import Image

SIDE = 48
noise = np.random.default_rng(0).integers(0, 256, (SIDE // 3, SIDE // 3, 3), dtype=np.uint8)
Image.fromarray(noise).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save("photo.png")
of_mnn, of_opencv = MNN.cv.imread("photo.png"), cv2.imread("photo.png")


def by_mnn(side, name):
    return MNN.cv.resize(of_mnn, (side, side), interpolation=getattr(MNN.cv, name)).read().reshape(side, side, 3).astype(int)


def by_opencv(side, name):
    return cv2.resize(of_opencv, (side, side), interpolation=getattr(cv2, name)).astype(int)


def distance(first, second):
    error = np.square(first - second).mean()
    return f"{10 * np.log10(255**2 / error):.1f} dB" if error else "the same"


sides = (3 * SIDE, SIDE // 4)
as_described = True
for name in ("INTER_LINEAR", "INTER_CUBIC", "INTER_AREA", "INTER_LANCZOS4"):
    results = [by_mnn(side, name) for side in sides]
    references = [by_opencv(side, name) for side in sides]
    nearest = all((result == by_mnn(side, "INTER_NEAREST")).all() for side, result in zip(sides, results))
    apart = ", ".join(distance(result, reference) for result, reference in zip(results, references))
    print(f"{name}: {apart}" + "; MNN's INTER_NEAREST" * nearest)
    if name == "INTER_LINEAR":
        as_described &= not nearest and all(abs(a - b).max() <= 1 for a, b in zip(results, references))
    else:
        as_described &= nearest
raise SystemExit(not as_described)
PYTHON

venv/bin/python kernels.py | grep -v "^The device supports" || { echo "mnn behaves otherwise than described above"; exit 1; }
