#!/usr/bin/env bash
# tensorflow 2.21.0 with keras 3.15.1 (PyPI, x86-64 Linux, Python 3.11): `TFLiteConverter.from_concrete_functions([function], model)`
# of a Keras 3 model writes a file without the model's weights, and without an error. An interpreter takes the file; what it
# computes is arbitrary, often NaN. Without the second argument, which TensorFlow's own warning calls deprecated and asks to
# give, the file is whole.
#
# Why: the converter saves the second argument as a SavedModel, and takes from it what TensorFlow tracks. A Keras 3 variable is
# no TensorFlow variable, but has one, `variable.value`. A `tf.Module` that holds those in a list cures it, as do
# `from_keras_model` and a folder of `model.export`.
#
# The script converts one convolution with a random bias, and looks for the bias in the files. It fails if the file made with the
# model has it, or another has not.
#
# Seen:
#   from_concrete_functions([function], model): without the bias
#   from_concrete_functions([function]): with the bias
#   from_concrete_functions([function], module of the values): with the bias
#   from_keras_model(model): with the bias
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1 numpy==2.2.6

cat >convert.py <<'PYTHON'
import keras
import tensorflow as tf

keras.utils.set_random_seed(0)
x = keras.Input((8, 8, 3), batch_size=1)
y = keras.layers.Conv2D(12, 3, padding="same", bias_initializer="random_normal")(x)
model = keras.Model(x, y)
bias = model.layers[-1].bias.numpy().tobytes()

function = tf.function(lambda photo: model(photo, training=False), input_signature=[tf.TensorSpec((1, 8, 8, 3))])
function = function.get_concrete_function()
module = tf.Module()
module.values = [variable.value for variable in model.variables]

converters = {
    "from_concrete_functions([function], model)": tf.lite.TFLiteConverter.from_concrete_functions([function], model),
    "from_concrete_functions([function])": tf.lite.TFLiteConverter.from_concrete_functions([function]),
    "from_concrete_functions([function], module of the values)": tf.lite.TFLiteConverter.from_concrete_functions([function], module),
    "from_keras_model(model)": tf.lite.TFLiteConverter.from_keras_model(model),
}
found = []
for name, converter in converters.items():
    found.append(bias in converter.convert())
    print(f"{name}: {'with' if found[-1] else 'without'} the bias", flush=True)
raise SystemExit(found != [False, True, True, True])
PYTHON

export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
venv/bin/python convert.py >seen 2>errors || { cat seen errors; echo "tensorflow behaves otherwise than described above"; exit 1; }
grep bias seen
