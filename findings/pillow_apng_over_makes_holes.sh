#!/usr/bin/env bash
# pillow 13.0.0 against av 18.1.0, which is FFmpeg (PyPI, x86-64 Linux, Python 3.11): a frame of an APNG that is laid over those before
# (blend_op 1), and is half transparent, makes the opaque picture below it transparent in Pillow: it mixes alpha as it mixes colours, so
# that half of a half over 1 is 0.75, where it is 1 by the standard. So shadows and glass that move over an opaque picture become holes, through
# which the page shows; and over what is transparent, colours are mixed with its hidden black. The first frame it lays over the picture
# that is there for programs which know no animations, and is no part of this one. FFmpeg composes as the PNG
# standard says (section 13.16).
#
# Workaround: after `seek` and before `load`, note `info["blend"]` and the canvas, and use `Image.alpha_composite`.
#
# The script writes an opaque red frame and a half transparent blue one, and reads them. It fails if Pillow composes as FFmpeg does.
#
# Seen:
#   blue of alpha 128 over opaque red: Pillow [127, 0, 128, 191], FFmpeg [127, 0, 128, 255]
#   blue of alpha 128 over nothing: Pillow [0, 0, 128, 64], FFmpeg [0, 0, 255, 128]
#   blue of alpha 255 over opaque red: Pillow [0, 0, 255, 255], FFmpeg [0, 0, 255, 255]
#   blue of alpha 0 as the first frame, besides opaque red: Pillow [255, 0, 0, 255], FFmpeg [0, 0, 255, 0]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 av==18.1.0 numpy==2.4.6

cat >over.py <<'PYTHON'
import av
from PIL import Image
from PIL.PngImagePlugin import Blend, Disposal

FILE = "a.png"
CENTRE = (16, 16)


def frame(*colour):
    return Image.new("RGBA", (32, 32), colour)


def by_pillow():
    with Image.open(FILE) as file:
        file.seek(1)
        return list(file.convert("RGBA").getpixel(CENTRE))


def by_ffmpeg():
    with av.open(FILE) as container:
        *_, last = (each.to_ndarray(format="rgba") for each in container.decode(video=0))
    return last[CENTRE].tolist()


RED, NOTHING = (255, 0, 0, 255), (0, 0, 0, 0)
as_described = True
for name, below, alpha, is_first, wanted in (
    ("over opaque red", RED, 128, False, [127, 0, 128, 191]),
    ("over nothing", NOTHING, 128, False, [0, 0, 128, 64]),
    ("over opaque red", RED, 255, False, [0, 0, 255, 255]),
    ("as the first frame, besides opaque red", RED, 0, True, [255, 0, 0, 255]),
):
    above = frame(0, 0, 255, alpha)
    animation = {"save_all": True, "append_images": [above], "blend": Blend.OP_OVER, "disposal": Disposal.OP_NONE, "duration": 100}
    frame(*below).save(FILE, default_image=is_first, **animation)
    seen, meant = by_pillow(), by_ffmpeg()
    print(f"blue of alpha {alpha} {name}: Pillow {seen}, FFmpeg {meant}")
    right = Image.alpha_composite(frame(*(NOTHING if is_first else below)), above).getpixel(CENTRE)
    as_described &= seen == wanted and meant[3] == right[3] and (not right[3] or all(abs(a - b) <= 1 for a, b in zip(meant, right)))
raise SystemExit(not as_described)
PYTHON

venv/bin/python over.py || { echo "pillow behaves otherwise than described above"; exit 1; }
