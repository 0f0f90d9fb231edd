#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 (PyPI, x86-64 Linux, Python 3.11): `cv2.imread` of a PGM or PPM passes over the number in its head that
# says which value is white. So a picture of 10 or 12 bits, of which white is 1023 or 4095, as Netpbm and the programs of many
# industrial cameras write them, is opened as nearly black: with the default flags white is 3 of 255, and 252 of 255 tones are lost; with
# IMREAD_UNCHANGED it is 1023 of 65535, and nothing says so. Pillow, OpenImageIO and FFmpeg go by the head.
#
# Workaround: read the head, and scale: values of IMREAD_UNCHANGED are those of the file.
#
# The script writes a picture whose pixels are all white, of four kinds, and prints what each reader has for it, as value of its
# largest one. It fails if OpenCV scales, or another does not.
#
# Seen:
#   PGM, white is 15: OpenCV 15 of 255, unchanged 15 of 255, Pillow 255 of 255, OpenImageIO 255 of 255, FFmpeg 255 of 255
#   PGM, white is 255: OpenCV 255 of 255, unchanged 255 of 255, Pillow 255 of 255, OpenImageIO 255 of 255, FFmpeg 255 of 255
#   PGM, white is 1023: OpenCV 3 of 255, unchanged 1023 of 65535, Pillow 65535 of 65535, OpenImageIO 65535 of 65535, FFmpeg 65535 of 65535
#   PPM, white is 4095: OpenCV 15 of 255, unchanged 4095 of 65535, Pillow 255 of 255, OpenImageIO 65535 of 65535, FFmpeg 65535 of 65535
#   PGM, white is 65535: OpenCV 255 of 255, unchanged 65535 of 65535, Pillow 65535 of 65535, OpenImageIO 65535 of 65535, FFmpeg 65535 of 65535
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 openimageio==3.2.2.0 av==18.1.0 pillow==13.0.0 numpy==2.4.6

cat >white.py <<'PYTHON'
import av
import cv2
import numpy as np
import OpenImageIO as oiio
from PIL import Image

WIDTH, HEIGHT = 32, 24


def by_ffmpeg(file):
    with av.open(file) as container:
        frame = next(container.decode(video=0))
    wanted = {1: "gray", 3: "rgb24"} if frame.format.components[0].bits == 8 else {1: "gray16le", 3: "rgb48le"}
    return frame.to_ndarray(format=wanted[len(frame.format.components)])


def by_openimageio(file):
    buffer = oiio.ImageBuf(file)
    return buffer.get_pixels(buffer.spec().format)


as_described = True
for magic, white in (("P5", 15), ("P5", 255), ("P5", 1023), ("P6", 4095), ("P5", 65535)):
    kind = {"P5": "PGM", "P6": "PPM"}[magic]
    file = f"a.{kind.lower()}"
    samples = np.full((HEIGHT, WIDTH, 1 if magic == "P5" else 3), white, ">u2" if white > 255 else np.uint8)
    with open(file, "wb") as stream:
        stream.write(f"{magic}\n{WIDTH} {HEIGHT}\n{white}\n".encode() + samples.tobytes())
    seen = {
        "OpenCV": cv2.imread(file),
        "unchanged": cv2.imread(file, cv2.IMREAD_UNCHANGED),
        "Pillow": np.asarray(Image.open(file)),
        "OpenImageIO": by_openimageio(file),
        "FFmpeg": by_ffmpeg(file),
    }
    largest = {name: 255 if values.dtype == np.uint8 else 65535 for name, values in seen.items()}
    print(f"{kind}, white is {white}: " + ", ".join(f"{name} {values.max()} of {largest[name]}" for name, values in seen.items()))
    of_opencv = [seen[name].max() for name in ("OpenCV", "unchanged")]
    as_described &= of_opencv == ([white, white] if white < 256 else [white // 256, white])
    as_described &= all(seen[name].min() == seen[name].max() == largest[name] for name in ("Pillow", "OpenImageIO", "FFmpeg"))
raise SystemExit(not as_described)
PYTHON

venv/bin/python white.py || { echo "opencv behaves otherwise than described above"; exit 1; }
