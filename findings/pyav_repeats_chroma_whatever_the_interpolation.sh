#!/usr/bin/env bash
# av 18.1.0 (PyPI, x86-64 Linux, Python 3.11): PyAV's `frame.reformat(format="rgb24", interpolation=...)` takes each chroma sample of a
# 4:2:0 frame for two columns, whatever interpolation it is told: "BICUBIC" and "LANCZOS" give the blocks of 2 that "POINT" gives.
# `to_ndarray(format="rgb24")` does so too, and `rgb48le`, for films of 10 bits. So colour edges of frames are stairs, which a
# network that enlarges them, or is trained on them, takes for detail.
#
# Why: without a change of size FFmpeg's scaler has a short way, which has no filter for chroma. FULL_CHR_H_INT, the flag that is
# meant to stop that, does so only along with ACCURATE_RND.
#
# Workaround: `interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT`.
#
# The script converts a ramp of chroma whose samples are 4 apart, and prints eight neighbours' blue. It fails if they don't come in
# equal pairs, or do so with both flags.
#
# Seen:
#   POINT: 81 81 89 89 97 97 105 105
#   BICUBIC: 81 81 89 89 97 97 105 105
#   LANCZOS: 81 81 89 89 97 97 105 105
#   BICUBIC, FULL_CHR_H_INT: 81 81 89 89 97 97 105 105
#   BICUBIC, ACCURATE_RND: 81 81 89 89 97 97 104 104
#   BICUBIC, FULL_CHR_H_INT, ACCURATE_RND: 80 84 88 92 96 100 104 108
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6

cat >ramp.py <<'PYTHON'
import functools
import operator

import av
import numpy as np
from av.video.reformatter import Interpolation

SIDE, HALF = 64, 32
luma = np.full((SIDE, SIDE), 128, np.uint8)
blue = np.tile(64 + 4 * np.arange(HALF, dtype=np.uint8), (HALF, 1))
red = np.full((HALF, HALF), 128, np.uint8)
planes = np.concatenate([plane.reshape(-1, SIDE) for plane in (luma, blue, red)])
frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")


def blues(names, rgb="rgb24"):
    interpolation = functools.reduce(operator.or_, (Interpolation[name] for name in names))
    return frame.reformat(format=rgb, interpolation=interpolation).to_ndarray()[HALF, 20:28, 2]


def is_paired(values):
    return bool((values[0::2] == values[1::2]).all())


as_described = is_paired(frame.to_ndarray(format="rgb24")[HALF, 20:28, 2])
smooth = ("BICUBIC", "FULL_CHR_H_INT", "ACCURATE_RND")
for names in (("POINT",), ("BICUBIC",), ("LANCZOS",), smooth[:2], smooth[::2], smooth):
    print(f"{', '.join(names)}:", *blues(names))
    as_described &= all(is_paired(blues(names, rgb)) == (names != smooth) for rgb in ("rgb24", "rgb48le"))
raise SystemExit(not as_described)
PYTHON

venv/bin/python ramp.py || { echo "av behaves otherwise than described above"; exit 1; }
