#!/usr/bin/env bash
# torchmetrics 1.9.0 with torch 2.13.0 (PyPI, x86-64 Linux, Python 3.11): `torchmetrics.PeakSignalNoiseRatio()` and
# `torchmetrics.functional.peak_signal_noise_ratio(sr, hr)`, without a `data_range`, take 3 for the value of white. So PSNR of photos in [0,
# 1] is too high by 9.54 dB, and of photos in 0 to 255 too low by 38.59: a network of 26 dB is published with 35. The same names of
# `torchmetrics.image` refuse to go without a range. What one sees is a warning that the import is out of date, and nothing of the range.
#
# Why: the range used to be found in the data. When it became required, the wrappers for old imports got a default: that of their own example,
# whose values run from 0 to 3.
#
# Workaround: `data_range=1.0`, or import from `torchmetrics.image`.
#
# The script makes a noisy copy of an enlarged noise and prints PSNR by class and function, from both places. It fails if the old imports are
# not 9.54 dB too high in [0, 1], or the new ones go without a range, or are not the formula's with it.
#
# Seen:
#   the formula: 26.11 dB
#   torchmetrics: without a range 35.65 dB in [0, 1], -12.48 dB in 0 to 255; with it 26.11 dB
#   torchmetrics.functional: without a range 35.65 dB in [0, 1], -12.48 dB in 0 to 255; with it 26.11 dB
#   torchmetrics.image: without a range refused; with it 26.11 dB
#   torchmetrics.functional.image: without a range refused; with it 26.11 dB
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torchmetrics==1.9.0 torch==2.13.0 pillow==13.0.0 numpy==2.4.6

cat >psnr.py <<'PYTHON'
import numpy as np
import torch
import torchmetrics
import torchmetrics.functional
import torchmetrics.functional.image
import torchmetrics.image
from PIL import Image

SIDE = 128
rng = np.random.default_rng(0)
noise = Image.fromarray(rng.integers(0, 256, (SIDE // 8, SIDE // 8, 3), dtype=np.uint8))
photo = np.asarray(noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) / 255
noisy = np.clip(photo + rng.normal(0, 0.05, photo.shape), 0, 1)
hr, sr = (torch.tensor(picture.transpose(2, 0, 1)[None], dtype=torch.float32) for picture in (photo, noisy))


def by_class(module, white, **options):
    metric = module.PeakSignalNoiseRatio(**options)
    metric.update(sr * white, hr * white)
    return float(metric.compute())


def by_function(module, white, **options):
    return float(module.peak_signal_noise_ratio(sr * white, hr * white, **options))


places = {
    "torchmetrics": (by_class, torchmetrics),
    "torchmetrics.functional": (by_function, torchmetrics.functional),
    "torchmetrics.image": (by_class, torchmetrics.image),
    "torchmetrics.functional.image": (by_function, torchmetrics.functional.image),
}
formula = float(-10 * torch.log10((sr - hr).square().mean()))
print(f"the formula: {formula:.2f} dB")
as_described = True
for name, (measure, module) in places.items():
    given = [measure(module, white, data_range=white) for white in (1.0, 255.0)]
    as_described &= np.allclose(given, formula, atol=0.01)
    try:
        default = [measure(module, white) for white in (1.0, 255.0)]
        told = "{:.2f} dB in [0, 1], {:.2f} dB in 0 to 255".format(*default)
        as_described &= not name.endswith("image") and np.allclose(default, formula + 20 * np.log10([3, 3 / 255]), atol=0.01)
    except TypeError:
        told = "refused"
        as_described &= name.endswith("image")
    print(f"{name}: without a range {told}; with it {given[0]:.2f} dB")
raise SystemExit(not as_described)
PYTHON

export CUDA_VISIBLE_DEVICES=-1
venv/bin/python psnr.py 2>errors || { cat errors; echo "torchmetrics behaves otherwise than described above"; exit 1; }
