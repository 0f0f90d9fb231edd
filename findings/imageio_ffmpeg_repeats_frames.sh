#!/usr/bin/env bash
# imageio 2.38.1 with imageio-ffmpeg 0.8.1 and av 18.1.0 (PyPI, x86-64 Linux, Python 3.11): imageio's reader by FFmpeg, which it takes for
# films where imageio-ffmpeg is installed, gives frames twice where they don't come at one rate, as in those of
# phones and of screens. Of a film of 100 frames, 30 a second and then 15, it gives 149, though its own `count_frames()` says 100.
# By its plugin "pyav" there are 100. So frames of a film and of its enlarged copy, counted, are not the same moment, and a network
# for films that is trained on them sees motion that stops at each second frame.
#
# Why: FFmpeg's program, whose output it reads, fills up to a constant rate; `-fps_mode passthrough` is what keeps it from that.
#
# Workaround: `plugin="pyav"`; or `output_params=["-fps_mode", "passthrough"]`.
#
# The script writes films whose frames' brightness is their number, and prints how many frames each way gives, and how many of them
# are new. It fails if the film of two rates has 100 frames by default, or another way or film has not.
#
# Seen:
#   one_rate.mp4: counted 100, by default 100, 100 new; pyav 100; -fps_mode passthrough 100
#   two_rates.mp4: counted 100, by default 149, 100 new; pyav 100; -fps_mode passthrough 100
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check imageio==2.38.1 imageio-ffmpeg==0.8.1 av==18.1.0 pillow==13.0.0 numpy==2.4.6

cat >frames.py <<'PYTHON'
import fractions

import av
import imageio.v2
import imageio.v3
import numpy as np

FRAMES, SIDE, TICKS = 100, 64, 600
tick = fractions.Fraction(1, TICKS)


def write(path, times):
    """A film whose frame `i` is grey of 2 * i + 20, at the times, in ticks."""
    with av.open(path, "w") as film:
        stream = film.add_stream("libx264", rate=30, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt, stream.codec_context.time_base = SIDE, SIDE, "yuv420p", tick
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.full((SIDE, SIDE, 3), 2 * number + 20, np.uint8), format="rgb24")
            frame.pts, frame.time_base = time, tick
            film.mux(stream.encode(frame))
        film.mux(stream.encode())


def given(frames):
    brightness = np.array([frame.mean() for frame in frames])
    return len(brightness), 1 + np.count_nonzero(np.diff(brightness) > 0.5)


one_rate = [TICKS // 30 * number for number in range(FRAMES)]
two_rates = one_rate[: FRAMES // 2] + [one_rate[FRAMES // 2] + TICKS // 15 * number for number in range(FRAMES // 2)]
as_described = True
for path, times in (("one_rate.mp4", one_rate), ("two_rates.mp4", two_rates)):
    write(path, times)
    counted = imageio.v2.get_reader(path).count_frames()
    by_default, new = given(imageio.v2.get_reader(path))
    by_pyav, _ = given(imageio.v3.imiter(path, plugin="pyav"))
    passed, _ = given(imageio.v2.get_reader(path, output_params=["-fps_mode", "passthrough"]))
    print(f"{path}: counted {counted}, by default {by_default}, {new} new; pyav {by_pyav}; -fps_mode passthrough {passed}")
    as_described &= {counted, by_pyav, passed, new} == {FRAMES} and (by_default > 1.3 * FRAMES) == (times is two_rates)
raise SystemExit(not as_described)
PYTHON

venv/bin/python frames.py || { echo "imageio behaves otherwise than described above"; exit 1; }
