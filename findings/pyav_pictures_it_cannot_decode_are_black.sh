#!/usr/bin/env bash
# av 18.1.0, which is FFmpeg (PyPI, x86-64 Linux, Python 3.11): two kinds of still pictures that its decoders don't know are opened as
# black ones of the right size, without an error, a line in the log, or a frame marked as corrupt: a TIFF whose pixels lie in tiles, as
# maps, microscopes, and whoever writes large TIFF lay them, and a JPEG-LS whose colours lie sample by sample, which is how CharLS
# (pillow-jpls, imagecodecs, most DICOM software) writes colour. The same pixels in strips, or line by line, come back as they are. So a
# film made of such pictures is black from beginning to end.
#
# Workaround: read pictures by Pillow, tifffile or imagecodecs, and hand FFmpeg arrays.
#
# The script writes the same bright picture each way, and prints the largest value that FFmpeg and another reader return. It fails if
# FFmpeg refuses or decodes a black one, or the other reader does not.
#
# Seen:
#   TIFF in strips: FFmpeg 252, Pillow 252
#   TIFF in tiles: FFmpeg 0, Pillow 252
#   JPEG-LS, line by line: FFmpeg 252, Pillow 252
#   JPEG-LS, sample by sample: FFmpeg 0, Pillow 252
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 tifffile==2026.3.3 pillow==13.0.0 pillow-jpls==1.3.2 numpy==2.4.6

cat >black.py <<'PYTHON'
import av
import numpy as np
import pillow_jpls  # noqa: F401  registers itself
import tifffile
from PIL import Image

rows, columns = np.mgrid[:48, :64]
photo = np.dstack([4 * columns, 5 * rows, 2 * (rows + columns)]).astype(np.uint8)


def by_ffmpeg(file):
    with av.open(file) as container:
        [frame] = container.decode(video=0)
    assert not frame.is_corrupt
    return frame.to_ndarray(format="rgb24")


def tiff(**options):
    tifffile.imwrite("a.tif", photo, photometric="rgb", **options)


def jpeg_ls(interleave):
    Image.fromarray(photo).save("a.jls", interleave=interleave)


is_black = []
for name, file, write in (
    ("TIFF in strips", "a.tif", lambda: tiff(rowsperstrip=16)),
    ("TIFF in tiles", "a.tif", lambda: tiff(tile=(16, 16))),
    ("JPEG-LS, line by line", "a.jls", lambda: jpeg_ls("line")),
    ("JPEG-LS, sample by sample", "a.jls", lambda: jpeg_ls("sample")),
):
    write()
    with Image.open(file) as picture:
        wanted = np.asarray(picture)
    assert np.array_equal(wanted, photo)
    seen = by_ffmpeg(file)
    assert seen.shape == photo.shape and (np.array_equal(seen, photo) or not seen.any())
    print(f"{name}: FFmpeg {seen.max()}, Pillow {wanted.max()}")
    is_black.append(not seen.any())
raise SystemExit(is_black != [False, True, False, True])
PYTHON

venv/bin/python black.py || { echo "FFmpeg behaves otherwise than described above"; exit 1; }
