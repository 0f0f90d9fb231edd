#!/usr/bin/env bash
# av 18.1.0 with its FFmpeg (PyPI, x86-64 Linux, Python 3.11): a frame of greyscale that says its range is limited, as films' is, is
# converted to RGB as if it were full: white, 235, becomes 235, and black, 16, stays 16. `src_color_range` makes no difference.
# The same luma with chroma of no colour becomes 255 and 0. So grey films, of FFV1 or ProRes from an archive, lose a seventh of their contrast,
# and twice as much if they are written as 4:2:0 again.
#
# Why: FFmpeg's scaler takes all formats of greyscale for full range, whatever the frame says.
#
# Workaround: `rgb = (rgb - 16) * 255 / 219` of such frames.
#
# The script converts a black and a white frame of both kinds. It fails if grey becomes 0 and 255, or 4:2:0 does not.
#
# Seen:
#   yuv420p: 0 255
#   gray: 16 235
#   gray, src_color_range=MPEG: 16 235
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6

cat >grey.py <<'PYTHON'
import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorRange

ends = {}
for pixel_format, options in (("yuv420p", {}), ("gray", {}), ("gray", {"src_color_range": ColorRange.MPEG})):
    levels = []
    for luma in (16, 235):
        frame = VideoFrame(32, 32, pixel_format)
        for plane, level in zip(frame.planes, (luma, 128, 128)):
            plane.update(np.full(plane.buffer_size, level, np.uint8).tobytes())
        frame.color_range = ColorRange.MPEG
        rgb = frame.reformat(format="rgb24", dst_color_range=ColorRange.JPEG, **options).to_ndarray()
        levels.append(int(rgb[16, 16, 1]))
    name = f"{pixel_format}, src_color_range=MPEG" if options else pixel_format
    ends[name] = levels
    print(f"{name}:", *levels)
is_grey_full = all(levels == [16, 235] for name, levels in ends.items() if name.startswith("gray"))
raise SystemExit(not (is_grey_full and ends["yuv420p"] == [0, 255]))
PYTHON

venv/bin/python grey.py || { echo "PyAV behaves otherwise than described above"; exit 1; }
