#!/usr/bin/env bash
# albumentations 2.0.8 with opencv-python-headless 5.0.0.93 (PyPI, x86-64 Linux, Python 3.11): `ISONoise`, documented as noise of a camera's
# sensor, is none, in three ways. It only brightens: no pixel gets darker, a few get up to 200 levels brighter, like dust, and most stay as
# they are. It lies in pictures of much contrast alone: sky, walls and all that is flat stay clean, where grain shows most. And noise of
# colours, `color_shift`, does nothing one could see, at ten times the largest default too. A network that is taught by it doesn't know grain.
#
# Why: counts of a Poisson distribution are added without their mean being taken away; that mean is the picture's own deviation, some
# hundredths, so that most counts are 0, and each 1 is a bright speck. And the hue that is shifted is in degrees, of 360, by hundredths of
# one.
#
# Workaround: `GaussNoise` and `ShotNoise`, which have pixels on both sides.
#
# The script adds noise to an enlarged noise and to a plain colour, and prints which part of pixels gets darker, stays (to 2 levels), gets
# brighter, and the largest change. It fails if ISONoise darkens, reaches the plain colour, or changes much of the photo, or the workaround's
# two don't do all that.
#
# Seen:
#   ISONoise, the defaults, photo: 0.0% darker, 94.7% stay, 5.3% brighter, by 199 levels at most
#   ISONoise, the defaults, plain colour: 0.0% darker, 100.0% stay, 0.0% brighter, by 0 levels at most
#   ISONoise, color_shift 0.5, photo: 0.0% darker, 94.7% stay, 5.3% brighter, by 199 levels at most
#   ISONoise, color_shift 0.5, plain colour: 0.0% darker, 100.0% stay, 0.0% brighter, by 1 levels at most
#   GaussNoise, deviation 0.05, photo: 78.7% darker, 0.7% stay, 78.7% brighter, by 64 levels at most
#   GaussNoise, deviation 0.05, plain colour: 79.1% darker, 0.7% stay, 79.0% brighter, by 64 levels at most
#   ShotNoise, scale 0.005, photo: 79.4% darker, 1.1% stay, 74.2% brighter, by 60 levels at most
#   ShotNoise, scale 0.005, plain colour: 80.1% darker, 0.6% stay, 78.6% brighter, by 49 levels at most
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.4.6 pillow==13.0.0 \
  scipy==1.17.1 pydantic==2.14.4 pyyaml==6.0.4 stringzilla==5.3.2 simsimd==6.5.16
venv/bin/pip install --quiet --disable-pip-version-check --no-deps albumentations==2.0.8 albucore==0.0.24

cat >grain.py <<'PYTHON'
import albumentations
import numpy as np
from PIL import Image

SIDE = 256
noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (SIDE // 8, SIDE // 8, 3), dtype=np.uint8))
photo = np.asarray(noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
plain = np.full((SIDE, SIDE, 3), (120, 100, 80), np.uint8)


def changes(transform, picture):
    """Parts of pixels that get darker, stay and get brighter, by more than 2 levels in a channel, and the largest change."""
    noisy = albumentations.Compose([transform], seed=0)(image=picture)["image"]
    by = noisy.astype(int) - picture
    darker, brighter = (by.min(-1) < -2).mean(), (by.max(-1) > 2).mean()
    return darker, (abs(by).max(-1) <= 2).mean(), brighter, abs(by).max()


transforms = {
    "ISONoise, the defaults": albumentations.ISONoise(p=1),
    "ISONoise, color_shift 0.5": albumentations.ISONoise(color_shift=(0.5, 0.5), p=1),
    "GaussNoise, deviation 0.05": albumentations.GaussNoise(std_range=(0.05, 0.05), p=1),
    "ShotNoise, scale 0.005": albumentations.ShotNoise(scale_range=(0.005, 0.005), p=1),
}
as_described = True
for name, transform in transforms.items():
    for kind, picture in (("photo", photo), ("plain colour", plain)):
        darker, stay, brighter, largest = changes(transform, picture)
        print(f"{name}, {kind}: {darker:.1%} darker, {stay:.1%} stay, {brighter:.1%} brighter, by {largest} levels at most")
        if "ISONoise" in name:
            as_described &= darker < 0.01 and stay > 0.9 and (largest > 100 if kind == "photo" else largest <= 2)
        else:
            as_described &= darker > 0.3 and brighter > 0.3
raise SystemExit(not as_described)
PYTHON

export NO_ALBUMENTATIONS_UPDATE=1
venv/bin/python grain.py 2>errors || { cat errors; echo "albumentations behaves otherwise than described above"; exit 1; }
