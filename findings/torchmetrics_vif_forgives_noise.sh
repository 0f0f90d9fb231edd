#!/usr/bin/env bash
# torchmetrics 1.9.0 with torch 2.13.0 (PyPI, x86-64 Linux, Python 3.11): `visual_information_fidelity` is made for values of 0 to 255, and does
# not say so. Of tensors in [0, 1], as torchmetrics and torchvision have them everywhere else, noise goes unseen: a noisy picture has 0.99, and
# beats a slightly blurred one, where of the same pictures in 0 to 255 it is the worse of the two. There is no `data_range`, which its SSIM has.
#
# Why: the model's noise of the eye has a variance of 2 levels squared (`sigma_n_sq`), next to which nothing in [0, 1] can be seen.
#
# Workaround: multiply by 255; or `sigma_n_sq=2 / 255**2`.
#
# The script blurs an enlarged noise, and makes it noisy, and prints VIF in both ranges. It fails if the ranges agree, or the order of the
# two pictures is the same in both, or the workaround does not give the values of 0 to 255.
#
# Seen:
#   0 to 255: blurred 0.611, noisy 0.559
#   0 to 1: blurred 0.690, noisy 0.992
#   0 to 1, sigma_n_sq=2 / 255**2: blurred 0.611, noisy 0.559
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torchmetrics==1.9.0 torch==2.13.0 pillow==13.0.0 numpy==2.4.6

cat >vif.py <<'PYTHON'
import numpy as np
import torch
from PIL import Image, ImageFilter
from torchmetrics.functional.image import visual_information_fidelity

SIDE = 256
rng = np.random.default_rng(0)
noise = Image.fromarray(rng.integers(0, 256, (SIDE // 4, SIDE // 4), dtype=np.uint8))
photo = noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
blurred = np.asarray(photo.filter(ImageFilter.GaussianBlur(1)))
noisy = np.clip(np.asarray(photo) + rng.normal(0, 10, (SIDE, SIDE)), 0, 255)


def vif(other, levels, **options):
    first, second = (torch.tensor(np.asarray(values, np.float32) / levels)[None, None] for values in (other, photo))
    return float(visual_information_fidelity(first, second, **options))


named = {"0 to 255": (1, {}), "0 to 1": (255, {}), "0 to 1, sigma_n_sq=2 / 255**2": (255, {"sigma_n_sq": 2 / 255**2})}
seen = []
for name, (levels, options) in named.items():
    seen.append([vif(other, levels, **options) for other in (blurred, noisy)])
    print(f"{name}: blurred {seen[-1][0]:.3f}, noisy {seen[-1][1]:.3f}")
eight_bits, unit, corrected = seen
as_described = eight_bits[0] > eight_bits[1] and unit[1] > 0.98 > unit[0] and np.allclose(corrected, eight_bits, atol=1e-3)
raise SystemExit(not as_described)
PYTHON

export CUDA_VISIBLE_DEVICES=-1
venv/bin/python vif.py || { echo "torchmetrics behaves otherwise than described above"; exit 1; }
