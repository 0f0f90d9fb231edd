#!/usr/bin/env bash
# pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): an XBM comes out as its own negative. In X bitmaps a bit that is set is foreground,
# which is black on white wherever they are shown; FFmpeg reads them so. Pillow makes such pixels white, and writes white pixels
# as set bits: what it wrote it reads back as it was, and every other program shows it inverted.
#
# Workaround: `ImageChops.invert` after `Image.open`, and before `save`.
#
# The script reads a bitmap whose left half is set, and one that Pillow wrote of a picture whose left half is white. It fails if
# Pillow and FFmpeg agree.
#
# Seen:
#   bits set at the left: Pillow left 255, right 0; FFmpeg left 0, right 255
#   saved by Pillow, white at the left: Pillow left 255, right 0; FFmpeg left 0, right 255
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 av==18.1.0 numpy==2.4.6

cat >bitmap.py <<'PYTHON'
import av
import numpy as np
from PIL import Image

bits = ", ".join(8 * ["0xFF", "0x00"])
with open("bits.xbm", "w") as file:
    file.write(f"#define bits_width 16\n#define bits_height 8\nstatic unsigned char bits_bits[] = {{\n{bits} }};\n")
halves = Image.fromarray(np.repeat(np.array([[255, 0]], np.uint8), 8, axis=1).repeat(8, axis=0)).convert("1")
halves.save("saved.xbm")


def ends(row):
    return f"left {row[0]}, right {row[-1]}"


differ = []
for name, what in (("bits.xbm", "bits set at the left"), ("saved.xbm", "saved by Pillow, white at the left")):
    with Image.open(name) as picture:
        by_pillow = np.asarray(picture.convert("L"))[0]
    with av.open(name) as container:
        by_ffmpeg = next(container.decode(video=0)).to_ndarray(format="gray")[0]
    print(f"{what}: Pillow {ends(by_pillow)}; FFmpeg {ends(by_ffmpeg)}")
    differ.append(np.array_equal(by_pillow, 255 - by_ffmpeg))
raise SystemExit(not all(differ))
PYTHON

venv/bin/python bitmap.py || { echo "Pillow behaves otherwise than described above"; exit 1; }
