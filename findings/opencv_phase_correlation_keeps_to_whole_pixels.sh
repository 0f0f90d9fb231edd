#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93, against scikit-image 0.26.0 (PyPI, x86-64 Linux, Python 3.11): `cv2.phaseCorrelate`, documented as accurate
# below a pixel, hardly leaves whole pixels: of a shift by a quarter it finds 0.03, of four tenths 0.1, and of a half 0.2, or 0.8
# with the Hanning window that it asks for. So the frames of a burst, which are merged into a larger picture by just these parts of a pixel, seem to
# lie all on one grid. By scikit-image's `phase_cross_correlation(upsample_factor=100)` the same shifts are right to a hundredth.
#
# Why: it takes the centre of mass of 5 by 5 values around the peak. Between two pixels the peak is a sinc: high on one side, with negative
# values on the other, which cancel.
#
# Workaround: scikit-image; `cv2.phaseCorrelateIterative` is within a tenth.
#
# The script shifts a picture of 1/f noise by the phases of its spectrum, takes the same part of both, and prints what is found. It fails if
# `phaseCorrelate` is within 0.15 pixels at a shift of 0.25 or 0.4, or one of the two others is not within 0.1 everywhere.
#
# Seen:
#   shift by 0.00: phaseCorrelate 0.00, with a window 0.00, iterative 0.00, scikit-image 0.00
#   shift by 0.10: phaseCorrelate 0.00, with a window 0.00, iterative 0.14, scikit-image 0.10
#   shift by 0.25: phaseCorrelate 0.03, with a window 0.03, iterative 0.31, scikit-image 0.25
#   shift by 0.40: phaseCorrelate 0.10, with a window 0.10, iterative 0.43, scikit-image 0.40
#   shift by 0.50: phaseCorrelate 0.18, with a window 0.81, iterative 0.50, scikit-image 0.50
#   shift by 0.75: phaseCorrelate 0.93, with a window 0.97, iterative 0.69, scikit-image 0.75
#   shift by 1.00: phaseCorrelate 0.94, with a window 0.99, iterative 1.01, scikit-image 1.00
#   shift by 2.25: phaseCorrelate 2.00, with a window 2.02, iterative 2.32, scikit-image 2.25
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 scikit-image==0.26.0 numpy==2.4.6

cat >shifts.py <<'PYTHON'
import cv2
import numpy as np
from skimage.registration import phase_cross_correlation

SIDE, RIM = 320, 32
rows, columns = np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None]
noise = np.fft.fft2(np.random.default_rng(1).standard_normal((SIDE, SIDE)))
spectrum = noise / np.maximum(np.hypot(rows, columns), 1 / SIDE)
window = cv2.createHanningWindow((SIDE - 2 * RIM,) * 2, cv2.CV_64F)


def shifted(pixels):
    return np.fft.ifft2(spectrum * np.exp(-2j * np.pi * columns * pixels)).real[RIM:-RIM, RIM:-RIM].copy()


first = shifted(0)
as_described = True
for shift in (0.0, 0.1, 0.25, 0.4, 0.5, 0.75, 1.0, 2.25):
    second = shifted(shift)
    alone = cv2.phaseCorrelate(first, second)[0][0]
    windowed = cv2.phaseCorrelate(first, second, window)[0][0]
    iterative = cv2.phaseCorrelateIterative(first, second)[0]
    right = phase_cross_correlation(second, first, upsample_factor=100)[0][1]
    print(
        f"shift by {shift:.2f}: phaseCorrelate {alone:.2f}, with a window {windowed:.2f}, "
        f"iterative {abs(iterative):.2f}, scikit-image {abs(right):.2f}"
    )
    if shift in (0.25, 0.4):
        as_described &= min(abs(alone - shift), abs(windowed - shift)) > 0.15
    as_described &= abs(iterative - shift) < 0.1 and abs(right - shift) < 0.1
raise SystemExit(not as_described)
PYTHON

venv/bin/python shifts.py || { echo "opencv-python-headless behaves otherwise than described above"; exit 1; }
