#!/usr/bin/env bash
# keras 3.15.1 with tensorflow 2.21.0 (PyPI, x86-64 Linux, Python 3.11): a network with `UpSampling2D(interpolation="bilinear")`, or
# "bicubic", whose height and width are None can be built, saved and called, but not exported: `model.export` raises
# OperatorNotAllowedInGraphError for a SavedModel as for LiteRT. Nearest, the default, is exported, and so is a layer that calls
# `tf.image.resize`, which is what UpSampling2D does too.
#
# Why: on the way there `keras.ops.image.resize` asks in Python whether the new size is above 0. Where a graph is made for any size,
# that size is a tensor without a value. Nearest goes another way, `keras.ops.repeat`.
#
# Workaround: a layer of one's own around `tf.image.resize`, here "Bilinear"; or depth-to-space, or a transposed convolution.
#
# The script exports networks of one convolution and one enlargement. It fails if that changes.
#
# Seen:
#   bilinear: called, x2; SavedModel OperatorNotAllowedInGraphError, LiteRT OperatorNotAllowedInGraphError
#   bicubic: called, x2; SavedModel OperatorNotAllowedInGraphError, LiteRT OperatorNotAllowedInGraphError
#   nearest: called, x2; SavedModel written, LiteRT written
#   Bilinear: called, x2; SavedModel written, LiteRT written
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 tensorflow==2.21.0 numpy==2.2.6

cat >export.py <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf
from keras import layers


class Bilinear(layers.Layer):
    def call(self, x):
        return tf.image.resize(x, 2 * tf.shape(x)[1:3])

    def compute_output_shape(self, shape):
        return (shape[0], None, None, shape[3])


photo = np.random.default_rng(0).random((1, 6, 7, 3), dtype=np.float32)
enlargements = {
    "bilinear": layers.UpSampling2D(2, interpolation="bilinear"),
    "bicubic": layers.UpSampling2D(2, interpolation="bicubic"),
    "nearest": layers.UpSampling2D(2),
    "Bilinear": Bilinear(),
}


def export(network, path, file_format):
    try:
        network.export(path, format=file_format, verbose=False)
    except Exception as error:
        return type(error).__name__
    return "written"


outcomes = {}
for name, enlarge in enlargements.items():
    lr = keras.Input((None, None, 3))
    network = keras.Model(lr, enlarge(layers.Conv2D(3, 3, padding="same")(lr)))
    assert network(photo).shape == (1, 12, 14, 3), name
    outcomes[name] = export(network, "saved_model", "tf_saved_model"), export(network, "network.tflite", "litert")
for name, (saved, litert) in outcomes.items():
    print(f"{name}: called, x2; SavedModel {saved}, LiteRT {litert}")
refused, written = 2 * ("OperatorNotAllowedInGraphError",), 2 * ("written",)
raise SystemExit(list(outcomes.values()) != [refused, refused, written, written])
PYTHON

export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
venv/bin/python export.py 2>errors || { cat errors; echo "keras behaves otherwise than described above"; exit 1; }
