#!/usr/bin/env bash
# keras 3.15.1 with torch 2.13.0 and with jax 0.10.2 (PyPI, x86-64 Linux, Python 3.11): bicubic enlarging by `keras.ops.image.resize` and
# `keras.layers.UpSampling2D` is another picture on the PyTorch backend: its cubic kernel has a slope (Keys's a) of -0.75, that
# on JAX has -0.5, as MATLAB's has. So a network whose output is added to a bicubic enlargement makes other pictures when its
# file is loaded with another backend. With `antialias=True`, which is meant for downscaling, PyTorch's is -0.5 too: the option
# changes the kernel also where there is nothing to antialias. So it is with `torch.nn.functional.interpolate` itself.
#
# Workaround: `antialias=True`, also when enlarging; for `UpSampling2D`, which has no such argument, `keras.ops.image.resize`.
#
# The script enlarges an edge to 4 times its size, and prints the overshoot, which tells a, and for which a the values fit. It fails if a
# is not as described.
#
# Seen:
#   jax: resize overshoot 0.073, a = -0.5; with antialias 0.073, -0.5; UpSampling2D 0.073, -0.5
#   torch: resize overshoot 0.110, a = -0.75; with antialias 0.073, -0.5; UpSampling2D 0.110, -0.75
#   torch alone: interpolate overshoot 0.110, a = -0.75; with antialias 0.073, -0.5
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 torch==2.13.0 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat >kernel.py <<'PYTHON'
import keras
import numpy as np
from keras import layers, ops

SIDE, SCALE = 16, 4
edge = np.zeros((1, SIDE, SIDE, 1), np.float32)
edge[:, :, SIDE // 2 :] = 1


def cubic(x, a):
    """Keys's kernel."""
    x = np.abs(x)
    near, far = (a + 2) * x**3 - (a + 3) * x**2 + 1, a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def enlarged(a):
    centres = (np.arange(SIDE * SCALE) + 0.5) / SCALE - 0.5
    return cubic(centres[:, None] - np.arange(SIDE), a) @ edge[0, 0, :, 0]


def fitting(photo):
    inner = slice(2 * SCALE, -2 * SCALE)
    row = photo[SIDE * SCALE // 2, inner]
    errors = {a: abs(row - enlarged(a)[inner]).max() for a in np.arange(-100, 0) / 100}
    return row.max() - 1, min(errors, key=errors.get)


def resized(**options):
    return ops.image.resize(edge, (SIDE * SCALE,) * 2, interpolation="bicubic", data_format="channels_last", **options)


backend = keras.backend.backend()
results = [resized(), resized(antialias=True), layers.UpSampling2D(SCALE, interpolation="bicubic")(edge)]
fits = [fitting(ops.convert_to_numpy(result)[0, ..., 0]) for result in results]
described = [-0.75, -0.5, -0.75] if backend == "torch" else [-0.5] * 3
(first, a), (second, antialiased), (third, upsampling) = fits
print(f"{backend}: resize overshoot {first:.3f}, a = {a}; with antialias {second:.3f}, {antialiased}; UpSampling2D {third:.3f}, {upsampling}")
as_described = np.allclose([a for _, a in fits], described, atol=0.011)

if backend == "torch":
    import torch

    photo = torch.tensor(edge).permute(0, 3, 1, 2)
    fits = [
        fitting(torch.nn.functional.interpolate(photo, scale_factor=SCALE, mode="bicubic", antialias=antialias)[0, 0].numpy())
        for antialias in (False, True)
    ]
    (first, a), (second, antialiased) = fits
    print(f"torch alone: interpolate overshoot {first:.3f}, a = {a}; with antialias {second:.3f}, {antialiased}")
    as_described &= np.allclose([a for _, a in fits], described[:2], atol=0.011)
raise SystemExit(not as_described)
PYTHON

export CUDA_VISIBLE_DEVICES=-1 JAX_PLATFORMS=cpu
for backend in jax torch; do
    KERAS_BACKEND=$backend venv/bin/python kernel.py || { echo "keras behaves otherwise than described above"; exit 1; }
done
