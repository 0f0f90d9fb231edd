#!/usr/bin/env bash
# scikit-image 0.26.0, against pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): `skimage.transform.resize(photo, size, order=3)`, "Bi-cubic" in
# its documentation, is not the bicubic by which the field makes its small photos. It blurs by a Gaussian, and then samples a cubic
# spline at the pixels' centres; MATLAB's `imresize` and Pillow widen the cubic kernel. A smooth picture downscaled by 4
# is 33 dB from Pillow's, so a network that is trained on the one does worse on the other. Enlarging is by the spline too, which rings: one
# pixel is seen over 9.5 pixels' widths, where Pillow's kernel ends after 4.
#
# Why: "order" is that of scipy's splines, which are made from the whole picture; the Gaussian's sigma is (factor - 1) / 2.
#
# Workaround: Pillow, of mode "F" where floats are to stay such.
#
# The script resizes an enlarged noise, and prints PSNR from Pillow's bicubic away from the borders, and over how many of its pixels' widths
# a single pixel is seen after enlarging. It fails if they are within 40 dB at a quarter, or the spline is as narrow as the kernel.
#
# Seen:
#   half as large 46.3 dB, a quarter 33.4 dB, 4 times as large 58.8 dB
#   one pixel enlarged: seen in 9.5 pixels' widths by scikit-image, in 4.0 by Pillow
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check scikit-image==0.26.0 pillow==13.0.0 numpy==2.4.6

cat >resize.py <<'PYTHON'
import numpy as np
from PIL import Image
from skimage.transform import resize

SIDE, SCALE, BORDER = 256, 4, 8
rng = np.random.default_rng(0)


def by_pillow(photo, side):
    return np.asarray(Image.fromarray(photo.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC))


def by_skimage(photo, side):
    return resize(photo, (side, side), order=3, clip=False)


def psnr(first, second):
    error = (first - second)[BORDER:-BORDER, BORDER:-BORDER]
    return -10 * np.log10(np.mean(error**2))


photo = by_pillow(rng.random((SIDE // 4, SIDE // 4)), SIDE)
half, quarter, larger = (
    psnr(by_skimage(photo, side), by_pillow(photo, side)) for side in (SIDE // 2, SIDE // SCALE, SIDE * SCALE)
)
print(f"half as large {half:.1f} dB, a quarter {quarter:.1f} dB, 4 times as large {larger:.1f} dB")

pixel = np.zeros((33, 33))
pixel[16, 16] = 1
widths = [int((abs(enlarge(pixel, 33 * SCALE)[33 * SCALE // 2]) > 1e-3).sum()) / SCALE for enlarge in (by_skimage, by_pillow)]
print(f"one pixel enlarged: seen in {widths[0]:.1f} pixels' widths by scikit-image, in {widths[1]:.1f} by Pillow")
raise SystemExit(not (quarter < 40 and larger < 70 and widths[0] > 2 * widths[1]))
PYTHON

venv/bin/python resize.py || { echo "scikit-image behaves otherwise than described above"; exit 1; }
