#!/usr/bin/env bash
# imageio 2.38.1 with pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): what `imageio.v3.imread` returns of a floating-point picture depends
# on packages that were installed for something else. By itself it says that there is no reader for a Radiance HDR or a colour PFM. Where OpenCV lies
# beside it, both are opened as 8 bits without a word: the HDR with all lights above white cut off, the PFM with its values as whole numbers,
# so that what goes from 0 to 1 is black. Where PyAV is installed too, the same PFM goes from 0 to 255, and its lights are cut off. imageio
# takes the first plugin that opens a file, with that one's default of 8 bits.
#
# Workaround: name the plugin and its flags, `imread(file, plugin="opencv", flags=cv2.IMREAD_UNCHANGED)`, and look at the dtype.
#
# The script writes ramps from 0 to 4, and reads them with more and more packages installed. It prints the largest value, and what share of the
# picture has it. It fails if one changes.
#
# Seen:
#   alone: HDR OSError; PFM OSError
#   with OpenCV: HDR uint8, 75% are 255; PFM uint8, 12% are 4
#   with OpenCV and PyAV: HDR uint8, 75% are 255; PFM uint8, 75% are 255
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check imageio==2.38.1 pillow==13.0.0 numpy==2.4.6

cat >read.py <<'PYTHON'
import sys

import imageio.v3 as iio
import numpy as np

WIDTH, HEIGHT, LARGEST = 32, 24, 4
tones = np.tile(np.linspace(0, LARGEST, WIDTH, dtype="<f4")[np.newaxis, :, np.newaxis], (HEIGHT, 1, 3))
with open("a.pfm", "wb") as file:
    file.write(f"PF\n{WIDTH} {HEIGHT}\n-1.0\n".encode() + tones.tobytes())
exponents = np.full(tones.shape[:2], 3 + 128)  # 2 ** 3 is one more than the largest
rgbe = np.dstack([tones * (256 / 2**3), exponents]).astype(np.uint8)
with open("a.hdr", "wb") as file:
    file.write(f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {HEIGHT} +X {WIDTH}\n".encode() + rgbe.tobytes())


def outcome(file):
    try:
        read = iio.imread(file)
    except OSError as error:
        return type(error).__name__
    return f"{read.dtype}, {(read == read.max()).mean():.0%} are {read.max()}"


EXPECTED = {
    "alone": ["OSError", "OSError"],
    "with OpenCV": ["uint8, 75% are 255", "uint8, 12% are 4"],
    "with OpenCV and PyAV": ["uint8, 75% are 255", "uint8, 75% are 255"],
}
seen = [outcome(file) for file in ("a.hdr", "a.pfm")]
print(f"{sys.argv[1]}: HDR {seen[0]}; PFM {seen[1]}")
raise SystemExit(seen != EXPECTED[sys.argv[1]])
PYTHON

read_it() {
    venv/bin/python read.py "$1" || { echo "imageio behaves otherwise than described above"; exit 1; }
}
read_it alone
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93
read_it "with OpenCV"
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0
read_it "with OpenCV and PyAV"
