#!/usr/bin/env bash
# ncnn 1.0.20261020 (PyPI, x86-64 Linux, Python 3.11): where other processes use the cores too, its default of a thread a
# core is 30 to 100 times slower than one thread, and `Option.openmp_blocktime = 0` does not help.
#
# Why: the wheel brings GCC's libgomp, whose waiting threads spin, and so take the core from the thread that they wait for.
# `openmp_blocktime` (20 ms) is for the runtime of LLVM and Intel. OMP_WAIT_POLICY=passive, set before `import ncnn`, cures it.
#
# The script runs 100 convolutions beside a busy loop for each core. Needs two cores. It fails if threads that spin are less than
# twice as slow as threads that sleep, or if `openmp_blocktime` helps.
#
# Seen in three runs, on 2 cores that had other work too:
#   one thread 113 ms; default 3399 ms; openmp_blocktime=0 11901 ms; OMP_WAIT_POLICY=passive 38 ms
#   one thread 73 ms; default 6746 ms; openmp_blocktime=0 6066 ms; OMP_WAIT_POLICY=passive 33 ms
#   one thread 61 ms; default 6474 ms; openmp_blocktime=0 7400 ms; OMP_WAIT_POLICY=passive 33 ms
set -euo pipefail

folder=$(mktemp -d)
busy=()
trap 'kill "${busy[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-deps --disable-pip-version-check ncnn==1.0.20261020 numpy==2.2.6

cat >measure.py <<'PYTHON'
"""Prints the milliseconds of a pass, the median over 4 seconds: measure.py THREADS BLOCKTIME."""

import statistics
import sys
import time

import ncnn
import numpy as np

CHANNELS, LAYERS, SIDE = 32, 100, 64
random = np.random.default_rng(0)

with open("net.param", "w") as file:
    file.write(f"7767517\n{LAYERS + 1} {LAYERS + 1}\nInput in 0 1 b0\n")
    for n in range(LAYERS):
        file.write(f"Convolution c{n} 1 1 b{n} b{n + 1} 0={CHANNELS} 1=3 4=1 5=1 6={CHANNELS * CHANNELS * 9}\n")
with open("net.bin", "wb") as file:
    for _ in range(LAYERS):
        weights = random.normal(0, (CHANNELS * 9) ** -0.5, CHANNELS * CHANNELS * 9)
        for part in ([0], weights, [0] * CHANNELS):  # 0: what follows is float32
            file.write(np.asarray(part, "<f4").tobytes())

net = ncnn.Net()
net.opt.num_threads = int(sys.argv[1]) or net.opt.num_threads  # 0: the default
net.opt.openmp_blocktime = int(sys.argv[2])
assert net.load_param("net.param") == 0
assert net.load_model("net.bin") == 0
array = random.normal(size=(CHANNELS, SIDE, SIDE)).astype(np.float32)  # named: a Mat points to its memory
blob = ncnn.Mat(array)

taken = []
while sum(taken) < 4:
    begun = time.perf_counter()
    extractor = net.create_extractor()
    extractor.input("b0", blob)
    assert extractor.extract(f"b{LAYERS}")[0] == 0
    taken.append(time.perf_counter() - begun)
print(round(1000 * statistics.median(taken[1:] or taken)))
PYTHON

for _ in $(seq "$(nproc)"); do
    while :; do :; done &
    busy+=($!)
done

one=$(venv/bin/python measure.py 1 20)
spinning=$(venv/bin/python measure.py 0 20)
no_blocktime=$(venv/bin/python measure.py 0 0)
sleeping=$(OMP_WAIT_POLICY=passive venv/bin/python measure.py 0 20)
echo "one thread $one ms; default $spinning ms; openmp_blocktime=0 $no_blocktime ms; OMP_WAIT_POLICY=passive $sleeping ms"
((spinning > 2 * sleeping && no_blocktime > 2 * sleeping))
