#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 (PyPI, x86-64 Linux, Python 3.11): `cv2.imwrite("a.avif", photo, [cv2.IMWRITE_AVIF_DEPTH, 10])` of a 16-bit photo, as
# `cv2.imread` returns a 16-bit PNG, writes a picture that is white but for the deepest shadows: values are not scaled to the 10 bits, but
# cut off at 1023, and imwrite returns True. Of 12 bits, all from a sixteenth of white on are cut off. Reading with IMREAD_UNCHANGED matches
# that: it returns 10 bits as 0 to 1023 in uint16, so that copying a 10-bit AVIF to a 16-bit PNG makes it nearly black. Read with
# the default flags, they are scaled to 8 bits. PNG, TIFF and JPEG 2000 of OpenCV keep 16 bits as they are.
#
# Workaround: divide by 65535 / 1023 before writing 10 bits, and multiply after reading them.
#
# The script writes a ramp from black to white and prints what share of it is white afterwards, and what is read of middle grey and of
# white. It fails if the values are scaled.
#
# Seen:
#   8 bits, from uint8: 0.4 % white; middle grey 128, white 255, read as uint8
#   10 bits, from uint16: 98.4 % white; middle grey 1023, white 1023, read as uint16
#   12 bits, from uint16: 93.8 % white; middle grey 4095, white 4095, read as uint16
#   10 bits, divided before: 0.4 % white; middle grey 514, white 1023, read as uint16
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.4.6

cat >ramp.py <<'PYTHON'
import cv2
import numpy as np

TONES = 256
ramp = np.tile(np.arange(TONES)[np.newaxis, :, np.newaxis], (64, 1, 3))
deep = (ramp * 257).astype(np.uint16)


def through_avif(bits, photo):
    assert cv2.imwrite("a.avif", photo, [cv2.IMWRITE_AVIF_DEPTH, bits, cv2.IMWRITE_AVIF_QUALITY, 100])
    return cv2.imread("a.avif", cv2.IMREAD_UNCHANGED)


as_described = True
for name, bits, photo, share in (
    ("8 bits, from uint8", 8, ramp.astype(np.uint8), 1 / TONES),
    ("10 bits, from uint16", 10, deep, 1 - 4 / TONES),
    ("12 bits, from uint16", 12, deep, 1 - 16 / TONES),
    ("10 bits, divided before", 10, np.rint(deep * (1023 / 65535)).astype(np.uint16), 1 / TONES),
):
    read = through_avif(bits, photo)
    white = (read >= 2**bits - 1).mean()
    print(
        f"{name}: {white:.1%} white; middle grey {read[0, TONES // 2, 0]}, white {read[0, -1, 0]}, read as {read.dtype}".replace("%", " %")
    )
    as_described &= bool(abs(white - share) < 0.005 and read.max() == 2**bits - 1)
raise SystemExit(not as_described)
PYTHON

venv/bin/python ramp.py || { echo "opencv behaves otherwise than described above"; exit 1; }
