#!/usr/bin/env bash
# tensorflow 2.21.0 (PyPI, x86-64 Linux, Python 3.11): `tf.image.convert_image_dtype(photo, tf.uint8, saturate=True)`, by which float photos in
# [0, 1] become files, does not round: it cuts the fraction off 255.5 times the value. Shadows come out darker by half a level on average,
# mid-tones by a quarter, highlights as they should, and the squared error is twice that of rounding. Photos of 8 bits that go to float
# and back come back as they were, so a test of that finds nothing; what a network puts out lies between the levels.
#
# Why: 255.5 times a value and cutting is 255 times the value and rounding only at white; at black it is 255 times and cutting.
#
# Workaround: `tf.cast(tf.round(255 * tf.clip_by_value(photo, 0, 1)), tf.uint8)`.
#
# The script converts values spread over each tenth, and prints the mean error in levels, and the mean squared error, of both ways. It fails if
# shadows are darker by less than 0.4 levels, or bytes don't come back, or the squared error is not twice that of the workaround.
#
# Seen:
#   convert_image_dtype: shadows -0.47, mid-tones -0.25, highlights -0.02 levels; squared 0.166
#   rounding: shadows -0.00, mid-tones -0.00, highlights +0.00 levels; squared 0.083
#   bytes to float and back: unchanged
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tensorflow==2.21.0 numpy==2.4.6

cat >shadows.py <<'PYTHON'
import numpy as np
import tensorflow as tf

photo = np.linspace(0, 1, 1_000_001, dtype=np.float32)
tenths = {"shadows": photo < 0.1, "mid-tones": abs(photo - 0.5) < 0.05, "highlights": photo > 0.9}
ways = {
    "convert_image_dtype": tf.image.convert_image_dtype(photo, tf.uint8, saturate=True),
    "rounding": tf.cast(tf.round(255 * tf.clip_by_value(photo, 0, 1)), tf.uint8),
}
means, squares = {}, {}
for name, levels in ways.items():
    errors = levels.numpy() - 255 * photo.astype(float)
    means[name] = {tenth: errors[chosen].mean() for tenth, chosen in tenths.items()}
    squares[name] = (errors**2).mean()
    print(f"{name}: " + ", ".join(f"{tenth} {mean:+.2f}" for tenth, mean in means[name].items()), f"levels; squared {squares[name]:.3f}")
levels = np.arange(256, dtype=np.uint8)
there_and_back = tf.image.convert_image_dtype(tf.image.convert_image_dtype(levels, tf.float32), tf.uint8, saturate=True)
unchanged = np.array_equal(there_and_back, levels)
print(f"bytes to float and back: {'unchanged' if unchanged else 'changed'}")
shadows = means["convert_image_dtype"]["shadows"]
raise SystemExit(not (unchanged and shadows < -0.4 and np.isclose(squares["convert_image_dtype"], 2 * squares["rounding"], rtol=0.05)))
PYTHON

export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
venv/bin/python shadows.py 2>errors || { cat errors; echo "tensorflow behaves otherwise than described above"; exit 1; }
