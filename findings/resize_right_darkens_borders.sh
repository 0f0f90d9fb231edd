#!/usr/bin/env bash
# resize-right 0.0.2 (PyPI, x86-64 Linux, Python 3.11): `resize`, by default (cubic, antialiasing), takes what lies beyond a picture's border
# for black, and blends it in: of a white picture, enlarged to 4 times its size, the rim is two thirds of white and the corners
# less than half. Beside the rim it is brighter than white. MATLAB's `imresize`, by which papers make their small photos, mirrors the
# picture there, so that white stays white.
#
# Workaround: `pad_mode="symmetric"`, which is what MATLAB does.
#
# The script resizes a white picture and prints corner, the middle of an edge, centre and the brightest value. It fails if white
# stays white, or does not by the workaround.
#
# Seen, of white as 1.000:
#   4 times as large: corner 0.428, edge 0.654, centre 1.000, brightest 1.152
#   half as large: corner 0.872, edge 0.934, centre 1.000, brightest 1.024
#   4 times as large, pad_mode="symmetric": corner 1.000, edge 1.000, centre 1.000, brightest 1.000
#   half as large, pad_mode="symmetric": corner 1.000, edge 1.000, centre 1.000, brightest 1.000
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check resize-right==0.0.2 numpy==2.4.6

cat >white.py <<'PYTHON'
import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that PyTorch is not there: NumPy is enough
    from resize_right import resize_right

white = np.ones((16, 16, 3))
as_described = True
for options in ({}, {"pad_mode": "symmetric"}):
    for scale, name in ((4, "4 times as large"), (0.5, "half as large")):
        resized = resize_right.resize(white, scale_factors=scale, **options)[..., 0]
        middle = len(resized) // 2
        corner, edge, centre = resized[0, 0], resized[0, middle], resized[middle, middle]
        named = "".join(f', {key}="{value}"' for key, value in options.items())
        print(f"{name}{named}: corner {corner:.3f}, edge {edge:.3f}, centre {centre:.3f}, brightest {resized.max():.3f}")
        is_white = bool(np.allclose(resized, 1))
        as_described &= is_white if options else corner < 0.9 and edge < 0.95 and np.isclose(centre, 1)
raise SystemExit(not as_described)
PYTHON

venv/bin/python white.py || { echo "resize-right behaves otherwise than described above"; exit 1; }
