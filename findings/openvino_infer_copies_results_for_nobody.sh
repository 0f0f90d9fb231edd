#!/usr/bin/env bash
# openvino 2026.4.1 (PyPI, x86-64 Linux, Python 3.11): `request.infer()` copies all results to new arrays, also where the caller gave the
# request arrays of their own by `set_output_tensor` and takes nothing from what `infer` returns. Where results are large and layers few,
# as in super-resolution, that takes a good part of the time, most of it page faults.
#
# Why: it returns a dictionary of results, whose arrays are copies unless `share_outputs=True`, and makes it whether it is wanted or not.
#
# Workaround: `request.infer(share_outputs=True)`; `request.start_async()` and `request.wait()` return nothing and copy nothing.
#
# The script lets a network of one ReLU write 64 MB into an array of the caller's, and prints how much memory new NumPy arrays take
# meanwhile. It fails if `infer()` makes none, or the workarounds do.
#
# Seen:
#   new arrays of 64 MB of results: infer() 64 MB, with share_outputs=True 0, start_async and wait 0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6

cat >copies.py <<'PYTHON'
import tracemalloc

import numpy as np
import openvino as ov
from openvino import opset13 as ops

SHAPE = (1, 16, 1024, 1024)  # 64 MB

x = ops.parameter(SHAPE, np.float32)
request = ov.compile_model(ov.Model([ops.relu(x)], [x]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
given, taken = (np.ones(SHAPE, np.float32) for _ in range(2))
request.set_input_tensor(ov.Tensor(given, shared_memory=True))
request.set_output_tensor(ov.Tensor(taken, shared_memory=True))


def new_memory(run):
    """Megabytes of new arrays during a run, at most."""
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 2**20


def asynchronously():
    request.start_async()
    request.wait()


plain, shared, waited = map(new_memory, (request.infer, lambda: request.infer(share_outputs=True), asynchronously))
print(f"new arrays of 64 MB of results: infer() {plain:.0f} MB, with share_outputs=True {shared:.0f}, start_async and wait {waited:.0f}")
raise SystemExit(not (plain > 60 and max(shared, waited) < 1))
PYTHON

venv/bin/python copies.py || { echo "openvino behaves otherwise than described above"; exit 1; }
