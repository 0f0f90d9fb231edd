#!/usr/bin/env bash
# openvino 2026.4.1 (PyPI, x86-64 Linux, Python 3.11): reading ONNX, it ignores two attributes of Resize, without an error: `antialias`,
# so that a network's downscaling aliases, and `exclude_outside`, so that a bicubic upscaling's borders differ. tf2onnx sets
# the second for `tf.image.resize(method="bicubic")`, which therefore computes otherwise in OpenVINO than in TensorFlow and onnxruntime.
# onnxruntime and ONNX's own reference agree with each other in both.
#
# Workaround: write such a resizing as convolutions, or enlarge by repetition (nearest), which is the same in all three.
#
# The script resizes noise from 8 to 4 and to 16 pixels, and prints the largest difference from ONNX's reference, and that from the
# reference of the same file without the attribute. It fails if OpenVINO obeys, or onnxruntime doesn't.
#
# Seen:
#   linear, 8 to 4, antialias: onnxruntime 0.000, openvino 0.177; openvino from the reference without it 0.000
#   cubic, 8 to 4, antialias: onnxruntime 0.000, openvino 0.196; openvino from the reference without it 0.000
#   cubic, 8 to 16, exclude_outside: onnxruntime 0.000, openvino 0.030; openvino from the reference without it 0.000
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6

cat >resize.py <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

photo = np.random.default_rng(0).random((1, 3, 8, 8), dtype=np.float32)


def network(size, **attributes):
    shape = [1, 3, size, size]
    if attributes["mode"] == "cubic":
        attributes["cubic_coeff_a"] = -0.5
    graph = helper.make_graph(
        [helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], **attributes)],
        "resize",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, photo.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        initializer=[helper.make_tensor("sizes", TensorProto.INT64, [4], shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def reference(model):
    return ReferenceEvaluator(model).run(None, {"x": photo})[0]


def by_onnxruntime(model):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": photo})[0]


def by_openvino(model):
    core = openvino.Core()
    precise = {"INFERENCE_PRECISION_HINT": "f32"}
    return core.compile_model(core.read_model(model.SerializeToString()), "CPU", precise)(photo)[0]


def difference(one, other):
    return np.abs(one - other).max()


as_described = True
for mode, size, attribute in (("linear", 4, "antialias"), ("cubic", 4, "antialias"), ("cubic", 16, "exclude_outside")):
    model = network(size, mode=mode, **{attribute: 1})
    wanted, without = reference(model), reference(network(size, mode=mode))
    by_ort, by_ov, ignoring = (
        difference(by_onnxruntime(model), wanted),
        difference(by_openvino(model), wanted),
        difference(by_openvino(model), without),
    )
    print(
        f"{mode}, 8 to {size}, {attribute}: onnxruntime {by_ort:.3f}, openvino {by_ov:.3f}; "
        f"openvino from the reference without it {ignoring:.3f}"
    )
    as_described &= bool(by_ort < 1e-4 and by_ov > 0.02 and ignoring < 1e-4)
raise SystemExit(not as_described)
PYTHON

venv/bin/python resize.py || { echo "openvino behaves otherwise than described above"; exit 1; }
