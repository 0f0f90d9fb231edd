#!/usr/bin/env bash
# pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): an animation with transparency, saved by one and the same call, `save(save_all=True,
# append_images=...)`, has its frames in PNG and AVIF. In GIF each frame lies over all of those before it: a square that moves
# over nothing leaves a trail. With `disposal=2` the frames are right. Of opaque frames nothing shows.
#
# Why: the default of GIF's `disposal` is to leave each frame where it is, and a transparent pixel of the next one shows it. PNG's
# and AVIF's frames replace what is there.
#
# Workaround: `disposal=2` where frames are transparent.
#
# The script moves a square of 16 pixels over nothing, and counts the pixels of each frame that can be seen in what comes back.
# It fails if GIF without `disposal` has 16 in each, or another one doesn't.
#
# Seen:
#   PNG: 16 16 16 16
#   AVIF: 16 16 16 16
#   GIF: 16 32 48 64
#   GIF, disposal=2: 16 16 16 16
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 numpy==2.4.6

cat >square.py <<'PYTHON'
import io

import numpy as np
from PIL import Image, ImageSequence

frames = [Image.new("RGBA", (32, 16)) for _ in range(4)]
for index, frame in enumerate(frames):
    frame.paste((200, 30 + 40 * index, 9, 255), (8 * index, 4, 8 * index + 4, 8))

is_as_seen = []
for file_format, options in (("PNG", {}), ("AVIF", {"quality": 100}), ("GIF", {}), ("GIF", {"disposal": 2})):
    buffer = io.BytesIO()
    frames[0].save(buffer, file_format, save_all=True, append_images=frames[1:], duration=100, **options)
    with Image.open(buffer) as file:
        counts = [int((np.asarray(each.convert("RGBA"))[..., 3] > 127).sum()) for each in ImageSequence.Iterator(file)]
    name = "GIF, disposal=2" if "disposal" in options else file_format
    print(f"{name}:", *counts)
    is_as_seen.append((counts == [16] * 4) == (name != "GIF"))
raise SystemExit(not all(is_as_seen))
PYTHON

venv/bin/python square.py || { echo "Pillow behaves otherwise than described above"; exit 1; }
