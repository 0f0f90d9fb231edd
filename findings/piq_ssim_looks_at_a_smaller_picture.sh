#!/usr/bin/env bash
# piq 0.8.0 with torch 2.13.0, against scikit-image 0.26.0 (PyPI, x86-64 Linux, Python 3.11): `piq.ssim` makes pictures smaller before it
# compares them, from 384 pixels on by 2, and those of DIV2K by 5: just the detail by which super-resolution is judged is averaged away.
# Of a bicubic of fine noise it gives 0.92 where papers have 0.50. Crops of 256 pixels, on which one would try it against
# another SSIM, agree to four digits.
#
# Why: `downsample=True` is the default, for pictures seen whole on a screen; papers of the field don't do it, nor does scikit-image.
#
# Workaround: `downsample=False`.
#
# The script enlarges noise, makes a bicubic of a quarter of its size, and prints SSIM of crops. It fails if piq's is scikit-image's at 384
# pixels and more, or isn't at 256, or isn't with the workaround.
#
# Seen:
#   256 pixels: piq 0.5001, downsample=False 0.5001, scikit-image 0.5001
#   384 pixels: piq 0.6529, downsample=False 0.5018, scikit-image 0.5018
#   512 pixels: piq 0.6515, downsample=False 0.5009, scikit-image 0.5009
#   1024 pixels: piq 0.9181, downsample=False 0.5033, scikit-image 0.5033
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 scikit-image==0.26.0 pillow==13.0.0 numpy==2.4.6
venv/bin/pip install --quiet --disable-pip-version-check --no-deps piq==0.8.0

cat >crops.py <<'PYTHON'
import sys
from unittest import mock

import numpy as np
import torch
from PIL import Image
from skimage.metrics import structural_similarity

# For metrics of whole networks, of which SSIM is none.
sys.modules |= {"torchvision": mock.MagicMock(), "torchvision.models": mock.MagicMock()}
import piq

SIDE = 1024
rng = np.random.default_rng(0)
noise = Image.fromarray(rng.integers(0, 256, (SIDE // 3, SIDE // 3), dtype=np.uint8))
photo = noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
bicubic = photo.resize((SIDE // 4, SIDE // 4), Image.Resampling.BICUBIC).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
photo, bicubic = (np.asarray(image, np.float32) / 255 for image in (photo, bicubic))


def by_piq(side, **options):
    first, second = (torch.tensor(values[:side, :side].copy())[None, None] for values in (photo, bicubic))
    return float(piq.ssim(first, second, data_range=1.0, **options))


def by_skimage(side):
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return structural_similarity(photo[:side, :side], bicubic[:side, :side], data_range=1, **options)


as_described = True
for side in (256, 384, 512, 1024):
    default, whole, papers = by_piq(side), by_piq(side, downsample=False), by_skimage(side)
    print(f"{side} pixels: piq {default:.4f}, downsample=False {whole:.4f}, scikit-image {papers:.4f}")
    as_described &= abs(whole - papers) < 1e-3 and (abs(default - papers) < 1e-3 if side == 256 else default > papers + 0.02)
raise SystemExit(not as_described)
PYTHON

export CUDA_VISIBLE_DEVICES=-1
venv/bin/python crops.py || { echo "piq behaves otherwise than described above"; exit 1; }
