#!/usr/bin/env bash
# av 18.1.0 (PyPI, x86-64 Linux, Python 3.11): PyAV's frames carry their colour tags (primaries, transfer, matrix, range) from decoder to
# encoder, and encoders ignore them: they write those of the codec context, which are "unspecified" unless set. So an HDR film
# (9, 16, 9) that is decoded and encoded again comes out untagged. But ProRes (prores_ks) takes them from the frames, and
# ignores those of the context.
#
# Workaround: set them both on `stream.codec_context`, before the first frame, and on each frame.
#
# The script encodes four frames, tagged on the context alone, or on the frames alone, and prints what a decoder then sees. It
# fails if that changes.
#
# Seen:
#   libx264: context alone (9, 16, 9), frames alone (2, 2, 2)
#   libx265: context alone (9, 16, 9), frames alone (2, 2, 2)
#   libvpx-vp9: context alone (9, 16, 9), frames alone (2, 2, 2)
#   libsvtav1: context alone (9, 16, 9), frames alone (2, 2, 2)
#   ffv1: context alone (9, 16, 9), frames alone (2, 2, 2)
#   prores_ks: context alone (2, 2, 2), frames alone (9, 16, 9)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6

cat >tags.py <<'PYTHON'
import fractions
import io

import av
import numpy as np

UNSPECIFIED = (2, 2, 2)
HDR = (9, 16, 9)  # BT.2020, PQ, BT.2020
CODECS = {
    "libx264": ("yuv420p", "mp4"),
    "libx265": ("yuv420p10le", "mp4"),
    "libvpx-vp9": ("yuv420p", "webm"),
    "libsvtav1": ("yuv420p", "mp4"),
    "ffv1": ("yuv420p", "matroska"),
    "prores_ks": ("yuv422p10le", "mov"),
}


def tag(thing, tags):
    thing.color_primaries, thing.color_trc, thing.colorspace = tags


def decoded_tags(codec, of_context, of_frames):
    pixel_format, container = CODECS[codec]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
        stream = output.add_stream(codec, rate=24, options=options)
        stream.width = stream.height = 64
        stream.pix_fmt = pixel_format
        if of_context != UNSPECIFIED:
            tag(stream.codec_context, of_context)
        for number in range(4):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 60 * number, np.uint8), "rgb24").reformat(format=pixel_format)
            frame.pts, frame.time_base = number, fractions.Fraction(1, 24)
            tag(frame, of_frames)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer) as film:
        frame = next(film.decode(video=0))
        return int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace)


as_described = True
for codec in CODECS:
    context, frames = decoded_tags(codec, HDR, UNSPECIFIED), decoded_tags(codec, UNSPECIFIED, HDR)
    print(f"{codec}: context alone {context}, frames alone {frames}", flush=True)
    expected = (UNSPECIFIED, HDR) if codec == "prores_ks" else (HDR, UNSPECIFIED)
    as_described &= (context, frames) == expected
raise SystemExit(not as_described)
PYTHON

venv/bin/python tags.py 2>errors || { cat errors; echo "av behaves otherwise than described above"; exit 1; }
