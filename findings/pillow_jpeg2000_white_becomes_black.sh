#!/usr/bin/env bash
# pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): a JPEG 2000 of more than 8 bits in colour is read as 8-bit RGB, and its brightest
# values come out as 0: white is black. Greyscale of the same depth is read as "I;16", and is right, as is 8-bit colour.
# So a scan, a cinema frame or a satellite picture has black specks wherever it is brightest, without a warning.
#
# Workaround: imagecodecs.jpeg2k_decode gives the values as they are.
#
# The script encodes a picture whose lower half is white, at 8, 10, 12 and 16 bits, and prints what white becomes. It fails if white
# stays white above 8 bits, or does not at 8.
#
# Seen:
#   8 bits: 255
#   10 bits: 0
#   12 bits: 0
#   16 bits: 0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 imagecodecs==2026.3.6 numpy==2.4.6

cat >show.py <<'PYTHON'
import io

import imagecodecs
import numpy as np
from PIL import Image

seen = {}
for bits in (8, 10, 12, 16):
    picture = np.full((32, 32, 3), 2 ** (bits - 1), np.uint8 if bits == 8 else np.uint16)
    picture[16:] = 2**bits - 1
    content = imagecodecs.jpeg2k_encode(picture, level=0, reversible=True, bitspersample=bits)
    assert (imagecodecs.jpeg2k_decode(content) == picture).all()
    seen[bits] = int(np.asarray(Image.open(io.BytesIO(content)))[-1, -1, 0])
    print(f"{bits} bits: {seen[bits]}")
raise SystemExit(seen != {8: 255, 10: 0, 12: 0, 16: 0})
PYTHON

venv/bin/python show.py || { echo "pillow behaves otherwise than described above"; exit 1; }
