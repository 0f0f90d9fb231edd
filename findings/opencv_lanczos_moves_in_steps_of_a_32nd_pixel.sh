#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 (PyPI, x86-64 Linux, Python 3.11): `cv2.warpAffine` and `cv2.remap` with INTER_LANCZOS4, the widest of
# their kernels, move pictures in steps of 1/32 pixel: a shift of 0.01 does nothing, those of 0.02 and 0.04 are one.
# INTER_LINEAR and INTER_CUBIC follow each shift, in float32 and in 8 bits. So of the frames of a burst, aligned to
# hundredths of a pixel to be merged into a larger picture, the choice that promises most undoes the alignment.
#
# Why: for Lanczos alone the weights come from a table of 32 positions in a pixel.
#
# Workaround: INTER_CUBIC; or the shift's phase in `np.fft`.
#
# The script shifts noise by 401 distances from 0 to 1 pixel, and prints how many different pictures come out, and how far a shift of
# 0.01 pixels is from none. It fails if Lanczos has more than 33, or one of the others fewer than 390.
#
# Seen:
#   INTER_LINEAR: 401 pictures by warpAffine, 401 by remap; a shift of 0.01 changes values by up to 0.0099
#   INTER_CUBIC: 401 pictures by warpAffine, 401 by remap; a shift of 0.01 changes values by up to 0.0075
#   INTER_LANCZOS4: 33 pictures by warpAffine, 33 by remap; a shift of 0.01 changes values by up to 0.0000
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.4.6

cat >shift.py <<'PYTHON'
import cv2
import numpy as np

SIDE = 64
noise = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
columns, rows = np.meshgrid(np.arange(SIDE, dtype=np.float32), np.arange(SIDE, dtype=np.float32))
shifts = np.linspace(0, 1, 401, dtype=np.float32)


def by_warp(shift, interpolation):
    return cv2.warpAffine(noise, np.float32([[1, 0, shift], [0, 1, 0]]), (SIDE, SIDE), flags=interpolation)


def by_remap(shift, interpolation):
    return cv2.remap(noise, columns - np.float32(shift), rows, interpolation)


as_described = True
for name in ("INTER_LINEAR", "INTER_CUBIC", "INTER_LANCZOS4"):
    interpolation = getattr(cv2, name)
    warps, remaps = (len({move(shift, interpolation).tobytes() for shift in shifts}) for move in (by_warp, by_remap))
    change = abs(by_warp(0.01, interpolation) - by_warp(0, interpolation)).max()
    print(f"{name}: {warps} pictures by warpAffine, {remaps} by remap; a shift of 0.01 changes values by up to {change:.4f}")
    in_steps = warps <= 33 and remaps <= 33 and change == 0
    as_described &= in_steps if name == "INTER_LANCZOS4" else warps >= 390 and remaps >= 390 and change > 0.001
raise SystemExit(not as_described)
PYTHON

venv/bin/python shift.py || { echo "OpenCV behaves otherwise than described above"; exit 1; }
