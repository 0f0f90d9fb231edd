#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 with av 18.1.0 (PyPI, x86-64 Linux, Python 3.11): `capture.set(cv2.CAP_PROP_POS_FRAMES, n)` finds the n-th frame
# only where frames come at one rate. Phones' films don't (in the dark a frame takes longer), nor do screen captures. Of a film
# that has 30 frames a second and then 15, the frame that is read for n is up to 15 frames later, and the last ones can't be
# read at all, though reading in a row gives all. `get(CAP_PROP_POS_FRAMES)` then says n + 1, as if it were right. In a Matroska the
# number of frames is wrong too. So frames of a small film and of its original, taken by number, are not of one moment.
#
# Why: the number is turned into a time by the mean rate, and the frame at that time into a number by the same.
#
# Workaround: read in a row (`grab` is quick), or PyAV, and go by `frame.pts`.
#
# The script writes a film of which each frame's brightness is its number, and prints which frames are found for some numbers. It fails if
# all are right, or those of a film of one rate are not.
#
# Seen:
#   one rate, MP4: 100 frames, counted 100; for 0, 10, ... 90: 0 10 20 30 40 50 60 70 80 90
#   two, MP4: 100 frames, counted 100; for 0, 10, ... 90: 0 10 20 34 48 65 75 82 88 98
#   two, Matroska: 100 frames, counted 149; for 0, 10, ... 90: 0 10 20 30 40 50 60 70 80 80
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 av==18.1.0 numpy==2.4.6

cat >seek.py <<'PYTHON'
from fractions import Fraction

import av
import cv2
import numpy as np

FRAMES, SIDE = 100, 64
CLOCK = Fraction(1, 90_000)
even = np.arange(FRAMES) * 3000
slower = np.where(np.arange(FRAMES) < 50, even, 2 * even - 50 * 3000)


def write(path, times):
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "1", "g": "12"})
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        stream.time_base = stream.codec_context.time_base = CLOCK
        for number, time in enumerate(times):
            luma, grey = np.full((SIDE, SIDE), 16 + 2 * number, np.uint8), np.full((SIDE // 2, SIDE), 128, np.uint8)
            frame = av.VideoFrame.from_ndarray(np.concatenate([luma, grey]), format="yuv420p")
            frame.pts, frame.time_base = int(time), CLOCK
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def brightness(capture):
    read, frame = capture.read()
    return int(frame[SIDE // 2, SIDE // 2, 0]) if read else None


def look(path):
    """How many frames there are when read in a row, how many are counted, and which are found for every tenth."""
    capture = cv2.VideoCapture(path)
    counted, in_a_row = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), []
    while (level := brightness(capture)) is not None:
        in_a_row.append(level)
    found = []
    for number in range(0, FRAMES, 10):
        capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        level = brightness(capture)
        found.append(None if level is None else int(np.argmin(abs(np.array(in_a_row) - level))))
    return len(in_a_row), counted, found


as_described = True
for path, times, name in (("even.mp4", even, "one rate, MP4"), ("slower.mp4", slower, "two, MP4"), ("slower.mkv", slower, "two, Matroska")):
    write(path, times)
    frames, counted, found = look(path)
    print(f"{name}: {frames} frames, counted {counted}; for 0, 10, ... 90:", *("none" if number is None else number for number in found))
    as_described &= frames == FRAMES and (found == list(range(0, FRAMES, 10))) == (times is even)
raise SystemExit(not as_described)
PYTHON

venv/bin/python seek.py 2>errors || { cat errors; echo "OpenCV behaves otherwise than described above"; exit 1; }
