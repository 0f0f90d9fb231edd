#!/usr/bin/env bash
# torchmetrics 1.9.0 with torch 2.13.0 (PyPI, x86-64 Linux, Python 3.11): PSNR-B, PSNR less what the seams of JPEG's blocks cost, by which
# networks that clean JPEGs are judged, falls with the number of photos: one photo has 20.9 dB, the same 4 times in a batch 16.1, 16 times
# 10.4. The class does so over a data set, whatever the batches. And `relative_average_spectral_error` (RASE) of satellite pictures, which
# is in per cent, is too large by the window's area: by 64 with the default of 8 by 8, so that an error of a tenth is 640 % and not 10.
#
# Why: PSNR-B adds up the seams of all photos, and divides by the number of seams of one. RASE divides a window's mean by its area once more.
#
# Workaround: PSNR-B for one photo at a time, and the mean of that; RASE divided by the window's area.
#
# The script makes a JPEG of quality 10 of an enlarged noise, and prints PSNR-B of it and its repetitions; and RASE of a picture whose mean
# is 0.5 and that is brighter by 0.05 everywhere. It fails if repetition does not matter, or RASE is 10.
#
# Seen:
#   PSNR: 25.8 dB
#   PSNR-B of the photo once, 4 times, 16 times in a batch: 20.9 dB, 16.1 dB, 10.4 dB
#   PSNR-B over 1, 4, 16 batches of it: 20.9 dB, 16.1 dB, 10.4 dB
#   RASE of an error of 10 %, windows of 2, 4, 8: 40 %, 160 %, 640 %
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torchmetrics==1.9.0 torch==2.13.0 pillow==13.0.0 numpy==2.4.6

cat >seams.py <<'PYTHON'
import io

import numpy as np
import torch
from PIL import Image
from torchmetrics.functional.image import peak_signal_noise_ratio, relative_average_spectral_error
from torchmetrics.functional.image import peak_signal_noise_ratio_with_blocked_effect as psnrb
from torchmetrics.image import PeakSignalNoiseRatioWithBlockedEffect

SIDE = 128
rng = np.random.default_rng(0)
photo = Image.fromarray(rng.integers(0, 256, (40, 40), dtype=np.uint8)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
photo.save(encoded := io.BytesIO(), "JPEG", quality=10)
original, jpeg = (torch.tensor(np.asarray(picture, np.float32) / 255)[None, None] for picture in (photo, Image.open(encoded)))


def repeated(times):
    return jpeg.repeat(times, 1, 1, 1), original.repeat(times, 1, 1, 1)


def over_batches(batches):
    metric = PeakSignalNoiseRatioWithBlockedEffect(data_range=1.0)
    for _ in range(batches):
        metric.update(jpeg, original)
    return float(metric.compute())


print(f"PSNR: {float(peak_signal_noise_ratio(jpeg, original, data_range=1.0)):.1f} dB")
batch = [float(psnrb(*repeated(times), data_range=1.0)) for times in (1, 4, 16)]
print("PSNR-B of the photo once, 4 times, 16 times in a batch: " + ", ".join(f"{value:.1f} dB" for value in batch))
classes = [over_batches(times) for times in (1, 4, 16)]
print("PSNR-B over 1, 4, 16 batches of it: " + ", ".join(f"{value:.1f} dB" for value in classes))

reference = torch.full((1, 3, SIDE, SIDE), 0.5)
rase = [float(relative_average_spectral_error(reference + 0.05, reference, window_size=size)) for size in (2, 4, 8)]
print("RASE of an error of 10 %, windows of 2, 4, 8: " + ", ".join(f"{value:.0f} %" for value in rase))
falls = batch[0] > batch[1] + 3 > batch[2] + 6 and np.allclose(batch, classes, atol=0.1)
raise SystemExit(not (falls and np.allclose(rase, [40, 160, 640], rtol=0.01)))
PYTHON

export CUDA_VISIBLE_DEVICES=-1
venv/bin/python seams.py || { echo "torchmetrics behaves otherwise than described above"; exit 1; }
