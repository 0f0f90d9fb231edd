#!/usr/bin/env bash
# tensorflow 2.21.0 (PyPI, x86-64 Linux, Python 3.11): `tf.io.decode_image(..., dtype=tf.uint16)`, which brings files of 8 and 16 bits to one
# type, gives white as 65535 if it comes from an 8-bit PNG, and as 65280 if from a JPEG, BMP or GIF. `tf.image.convert_image_dtype` from
# uint8 to uint16 makes 65280 too, though its documentation takes the range of integers as [0, MAX]; converted on to
# float it is 0.996. So of pairs whose originals are PNG and whose small ones are JPEG, the originals are brighter, and a network
# learns to brighten.
#
# Why: 8 bits become 16 by a factor of 257 while a PNG is decoded, and by one of 256 everywhere else.
#
# Workaround: decode as uint8, and `tf.cast(photo, tf.uint16) * 257`; or go by float32, for which all formats agree.
#
# The script decodes a grey and a white pixel of the formats that keep them, and converts them, and prints both. It fails if white is the
# same from all, or float32 is not.
#
# Seen:
#   PNG: grey 32896, white 65535; white as float32 1.000
#   JPEG: grey 32768, white 65280; white as float32 1.000
#   BMP: grey 32768, white 65280; white as float32 1.000
#   GIF: grey 32768, white 65280; white as float32 1.000
#   convert_image_dtype: grey 32768, white 65280; on to float32 0.996
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tensorflow==2.21.0 pillow==13.0.0 numpy==2.4.6

cat >white.py <<'PYTHON'
import io

import numpy as np
import tensorflow as tf
from PIL import Image

pixels = np.repeat(np.array([[128, 255]], np.uint8), 8, axis=1).repeat(8, axis=0)
photo = Image.fromarray(pixels)


def decoded(format, dtype):
    buffer = io.BytesIO()
    photo.convert("RGB").save(buffer, format)
    values = tf.io.decode_image(buffer.getvalue(), channels=3, dtype=dtype, expand_animations=False).numpy()
    return values[4, 4, 0], values[4, 12, 0]


as_described = True
for format in ("PNG", "JPEG", "BMP", "GIF"):
    (grey, white), (_, unit_white) = decoded(format, tf.uint16), decoded(format, tf.float32)
    print(f"{format}: grey {grey}, white {white}; white as float32 {unit_white:.3f}")
    as_described &= white == (65535 if format == "PNG" else 65280) and unit_white == 1
deep = tf.image.convert_image_dtype(pixels, tf.uint16)
white, unit_white = int(deep[4, 12]), float(tf.image.convert_image_dtype(deep, tf.float32)[4, 12])
print(f"convert_image_dtype: grey {int(deep[4, 4])}, white {white}; on to float32 {unit_white:.3f}")
raise SystemExit(not (as_described and white == 65280))
PYTHON

export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
venv/bin/python white.py 2>errors || { cat errors; echo "tensorflow behaves otherwise than described above"; exit 1; }
