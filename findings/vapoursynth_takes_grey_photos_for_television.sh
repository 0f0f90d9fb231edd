#!/usr/bin/env bash
# vapoursynth 81 with vapoursynth-vszip 23.1.0 and vapoursynth-bestsource 22, files by pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.12): grey
# photos lose their shadows and lights. One that `vszip.ImageRead` read, of PNG or JPEG, and a JPEG that `bs.VideoSource` read, is taken by
# `resize` for a film's luma, whose black is 16 and whose white is 235: in RGB all that is darker or brighter is cut off, and as floating
# point, which networks take, it runs from -0.07 to 1.09. Colour photos, and a grey PNG by `bs.VideoSource`, are right, so a try with those
# shows nothing.
#
# Why: where a frame says nothing of its range, `resize` takes RGB as full, and all else, grey too, as limited; these readers say nothing.
#
# Workaround: `std.SetFrameProps(_Range=vs.RANGE_FULL)` on what was read.
#
# The script stores a grey and a coloured picture of seven plain columns, reads both, and prints what levels become in RGB and in floating
# point. It fails if levels stay where they are cut off below, or not where they stay.
#
# Seen:
#   the photo: 0 8 64 128 192 245 255
#   colour PNG, vszip: 0 8 64 128 192 245 255; floating point from 0.000 to 1.000
#   grey PNG, vszip: 0 0 56 130 205 255 255; floating point from -0.073 to 1.091
#   grey JPEG, vszip: 0 0 56 130 205 255 255; floating point from -0.073 to 1.091
#   grey PNG, bs: 0 8 64 128 192 245 255; floating point from 0.000 to 1.000
#   grey JPEG, bs: 0 0 56 130 205 255 255; floating point from -0.073 to 1.091
#   grey JPEG, bs, the workaround: 0 8 64 128 192 245 255; floating point from 0.000 to 1.000
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# VapourSynth is built for Python 3.12 and later, which pyenv, where it is used, has to be told.
PYENV_VERSION=3.12 python3.12 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check vapoursynth==81 vapoursynth-vszip==23.1.0 vapoursynth-bestsource==22 \
  pillow==13.0.0 numpy==2.4.6

cat >grey.py <<'PYTHON'
import pathlib

import numpy as np
import vapoursynth as vs
from PIL import Image

LEVELS = (0, 8, 64, 128, 192, 245, 255)
WIDTH = 32

grey = np.repeat(np.array(LEVELS, np.uint8), WIDTH)[None].repeat(64, 0)
Image.fromarray(grey).save("grey.png")
Image.fromarray(grey).save("grey.jpg", quality=100)
Image.fromarray(np.dstack([grey, grey, grey[:, ::-1]])).save("colour.png")
core = vs.core


def levels(clip, pixel_format):
    options = {"matrix_in": vs.MATRIX_BT709} if pixel_format == vs.RGB24 and clip.format.color_family == vs.GRAY else {}
    frame = clip.resize.Point(format=pixel_format, **options).get_frame(0)
    return np.asarray(frame[0])[32, WIDTH // 2 :: WIDTH].tolist()


def by_vszip(name):
    return core.vszip.ImageRead(str(pathlib.Path(name).absolute()))


def by_bestsource(name):
    return core.bs.VideoSource(str(pathlib.Path(name).absolute()), cachemode=0)


clips = {
    "colour PNG, vszip": (by_vszip("colour.png"), True),
    "grey PNG, vszip": (by_vszip("grey.png"), False),
    "grey JPEG, vszip": (by_vszip("grey.jpg"), False),
    "grey PNG, bs": (by_bestsource("grey.png"), True),
    "grey JPEG, bs": (by_bestsource("grey.jpg"), False),
    "grey JPEG, bs, the workaround": (by_bestsource("grey.jpg").std.SetFrameProps(_Range=vs.RANGE_FULL), True),
}
print("the photo: " + " ".join(map(str, LEVELS)))
as_described = True
for name, (clip, stays) in clips.items():
    rgb = levels(clip, vs.RGB24)
    single = levels(clip, vs.RGBS if clip.format.color_family == vs.RGB else vs.GRAYS)
    print(f"{name}: {' '.join(map(str, rgb))}; floating point from {single[0]:.3f} to {single[-1]:.3f}")
    as_described &= stays == np.allclose(rgb, LEVELS, atol=1) == np.allclose([single[0], single[-1]], [0, 1], atol=0.005)
raise SystemExit(not as_described)
PYTHON

venv/bin/python grey.py 2>errors || { cat errors; echo "VapourSynth behaves otherwise than described above"; exit 1; }
