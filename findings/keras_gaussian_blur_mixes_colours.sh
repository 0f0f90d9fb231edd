#!/usr/bin/env bash
# keras 3.15.1 with jax 0.10.2 and with tensorflow 2.21.0 (PyPI, x86-64 Linux, Python 3.11): on the JAX backend `keras.ops.image.gaussian_blur`
# of an ordinary photo (height, width, colours) blurs across columns and colours, and not across rows: red runs into green and
# blue, and white turns green, for beyond the last colour there is black. And on both backends the sigmas, documented as those
# "along height and width", are those along width and height.
#
# Why: `data_format=None`, the default, stands for the format of Keras's configuration, but is never looked up. The TensorFlow
# backend takes what is not "channels_first" as channels last; JAX takes what is not "channels_last" as channels first.
# `RandomGaussianBlur` tells the format, and is right. The kernel is the outer product of the second sigma's and the first's.
#
# Workaround: `data_format="channels_last"` always; and the sigmas, with a square kernel, in the order width, height.
#
# The script blurs white, a red dot and a white dot, and prints the middle of white, what share of red is in each colour, and the
# standard deviation along height and width. It fails if JAX keeps white or red by default, or does not when told the format, or
# TensorFlow does not, or if the sigmas are in the documented order.
#
# Seen:
#   tensorflow: white 1.00 1.00 1.00, red 1.00 0.00 0.00; sigma (1, 2): height 2.0, width 1.0
#   tensorflow, data_format="channels_last": white 1.00 1.00 1.00, red 1.00 0.00 0.00; sigma (1, 2): height 2.0, width 1.0
#   jax: white 0.70 0.89 0.70, red 0.40 0.24 0.05
#   jax, data_format="channels_last": white 1.00 1.00 1.00, red 1.00 0.00 0.00; sigma (1, 2): height 2.0, width 1.0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 tensorflow==2.21.0 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat >blur.py <<'PYTHON'
import keras
import numpy as np
from keras import ops

SIDE, MIDDLE = 31, 15
white = np.ones((1, SIDE, SIDE, 3), np.float32)
white_dot = np.zeros_like(white)
white_dot[:, MIDDLE, MIDDLE] = 1
red_dot = white_dot * [1, 0, 0]
from_middle = np.arange(SIDE) - MIDDLE


def blurred(photo, size=5, sigma=(1.0, 1.0), **options):
    blurred = ops.image.gaussian_blur(photo.astype(np.float32), kernel_size=(size, size), sigma=sigma, **options)
    return np.asarray(ops.convert_to_numpy(blurred))[0]


def deviation(profile):
    return np.sqrt(profile @ from_middle**2 / profile.sum())


backend = keras.backend.backend()
as_described = True
for options in ({}, {"data_format": "channels_last"}):
    middle, red = blurred(white, **options)[MIDDLE, MIDDLE], blurred(red_dot, **options).sum(axis=(0, 1))
    line = f"white {' '.join(f'{value:.2f}' for value in middle)}, red {' '.join(f'{value:.2f}' for value in red)}"
    keeps = bool(np.allclose(middle, 1, atol=1e-4) and np.allclose(red, [1, 0, 0], atol=1e-4))
    as_described &= keeps != (backend == "jax" and not options)
    if keeps:
        spread = blurred(white_dot, 25, (1.0, 2.0), **options)[..., 0]
        height, width = deviation(spread.sum(axis=1)), deviation(spread.sum(axis=0))
        line += f"; sigma (1, 2): height {height:.1f}, width {width:.1f}"
        as_described &= bool(np.allclose([height, width], [2, 1], atol=0.05))
    print(backend + "".join(f', {key}="{value}"' for key, value in options.items()) + ": " + line)
raise SystemExit(not as_described)
PYTHON

export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 JAX_PLATFORMS=cpu
for backend in tensorflow jax; do
    KERAS_BACKEND=$backend venv/bin/python blur.py 2>errors || { cat errors; echo "keras behaves otherwise than described above"; exit 1; }
done
