#!/usr/bin/env bash
# pyvips 3.2.0 with pyvips-binary 8.18.7 (PyPI, x86-64 Linux, Python 3.11): `image.resize(4)`, of libvips, moves the picture by half a pixel of
# the result, right and down, though its documentation promises "centre convention scaling". A bicubic baseline made by it
# loses decibels for the shift alone, and a network that gets it as its input learns to move pictures. Downscaling does not move it.
# And the kernel counts only when downscaling: "mitchell", "lanczos2" and "lanczos3" all enlarge as "cubic" does, to the last bit.
#
# Why: enlarging is `affine` with an interpolator, and bicubic is the best that `resize` has for it. It moves the picture by half a
# pixel of the input; right would be that less half a pixel of the result.
#
# Workaround: `affine` with `odx` and `ody` of (scale - 1) / 2, and `oarea`, as below; it is Pillow's bicubic away from the borders.
#
# The script resizes a ramp whose values are the columns' numbers, and noise. It prints how far a column's value is from the place that
# it has by the centres of the pixels, and how far Lanczos is from cubic. It fails if enlarging is not shifted by 0.5 pixels of
# the result, or downscaling is, or a kernel differs, or the workaround is not Pillow's bicubic.
#
# Seen:
#   2 times as large: shifted by 0.50 pixels of the result
#   4 times as large: shifted by 0.50 pixels of the result
#   half as large: shifted by 0.00 pixels of the result
#   from cubic to mitchell 0.0, to lanczos2 0.0, to lanczos3 0.0, to linear 0.2
#   from Pillow's bicubic: resize 0.22, affine with odx and ody 0.00
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyvips==3.2.0 pyvips-binary==8.18.7 pillow==13.0.0 numpy==2.4.6

cat >enlarge.py <<'PYTHON'
import numpy as np
import pyvips
from PIL import Image

SIDE = 32
ramp = np.tile(np.arange(SIDE, dtype=np.float32), (SIDE, 1))
noise = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)


def resized(photo, scale, kernel="cubic"):
    return pyvips.Image.new_from_array(photo).resize(scale, kernel=kernel).numpy()


def by_affine(photo, scale):
    shift, side = (scale - 1) / 2, SIDE * scale
    bicubic = pyvips.Interpolate.new("bicubic")
    image = pyvips.Image.new_from_array(photo)
    options = {"interpolate": bicubic, "odx": shift, "ody": shift, "oarea": [0, 0, side, side], "extend": "copy"}
    return image.affine([scale, 0, 0, scale], **options).numpy()


as_described = True
for scale, name in ((2, "2 times as large"), (4, "4 times as large"), (0.5, "half as large")):
    shifts = []
    for photo in (resized(ramp, scale), resized(ramp.T.copy(), scale).T):
        middle = len(photo) // 2
        shifts.append(((middle + 0.5) / scale - 0.5 - photo[middle, middle]) * scale)
    print(f"{name}: shifted by {shifts[0]:.2f} pixels of the result")
    as_described &= np.allclose(shifts, 0.5 if scale > 1 else 0, atol=1e-3)

cubic = resized(noise, 4)
apart = {kernel: abs(resized(noise, 4, kernel) - cubic).max() for kernel in ("mitchell", "lanczos2", "lanczos3", "linear")}
print("from cubic " + ", ".join(f"to {kernel} {difference:.1f}" for kernel, difference in apart.items()))
*kernels, linear = apart.values()
as_described &= not any(kernels) and linear > 0.05

inner = (slice(16, -16),) * 2
pillow = np.asarray(Image.fromarray(noise).resize((4 * SIDE, 4 * SIDE), Image.Resampling.BICUBIC))[inner]
shifted, right = (abs(photo[inner] - pillow).max() for photo in (cubic, by_affine(noise, 4)))
print(f"from Pillow's bicubic: resize {shifted:.2f}, affine with odx and ody {right:.2f}")
raise SystemExit(not (as_described and shifted > 0.05 and right < 1e-4))
PYTHON

venv/bin/python enlarge.py || { echo "pyvips behaves otherwise than described above"; exit 1; }
