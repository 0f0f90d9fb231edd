#!/usr/bin/env bash
# pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): the bicubic of `rotate` and `transform` is not that of `resize`: its slope (Keys's a) is -1,
# where `resize` has -0.5, as MATLAB has. It overshoots at edges by 15 % instead of 7, and noise enlarged by `transform` is 27 dB
# from noise enlarged by `resize`. So photos that were turned by a few degrees for training have brighter and darker seams at their
# edges, which other photos don't have. The documentation calls both a cubic interpolation, and gives no slope.
#
# Why: `rotate` and `transform` have code of their own.
#
# Workaround: shifts by parts of a pixel, and enlarged parts, by `resize(size, BICUBIC, box=...)`, whose box may lie between pixels; turned
# photos by another library.
#
# The script enlarges, shifts and turns an edge from 0 to 1, and prints by how much results are brighter than 1, and how far enlarged noise
# is from that by `resize`. It fails if the overshoot is not that of a = -1, or is for `resize`.
#
# Seen:
#   resize: overshoot 0.074
#   resize with a box: overshoot 0.074
#   transform, EXTENT: overshoot 0.148
#   transform, AFFINE: overshoot 0.148
#   rotate: overshoot 0.148
#   noise, 4 times as large: transform 27 dB from resize
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 numpy==2.4.6

cat >turn.py <<'PYTHON'
import numpy as np
from PIL import Image

SIDE, SCALE, BICUBIC = 64, 4, Image.Resampling.BICUBIC
edge = np.zeros((SIDE, SIDE), np.float32)
edge[:, SIDE // 2 :] = 1
noise = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
larger, whole = (SCALE * SIDE, SCALE * SIDE), (0, 0, SIDE, SIDE)

ways = {
    "resize": lambda photo: photo.resize((10 * SIDE, 10 * SIDE), BICUBIC),
    "resize with a box": lambda photo: photo.resize((10 * SIDE - 10, SIDE), BICUBIC, box=(0.3, 0, SIDE - 0.7, SIDE)),
    "transform, EXTENT": lambda photo: photo.transform((10 * SIDE, SIDE), Image.Transform.EXTENT, whole, BICUBIC),
    "transform, AFFINE": lambda photo: photo.transform((10 * SIDE, SIDE), Image.Transform.AFFINE, (0.1, 0, 0, 0, 1, 0), BICUBIC),
    "rotate": lambda photo: photo.rotate(10, BICUBIC),
}
overshoots = []
for name, way in ways.items():
    overshoots.append(np.asarray(way(Image.fromarray(edge))).max() - 1)
    print(f"{name}: overshoot {overshoots[-1]:.3f}")

photo = Image.fromarray(noise)
resized, transformed = photo.resize(larger, BICUBIC), photo.transform(larger, Image.Transform.EXTENT, whole, BICUBIC)
difference = (np.asarray(transformed, np.float64) - np.asarray(resized))[16:-16, 16:-16]
apart = -10 * np.log10(np.square(difference).mean())
print(f"noise, {SCALE} times as large: transform {apart:.0f} dB from resize")
# The cubic kernel's overshoot at an edge is 4/27 of -a.
as_described = np.allclose(overshoots, np.array([0.5, 0.5, 1, 1, 1]) * 4 / 27, atol=2e-3) and apart < 35
raise SystemExit(not as_described)
PYTHON

venv/bin/python turn.py || { echo "pillow behaves otherwise than described above"; exit 1; }
