#!/usr/bin/env bash
# av 18.1.0 (PyPI, x86-64 Linux, Python 3.11, FFmpeg 8's libavfilter 11.14): where a film of 4:2:0 does not say where its chroma lies,
# `frame.reformat(format="rgb24")` takes the middle of two pixels; what H.264 infers there is the left one. Films of FFV1, VP8,
# VP9 and AV1 need not say it; decoders of H.264, HEVC and MPEG-2 fill in their standard's left. PyAV shows of no frame and of
# no stream which it is. A filter graph differs again: `scale` ignores what frames say, takes the middle for all of them, and goes
# by its option `in_chroma_loc` alone. So colours of films that were read one way and written another one move by half a pixel.
#
# Workaround: FFmpeg writes into Matroska's header what a stream says (ChromaSitingHorz, bytes 55 B7), and nothing where it is
# unspecified: a stream that is added to a file in memory by `add_stream_from_template(stream, opaque=True)` shows it. Then read by
# a graph with `in_chroma_loc=left`.
#
# The script encodes an edge between two colours by FFV1, untagged and with two tags, and prints eight neighbours' red.
#
# Seen:
#   unspecified, reformat: 180 184 192 149 91 48 56 60
#   unspecified, scale: 180 184 192 149 91 48 56 60
#   unspecified, scale, in_chroma_loc=left: 180 191 180 107 60 50 60 60
#   unspecified, in Matroska's header: False
#   left, reformat: 180 191 180 107 60 50 60 60
#   left, scale: 180 184 192 149 91 48 56 60
#   left, scale, in_chroma_loc=left: 180 191 180 107 60 50 60 60
#   left, in Matroska's header: True
#   center, reformat: 180 184 192 149 91 48 56 60
#   center, scale: 180 184 192 149 91 48 56 60
#   center, scale, in_chroma_loc=left: 180 191 180 107 60 50 60 60
#   center, in Matroska's header: True
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6

cat >edge.py <<'PYTHON'
import io
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from av.video.reformatter import Interpolation

EXACT = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
FLAGS = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
FLAGS |= Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
SITING = b"\x55\xb7\x81"
rgb = np.zeros((24, 32, 3), np.uint8)
rgb[:, :16], rgb[:, 16:] = (180, 60, 60), (60, 140, 180)


def film(tag):
    content = io.BytesIO()
    with av.open(content, "w", format="matroska") as written:
        options = {} if tag == "unspecified" else {"chroma_sample_location": tag}
        stream = written.add_stream("ffv1", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
        written.mux(stream.encode(frame))
        written.mux(stream.encode(None))
    content.seek(0)
    return content


def by_graph(frame, option):
    graph = Graph()
    buffer = graph.add_buffer(width=32, height=24, format=frame.format, time_base=Fraction(1))
    nodes = [buffer, graph.add("scale", f"flags={EXACT}{option}"), graph.add("format", "rgb24"), graph.add("buffersink")]
    graph.link_nodes(*nodes).configure()
    frame.pts = 0
    graph.vpush(frame)
    return graph.vpull()


def red(frame):
    return frame.to_ndarray()[12, 12:20, 0].tolist()


found = {}
for tag in ("unspecified", "left", "center"):
    with av.open(film(tag)) as container:
        stream = container.streams.video[0]
        header = io.BytesIO()
        with av.open(header, "w", format="matroska") as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
        [frame] = container.decode(video=0)
        found[tag] = {
            "reformat": red(frame.reformat(format="rgb24", interpolation=FLAGS)),
            "scale": red(by_graph(frame, "")),
            "scale, in_chroma_loc=left": red(by_graph(frame, ":in_chroma_loc=left")),
            "in Matroska's header": SITING in header.getvalue(),
        }
    for how, values in found[tag].items():
        print(f"{tag}, {how}:", *(values if isinstance(values, list) else [values]))

middle, left = found["center"]["reformat"], found["left"]["reformat"]
as_described = (
    middle != left
    and found["unspecified"]["reformat"] == middle
    and all(each["scale"] == middle and each["scale, in_chroma_loc=left"] == left for each in found.values())
    and [each["in Matroska's header"] for each in found.values()] == [False, True, True]
)
raise SystemExit(not as_described)
PYTHON

venv/bin/python edge.py || { echo "av behaves otherwise than described above"; exit 1; }
