#!/usr/bin/env bash
# sewar 0.4.10, against scikit-image 0.26.0 (PyPI, x86-64 Linux, Python 3.11): `sewar.ssim` is not the SSIM of papers unless it is told, but
# one with a uniform window of 11 by 11 pixels; of a bicubic enlargement it is higher by 0.03. And `sewar.uqi`, Wang and Bovik's index
# that SSIM grew out of, is near 1 for any two pictures of the same brightness: 0.89 for a picture and unrelated noise, which is 0.
#
# Why: the formula of `uqi`, which multiplies by the number of pixels in a window, is one of sums over the window, and what it is given are
# means. So brightness outweighs contrast and structure 64 times.
#
# Workaround: `ssim(..., fltr_specs={"fltr": Filter.GAUSSIAN, "sigma": 1.5, "ws": 11})`; for `uqi` there is none but to write it, as below.
#
# The script compares an enlarged noise with a bicubic of a quarter of its size, and with unrelated noise, and prints both of sewar and of the
# papers. It fails if SSIM is near scikit-image's without the workaround, or not with it, or UQI is near the papers'.
#
# Seen:
#   bicubic: ssim 0.9094, Gaussian 0.8759, papers 0.8759; uqi 0.9938, papers 0.8882
#   unrelated: ssim 0.0191, Gaussian 0.0236, papers 0.0236; uqi 0.8856, papers -0.0001
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check sewar==0.4.10 scikit-image==0.26.0 pillow==13.0.0 numpy==2.4.6

cat >flattery.py <<'PYTHON'
import numpy as np
import sewar
from PIL import Image
from sewar.utils import Filter
from skimage.metrics import structural_similarity

SIDE = 256
GAUSSIAN = {"fltr": Filter.GAUSSIAN, "sigma": 1.5, "ws": 11}
rng = np.random.default_rng(0)
noise = Image.fromarray(rng.integers(40, 216, (SIDE // 4, SIDE // 4), dtype=np.uint8))
image = noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
small = image.resize((SIDE // 4, SIDE // 4), Image.Resampling.BICUBIC).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
photo = np.asarray(image)
others = {
    "bicubic": np.asarray(small),
    "unrelated": np.clip(rng.normal(photo.mean(), photo.std(), photo.shape), 0, 255).astype(np.uint8),
}


def papers_ssim(photo, other):
    return structural_similarity(photo, other, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)


def papers_uqi(photo, other, side=8):
    """Wang and Bovik's, mean over windows of 8 by 8."""
    windows = np.lib.stride_tricks.sliding_window_view
    x, y = (windows(values.astype(float), (side, side)).reshape(-1, side * side) for values in (photo, other))
    mean_x, mean_y = x.mean(axis=1), y.mean(axis=1)
    covariance = (x * y).mean(axis=1) - mean_x * mean_y
    return float((4 * covariance * mean_x * mean_y / (x.var(axis=1) + y.var(axis=1)) / (mean_x**2 + mean_y**2)).mean())


as_described = True
for name, other in others.items():
    ssim, gaussian = (sewar.ssim(photo, other, fltr_specs=specs)[0] for specs in (None, GAUSSIAN))
    expected_ssim, uqi, expected_uqi = papers_ssim(photo, other), sewar.uqi(photo, other), papers_uqi(photo, other)
    ssims = f"ssim {ssim:.4f}, Gaussian {gaussian:.4f}, papers {expected_ssim:.4f}"
    print(f"{name}: {ssims}; uqi {uqi:.4f}, papers {expected_uqi:.4f}")
    as_described &= abs(gaussian - expected_ssim) < 1e-3 < abs(ssim - expected_ssim) and uqi > expected_uqi + 0.05
raise SystemExit(not as_described)
PYTHON

venv/bin/python flattery.py || { echo "sewar behaves otherwise than described above"; exit 1; }
