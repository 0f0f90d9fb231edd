#!/usr/bin/env bash
# pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): an AVIF that says by its numbers (CICP, the "nclx" box) which colours it has, Display P3
# or HDR in BT.2020, and has no ICC profile, is opened as plain RGB: nothing in `info` tells it from sRGB. Saved again, it is
# labelled BT.709 with sRGB's curve: other colours, with the same pixels. Pillow's `save` has no option for the label.
# pillow-heif gives it as `info["nclx_profile"]` for HEIF, and writes it again.
#
# Workaround: read the label from the file's first bytes, and write it into the new one (the numbers' place is the same).
#
# The script writes three AVIF by imagecodecs, opens and saves them by Pillow, and prints the labels (primaries, transfer). It fails
# if Pillow keeps one, or has an entry in `info` that the sRGB picture hasn't.
#
# Seen:
#   sRGB: (1, 13), info duration timestamp, saved again (1, 13)
#   Display P3: (12, 13), info duration timestamp, saved again (1, 13)
#   BT.2020, PQ: (9, 16), info duration timestamp, saved again (1, 13)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 imagecodecs==2026.3.6 numpy==2.4.6

cat >label.py <<'PYTHON'
import io
import struct

import imagecodecs
import numpy as np
from PIL import Image

LABELS = {"sRGB": (1, 13, 6), "Display P3": (12, 13, 6), "BT.2020, PQ": (9, 16, 9)}


def label(content):
    return struct.unpack_from(">HH", content, content.index(b"colrnclx") + 8)


pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
as_described = True
for name, (primaries, transfer, matrix) in LABELS.items():
    content = imagecodecs.avif_encode(pixels, primaries=primaries, transfer=transfer, matrix=matrix)
    again = io.BytesIO()
    with Image.open(io.BytesIO(content)) as photo:
        photo.load()
        photo.save(again, "AVIF")
    print(f"{name}: {label(content)}, info {' '.join(sorted(photo.info))}, saved again {label(again.getvalue())}")
    as_described &= label(content) == (primaries, transfer) and label(again.getvalue()) == (1, 13)
    as_described &= sorted(photo.info) == ["duration", "timestamp"]
raise SystemExit(not as_described)
PYTHON

venv/bin/python label.py || { echo "pillow behaves otherwise than described above"; exit 1; }
