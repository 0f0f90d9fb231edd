#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 (PyPI, x86-64 Linux, Python 3.11): `cv2.imread(path, cv2.IMREAD_GRAYSCALE)` of the same pixels gives other
# greys from a PNG than from a BMP, TIFF or lossless WebP: half a level darker on average. So a reference read so from a PNG, and a result
# that is made grey by `cv2.cvtColor`, have 51 dB even where the colours are equal, and networks for luma alone learn the half level.
#
# Why: libpng makes PNGs grey while they are decoded, and cuts fractions; the other formats' colours go through `cvtColor`, which rounds.
#
# Workaround: read colours, and `cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)`.
#
# The script stores noise without loss in four formats, and prints the mean difference of their greys from those of `cvtColor`, and PSNR. It
# fails if colours are not kept, or the PNG's greys are not darker by 0.3 levels, or those of another format are.
#
# Seen:
#   png: -0.50 levels, 51.2 dB
#   bmp: -0.00 levels, 74.0 dB
#   tiff: -0.00 levels, 74.0 dB
#   webp: +0.00 levels, 361.2 dB
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.4.6

cat >grey.py <<'PYTHON'
import cv2
import numpy as np

noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
LOSSLESS_WEBP = [cv2.IMWRITE_WEBP_QUALITY, 101]
expected = cv2.cvtColor(noise, cv2.COLOR_BGR2GRAY)

as_described = True
for kind in ("png", "bmp", "tiff", "webp"):
    path = f"photo.{kind}"
    cv2.imwrite(path, noise, LOSSLESS_WEBP if kind == "webp" else [])
    grey = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    difference = (grey.astype(int) - expected).mean()
    print(f"{kind}: {difference:+.2f} levels, {cv2.PSNR(grey, expected):.1f} dB")
    as_described &= np.array_equal(cv2.imread(path), noise) and (difference < -0.3 if kind == "png" else abs(difference) < 0.05)
raise SystemExit(not as_described)
PYTHON

venv/bin/python grey.py || { echo "OpenCV behaves otherwise than described above"; exit 1; }
