#!/usr/bin/env bash
# pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): a 16-bit greyscale picture ("I;16": a scan, an X-ray, a depth map) saved as WebP, AVIF or GIF
# becomes white, without a word: values are cut at 255, not scaled to 8 bits. Saving it as JPEG or BMP is refused, PNG and
# JPEG 2000 keep the 16 bits.
#
# Why: those three convert to a mode that they can write, and Pillow's conversion from "I;16" cuts.
#
# Workaround: make it 8 bits before (`array >> 8`, or divide by 257).
#
# The script saves an even ramp from 0 to 65520, whose mean is half of the range, and prints the mean that comes back, as a share of
# white. It fails if that changes.
#
# Seen:
#   WEBP: 0.998
#   AVIF: 0.998
#   GIF: 0.998
#   JPEG: cannot write mode I;16 as JPEG
#   BMP: cannot write mode I;16 as BMP
#   PNG: 0.500
#   JPEG2000: 0.500
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 numpy==2.4.6

cat >ramp.py <<'PYTHON'
import io

import numpy as np
from PIL import Image

EXPECTED = {"WEBP": 1.0, "AVIF": 1.0, "GIF": 1.0, "JPEG": None, "BMP": None, "PNG": 0.5, "JPEG2000": 0.5}
ramp = Image.fromarray(np.arange(0, 65536, 16, np.uint16).reshape(64, 64))
as_described = True
for name, expected in EXPECTED.items():
    buffer = io.BytesIO()
    try:
        ramp.save(buffer, name)
    except OSError as error:
        print(f"{name}: {error}")
        as_described &= expected is None
        continue
    with Image.open(buffer) as photo:
        values = np.asarray(photo if photo.mode == "I;16" else photo.convert("L"))
    share = values.mean() / np.iinfo(values.dtype).max
    print(f"{name}: {share:.3f}")
    as_described &= expected is not None and abs(share - expected) < 0.01
raise SystemExit(not as_described)
PYTHON

venv/bin/python ramp.py || { echo "pillow behaves otherwise than described above"; exit 1; }
