#!/usr/bin/env bash
# pillow-jxl-plugin 1.3.8 with pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): a colour profile given to `save`, or kept in a picture's
# `info`, is not written to the JPEG XL, `lossless=True` or not. The file says sRGB, and gives a profile of sRGB when read. So a
# photo in Adobe RGB or Display P3 is shown with duller colours, though not one pixel changed. Pillow's own AVIF keeps it.
#
# Why: the plugin hands its encoder EXIF, XMP and JUMBF, and no profile; the encoder then labels the pixels as sRGB. Only a JPEG
# that is opened from a file and repacked keeps its own.
#
# Workaround: convert to sRGB before it is saved (`ImageCms.profileToProfile`).
#
# The script gives a profile whose red and green are exchanged, and prints the colorant of red, as XYZ, of the profile that
# comes back. It fails if JPEG XL gives the profile back, or AVIF doesn't.
#
# Seen:
#   given: 0.385 0.717 0.097
#   AVIF: 0.385 0.717 0.097
#   JXL: 0.436 0.222 0.014, pixels within 55 levels
#   JXL, lossless: 0.436 0.222 0.014, pixels within 0 levels
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow-jxl-plugin==1.3.8 pillow==13.0.0 numpy==2.4.6

cat >profile.py <<'PYTHON'
import io

import numpy as np
import pillow_jxl  # noqa: F401  registers itself
from PIL import Image, ImageCms


def red(content):
    return " ".join(f"{value:.3f}" for value in ImageCms.ImageCmsProfile(io.BytesIO(content)).profile.red_colorant[0])


profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# The table of contents names red green, and green red.
names = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}
entries = range(132, 132 + 12 * int.from_bytes(profile[128:132], "big"), 12)
contents = b"".join(names.get(profile[at : at + 4], profile[at : at + 4]) + profile[at + 4 : at + 12] for at in entries)
profile = profile[:132] + contents + profile[132 + len(contents) :]
print("given:", red(profile))

pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
returned = {}
for name, file_format, options in (("AVIF", "AVIF", {}), ("JXL", "JXL", {}), ("JXL, lossless", "JXL", {"lossless": True})):
    photo = Image.fromarray(pixels)
    photo.info["icc_profile"] = profile
    buffer = io.BytesIO()
    photo.save(buffer, file_format, icc_profile=profile, **options)
    with Image.open(buffer) as opened:
        returned[name] = red(opened.info["icc_profile"])
        error = np.abs(np.asarray(opened).astype(int) - pixels).max()
    print(f"{name}: {returned[name]}" + (f", pixels within {error} levels" if file_format == "JXL" else ""))
kept = [value == red(profile) for value in returned.values()]
raise SystemExit(kept != [True, False, False])
PYTHON

venv/bin/python profile.py || { echo "pillow-jxl-plugin behaves otherwise than described above"; exit 1; }
