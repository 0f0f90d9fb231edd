#!/usr/bin/env bash
# keras 3.15.1 with tensorflow 2.21.0 (PyPI, x86-64 Linux, Python 3.11): `keras.ops.image.gaussian_blur`, and the layer `RandomGaussianBlur`,
# take what lies beyond a picture's border for black: blurred with sigma 1, a white picture has edges of 70 % and corners of
# 49 %. Where it is to imitate a lens before a picture is downscaled, a network learns to brighten the borders of what it gets.
# And the layer refuses a sigma above 1, so it can't imitate the blurs of the field's degradations, which go to 3 and more.
#
# Why: it is a convolution with padding "SAME", which is of zeros.
#
# Workaround: pad with `mode="symmetric"` (`keras.ops.pad`) by half the kernel, blur, and crop.
#
# The script blurs white, and prints corner, the middle of an edge, and centre. It fails if white stays white, or does not by the
# workaround, or if the layer takes a sigma of 2.
#
# Seen, of white as 1.00:
#   gaussian_blur, sigma 1: corner 0.49, edge 0.70, centre 1.00
#   gaussian_blur, sigma 3: corner 0.32, edge 0.57, centre 1.00
#   gaussian_blur, sigma 3, by the workaround: corner 1.00, edge 1.00, centre 1.00
#   RandomGaussianBlur, sigma 1: corner 0.49, edge 0.70, centre 1.00
#   RandomGaussianBlur, sigma 2: ValueError
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 tensorflow==2.21.0 numpy==2.2.6

cat >blur.py <<'PYTHON'
import keras
import numpy as np
from keras import ops

SIDE, KERNEL = 64, 21
HALF = KERNEL // 2
white = np.ones((1, SIDE, SIDE, 3), np.float32)


def blur(photo, sigma):
    return ops.image.gaussian_blur(photo, kernel_size=(KERNEL, KERNEL), sigma=(sigma, sigma))


def blur_padded(photo, sigma):
    padded = ops.pad(photo, [(0, 0), (HALF, HALF), (HALF, HALF), (0, 0)], mode="symmetric")
    return blur(padded, sigma)[:, HALF:-HALF, HALF:-HALF]


def blur_by_layer(photo, sigma):
    layer = keras.layers.RandomGaussianBlur(factor=(1.0, 1.0), kernel_size=KERNEL, sigma=(sigma, sigma), value_range=(0, 1))
    return layer(photo, training=True)


def look(name, blurring, sigma):
    try:
        blurred = np.asarray(blurring(white, sigma))[0, ..., 0]
    except ValueError:
        print(f"{name}: ValueError")
        return None
    corner, edge, centre = blurred[0, 0], blurred[0, SIDE // 2], blurred[SIDE // 2, SIDE // 2]
    print(f"{name}: corner {corner:.2f}, edge {edge:.2f}, centre {centre:.2f}")
    return bool(np.allclose(blurred, 1, atol=1e-4))


is_white = [
    look("gaussian_blur, sigma 1", blur, 1.0),
    look("gaussian_blur, sigma 3", blur, 3.0),
    look("gaussian_blur, sigma 3, by the workaround", blur_padded, 3.0),
    look("RandomGaussianBlur, sigma 1", blur_by_layer, 1.0),
    look("RandomGaussianBlur, sigma 2", blur_by_layer, 2.0),
]
raise SystemExit(is_white != [False, False, True, False, None])
PYTHON

export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
venv/bin/python blur.py 2>errors || { cat errors; echo "keras behaves otherwise than described above"; exit 1; }
