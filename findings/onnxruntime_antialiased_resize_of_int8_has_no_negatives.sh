#!/usr/bin/env bash
# onnxruntime 1.32.0 with onnx 1.23.2 (PyPI, x86-64 Linux, Python 3.11): a Resize with antialias of int8 makes 0 of each negative value, and of
# each cubic overshoot above 127 too. uint8 and float are right, as ONNX's reference is in all three.
#
# One meets it without writing int8 oneself: `quantize_static` with QuantFormat.QOperator and QuantType.QInt8 puts such a Resize into a
# network. There 0 is about the middle between black and white, so the picture has nothing darker than mid-grey.
#
# Workaround: QuantType.QUInt8, or QuantFormat.QDQ, which leaves the Resize in float.
#
# The script resizes a ramp of int8, and then random pictures in a network of convolution, Resize, convolution, both convolutions
# passing their input on. It prints results, and the darkest value of the pictures. It fails if that changes.
#
# Seen:
#   int8, linear, 8 to 4: 0 0 40 109; by the reference -109 -40 40 108
#   int8, cubic, 8 to 16: 0 0 0 0 0 0 0 0 8 32 48 72 89 110 122 0; by the reference -128 ... 127
#   darkest in float: 0.22; QOperator, QInt8: 0.50; QOperator, QUInt8: 0.22; QDQ, QInt8: 0.22
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6

cat >resize.py <<'PYTHON'
import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from onnxruntime import InferenceSession
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static


def network(nodes, element, channels, size, resized, *weights):
    graph = helper.make_graph(
        nodes,
        "resize",
        [helper.make_tensor_value_info("x", element, (1, channels, size, size))],
        [helper.make_tensor_value_info("y", element, (1, channels, resized, resized))],
        [helper.make_tensor("sizes", TensorProto.INT64, [4], [1, channels, resized, resized]), *weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def resize(x, y, mode):
    return helper.make_node("Resize", [x, "", "", "sizes"], [y], mode=mode, antialias=1)


def run(model, pixels):
    content = model if isinstance(model, str) else model.SerializeToString()
    return InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, {"x": pixels})[0]


as_described = True
ramp = np.tile(np.array([-128, -100, -60, -20, 20, 60, 100, 127]), (1, 1, 8, 1))
for mode, size in (("linear", 4), ("cubic", 16)):
    rows = []
    for element, pixels in ((TensorProto.INT8, ramp.astype(np.int8)), (TensorProto.UINT8, (ramp + 128).astype(np.uint8))):
        model = network([resize("x", "y", mode)], element, 1, 8, size)
        rows += [run(model, pixels)[0, 0, 2].astype(int), ReferenceEvaluator(model).run(None, {"x": pixels})[0][0, 0, 2].astype(int)]
    signed, wanted, unsigned, wanted_unsigned = rows
    print(f"int8, {mode}, 8 to {size}:", *signed, end="; by the reference ")
    print(*(wanted if size == 4 else (wanted[0], "...", wanted[-1])))
    as_described &= bool(signed.min() == 0 and wanted.min() < -100 and abs(unsigned - wanted_unsigned).max() <= 1)
as_described &= bool(signed[-1] == 0 and wanted[-1] == 127)

photo = np.random.default_rng(0).random((1, 3, 16, 16), dtype=np.float32)
passing = helper.make_tensor("passing", TensorProto.FLOAT, (3, 3, 1, 1), np.eye(3, dtype=np.float32).ravel())
convolutions = (helper.make_node("Conv", [x, "passing"], [y]) for x, y in (("x", "a"), ("b", "y")))
first, last = convolutions
onnx.save(network([first, resize("a", "b", "linear"), last], TensorProto.FLOAT, 3, 16, 8, passing), "float.onnx")


class Photo(CalibrationDataReader):
    def __init__(self):
        self.photos = iter([{"x": photo}])

    def get_next(self):
        return next(self.photos, None)


def darkest(quant_format, activation_type):
    quantize_static("float.onnx", "int8.onnx", Photo(), quant_format=quant_format, activation_type=activation_type)
    return run("int8.onnx", photo).min()


values = {"darkest in float": run("float.onnx", photo).min()}
for quant_format, activation_type in (("QOperator", "QInt8"), ("QOperator", "QUInt8"), ("QDQ", "QInt8")):
    values[f"{quant_format}, {activation_type}"] = darkest(QuantFormat[quant_format], QuantType[activation_type])
print("; ".join(f"{name}: {value:.2f}" for name, value in values.items()))
right, *quantised = values.values()
as_described &= [abs(value - right) < 0.02 for value in quantised] == [False, True, True]
raise SystemExit(not as_described)
PYTHON

venv/bin/python resize.py 2>errors || { cat errors; echo "onnxruntime behaves otherwise than described above"; exit 1; }
