#!/usr/bin/env bash
# pillow-heif 1.8.1 with pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): `photo.save("photo.heic", exif=photo.getexif())`, which keeps a
# photo upright in JPEG, PNG, WebP and AVIF, lays it on its side in HEIF. With the same tags as bytes, `photo.getexif().tobytes()`,
# it is upright. Nothing warns. So of phones' photos, enlarged and saved as HEIC, those that were held upright lie.
#
# Why: in HEIF a property of its own ("irot") says how to turn a picture, and readers don't look at EXIF for it. The plugin looks for
# the orientation in bytes alone, and so writes no property for the object, whose tags it writes all the same.
#
# Workaround: `exif=photo.getexif().tobytes()`.
#
# The script saves a JPEG of 60 by 40 pixels that is to be turned by 90 degrees, opens it, and saves it in five formats, with its tags
# both ways. It prints the sizes that `ImageOps.exif_transpose` gives. It fails if HEIF is upright by the object, or another is not.
#
# Seen (object, bytes):
#   JPEG: 40 x 60, 40 x 60
#   PNG: 40 x 60, 40 x 60
#   WEBP: 40 x 60, 40 x 60
#   AVIF: 40 x 60, 40 x 60
#   HEIF: 60 x 40, 40 x 60
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow-heif==1.8.1 pillow==13.0.0

cat >upright.py <<'PYTHON'
import io

import pillow_heif
from PIL import ExifTags, Image, ImageOps

ROTATE_90 = 6
pillow_heif.register_heif_opener()


def opened(photo, format, exif):
    buffer = io.BytesIO()
    photo.save(buffer, format, exif=exif)
    return Image.open(buffer)


exif = Image.Exif()
exif[ExifTags.Base.Orientation] = ROTATE_90


def photo():
    """Opened anew, for Pillow's AVIF takes the orientation out of the tags that it is given."""
    return opened(Image.new("RGB", (60, 40), "teal"), "JPEG", exif)


as_described = photo().size == (60, 40)
for format in ("JPEG", "PNG", "WEBP", "AVIF", "HEIF"):
    of_tags = (photo().getexif(), photo().getexif().tobytes())
    sizes = [ImageOps.exif_transpose(opened(photo(), format, tags)).size for tags in of_tags]
    print(f"{format}: " + ", ".join(f"{width} x {height}" for width, height in sizes))
    as_described &= sizes == [(60, 40) if format == "HEIF" else (40, 60), (40, 60)]
raise SystemExit(not as_described)
PYTHON

venv/bin/python upright.py || { echo "pillow-heif behaves otherwise than described above"; exit 1; }
