#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 with av 18.1.0 (PyPI, x86-64 Linux, Python 3.11): `cv2.VideoWriter` given frames of odd height or width
# leaves out the last row and column, without a word, also for codecs that have no need of it: FFV1, lossless and RGB,
# and Motion JPEG write odd sizes when asked by PyAV. `isOpened` is true, and nothing is logged. So an original of 321 by 241 has
# 320 by 240, and what is enlarged from it by 3 is not the size of the reference.
#
# Workaround: PyAV; or pad to even sizes, and crop after reading.
#
# The script writes noise of 321 by 241 by both, and prints what is in the file, and how far the pixels of FFV1 are off. It fails if OpenCV
# keeps the size, or PyAV does not.
#
# Seen:
#   mp4v: OpenCV 320 x 240
#   MJPG: OpenCV 320 x 240, PyAV 321 x 241
#   FFV1: OpenCV 320 x 240, PyAV 321 x 241
#   FFV1, pixels that are left: 0 levels off by OpenCV, 0 by PyAV
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 av==18.1.0 numpy==2.4.6

cat >odd.py <<'PYTHON'
import av
import cv2
import numpy as np

WIDTH, HEIGHT = 321, 241
noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def by_opencv(path, codec):
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*codec), 25, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for _ in range(3):
        writer.write(noise)
    writer.release()


def by_pyav(path, codec):
    name, pixels = {"MJPG": ("mjpeg", "yuvj420p"), "FFV1": ("ffv1", "bgr0")}[codec]
    with av.open(path, "w") as container:
        stream = container.add_stream(name, rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format="bgr24")))
        container.mux(stream.encode())


def first_frame(path):
    with av.open(path) as container:
        return next(container.decode(video=0)).to_ndarray(format="bgr24")


as_described = True
for codec, makers in (("mp4v", [by_opencv]), ("MJPG", [by_opencv, by_pyav]), ("FFV1", [by_opencv, by_pyav])):
    frames, sizes = [], []
    for make in makers:
        path = "film.mp4" if codec == "mp4v" else "film.avi"
        make(path, codec)
        frames.append(first_frame(path))
        sizes.append(frames[-1].shape[1::-1])
    names = [f"{name} {width} x {height}" for name, (width, height) in zip(("OpenCV", "PyAV"), sizes)]
    print(f"{codec}: {', '.join(names)}")
    as_described &= sizes == [(WIDTH - 1, HEIGHT - 1), (WIDTH, HEIGHT)][: len(sizes)]
errors = [int(abs(frame.astype(int) - noise[: frame.shape[0], : frame.shape[1]]).max()) for frame in frames]
print(f"FFV1, pixels that are left: {errors[0]} levels off by OpenCV, {errors[1]} by PyAV")
raise SystemExit(not (as_described and errors == [0, 0]))
PYTHON

venv/bin/python odd.py 2>errors || { cat errors; echo "OpenCV behaves otherwise than described above"; exit 1; }
test ! -s errors || { cat errors; echo "OpenCV behaves otherwise than described above"; exit 1; }
