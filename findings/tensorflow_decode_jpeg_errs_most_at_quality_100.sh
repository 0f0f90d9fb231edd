#!/usr/bin/env bash
# tensorflow 2.21.0 (PyPI, x86-64 Linux, Python 3.11): `tf.io.decode_jpeg` and `tf.io.decode_image` decode by libjpeg's fast and coarse
# inverse DCT unless told otherwise; the documentation calls it "a system-specific default". Its error grows with the file's
# quality: fine detail is off by tens of levels in a JPEG of quality 100, which comes back worse than the same at 95. Pillow
# decodes that file almost without loss. So the best originals make the worst targets for training, and nothing says so.
#
# Why: the fast DCT multiplies the quantisation table's numbers by its own factors, and keeps two bits of the fraction. Next to
# steps of 1 or 2, as high qualities have them, that rounding is large.
#
# Workaround: `decode_jpeg(..., dct_method="INTEGER_ACCURATE")`, also of `decode_and_crop_jpeg`; `decode_image` has no such argument.
#
# The script stores noise, and an enlarged, smooth noise, without halved colours, and prints PSNR from the original in dB, and how
# far levels are from Pillow's at most. It fails if the default gets nearer, or INTEGER_ACCURATE is not Pillow's.
#
# Seen (default, INTEGER_ACCURATE):
#   noise, quality 95: default 35.0 dB, 8 levels off; accurate 35.8 dB, 0 levels off
#   noise, quality 100: default 24.5 dB, 85 levels off; accurate 50.6 dB, 0 levels off
#   smooth, quality 95: default 36.5 dB, 15 levels off; accurate 39.4 dB, 0 levels off
#   smooth, quality 100: default 36.5 dB, 14 levels off; accurate 50.3 dB, 0 levels off
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tensorflow==2.21.0 pillow==13.0.0 numpy==2.2.6

cat >decode.py <<'PYTHON'
import io

import numpy as np
import tensorflow as tf
from PIL import Image

noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))
photos = {"noise": noise, "smooth": noise.resize((240, 160), Image.Resampling.BICUBIC)}


def decoded(photo, content, method):
    """PSNR from the photo, and the largest difference from Pillow."""
    pixels = tf.io.decode_jpeg(content, dct_method=method)
    pillow = np.asarray(Image.open(io.BytesIO(content))).astype(int)
    return float(tf.image.psnr(pixels, np.asarray(photo), 255)), int(abs(pixels.numpy() - pillow).max())


as_described = True
for name, photo in photos.items():
    for quality in (95, 100):
        buffer = io.BytesIO()
        photo.save(buffer, "JPEG", quality=quality, subsampling=0)
        content = buffer.getvalue()
        default, off = decoded(photo, content, "")
        accurate, accurate_off = decoded(photo, content, "INTEGER_ACCURATE")
        print(
            f"{name}, quality {quality}: default {default:.1f} dB, {off} levels off; "
            f"accurate {accurate:.1f} dB, {accurate_off} levels off",
            flush=True,
        )
        same = np.array_equal(tf.io.decode_image(content), tf.io.decode_jpeg(content))
        as_described &= same and accurate_off <= 1 and off >= 5 and (quality < 100 or accurate > default + 10)
raise SystemExit(not as_described)
PYTHON

export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
venv/bin/python decode.py 2>errors || { cat errors; echo "tensorflow behaves otherwise than described above"; exit 1; }
