#!/usr/bin/env bash
# openvino 2026.4.1 with onnx 1.23.2 (PyPI, x86-64 Linux, Python 3.11): with CACHE_DIR set, `compile_model(path)` computes with the weights of a
# model that is no longer there. The cache goes by path, size and time of the .onnx or .xml file, and weights lie beside it: in an ONNX
# with external data, or in the .bin. Trained further and exported again, the .onnx has the same bytes, so whatever copies what differs
# (rsync, an object store, a layer of a container) brings new weights and leaves file and cache as they were. Nothing is said, and no
# result is impossible. The time is of whole seconds, so a file saved twice within one second is the old one too. `read_model` first, then
# `compile_model(model)`, goes by the content, and is right.
#
# Workaround: compile what `read_model` returned; or a cache folder for each export.
#
# The script saves a network that multiplies by a number, changes the number, and prints what is computed of 1. It fails if a cache
# notices what it is described not to notice.
#
# Seen:
#   ONNX, multiplies by 2: compile_model(path) 2, compile_model(read_model(path)) 2
#   ONNX, its data exchanged for 3: compile_model(path) 2, compile_model(read_model(path)) 3
#   .xml and .bin, multiplies by 2: compile_model(path) 2, compile_model(read_model(path)) 2
#   .xml and .bin, its .bin exchanged for 3: compile_model(path) 2, compile_model(read_model(path)) 3
#   .xml and .bin, saved, multiplies by 2: compile_model(path) 2, compile_model(read_model(path)) 2
#   .xml and .bin, saved again within the second, multiplies by 3: compile_model(path) 2, compile_model(read_model(path)) 3
#   .xml and .bin, saved again a second later, multiplies by 4: compile_model(path) 4, compile_model(read_model(path)) 4
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openvino==2026.4.1 onnx==1.23.2 numpy==2.4.6

cat >cache.py <<'PYTHON'
import os
import pathlib

import numpy as np
import onnx
import openvino as ov
from onnx import TensorProto, helper, numpy_helper

SHAPE = [1, 3, 8, 8]
outcomes = []


def save_onnx(path, factor):
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in "xy"]
    factors = numpy_helper.from_array(np.full((1, 3, 1, 1), factor, np.float32), "factors")
    graph = helper.make_graph([helper.make_node("Mul", ["x", "factors"], ["y"])], "network", values[:1], values[1:], [factors])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.with_suffix(".data").unlink(missing_ok=True)
    onnx.save(model, path, save_as_external_data=True, location=path.with_suffix(".data").name, size_threshold=0)


def save_ir(path, factor):
    save_onnx(path.with_suffix(".onnx"), factor)
    ov.save_model(ov.Core().read_model(path.with_suffix(".onnx")), path, compress_to_fp16=False)


def show(name, path):
    """Computes both ways, each with a cache of its own; prints the results, and keeps them."""
    results = []
    for way, loaded in (("path", lambda core: path), ("model", lambda core: core.read_model(path))):
        core = ov.Core()
        core.set_property({"CACHE_DIR": f"{path.stem}_{way}"})
        compiled = core.compile_model(loaded(core), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        results.append(float(compiled(np.ones(SHAPE, np.float32))[0].max()))
    outcomes.append(results)
    print(f"{name}: compile_model(path) {results[0]:.0f}, compile_model(read_model(path)) {results[1]:.0f}")


path = pathlib.Path("a.onnx")
save_onnx(path, 2)
show("ONNX, multiplies by 2", path)
before = path.read_bytes()
save_onnx(pathlib.Path("b.onnx"), 3)
pathlib.Path("b.data").replace("a.data")
assert before.replace(b"a.data", b"b.data") == pathlib.Path("b.onnx").read_bytes()
show("ONNX, its data exchanged for 3", path)

path = pathlib.Path("c.xml")
save_ir(path, 2)
show(".xml and .bin, multiplies by 2", path)
save_ir(pathlib.Path("d.xml"), 3)
pathlib.Path("d.bin").replace("c.bin")
show(".xml and .bin, its .bin exchanged for 3", path)

path = pathlib.Path("e.xml")
for name, factor, tenths in (("saved", 2, 1), ("saved again within the second", 3, 9), ("saved again a second later", 4, 11)):
    save_ir(path, factor)
    os.utime(path, ns=(tenths * 10**8 + 10**18, tenths * 10**8 + 10**18))
    show(f".xml and .bin, {name}, multiplies by {factor}", path)
raise SystemExit(outcomes != [[2, 2], [2, 3], [2, 2], [2, 3], [2, 2], [2, 3], [4, 4]])
PYTHON

venv/bin/python cache.py || { echo "openvino behaves otherwise than described above"; exit 1; }
