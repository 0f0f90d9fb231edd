#!/usr/bin/env bash
# av 18.1.0 with its FFmpeg (PyPI, x86-64 Linux, Python 3.11): FFmpeg's "bicubic", of its filter `scale` and of `frame.reformat` in PyAV, is
# neither of the usual two cubic kernels: its slope (Keys's a) is -0.6, where MATLAB, Pillow and TensorFlow have -0.5, and OpenCV
# -0.75. So the "bicubic" films of one paper, made by FFmpeg, are not those of another, made frame by frame.
#
# Workaround: `scale=...:flags=bicubic:param0=0:param1=0.5`.
#
# The script enlarges an edge to 4 times its size, in 16 bits, and prints the overshoot, which tells a, and for which a the values
# fit. It fails if that changes, or the workaround does not give -0.5.
#
# Seen:
#   frame.reformat(interpolation="BICUBIC"): overshoot 0.088, a = -0.60
#   scale=flags=bicubic: overshoot 0.088, a = -0.60
#   scale=flags=bicubic:param0=0:param1=0.5: overshoot 0.073, a = -0.50
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6

cat >kernel.py <<'PYTHON'
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph

SIDE, SCALE, WHITE = 32, 4, 40_000
edge = np.zeros((SIDE, SIDE), np.uint16)
edge[:, SIDE // 2 :] = WHITE
frame = av.VideoFrame.from_ndarray(edge, format="gray16le")
frame.pts = 0


def cubic(x, a):
    """Keys's kernel."""
    x = np.abs(x)
    near, far = (a + 2) * x**3 - (a + 3) * x**2 + 1, a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def enlarged(a):
    """The edge by the definition, which clips as 16 bits do."""
    centres = (np.arange(SIDE * SCALE) + 0.5) / SCALE - 0.5
    return (cubic(centres[:, None] - np.arange(SIDE), a) @ (edge[0] / WHITE)).clip(0)


def by_scale(options):
    graph = Graph()
    source = graph.add_buffer(width=SIDE, height=SIDE, format=frame.format, time_base=Fraction(1))
    scale, sink = graph.add("scale", f"{SIDE * SCALE}:{SIDE * SCALE}:{options}"), graph.add("buffersink")
    graph.link_nodes(source, scale, sink).configure()
    graph.vpush(frame)
    return graph.vpull()


cases = {
    'frame.reformat(interpolation="BICUBIC")': frame.reformat(SIDE * SCALE, SIDE * SCALE, interpolation="BICUBIC"),
    "scale=flags=bicubic": by_scale("flags=bicubic"),
    "scale=flags=bicubic:param0=0:param1=0.5": by_scale("flags=bicubic:param0=0:param1=0.5"),
}
inner = slice(2 * SCALE, -2 * SCALE)
fitting = []
for name, resized in cases.items():
    row = resized.to_ndarray()[SIDE, inner] / WHITE
    errors = {a: abs(row - enlarged(a)[inner]).max() for a in np.arange(-100, 0) / 100}
    fitting.append(min(errors, key=errors.get))
    print(f"{name}: overshoot {row.max() - 1:.3f}, a = {fitting[-1]:.2f}")
raise SystemExit(not np.allclose(fitting, [-0.6, -0.6, -0.5], atol=0.011))
PYTHON

venv/bin/python kernel.py || { echo "av behaves otherwise than described above"; exit 1; }
