#!/usr/bin/env bash
# pyiqa 0.1.16 with torch 2.13.0 (PyPI, x86-64 Linux, Python 3.11): `create_metric("psnry")`, documented as PSNR of the luma of YCbCr, takes the
# Y of YIQ, which runs from 0 to 255, where papers' Y, MATLAB's `rgb2ycbcr`, runs from 16 to 235. So each error is larger, and
# PSNR is lower by 1.32 dB, for each picture and each network: more than what networks of several years differ by. `create_metric("ssim")`
# takes YIQ too, and is lower by some thousandths. Neither cuts borders off, as papers do by the scale.
#
# Why: the function for luma knows both, and its default is "yiq".
#
# Workaround: `create_metric("psnry", color_space="ycbcr", crop_border=scale)`, and the same for "ssim".
#
# The script compares an enlarged noise with a bicubic of a quarter of its size, by pyiqa and by the papers' formula, borders and all. It
# fails if pyiqa's default is not 1.32 dB lower, or the workaround is not the papers'.
#
# Seen:
#   psnry: pyiqa 25.72, color_space='ycbcr' 27.05, papers 27.05
#   ssim: pyiqa 0.8699, color_space='ycbcr' 0.8742, papers 0.8745
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 pillow==13.0.0 \
  scikit-image==0.26.0 scipy==1.17.1 opencv-python-headless==5.0.0.93 huggingface-hub pyyaml requests tqdm
venv/bin/pip install --quiet --disable-pip-version-check --no-deps pyiqa==0.1.16

cat >luma.py <<'PYTHON'
import sys
from unittest import mock

import numpy as np
import torch
from PIL import Image
from skimage.metrics import structural_similarity

# For metrics of whole networks, of which these are none.
sys.modules |= {name: mock.MagicMock() for name in ("torchvision", "torchvision.utils", "torchvision.transforms")}
sys.modules |= {name: mock.MagicMock() for name in ("torchvision.models", "torchvision.transforms.functional")}
import pyiqa

SIDE, SCALE = 128, 4
noise = np.random.default_rng(0).integers(0, 256, (SIDE // SCALE, SIDE // SCALE, 3), dtype=np.uint8)
photo = Image.fromarray(noise).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
bicubic = photo.resize((SIDE // SCALE,) * 2, Image.Resampling.BICUBIC).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
photo, bicubic = np.asarray(photo), np.asarray(bicubic)


def luma(picture):
    """As MATLAB's `rgb2ycbcr`, from 16 to 235."""
    return 16 + picture @ np.array([65.481, 128.553, 24.966]) / 255


def by_pyiqa(metric, **options):
    first, second = (torch.tensor(picture.transpose(2, 0, 1)[None] / 255, dtype=torch.float32) for picture in (bicubic, photo))
    return float(pyiqa.create_metric(metric, device="cpu", **options)(first, second))


papers = {
    "psnry": 10 * np.log10(255**2 / np.square(luma(photo) - luma(bicubic)).mean()),
    "ssim": structural_similarity(
        luma(photo), luma(bicubic), data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    ),
}
lower = {}
for metric, digits in (("psnry", 2), ("ssim", 4)):
    default, ycbcr = by_pyiqa(metric), by_pyiqa(metric, color_space="ycbcr")
    print(f"{metric}: pyiqa {default:.{digits}f}, color_space='ycbcr' {ycbcr:.{digits}f}, papers {papers[metric]:.{digits}f}")
    lower[metric] = papers[metric] - default, papers[metric] - ycbcr
full_range = 20 * np.log10(255 / 219)
as_described = np.allclose(lower["psnry"], [full_range, 0], atol=0.02) and lower["ssim"][0] > 0.003 > 0.001 > abs(lower["ssim"][1])
raise SystemExit(not as_described)
PYTHON

export CUDA_VISIBLE_DEVICES=-1
venv/bin/python luma.py || { echo "pyiqa behaves otherwise than described above"; exit 1; }
