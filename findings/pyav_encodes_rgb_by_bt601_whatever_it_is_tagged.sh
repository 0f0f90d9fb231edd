#!/usr/bin/env bash
# av 18.1.0 (PyPI, x86-64 Linux, Python 3.11): PyAV turns RGB frames into luma and chroma by BT.601's matrix, also where the stream that they
# are encoded to is tagged BT.709 or BT.2020 (`stream.codec_context.colorspace`). PyAV's own decoding follows the tag, as do
# players, so colours come back wrong by more than ten levels. `frame.reformat(format="yuv420p")` does the same.
#
# Workaround: `frame.reformat(format=..., dst_colorspace="ITU709")` (or "BT2020"), with the stream tagged likewise.
#
# The script encodes a red losslessly (FFV1, 4:4:4), and prints it as PyAV decodes it. It fails if a tagged stream gives the red back
# without the workaround, or does not with it.
#
# Seen, of a red of [200, 40, 90]:
#   not tagged: [200, 39, 89]
#   BT.709: [213, 58, 89], with dst_colorspace [200, 40, 91]
#   BT.2020: [206, 50, 89], with dst_colorspace [201, 40, 89]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6

cat >matrix.py <<'PYTHON'
import io

import av
import numpy as np

RED = (200, 40, 90)


def decoded(colorspace=None, dst_colorspace=None):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as output:
        stream = output.add_stream("ffv1", rate=24)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv444p"
        if colorspace:
            stream.codec_context.colorspace = colorspace
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), RED, np.uint8), "rgb24")
        if dst_colorspace:
            frame = frame.reformat(format="yuv444p", dst_colorspace=dst_colorspace)
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer) as film:
        return next(film.decode(video=0)).to_ndarray(format="rgb24")[32, 32].tolist()


def error(colour):
    return max(abs(value - given) for value, given in zip(colour, RED, strict=True))


untagged = decoded()
print("not tagged:", untagged)
as_described = error(untagged) <= 2
for name, colorspace, dst_colorspace in (("BT.709", 1, "ITU709"), ("BT.2020", 9, "BT2020")):
    plain, cured = decoded(colorspace), decoded(colorspace, dst_colorspace)
    print(f"{name}: {plain}, with dst_colorspace {cured}")
    as_described &= error(plain) > 8 and error(cured) <= 2
raise SystemExit(not as_described)
PYTHON

venv/bin/python matrix.py || { echo "av behaves otherwise than described above"; exit 1; }
