#!/usr/bin/env bash
# decord2 3.4.0 with av 18.1.0 as the encoder (PyPI, x86-64 Linux, Python 3.11): `reader[i]`, which seeks by `seek_accurate`, documented to
# guarantee the position, gives another frame after a jump, in films of common kinds: HEVC as x265 writes it by default (one frame off), H.264
# of open GOPs (three), nearly each frame of MPEG-2 (up to seven) and MPEG-4 (up to nineteen). `get_batch` does too. Read from the first frame
# on, each film has all its frames in order, so a try on the first frames shows nothing. Pairs of frames that are taken from a film and from
# its small copy then show different moments. H.264 of closed GOPs and VP9 are read well.
#
# Workaround: read in order and choose then; or PyAV, `seek` and decode on until the frame of that time.
#
# The script encodes 60 frames, each of a grey that tells its number, reads them in order and in a shuffled order, and prints how many are
# others and by how much at most. It fails if any is in order, or none is in the shuffled order where some are below, or some are where none
# is.
#
# Seen:
#   H.264, closed GOPs: in order 0 of 60 others, by 0 at most; shuffled 0 of 60 others, by 0 at most; get_batch 0 of 60 others, by 0 at most
#   VP9: in order 0 of 60 others, by 0 at most; shuffled 0 of 60 others, by 0 at most; get_batch 0 of 60 others, by 0 at most
#   HEVC: in order 0 of 60 others, by 0 at most; shuffled 10 of 60 others, by 1 at most; get_batch 10 of 60 others, by 1 at most
#   H.264, open GOPs: in order 0 of 60 others, by 0 at most; shuffled 5 of 60 others, by 3 at most; get_batch 5 of 60 others, by 3 at most
#   MPEG-2: in order 0 of 60 others, by 0 at most; shuffled 59 of 60 others, by 7 at most; get_batch 59 of 60 others, by 7 at most
#   MPEG-4: in order 0 of 60 others, by 0 at most; shuffled 59 of 60 others, by 19 at most; get_batch 59 of 60 others, by 19 at most
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check decord2==3.4.0 av==18.1.0 numpy==2.4.6

cat >jumps.py <<'PYTHON'
import av
import decord
import numpy as np

WIDTH, HEIGHT, FRAMES = 320, 180, 60


def write(path, codec, options):
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH, 3), 20 + 3 * number, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def number_of(picture):
    return round((float(picture.mean()) - 20) / 3)


def others(numbers, pictures):
    """How many pictures are of another number, and by how much at most."""
    off = [abs(number_of(picture) - number) for number, picture in zip(numbers, pictures)]
    return sum(by > 0 for by in off), max(off)


shuffled = [int(number) for number in np.random.default_rng(0).permutation(FRAMES)]
films = {
    "H.264, closed GOPs": ("closed.mp4", "libx264", {"g": "12", "bf": "3"}, True),
    "VP9": ("vp9.webm", "libvpx-vp9", {"g": "12", "b": "2M"}, True),
    "HEVC": ("hevc.mp4", "libx265", {"x265-params": "log-level=none:keyint=12"}, False),
    "H.264, open GOPs": ("open.mp4", "libx264", {"g": "12", "bf": "3", "x264-params": "open-gop=1"}, False),
    "MPEG-2": ("mpeg2.mpg", "mpeg2video", {"g": "12", "bf": "2", "qmin": "2", "qmax": "2"}, False),
    "MPEG-4": ("mpeg4.avi", "mpeg4", {"bf": "2", "qmin": "2", "qmax": "2"}, False),
}
as_described = True
for name, (path, codec, options, is_exact) in films.items():
    write(path, codec, options)
    reader = decord.VideoReader(path)
    ordered = others(range(FRAMES), [reader[number].asnumpy() for number in range(FRAMES)])
    jumped = others(shuffled, [reader[number].asnumpy() for number in shuffled])
    batch = others(shuffled, reader.get_batch(shuffled).asnumpy())
    told = (f"{count} of {FRAMES} others, by {by} at most" for count, by in (ordered, jumped, batch))
    print("{}: in order {}; shuffled {}; get_batch {}".format(name, *told))
    as_described &= not ordered[0] and (jumped[0] == 0) == is_exact and (batch[0] == 0) == is_exact
raise SystemExit(not as_described)
PYTHON

venv/bin/python jumps.py 2>errors || { cat errors; echo "decord2 behaves otherwise than described above"; exit 1; }
