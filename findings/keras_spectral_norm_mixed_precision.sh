#!/usr/bin/env bash
# keras 3.15.1 with tensorflow 2.21.0 (PyPI, x86-64 Linux, Python 3.11): under the policy mixed_bfloat16, each training pass of
# `layers.SpectralNormalization` rounds its layer's kernel, a float32 variable, to bfloat16. So an optimizer's update is lost at
# the next pass if it changes a weight by less than about 1/500. Nothing says so.
#
# Why: `call` computes the new kernel from `self.kernel`, which autocasting gives in bfloat16 there, and assigns that.
# `SpectralNormalization(layer, dtype="float32")` cures it; the layer inside still computes in bfloat16.
#
# The script takes a kernel that spectral norm has nothing to change in, changes each weight by 1/1000 of itself, up or down,
# with SGD, and looks at what is left after one more training pass: 1 is all, 0 is nothing. It fails if in mixed_bfloat16 the
# kernel's numbers are not those of bfloat16 or some of the update is left, or if in float32 or by the cure some is lost.
#
# Seen:
#   float32: float32 kernel, not rounded; of the update 1.00, then 1.00
#   mixed_bfloat16: float32 kernel, rounded; of the update 1.00, then 0.00
#   mixed_bfloat16, dtype=float32: float32 kernel, not rounded; of the update 1.00, then 1.00
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 tensorflow==2.21.0 numpy==2.2.6

cat >update.py <<'PYTHON'
"""Prints what is left of an update: update.py POLICY [DTYPE of the layer]."""

import sys

import keras
import numpy as np
import tensorflow as tf

keras.mixed_precision.set_global_policy(sys.argv[1])
# Orthogonal, and 1/2 or -1/2, which bfloat16 has exactly: the spectral norm is 1.
kernel = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], np.float32) / 2
update = np.random.default_rng(0).choice([-1, 1], kernel.shape).astype(np.float32) / 2000

options = {"dtype": sys.argv[2]} if len(sys.argv) > 2 else {}
layer = keras.layers.SpectralNormalization(keras.layers.Dense(4, use_bias=False), **options)
x = np.ones((1, 4), np.float32)
layer(x)
layer.kernel.assign(kernel)
optimizer = keras.optimizers.SGD(1.0)
optimizer.build([layer.kernel])


def share_left():
    change = layer.kernel.numpy() - kernel
    return np.vdot(change, update) / np.vdot(update, update)


optimizer.apply([tf.constant(-update)], [layer.kernel])
before = share_left()
layer(x, training=True)
numbers = layer.kernel.numpy()
rounded = np.array_equal(numbers, tf.cast(tf.cast(numbers, tf.bfloat16), tf.float32))
print(f"{layer.kernel.dtype} kernel, {'rounded' if rounded else 'not rounded'}; of the update {before:.2f}, then {share_left():.2f}")
PYTHON

export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=""
look() {
    venv/bin/python update.py "$@" 2>errors || {
        cat errors >&2
        return 1
    }
}

in_float32=$(look float32)
in_bfloat16=$(look mixed_bfloat16)
cured=$(look mixed_bfloat16 float32)
printf '%s\n' "float32: $in_float32" "mixed_bfloat16: $in_bfloat16" "mixed_bfloat16, dtype=float32: $cured"

kept="float32 kernel, not rounded; of the update 1.00, then 1.00"
[[ $in_float32 == "$kept" && $cured == "$kept" ]]
[[ $in_bfloat16 == "float32 kernel, rounded; of the update 1.00, then 0.00" ]]
