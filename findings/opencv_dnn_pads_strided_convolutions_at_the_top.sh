#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 (PyPI, x86-64 Linux, Python 3.11): its module dnn, reading ONNX, takes auto_pad SAME_UPPER of a convolution
# with stride for SAME_LOWER: where an odd number of pixels is added, it adds the larger half at the top and the left, not at the
# bottom and the right. So a network that halves a picture of even sides is computed a pixel off, without an error. onnxruntime, OpenVINO
# and ONNX's own reference do as the name says. SAME_UPPER is what tf2onnx writes for a strided convolution of Keras with padding "same",
# where sizes are unknown. With stride 1, with odd sides, or with `pads` instead, OpenCV computes the same as others.
#
# Workaround: export with fixed sizes, or pad with a layer of its own and convolve with padding "valid".
#
# The script convolves noise with stride 1 and 2, and prints the largest difference from ONNX's reference, and that of OpenCV from the
# reference of SAME_LOWER. It fails if OpenCV is right with stride 2, or another isn't.
#
# Seen:
#   3x3, stride 1, 16 pixels: onnxruntime 0.0, openvino 0.0, opencv 0.0 (from SAME_LOWER 0.0)
#   3x3, stride 2, 17 pixels: onnxruntime 0.0, openvino 0.0, opencv 0.0 (from SAME_LOWER 0.0)
#   3x3, stride 2, 16 pixels: onnxruntime 0.0, openvino 0.0, opencv 24.0 (from SAME_LOWER 0.0)
#   5x5, stride 2, 16 pixels: onnxruntime 0.0, openvino 0.0, opencv 26.3 (from SAME_LOWER 0.0)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6

cat >pads.py <<'PYTHON'
import cv2
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

rng = np.random.default_rng(0)


def network(auto_pad, stride, size, weights):
    """One convolution of 3 channels."""
    node = helper.make_node("Conv", ["x", "w"], ["y"], strides=[stride] * 2, auto_pad=auto_pad)
    smaller = -(-size // stride)
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 3, s, s]) for n, s in (("x", size), ("y", smaller))]
    graph = helper.make_graph([node], "convolution", values[:1], values[1:], [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def by_reference(model, photo):
    return ReferenceEvaluator(model).run(None, {"x": photo})[0]


def by_onnxruntime(model, photo):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": photo})[0]


def by_openvino(model, photo):
    core = openvino.Core()
    precise = {"INFERENCE_PRECISION_HINT": "f32"}
    return core.compile_model(core.read_model(model.SerializeToString()), "CPU", precise)(photo)[0]


def by_opencv(model, photo):
    net = cv2.dnn.readNetFromONNX(np.frombuffer(model.SerializeToString(), np.uint8))
    net.setInput(photo)
    return net.forward()


as_described = True
for kernel, stride, size in ((3, 1, 16), (3, 2, 17), (3, 2, 16), (5, 2, 16)):
    photo = rng.standard_normal((1, 3, size, size)).astype(np.float32)
    weights = rng.standard_normal((3, 3, kernel, kernel)).astype(np.float32)
    upper, lower = (network(auto_pad, stride, size, weights) for auto_pad in ("SAME_UPPER", "SAME_LOWER"))
    wanted = by_reference(upper, photo)
    ort, ov, cv = (abs(by(upper, photo) - wanted).max() for by in (by_onnxruntime, by_openvino, by_opencv))
    cv_lower = abs(by_opencv(upper, photo) - by_reference(lower, photo)).max()
    print(
        f"{kernel}x{kernel}, stride {stride}, {size} pixels: onnxruntime {ort:.1f}, openvino {ov:.1f}, opencv {cv:.1f}"
        f" (from SAME_LOWER {cv_lower:.1f})"
    )
    is_uneven = stride == 2 and size % 2 == 0
    as_described &= bool(max(ort, ov, cv_lower) < 1e-3 and (cv > 0.5 if is_uneven else cv < 1e-3))
raise SystemExit(not as_described)
PYTHON

venv/bin/python pads.py || { echo "a runtime behaves otherwise than described above"; exit 1; }
