#!/usr/bin/env bash
# keras 3.15.1 with tensorflow 2.21.0 (PyPI, x86-64 Linux, Python 3.11): a network whose height and width are None, in which a
# convolution follows `UpSampling2D` (interpolation "nearest", the default), is not converted to LiteRT from its SavedModel:
# `TFLiteConverter.from_saved_model` raises ConverterError, for the convolution is left as TensorFlow's own operation. The
# convolution is the same as before the enlargement, where it is converted. The same enlargement written as depth-to-space of
# repeated channels is converted, and the file computes what the network does.
#
# Why: UpSampling2D calls `keras.ops.repeat`, whose shape is computed in the graph of all four axes, channels among them, so that
# the tensor behind it has shape ?x?x?x?. LiteRT's convolution must know how many channels it takes. TensorFlow asks the kernel.
#
# Workaround: the layer "Repeat" here. Or fixed sizes, or TensorFlow's operations in the file (SELECT_TF_OPS), which most builds
# of LiteRT can't run; `model.export(path, format="litert")` of Keras allows these by itself, so that nothing is said.
#
# The script converts networks of two convolutions with an enlargement between them. It fails if that changes.
#
# Seen:
#   UpSampling2D: 1x6x7x3 to 1x12x14x3; behind it (None, None, None, 3); from_saved_model ConverterError
#   Repeat: 1x6x7x3 to 1x12x14x3; behind it (None, None, None, 3); from_saved_model written, off by less than 1e-5
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 tensorflow==2.21.0 numpy==2.2.6

cat >convert.py <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops


class Repeat(layers.Layer):
    """Each pixel as 2x2 equal ones."""

    def call(self, x):
        batch, height, width, _ = ops.shape(x)
        channels = x.shape[-1]
        x = ops.reshape(ops.concatenate([x] * 4, axis=-1), (batch, height, width, 2, 2, channels))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (batch, 2 * height, 2 * width, channels))

    def compute_output_shape(self, shape):
        return (shape[0], None, None, shape[3])


def convert(network, photo):
    network.export("saved_model", verbose=False)
    try:
        content = tf.lite.TFLiteConverter.from_saved_model("saved_model").convert()
    except Exception as error:
        return type(error).__name__
    interpreter = tf.lite.Interpreter(model_content=content)
    [result] = interpreter.get_signature_runner()(**{network.input.name: photo}).values()
    return f"written, off by {'less' if np.abs(result - network(photo)).max() < 1e-5 else 'more'} than 1e-5"


photo = np.random.default_rng(0).random((1, 6, 7, 3), dtype=np.float32)
outcomes = {}
for name, enlarge in {"UpSampling2D": layers.UpSampling2D(2), "Repeat": Repeat()}.items():
    lr = keras.Input((None, None, 3), name="lr")
    enlarged = enlarge(layers.Conv2D(3, 3, padding="same")(lr))
    network = keras.Model(lr, layers.Conv2D(3, 3, padding="same")(enlarged))
    shapes = ("x".join(map(str, each.shape)) for each in (photo, network(photo)))
    outcomes[name] = convert(network, photo)
    print(f"{name}: {' to '.join(shapes)}; behind it {enlarged.shape}; from_saved_model {outcomes[name]}")
raise SystemExit(list(outcomes.values()) != ["ConverterError", "written, off by less than 1e-5"])
PYTHON

export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
venv/bin/python -W ignore convert.py 2>errors || { tail -5 errors; echo "keras and LiteRT behave otherwise than described above"; exit 1; }
