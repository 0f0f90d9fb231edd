#!/usr/bin/env bash
# tensorflow 2.21.0 (PyPI, x86-64 Linux, Python 3.11): `tf.image.adjust_jpeg_quality`, and with it `random_jpeg_quality`, always
# store colours at half the height and width (4:2:0), at quality 100 too. Neither has an argument for it, and the documentation
# does not say so. So an augmentation that is to imitate JPEG never shows the 4:4:4 that cameras' best settings, screenshots and
# most image editors write. `tf.io.encode_jpeg(..., chroma_downsampling=False)` keeps colours whole, but takes no tensor as its
# quality: a `tf.switch_case` over a few qualities does.
#
# Why: they are made of the operation EncodeJpegVariableQuality, which has no such attribute, where EncodeJpeg has one.
#
# The script compresses stripes of red and green, one pixel wide, of the same luma, and prints how many of the levels of their
# contrast are left. It fails if much is left by adjust_jpeg_quality, or little by encode_jpeg without downsampling.
#
# Seen, of a contrast of 255 levels in red:
#   adjust_jpeg_quality 100: 1
#   encode_jpeg 100, chroma_downsampling=False: 234
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tensorflow==2.21.0 numpy==2.2.6

cat >stripes.py <<'PYTHON'
import numpy as np
import tensorflow as tf

# 0.299 * 255 = 0.587 * 130: both have the same luma, to a level.
stripes = np.zeros((32, 32, 3), np.uint8)
stripes[:, 0::2, 0] = 255
stripes[:, 1::2, 1] = 130
content = tf.io.encode_jpeg(stripes, quality=100, chroma_downsampling=False)
restored = {
    "adjust_jpeg_quality 100": tf.image.adjust_jpeg_quality(stripes, 100).numpy(),
    "encode_jpeg 100, chroma_downsampling=False": tf.io.decode_jpeg(content).numpy(),
}
left = {name: round(float(photo[..., 0::2, 0].mean() - photo[..., 1::2, 0].mean())) for name, photo in restored.items()}
for name, levels in left.items():
    print(f"{name}: {levels}")
halved, whole = left.values()
raise SystemExit(not (halved < 40 and whole > 200))
PYTHON

export TF_CPP_MIN_LOG_LEVEL=3
venv/bin/python stripes.py 2>errors || { cat errors; echo "tensorflow behaves otherwise than described above"; exit 1; }
