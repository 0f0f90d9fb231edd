#!/usr/bin/env bash
# onnx 1.23.2 with onnxruntime 1.32.0 (PyPI, x86-64 Linux, Python 3.11): `onnx.version_converter.convert_version`, which brings a network to newer
# operators that mean the same, turns a linear enlargement into another one: Upsample of opset 9, and Resize of opset 10, lay the first
# pixels of both pictures over each other; the Resize that they become is written without the attribute that says so, and the default
# of opset 11 lays centres over centres. So an old network's skip connection, by which it enlarges the photo itself and adds detail, is moved by
# up to half a pixel against the detail, and no check or shape notices. Nearest neighbour stays the same at whole factors.
#
# Workaround: after converting, set `coordinate_transformation_mode` of each Resize to "asymmetric"; or leave the opset, which onnxruntime
# takes as it is.
#
# The script enlarges a ramp of one level a pixel, so that what a picture moves by shows as levels. It prints by how many pixels of the
# small picture the converted network's result is moved, in the middle, and by how much with the attribute. It fails if that changes.
#
# Seen:
#   Upsample of opset 9, linear, 2 times: moved by 0.25 pixels; with the attribute by 0.00
#   Resize of opset 10, linear, 2 times: moved by 0.25 pixels; with the attribute by 0.00
#   Resize of opset 10, linear, 4 times: moved by 0.38 pixels; with the attribute by 0.00
#   Resize of opset 10, nearest, 4 times: moved by 0.00 pixels; with the attribute by 0.00
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6

cat >move.py <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, version_converter

SIDE = 16
ramp = np.tile(np.arange(SIDE, dtype=np.float32), (1, 1, SIDE, 1))


def network(op, opset, mode, scale):
    scales = numpy_helper.from_array(np.array([1, 1, scale, scale], np.float32), "scales")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, None, None]) for name in "xy"]
    node = helper.make_node(op, ["x", "scales"], ["y"], mode=mode)
    graph = helper.make_graph([node], "enlarge", values[:1], values[1:], [scales])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def run(model):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": ramp})[0]


as_described = True
for op, opset, mode, scale, moves in (
    ("Upsample", 9, "linear", 2, 0.25),
    ("Resize", 10, "linear", 2, 0.25),
    ("Resize", 10, "linear", 4, 0.375),
    ("Resize", 10, "nearest", 4, 0),
):
    before = network(op, opset, mode, scale)
    after = version_converter.convert_version(before, 18)
    onnx.checker.check_model(after, full_check=True)
    inner = np.s_[..., 4 * scale : -4 * scale]
    wanted = run(before)[inner]
    moved = (wanted - run(after)[inner]).mean()
    [resize] = [node for node in after.graph.node if node.op_type == "Resize"]
    resize.attribute.append(helper.make_attribute("coordinate_transformation_mode", "asymmetric"))
    if mode == "nearest":
        resize.attribute.append(helper.make_attribute("nearest_mode", "floor"))
    repaired = (wanted - run(after)[inner]).mean()
    print(f"{op} of opset {opset}, {mode}, {scale} times: moved by {moved:.2f} pixels; with the attribute by {repaired:.2f}")
    as_described &= bool(abs(moved - moves) < 0.01 and abs(repaired) < 1e-5)
raise SystemExit(not as_described)
PYTHON

venv/bin/python move.py || { echo "onnx behaves otherwise than described above"; exit 1; }
