#!/usr/bin/env bash
# imagecodecs 2026.3.6 (PyPI, x86-64 Linux, Python 3.11): `jpegxl_encode` of uint16 RGB makes a JPEG XL that says its values are
# linear light; that of uint8 says sRGB. So the same photo, in 8 bits and in 16, is shown with other tones: middle grey, 128 of
# 255, is shown as 188. Lossless or not makes no difference, and there is no argument for the colours. PNG and JPEG 2000 of uint16
# by the same package say nothing, and are shown as sRGB.
#
# Workaround: write 8 bits, or another format; or read the label and convert.
#
# The script reads the label as pillow-jxl-plugin gives it: a profile whose tone curve it evaluates at one half. It fails if both
# depths say the same.
#
# Seen:
#   uint8: values come back, sRGB, 0.5 is shown as 0.502 of sRGB
#   uint16: values come back, RGB_D65_SRG_Rel_Lin, 0.5 is shown as 0.737 of sRGB
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check imagecodecs==2026.3.6 pillow-jxl-plugin==1.3.8 pillow==13.0.0 numpy==2.4.6

cat >label.py <<'PYTHON'
import io

import imagecodecs
import numpy as np
import pillow_jxl  # noqa: F401  registers itself
from PIL import Image, ImageCms

shown = {}
for dtype in (np.uint8, np.uint16):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (16, 16, 3), dtype)
    content = imagecodecs.jpegxl_encode(pixels, lossless=True)
    same = np.array_equal(imagecodecs.jpegxl_decode(content), pixels)
    with Image.open(io.BytesIO(content)) as file:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(file.info["icc_profile"]))
    grey = ImageCms.profileToProfile(Image.new("RGB", (1, 1), (128, 128, 128)), profile, ImageCms.createProfile("sRGB"))
    shown[dtype.__name__] = grey.getpixel((0, 0))[0] / 255
    print(
        f"{dtype.__name__}: values {'come' if same else 'do not come'} back, {profile.profile.profile_description},"
        f" 0.5 is shown as {shown[dtype.__name__]:.3f} of sRGB"
    )
raise SystemExit(not (abs(shown["uint8"] - 0.5) < 0.01 and shown["uint16"] > 0.7))
PYTHON

venv/bin/python label.py || { echo "imagecodecs behaves otherwise than described above"; exit 1; }
