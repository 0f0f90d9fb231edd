#!/usr/bin/env bash
# rawpy 0.28.0 with its LibRaw (PyPI, x86-64 Linux, Python 3.11): `raw.postprocess()` gives the whole sensor, not the picture that the file says
# it holds: of a DNG whose DefaultCropSize, by the specification the size of the final picture, is 300 by 200 come 384 by 256 pixels,
# with the rim that demosaicing needs. So a photo developed from raw, as a pair with the camera's JPEG of the same shot, is
# larger than that, and lies some pixels beside it. `postprocess` has no option for the crop.
#
# Why: LibRaw reads the crop, and leaves it to its caller, as `raw.sizes.crop_left_margin`, `crop_top_margin`, `crop_width` and `crop_height`.
#
# Workaround: slice by these four; they count from the whole sensor, so `left_margin` and `top_margin` are to be taken off. Where the photo
# is to be turned, `user_flip=0`, and turn it after.
#
# The script writes a DNG with a grey patch where the crop is, and black around it, and prints the sizes. It fails if `postprocess` gives the
# crop, or slicing does not give the patch.
#
# Seen:
#   postprocess: 384 x 256, 39% of it rim; half_size: 192 x 128
#   raw.sizes: crop 300 x 200 from 20, 10; sliced: 300 x 200, 0% of it rim
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check rawpy==0.28.0 tifffile==2026.3.3 numpy==2.4.6

cat >crop.py <<'PYTHON'
import numpy as np
import rawpy
import tifffile

WIDTH, HEIGHT = 384, 256
LEFT, TOP, CROP_WIDTH, CROP_HEIGHT = 20, 10, 300, 200
# From XYZ to the camera's colours, which are sRGB's here.
MATRIX = (3.2405, -1.5371, -0.4985, -0.9693, 1.8760, 0.0416, 0.0556, -0.2040, 1.0572)
BYTE, SHORT, LONG, RATIONAL, SIGNED = 1, 3, 4, 5, 10

sensor = np.zeros((HEIGHT, WIDTH), np.uint16)
sensor[TOP : TOP + CROP_HEIGHT, LEFT : LEFT + CROP_WIDTH] = 30_000
tags = [
    ("CFARepeatPatternDim", SHORT, 2, (2, 2), True),
    ("CFAPattern", BYTE, 4, (0, 1, 1, 2), True),
    ("DNGVersion", BYTE, 4, (1, 4, 0, 0), True),
    ("UniqueCameraModel", 2, 0, "Made up", True),
    ("BlackLevel", SHORT, 1, 0, True),
    ("WhiteLevel", LONG, 1, 65535, True),
    ("ColorMatrix1", SIGNED, 9, [number for value in MATRIX for number in (round(value * 10_000), 10_000)], True),
    ("AsShotNeutral", RATIONAL, 3, (1, 1) * 3, True),
    ("DefaultCropOrigin", LONG, 2, (LEFT, TOP), True),
    ("DefaultCropSize", LONG, 2, (CROP_WIDTH, CROP_HEIGHT), True),
]
tifffile.imwrite("photo.dng", sensor, photometric="cfa", subfiletype=0, extratags=tags)


def rim(photo):
    """The share of it that is black."""
    return float((photo.max(axis=2) < 60).mean())


with rawpy.imread("photo.dng") as raw:
    whole = raw.postprocess(use_camera_wb=True, no_auto_bright=True, user_flip=0)
    half = raw.postprocess(use_camera_wb=True, no_auto_bright=True, user_flip=0, half_size=True)
    sizes = raw.sizes
left, top = sizes.crop_left_margin - sizes.left_margin, sizes.crop_top_margin - sizes.top_margin
width, height = sizes.crop_width, sizes.crop_height
sliced = whole[top : top + height, left : left + width]
print(f"postprocess: {whole.shape[1]} x {whole.shape[0]}, {rim(whole):.0%} of it rim; half_size: {half.shape[1]} x {half.shape[0]}")
print(f"raw.sizes: crop {width} x {height} from {left}, {top}; sliced: {sliced.shape[1]} x {sliced.shape[0]}, {rim(sliced):.0%} of it rim")
as_described = whole.shape[:2] == (HEIGHT, WIDTH) and sliced.shape[:2] == (CROP_HEIGHT, CROP_WIDTH) and rim(sliced) < 0.01
raise SystemExit(not (as_described and rim(whole) > 0.3))
PYTHON

venv/bin/python crop.py || { echo "rawpy behaves otherwise than described above"; exit 1; }
