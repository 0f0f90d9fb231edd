#!/usr/bin/env bash
# rawpy 0.28.0 with its LibRaw (PyPI, x86-64 Linux, Python 3.11): what `raw.postprocess()` makes for `output_color=ColorSpace.sRGB`, the default,
# has sRGB's primaries, and the tone curve of BT.709, by which shadows are darker by up to 17 levels of 255. So photos developed
# from raw are not those that cameras write, and to make linear light of them by sRGB's formula goes wrong. Moreover each photo is
# brightened until a hundredth of it is white: exposures of a bracket, which differ 2 and 5 times, come out the same.
#
# Why: both are dcraw's, whose default for gamma is that of BT.709; `output_color` sets the primaries alone.
#
# Workaround: `gamma=(2.4, 12.92)`, sRGB's, and `no_auto_bright=True`; for linear light `gamma=(1, 1)` with `output_bps=16`.
#
# The script writes a DNG of a ramp of light, and prints how far the result is from both curves, and what its middle becomes at three
# exposures. It fails if it is near sRGB's curve, or is not with the workaround, or the exposures differ.
#
# Seen:
#   no_auto_bright: 17 levels from sRGB's curve, 1 from BT.709's; gamma=(2.4, 12.92): 1 from sRGB's
#   middle of exposures 0.1, 0.2, 0.5: 181 181 181
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check rawpy==0.28.0 tifffile==2026.3.3 numpy==2.4.6

cat >curve.py <<'PYTHON'
import numpy as np
import rawpy
import tifffile

WIDTH, HEIGHT = 512, 64
# From XYZ to the camera's colours, which are sRGB's here.
MATRIX = (3.2405, -1.5371, -0.4985, -0.9693, 1.8760, 0.0416, 0.0556, -0.2040, 1.0572)
BYTE, SHORT, LONG, RATIONAL, SIGNED = 1, 3, 4, 5, 10
tags = [
    ("CFARepeatPatternDim", SHORT, 2, (2, 2), True),
    ("CFAPattern", BYTE, 4, (0, 1, 1, 2), True),
    ("DNGVersion", BYTE, 4, (1, 4, 0, 0), True),
    ("UniqueCameraModel", 2, 0, "Made up", True),
    ("BlackLevel", SHORT, 1, 0, True),
    ("WhiteLevel", LONG, 1, 65535, True),
    ("ColorMatrix1", SIGNED, 9, [number for value in MATRIX for number in (round(value * 10_000), 10_000)], True),
    ("AsShotNeutral", RATIONAL, 3, (1, 1) * 3, True),
]
light = np.linspace(0, 1, WIDTH)


def developed(exposure, **options):
    """The ramp's green by LibRaw, in 0 to 255."""
    sensor = np.tile((65535 * exposure * light).round().astype(np.uint16), (HEIGHT, 1))
    tifffile.imwrite("photo.dng", sensor, photometric="cfa", subfiletype=0, extratags=tags)
    with rawpy.imread("photo.dng") as raw:
        return raw.postprocess(use_camera_wb=True, output_color=rawpy.ColorSpace.sRGB, **options)[HEIGHT // 2, :, 1].astype(float)


srgb = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
television = 255 * np.where(light < 0.018, 4.5 * light, 1.099 * light**0.45 - 0.099)
inner = slice(4, -4)
from_srgb, from_709, right = (
    abs(photo - curve)[inner].max()
    for photo, curve in (
        (developed(1, no_auto_bright=True), srgb),
        (developed(1, no_auto_bright=True), television),
        (developed(1, no_auto_bright=True, gamma=(2.4, 12.92)), srgb),
    )
)
print(f"no_auto_bright: {from_srgb:.0f} levels from sRGB's curve, {from_709:.0f} from BT.709's; gamma=(2.4, 12.92): {right:.0f} from sRGB's")
exposures = [developed(exposure)[WIDTH // 2] for exposure in (0.1, 0.2, 0.5)]
print("middle of exposures 0.1, 0.2, 0.5:", *(f"{value:.0f}" for value in exposures))
raise SystemExit(not (from_srgb > 10 and from_709 < 2 and right < 2 and max(exposures) - min(exposures) <= 2))
PYTHON

venv/bin/python curve.py || { echo "rawpy behaves otherwise than described above"; exit 1; }
