#!/usr/bin/env bash
# pillow-heif 1.8.1 with pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): a photo saved as HEIF with `quality=-1`, which stands for lossless, is
# as far from the original as at `quality=100`: halved colours, by tens of levels in fine detail. With `chroma=444` too it is still
# one level off, for the way to luma and chroma and back rounds. Only with `matrix_coefficients=0` as well, which stores
# green, blue and red as they are, each pixel comes back. Pillow's own WebP needs no more than `lossless=True`.
#
# Workaround: `quality=-1, chroma=444, matrix_coefficients=0`.
#
# The script saves an enlarged noise, and prints how far levels are off at most, and PSNR. It fails if quality -1 alone, or with
# chroma=444, gives the pixels back, or all three don't.
#
# Seen:
#   HEIF, quality=100: 75 levels, 24.2 dB
#   HEIF, quality=-1: 74 levels, 24.2 dB
#   HEIF, quality=-1, chroma=444: 1 levels, 53.0 dB
#   HEIF, quality=-1, chroma=444, matrix_coefficients=0: unchanged
#   WEBP, lossless=True: unchanged
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow-heif==1.8.1 pillow==13.0.0 numpy==2.4.6

cat >save.py <<'PYTHON'
import io

import numpy as np
import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()
noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))
photo = noise.resize((240, 160), Image.Resampling.BICUBIC)

cases = (
    ("HEIF", {"quality": 100}),
    ("HEIF", {"quality": -1}),
    ("HEIF", {"quality": -1, "chroma": 444}),
    ("HEIF", {"quality": -1, "chroma": 444, "matrix_coefficients": 0}),
    ("WEBP", {"lossless": True}),
)
levels = []
for file_format, options in cases:
    buffer = io.BytesIO()
    photo.save(buffer, file_format, **options)
    error = np.abs(np.asarray(Image.open(buffer), int) - np.asarray(photo, int))
    levels.append(int(error.max()))
    name = ", ".join([file_format, *(f"{key}={value}" for key, value in options.items())])
    psnr = 10 * np.log10(255**2 / np.square(error).mean()) if error.any() else 0
    print(f"{name}:", f"{levels[-1]} levels, {psnr:.1f} dB" if psnr else "unchanged")
best, lossless, whole, exact, webp = levels
raise SystemExit(not (lossless > 30 and lossless >= best - 5 and 0 < whole <= 3 and exact == webp == 0))
PYTHON

venv/bin/python save.py || { echo "pillow-heif behaves otherwise than described above"; exit 1; }
