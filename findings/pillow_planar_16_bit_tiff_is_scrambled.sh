#!/usr/bin/env bash
# pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): a TIFF of 16-bit RGB whose planes lie one after the other (PlanarConfiguration 2, as
# microscopes, GDAL with INTERLEAVE=BAND and some scanners write it) is opened without a word as 8-bit RGB, and its pixels are
# other pixels. The same samples with their colours side by side (PlanarConfiguration 1) are reduced to 8 bits as one expects.
#
# Workaround: tifffile reads both, with their 16 bits. A picture's own tags (284, and 258) tell which files are meant.
#
# The script writes the same noise both ways, and prints the share of values that are not those of the file, reduced to 8 bits. It
# fails if the planar one is right, or the other one wrong.
#
# Seen:
#   side by side: 0.00
#   planes: 0.99
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6

cat >show.py <<'PYTHON'
import io

import numpy as np
import tifffile
from PIL import Image

samples = np.random.default_rng(0).integers(0, 65536, (32, 48, 3), dtype=np.uint16)


def wrong(planar: bool) -> float:
    buffer = io.BytesIO()
    stored = np.moveaxis(samples, 2, 0) if planar else samples
    tifffile.imwrite(buffer, stored, photometric="rgb", planarconfig="separate" if planar else "contig")
    read = np.asarray(Image.open(buffer)).astype(int)
    return float((abs(read - (samples >> 8)) > 1).mean())


print(f"side by side: {wrong(False):.2f}")
print(f"planes: {wrong(True):.2f}")
raise SystemExit(not (wrong(False) == 0 and wrong(True) > 0.9))
PYTHON

venv/bin/python show.py || { echo "pillow behaves otherwise than described above"; exit 1; }
