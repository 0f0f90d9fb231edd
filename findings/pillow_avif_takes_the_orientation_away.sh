#!/usr/bin/env bash
# pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): `photo.save("photo.avif", exif=photo.getexif())` writes an upright AVIF, and takes the
# orientation out of `photo`'s own tags: whatever is saved of it next, as JPEG for those who can't show AVIF, say, or shown by
# `ImageOps.exif_transpose`, lies on its side. PNG, WebP and JPEG leave the tags as they are; with bytes, so does AVIF.
#
# Why: AVIF turns pictures by properties of its own ("irot", "imir"); the plugin moves the orientation there by `exif.pop`, out of the
# object that it is given, which `getexif` keeps for the photo.
#
# Workaround: `exif=photo.getexif().tobytes()`.
#
# The script opens a JPEG of 60 by 40 pixels that is to be turned by 90 degrees, saves it in each format and then as JPEG, and prints
# the sizes of both files by `ImageOps.exif_transpose`. It fails if a JPEG saved after an AVIF is upright, or one after another is not.
#
# Seen:
#   JPEG 40 x 60, then JPEG 40 x 60
#   PNG 40 x 60, then JPEG 40 x 60
#   WEBP 40 x 60, then JPEG 40 x 60
#   AVIF 40 x 60, then JPEG 60 x 40
#   AVIF by bytes 40 x 60, then JPEG 40 x 60
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0

cat >twice.py <<'PYTHON'
import io

from PIL import ExifTags, Image, ImageOps

ROTATE_90 = 6
exif = Image.Exif()
exif[ExifTags.Base.Orientation] = ROTATE_90
original = io.BytesIO()
Image.new("RGB", (60, 40), "teal").save(original, "JPEG", exif=exif)


def upright_size(photo, format, as_bytes=False):
    buffer, tags = io.BytesIO(), photo.getexif()
    photo.save(buffer, format, exif=tags.tobytes() if as_bytes else tags)
    return ImageOps.exif_transpose(Image.open(buffer)).size


as_described = True
for format, as_bytes in (("JPEG", False), ("PNG", False), ("WEBP", False), ("AVIF", False), ("AVIF", True)):
    photo = Image.open(original)
    first, then = upright_size(photo, format, as_bytes), upright_size(photo, "JPEG")
    print(f"{format}{' by bytes' * as_bytes} {first[0]} x {first[1]}, then JPEG {then[0]} x {then[1]}")
    as_described &= first == (40, 60) and then == ((60, 40) if format == "AVIF" and not as_bytes else (40, 60))
raise SystemExit(not as_described)
PYTHON

venv/bin/python twice.py || { echo "pillow behaves otherwise than described above"; exit 1; }
