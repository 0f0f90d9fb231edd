#!/usr/bin/env bash
# datasets 5.2.0 with pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): `Dataset.map` with a function that only looks at a JPEG photo, to
# make a small one of it, stores the photo itself again, at Pillow's quality of 75 with halved colours. So the pairs for
# super-resolution that `map` makes have targets with JPEG's artifacts, and small photos made from other pixels than those. A
# lossless WebP becomes a lossy one. PNG stays as it is.
#
# Why: what a function has looked at was decoded, and is encoded anew: in the file's own format, with that format's defaults.
#
# Workaround: `cast_column("hr", Image(decode=False))`, decode in the function, and cast back. `set_transform` stores nothing.
#
# The script stores a photo in three formats, adds a column, and prints the photo's PSNR after it from what it was before. It fails if
# JPEG or WebP come back unharmed, or PNG or the workaround don't.
#
# Seen:
#   JPEG of quality 98, {"lr": ...} returned: 25.0 dB
#   JPEG of quality 98, {"lr": ..., "hr": ...} returned: 25.0 dB
#   JPEG of quality 98, the photo not looked at: unchanged
#   JPEG of quality 98, by the workaround: unchanged
#   lossless WebP, {"lr": ...} returned: 26.5 dB
#   PNG, {"lr": ...} returned: unchanged
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HF_HOME="$folder/cache"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check datasets==5.2.0 pillow==13.0.0 numpy==2.4.6

cat >pairs.py <<'PYTHON'
import io

import datasets
import numpy as np
from PIL import Image

datasets.disable_progress_bars()
noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))
photo = noise.resize((240, 160), Image.Resampling.BICUBIC)


def stored(file_format, **options):
    buffer = io.BytesIO()
    photo.save(buffer, file_format, **options)
    rows = {"hr": [{"bytes": buffer.getvalue(), "path": None}]}
    return datasets.Dataset.from_dict(rows, features=datasets.Features({"hr": datasets.Image()}))


def small(row):
    return {"lr": row["hr"].resize((60, 40), Image.Resampling.BICUBIC)}


def both(row):
    return {"hr": row["hr"], **small(row)}


def small_of_bytes(row):
    return {"lr": Image.open(io.BytesIO(row["hr"]["bytes"])).resize((60, 40), Image.Resampling.BICUBIC)}


def not_looked_at(row):
    return {"number": 1}


def by_workaround(rows):
    undecoded = rows.cast_column("hr", datasets.Image(decode=False)).map(small_of_bytes)
    return undecoded.cast_column("hr", datasets.Image())


def harm(rows, after):
    before, now = (np.asarray(each[0]["hr"]).astype(float) for each in (rows, after))
    error = np.square(before - now).mean()
    return f"{10 * np.log10(255**2 / error):.1f} dB" if error else "unchanged"


jpeg, webp, png = stored("JPEG", quality=98, subsampling=0), stored("WEBP", lossless=True), stored("PNG")
harms = {
    'JPEG of quality 98, {"lr": ...} returned': harm(jpeg, jpeg.map(small)),
    'JPEG of quality 98, {"lr": ..., "hr": ...} returned': harm(jpeg, jpeg.map(both)),
    "JPEG of quality 98, the photo not looked at": harm(jpeg, jpeg.map(not_looked_at)),
    "JPEG of quality 98, by the workaround": harm(jpeg, by_workaround(jpeg)),
    'lossless WebP, {"lr": ...} returned': harm(webp, webp.map(small)),
    'PNG, {"lr": ...} returned': harm(png, png.map(small)),
}
for case, value in harms.items():
    print(f"{case}: {value}")
harmed = [value != "unchanged" for value in harms.values()]
raise SystemExit(harmed != [True, True, False, False, True, False])
PYTHON

venv/bin/python pairs.py 2>errors || { cat errors; echo "datasets behaves otherwise than described above"; exit 1; }
