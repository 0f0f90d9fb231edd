#!/usr/bin/env bash
# av 18.1.0 with its FFmpeg (PyPI, x86-64 Linux, Python 3.11): `frame.to_ndarray(format="rgb24")` of a 4:2:0 film of 10 bits makes 253 of
# white, and 126 of a grey that is 128; "bgr24" makes 255 and 128 of the same frame. "rgb48le", for those who want all bits, makes
# 65283 of 65535, and of a film of 8 bits 65021, less than "rgb24" has of it; "gbrpf32le" makes 0.996. So frames are darker than
# they are by another way, and than the photos that a network was trained on.
#
# Why: FFmpeg's scaler has ways of its own for some pairs of formats. The general one, which others go, falls short of white by a 256th
# at 16 bits and in float, and by two levels in "rgb24", unless ACCURATE_RND and FULL_CHR_H_INT are both set.
#
# Workaround: `interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT`; for more than 8 bits
# also multiply by 65535 / 65283.
#
# The script converts frames of mid-grey and of white, in the limited range that films have, and prints both, and what is exact. It fails
# if "rgb24" of 8 bits or "bgr24" is not exact, or another is, or the workaround is not.
#
# Seen:
#   8 bits to rgb24: 128 255, by the workaround 128 255
#   8 bits to rgb48le: 32382 65021, by the workaround 32917 65535
#   10 bits to bgr24: 128 255, by the workaround 128 255
#   10 bits to rgb24: 126 253, by the workaround 128 255
#   10 bits to rgb48le: 32790 65283, by the workaround 32917 65535
#   10 bits to gbrpf32le: 0.500 0.996, by the workaround 0.502 1.000
#   exact: 128 255, 32917 65535, 0.502 1.000
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6

cat >white.py <<'PYTHON'
import av
import numpy as np
from av.video.reformatter import ColorRange, Interpolation

SIDE, GREY, WHITE = 64, 126, 235  # of 8 bits, where black is 16
SMOOTH = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
largest = {"rgb24": 255, "bgr24": 255, "rgb48le": 65535, "gbrpf32le": 1}


def frame(luma, bits):
    frame = av.VideoFrame(SIDE, SIDE, "yuv420p" if bits == 8 else "yuv420p10le")
    dtype = np.dtype(np.uint8 if bits == 8 else np.uint16)
    for plane, level in zip(frame.planes, (luma, 128, 128)):
        plane.update(np.full((plane.height, plane.line_size // dtype.itemsize), level << (bits - 8), dtype))
    frame.color_range = ColorRange.MPEG
    return frame


def converted(bits, rgb, **options):
    photos = [frame(luma, bits).reformat(format=rgb, **options).to_ndarray() for luma in (GREY, WHITE)]
    return np.array([float(photo[SIDE // 2, SIDE // 2, 0]) for photo in photos])


def exact(white):
    return white * (np.array([GREY, WHITE]) - 16) / 219


def text(values):
    digits = 3 if values.max() <= 1.01 else 0
    return " ".join(f"{value:.{digits}f}" for value in values)


def is_exact(values, rgb):
    return bool(255 * abs(values - exact(largest[rgb])).max() / largest[rgb] < 0.6)


as_described = True
for bits, rgb in ((8, "rgb24"), (8, "rgb48le"), (10, "bgr24"), (10, "rgb24"), (10, "rgb48le"), (10, "gbrpf32le")):
    values, smooth = converted(bits, rgb), converted(bits, rgb, interpolation=SMOOTH)
    corrected = smooth if largest[rgb] == 255 else smooth * 65535 / 65283
    print(f"{bits} bits to {rgb}: {text(values)}, by the workaround {text(corrected)}")
    as_described &= is_exact(values, rgb) == ((bits, rgb) in ((8, "rgb24"), (10, "bgr24"))) and is_exact(corrected, rgb)
print("exact:", ", ".join(text(exact(white)) for white in (255, 65535, 1)))
raise SystemExit(not as_described)
PYTHON

venv/bin/python white.py || { echo "av behaves otherwise than described above"; exit 1; }
