#!/usr/bin/env bash
# ai-edge-litert 2.3.0 and tensorflow 2.21.0 with keras 3.15.1 (PyPI, x86-64 Linux, Python 3.11): `resize_tensor_input` on a network that was
# converted at a fixed size does one of three things, by the layer that enlarges. Behind depth-to-space the result is right.
# With a transposed convolution or nearest UpSampling2D an error is raised. With bilinear UpSampling2D all
# seems well, but the result has the size that it had before: the photo is squeezed into it, with another aspect ratio.
#
# Why: the converter makes constants of the sizes that it can compute, and RESIZE_BILINEAR takes whichever size it is told.
#
# Workaround: convert with height and width None; or `resize_tensor_input(..., strict=True)`, which refuses all four.
#
# The script converts networks for 8x8, hands them 16 rows of 12 columns, and prints what comes: 32x24 is right. It fails if that
# changes.
#
# Seen:
#   depth-to-space: 32x24, as in Keras
#   transposed convolution: an error
#   UpSampling2D, nearest: an error
#   UpSampling2D, bilinear: 16x16
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ai-edge-litert==2.3.0 tensorflow==2.21.0 keras==3.15.1 numpy==2.2.6

cat >resize.py <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from keras import layers

photo = np.random.default_rng(0).random((1, 16, 12, 3), dtype=np.float32)
enlargements = {
    "depth-to-space": lambda x: keras.ops.depth_to_space(layers.Conv2D(12, 3, padding="same")(x), 2),
    "transposed convolution": layers.Conv2DTranspose(3, 4, strides=2, padding="same"),
    "UpSampling2D, nearest": layers.UpSampling2D(2),
    "UpSampling2D, bilinear": layers.UpSampling2D(2, interpolation="bilinear"),
}


def network(enlarge, height, width):
    keras.utils.set_random_seed(0)
    lr = keras.Input((height, width, 3))
    return keras.Model(lr, enlarge(layers.Conv2D(3, 3, padding="same")(lr)))


def outcome(enlarge, strict):
    fixed = network(enlarge, 8, 8)
    fixed.export("network.tflite", format="litert", verbose=False)
    interpreter = Interpreter("network.tflite")
    [lr], [sr] = interpreter.get_input_details(), interpreter.get_output_details()
    try:
        interpreter.resize_tensor_input(lr["index"], photo.shape, strict=strict)
        interpreter.allocate_tensors()
        interpreter.set_tensor(lr["index"], photo)
        interpreter.invoke()
    except (RuntimeError, ValueError):
        return "an error"
    result = interpreter.get_tensor(sr["index"])
    _, height, width, _ = result.shape
    whole = network(enlarge, 16, 12)
    whole.set_weights(fixed.get_weights())
    expected = whole(photo)
    is_right = result.shape == expected.shape and np.allclose(result, expected, atol=1e-5)
    return f"{height}x{width}" + (", as in Keras" if is_right else "")


outcomes = {name: outcome(enlarge, strict=False) for name, enlarge in enlargements.items()}
for name, seen in outcomes.items():
    print(f"{name}: {seen}")
refused = "an error"
as_described = list(outcomes.values()) == ["32x24, as in Keras", refused, refused, "16x16"]
as_described &= all(outcome(enlarge, strict=True) == refused for enlarge in enlargements.values())
raise SystemExit(not as_described)
PYTHON

export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
venv/bin/python resize.py 2>errors || { cat errors; echo "LiteRT behaves otherwise than described above"; exit 1; }
