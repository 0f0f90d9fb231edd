#!/usr/bin/env bash
# albumentations 2.0.8 with opencv-python-headless 5.0.0.93, against pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): `ImageCompression`, by
# which training photos get artifacts of JPEG and WebP, compresses a picture whose red and blue are exchanged. A camera's JPEG harms blue the
# most, for which the eye is dullest; here it is red. The result is at most 4 dB nearer to a real file of the same quality than that is to the
# photo, and a network that learns to remove these artifacts never saw those that files have.
#
# Why: RGB goes to OpenCV's encoder as it is, which takes it for BGR. What is decoded comes back as it is too, so colours look right.
#
# Workaround: exchange the channels before and after, by `Lambda(image=lambda picture, **_: picture[..., ::-1])`.
#
# The script compresses an enlarged noise and prints how far red and blue are off, and PSNR from a file of Pillow's. It fails if
# albumentations' picture is not that of Pillow's file of the exchanged channels, level for level, or the workaround's is not that of the real
# file.
#
# Seen:
#   jpeg of quality 30: red 13.8 and blue 11.4 levels off, 28.6 dB from a real file; that has red 11.0 and blue 13.9 levels off, 27.3 dB from the photo
#   jpeg of quality 75: red 8.1 and blue 6.8 levels off, 34.5 dB from a real file; that has red 6.7 and blue 8.2 levels off, 31.8 dB from the photo
#   jpeg of quality 95: red 4.4 and blue 3.7 levels off, 40.6 dB from a real file; that has red 3.7 and blue 4.5 levels off, 37.1 dB from the photo
#   webp of quality 30: red 11.2 and blue 9.6 levels off, 28.4 dB from a real file; that has red 9.4 and blue 11.5 levels off, 28.7 dB from the photo
#   webp of quality 75: red 7.6 and blue 6.4 levels off, 32.3 dB from a real file; that has red 6.4 and blue 7.6 levels off, 32.3 dB from the photo
#   webp of quality 95: red 4.7 and blue 3.9 levels off, 38.8 dB from a real file; that has red 3.9 and blue 4.7 levels off, 36.6 dB from the photo
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.4.6 pillow==13.0.0 \
  scipy==1.17.1 pydantic==2.14.4 pyyaml==6.0.4 stringzilla==5.3.2 simsimd==6.5.16
venv/bin/pip install --quiet --disable-pip-version-check --no-deps albumentations==2.0.8 albucore==0.0.24

cat >artifacts.py <<'PYTHON'
import io

import albumentations
import numpy as np
from PIL import Image

SIDE = 256
noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (SIDE // 8, SIDE // 8, 3), dtype=np.uint8))
photo = np.asarray(noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
exchange = albumentations.Lambda(image=lambda picture, **_: np.ascontiguousarray(picture[..., ::-1]), p=1)


def by_pillow(picture, kind, quality):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def psnr(first, second):
    return 10 * np.log10(255**2 / np.square(first.astype(float) - second).mean())


def red_and_blue(picture):
    red, _, blue = np.sqrt(np.square(picture.astype(float) - photo).mean((0, 1)))
    return f"red {red:.1f} and blue {blue:.1f} levels off"


as_described = True
for kind in ("jpeg", "webp"):
    for quality in (30, 75, 95):
        compression = albumentations.ImageCompression(compression_type=kind, quality_range=(quality, quality), p=1)
        compressed = compression(image=photo)["image"]
        repaired = albumentations.Compose([exchange, compression, exchange])(image=photo)["image"]
        real = by_pillow(photo, kind, quality)
        exchanged = by_pillow(np.ascontiguousarray(photo[..., ::-1]), kind, quality)[..., ::-1]
        print(
            f"{kind} of quality {quality}: {red_and_blue(compressed)}, {psnr(compressed, real):.1f} dB from a real file; "
            f"that has {red_and_blue(real)}, {psnr(real, photo):.1f} dB from the photo"
        )
        as_described &= (compressed == exchanged).all() and (repaired == real).all() and psnr(compressed, real) < 45
raise SystemExit(not as_described)
PYTHON

export NO_ALBUMENTATIONS_UPDATE=1
venv/bin/python artifacts.py 2>errors || { cat errors; echo "albumentations behaves otherwise than described above"; exit 1; }
