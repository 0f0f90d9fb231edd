#!/usr/bin/env bash
# image-similarity-measures 0.3.6 (PyPI, x86-64 Linux, Python 3.11): `psnr`, `ssim` and `rmse` take pictures for 12-bit ones, whatever their
# type, also those that its `evaluation` reads from 8-bit files. So PSNR is 24.1 dB too high
# and SSIM nearer to 1. And of greyscale `psnr` compares each column with all others: that of a picture with itself is not
# infinite, but some 8 dB, however alike two pictures are.
#
# Why: the default of `max_p` is 4095, of the satellite that it was made for; `evaluation` can't set it. And an axis for the channel is
# given to the one picture of the two alone, so that NumPy stretches both, [H, W, 1] and [H, W], to [H, W, W].
#
# Workaround: `max_p=255`; greyscale as `[H, W, 1]`.
#
# The script compares noise with a noisier one, and one channel with itself. It fails if that changes.
#
# Seen:
#   psnr 50.9 dB, with max_p=255 26.8 dB; ssim 0.9947, with max_p=255 0.9875
#   evaluation of two PNG of 8 bits: psnr 50.9 dB, ssim 0.9947
#   greyscale with itself: 7.8 dB, as [H, W, 1] inf dB
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check image-similarity-measures==0.3.6 phasepack==1.5 numpy==1.26.4 \
    opencv-python==4.11.0.86 scikit-image==0.20.0 scipy==1.11.4

cat >measure.py <<'PYTHON'
import warnings

import cv2
import numpy as np

warnings.simplefilter("ignore")  # that FFTW is not there, and that a logarithm is of 0
from image_similarity_measures.evaluate import evaluation
from image_similarity_measures.quality_metrics import psnr, ssim

random = np.random.default_rng(0)
photo = random.integers(0, 256, (48, 48, 3), dtype=np.uint8)
noisier = np.clip(photo.astype(int) + random.integers(-20, 21, photo.shape), 0, 255).astype(np.uint8)

decibel, decibel_of_8 = psnr(photo, noisier), psnr(photo, noisier, max_p=255)
alike, alike_of_8 = ssim(photo, noisier), ssim(photo, noisier, max_p=255)
print(f"psnr {decibel:.1f} dB, with max_p=255 {decibel_of_8:.1f} dB; ssim {alike:.4f}, with max_p=255 {alike_of_8:.4f}")
expected = 10 * np.log10(255**2 / np.square(photo.astype(float) - noisier).mean())

for name, pixels in (("photo.png", photo), ("noisier.png", noisier)):
    cv2.imwrite(name, pixels)
of_files = evaluation("photo.png", "noisier.png", ["psnr", "ssim"])
print(f"evaluation of two PNG of 8 bits: psnr {of_files['psnr']:.1f} dB, ssim {of_files['ssim']:.4f}")

grey = photo[..., 0]
of_grey, of_axis = psnr(grey, grey, max_p=255), psnr(grey[..., None], grey[..., None], max_p=255)
print(f"greyscale with itself: {of_grey:.1f} dB, as [H, W, 1] {of_axis:.1f} dB")

as_described = abs(decibel - expected - 24.1) < 0.1 and abs(decibel_of_8 - expected) < 0.1 and alike > alike_of_8
as_described &= abs(of_files["psnr"] - decibel) < 0.1 and of_grey < 10 and np.isinf(of_axis)
raise SystemExit(not as_described)
PYTHON

venv/bin/python measure.py 2>errors || { cat errors; echo "image-similarity-measures behaves otherwise than described above"; exit 1; }
