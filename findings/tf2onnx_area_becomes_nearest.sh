#!/usr/bin/env bash
# tf2onnx 1.17.0 with tensorflow 2.21.0, onnx 1.23.2 and onnxruntime 1.32.0 (PyPI, x86-64 Linux, Python 3.11): a network that downscales by
# `tf.image.resize(..., method="area")`, the mean of the pixels that become one, is written as ONNX with nearest instead, which
# takes one of them. Nothing warns, and sizes are right. So a network that looks at its input in a smaller size too is given aliases, and each
# pixel's noise at full strength, in place of means. Bilinear is written as what it is.
#
# Why: ONNX has no area, and tf2onnx writes its Resize with mode "nearest" for TensorFlow's ResizeArea.
#
# Workaround: `tf.nn.avg_pool2d` where the factor is whole.
#
# The script downscales noise to a quarter and to three quarters of its size, in TensorFlow and by onnxruntime, and prints the largest
# difference. It fails if area's is small, or its Resize is not nearest, or the others differ.
#
# Seen:
#   area to a quarter: Resize nearest, difference 0.61
#   area to three quarters: Resize nearest, difference 0.83
#   bilinear to a quarter: Resize linear, difference 0.00
#   avg_pool2d to a quarter: Resize none, difference 0.00
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tensorflow==2.21.0 tf2onnx==1.17.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6

cat >area.py <<'PYTHON'
import logging

import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx

SIDE = 48
logging.disable(logging.CRITICAL)
onnxruntime.set_default_logger_severity(3)
noise = np.random.default_rng(0).random((1, SIDE, SIDE, 3), dtype=np.float32)
signature = [tf.TensorSpec(noise.shape, tf.float32, "photo")]


def by_onnx(function):
    model, _ = tf2onnx.convert.from_function(tf.function(function), signature, opset=18)
    modes = [a.s.decode() for node in model.graph.node if node.op_type == "Resize" for a in node.attribute if a.name == "mode"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"photo": noise})[0], "".join(modes) or "none"


def area(photo, side):
    return tf.image.resize(photo, (side, side), "area")


def bilinear(photo, side):
    return tf.image.resize(photo, (side, side), "bilinear")


def mean(photo, side):
    return tf.nn.avg_pool2d(photo, SIDE // side, SIDE // side, "VALID")


as_described = True
for name, downscale, side in (
    ("area to a quarter", area, SIDE // 4),
    ("area to three quarters", area, SIDE * 3 // 4),
    ("bilinear to a quarter", bilinear, SIDE // 4),
    ("avg_pool2d to a quarter", mean, SIDE // 4),
):
    result, mode = by_onnx(lambda photo: downscale(photo, side))
    difference = abs(result - downscale(noise, side).numpy()).max()
    print(f"{name}: Resize {mode}, difference {difference:.2f}")
    as_described &= (difference > 0.1 and mode == "nearest") if downscale is area else difference < 1e-4
raise SystemExit(not as_described)
PYTHON

export CUDA_VISIBLE_DEVICES=-1 TF_CPP_MIN_LOG_LEVEL=3
venv/bin/python area.py 2>log || { cat log; echo "tf2onnx behaves otherwise than described above"; exit 1; }
