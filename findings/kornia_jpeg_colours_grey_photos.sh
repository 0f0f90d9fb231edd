#!/usr/bin/env bash
# kornia 0.9.0 with torch 2.13.0, against pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): `enhance.jpeg_codec_differentiable`, by which
# networks learn through JPEG, makes grey photos purple: at qualities of 75 and less red and blue lie 0.9 to 1.4 levels above green in each
# pixel, at 80 somewhat below. A real JPEG keeps grey photos grey at each quality. It can't be seen, but it is the same in all of a set's grey
# photos, so that a network that cleans them learns to tint real ones.
#
# Why: the codec takes 128 for the grey of Cb and Cr, in steps of several levels, and the conversion to YCbCr puts it at 127.5. The half level
# is rounded away.
#
# Workaround: for grey photos, the mean of the three channels afterwards.
#
# The script passes an enlarged grey noise through both and prints how far red and blue lie above green in the mean, and two channels apart at
# most. It fails if kornia's are less than half a level apart at 75 and less, or Pillow's are apart.
#
# Seen:
#   quality 10: kornia red +1.21, blue +1.39, apart 1.41; Pillow apart 0.00
#   quality 50: kornia red +1.15, blue +1.33, apart 1.34; Pillow apart 0.00
#   quality 75: kornia red +0.92, blue +1.06, apart 1.07; Pillow apart 0.00
#   quality 80: kornia red -0.75, blue -0.86, apart 0.86; Pillow apart 0.00
#   quality 95: kornia red +0.02, blue +0.02, apart 0.02; Pillow apart 0.00
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check kornia==0.9.0 torch==2.13.0 pillow==13.0.0 numpy==2.4.6

cat >tint.py <<'PYTHON'
import io

import kornia
import numpy as np
import torch
from PIL import Image

SIDE = 256
noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (SIDE // 8, SIDE // 8), dtype=np.uint8))
grey = np.asarray(noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert("RGB"))


def by_kornia(quality):
    picture = torch.tensor(grey.transpose(2, 0, 1)[None] / 255, dtype=torch.float32)
    coded = kornia.enhance.jpeg_codec_differentiable(picture, torch.tensor([float(quality)]))
    return 255 * coded[0].numpy().transpose(1, 2, 0)


def by_pillow(quality):
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"), np.float64)


def tint(picture):
    """How far red and blue lie above green in the mean, and the most between two channels of one pixel, in levels."""
    red, green, blue = picture.reshape(-1, 3).mean(0)
    return red - green, blue - green, np.ptp(picture, -1).max()


as_described = True
for quality in (10, 50, 75, 80, 95):
    here, real = tint(by_kornia(quality)), tint(by_pillow(quality))
    print("quality {}: kornia red {:+.2f}, blue {:+.2f}, apart {:.2f}; Pillow apart {:.2f}".format(quality, *here, real[2]))
    as_described &= real[2] == 0 and (quality > 75 or min(here[:2]) > 0.5)
raise SystemExit(not as_described)
PYTHON

export CUDA_VISIBLE_DEVICES=-1
venv/bin/python tint.py 2>errors || { cat errors; echo "kornia behaves otherwise than described above"; exit 1; }
