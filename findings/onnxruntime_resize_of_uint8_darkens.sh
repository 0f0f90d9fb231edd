#!/usr/bin/env bash
# onnxruntime 1.32.0 with onnx 1.23.2, against openvino 2026.4.1 (PyPI, x86-64 Linux, Python 3.11): a linear Resize of uint8, as one writes before a
# network so that it takes photos as they are, cuts fractions off: each enlarging or halving makes a picture darker by 0.4 to 0.5
# levels, and by as much again where several follow each other. ONNX's own reference rounds, and so does OpenVINO, so the same
# file gives two brightnesses.
#
# Workaround: Cast to float before the Resize.
#
# The script resizes noise in uint8, and prints by how many levels results are brighter on average than the same Resize in float. It fails
# if onnxruntime's are not darker by 0.3 at least, or another's are by 0.1.
#
# Seen:
#   2 times as large: onnxruntime -0.46, openvino +0.00, reference +0.00 levels
#   3 times as large: onnxruntime -0.43, openvino +0.00, reference +0.00 levels
#   half as large: onnxruntime -0.38, openvino +0.00, reference +0.00 levels
#   2 times as large, twice: onnxruntime -0.93, openvino +0.00, reference +0.00 levels
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 openvino==2026.4.1 numpy==2.4.6

cat >darker.py <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

SIDE = 48
noise = np.random.default_rng(0).integers(0, 256, (1, 3, SIDE, SIDE), dtype=np.uint8)


def network(kind, scale, times=1):
    """Linear Resize, several times in a row."""
    nodes = [helper.make_node("Resize", [f"y{i}", "", "scales"], [f"y{i + 1}"], mode="linear") for i in range(times)]
    scales = onnx.numpy_helper.from_array(np.array([1, 1, scale, scale], np.float32), "scales")
    values = [helper.make_tensor_value_info(name, kind, [None] * 4) for name in ("y0", f"y{times}")]
    graph = helper.make_graph(nodes, "resize", values[:1], values[1:], [scales])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def by_onnxruntime(model, photo):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"y0": photo})[0].astype(np.float64)


def by_openvino(model, photo):
    core = openvino.Core()
    return core.compile_model(core.read_model(model.SerializeToString()), "CPU")(photo)[0].astype(np.float64)


def by_reference(model, photo):
    return ReferenceEvaluator(model).run(None, {"y0": photo})[0].astype(np.float64)


as_described = True
for name, scale, times in (("2 times as large", 2, 1), ("3 times as large", 3, 1), ("half as large", 0.5, 1), ("2 times as large, twice", 2, 2)):
    exact = by_onnxruntime(network(TensorProto.FLOAT, scale, times), noise.astype(np.float32)).mean()
    bytes_network = network(TensorProto.UINT8, scale, times)
    brighter = [by(bytes_network, noise).mean() - exact for by in (by_onnxruntime, by_openvino, by_reference)]
    print(f"{name}: " + "onnxruntime {:+.2f}, openvino {:+.2f}, reference {:+.2f} levels".format(*brighter))
    as_described &= brighter[0] < -0.3 and all(abs(other) < 0.1 for other in brighter[1:])
raise SystemExit(not as_described)
PYTHON

venv/bin/python darker.py || { echo "onnxruntime behaves otherwise than described above"; exit 1; }
