#!/usr/bin/env bash
# av 18.1.0 with its x264, x265 and SVT-AV1 (PyPI, x86-64 Linux, Python 3.11): `crf=0`, by which one keeps frames without loss for a later
# step, is lossless with x264 at 8 bits, and not at 10, where it is off by several levels; nothing tells, and the option's range,
# 0 and up, has nothing better. x265 and SVT-AV1 are lossless at no depth by it, nor by `qp=0`, which is with x264.
#
# Why: crf 0 stands for quantiser 0 of 8 bits. x264 at 10 bits has 12 steps finer than that, down to -12, which FFmpeg does not pass on.
#
# Workaround: `qp=0` with x264; `x265-params=lossless=1`; `svtav1-params=lossless=1`. Or FFV1.
#
# The script encodes an enlarged noise with grain at 8 and 10 bits, and prints how far levels are off at most after decoding, luma and
# chroma. It fails if that is not 0 where it is 0 below, or is 0 elsewhere.
#
# Seen:
#   libx264 crf=0: 8 bits 0 off, 10 bits 8 off
#   libx264 qp=0: 8 bits 0 off, 10 bits 0 off
#   libx265 crf=0: 8 bits 1 off, 10 bits 5 off
#   libx265 qp=0: 8 bits 1 off, 10 bits 3 off
#   libx265 x265-params=lossless=1: 8 bits 0 off, 10 bits 0 off
#   libsvtav1 crf=0: 8 bits 10 off, 10 bits 50 off
#   libsvtav1 svtav1-params=lossless=1: 8 bits 0 off, 10 bits 0 off
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 pillow==13.0.0 numpy==2.4.6

cat >lossless.py <<'PYTHON'
import io

import av
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 320, 240
rng = np.random.default_rng(0)


def grainy(width, height, depth):
    """An enlarged noise, as whole numbers of so many bits, with fine grain."""
    smooth = Image.fromarray(rng.random((height // 8, width // 8), dtype=np.float32)).resize((width, height))
    grain = rng.normal(0, 0.01, (height, width))
    return (np.clip(0.8 * np.asarray(smooth) + 0.1 + grain, 0, 1) * (2**depth - 1)).astype(f"uint{8 if depth == 8 else 16}")


def plane_values(plane, dtype):
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size).view(dtype)[:, : plane.width]


def largest_error(codec, option, depth):
    planes = [grainy(WIDTH, HEIGHT, depth), *(grainy(WIDTH // 2, HEIGHT // 2, depth) for _ in range(2))]
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p" if depth == 8 else "yuv420p10le")
    for plane, values in zip(frame.planes, planes):
        rows = np.zeros((plane.height, plane.line_size // values.itemsize), values.dtype)
        rows[:, : plane.width] = values
        plane.update(rows)
    key, value = option.split("=", 1)
    options = {key: value, "preset": "10"} if codec == "libsvtav1" else {key: value}
    film = io.BytesIO()
    with av.open(film, "w", format="matroska") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, frame.format.name
        for index in range(3):
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    film.seek(0)
    with av.open(film) as container:
        decoded = next(container.decode(video=0))
    errors = (plane_values(plane, values.dtype).astype(int) - values for plane, values in zip(decoded.planes, planes))
    return max(int(abs(error).max()) for error in errors)


exact = {
    ("libx264", "crf=0"): [True, False],
    ("libx264", "qp=0"): [True, True],
    ("libx265", "crf=0"): [False, False],
    ("libx265", "qp=0"): [False, False],
    ("libx265", "x265-params=lossless=1"): [True, True],
    ("libsvtav1", "crf=0"): [False, False],
    ("libsvtav1", "svtav1-params=lossless=1"): [True, True],
}
as_described = True
for (codec, option), described in exact.items():
    errors = [largest_error(codec, option, depth) for depth in (8, 10)]
    print(f"{codec} {option}: 8 bits {errors[0]} off, 10 bits {errors[1]} off")
    as_described &= [error == 0 for error in errors] == described
raise SystemExit(not as_described)
PYTHON

venv/bin/python lossless.py 2>errors || { cat errors; echo "av behaves otherwise than described above"; exit 1; }
