#!/usr/bin/env bash
# pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): of one picture in mode LAB, as ImageCms makes it to work on lightness alone or to measure
# colours, `getpixel` and `getchannel` return a* and b* with 128 as zero, and `np.asarray` and `tobytes` return them as signed bytes (0 is
# zero, 255 is -1), in uint8. So the same grey is (137, 128, 128) or (137, 0, 0) by how one asks, and an array taken for what getpixel shows is
# wrong by 128 in every pixel: a grey is read as a saturated blue green, and a resizing, blur or mean of such an array mixes +1 and -1 to 128, the
# farthest colour. `Image.fromarray(array, "LAB")` expects signed bytes too, and `Image.merge` of channels 128 as zero.
#
# Workaround: split into channels, and merge; or view the array's a* and b* as int8.
#
# The script converts greys and colours, and prints a pixel both ways, and what a mean of the array makes of a picture whose a* and b* are
# around zero. It fails if both ways agree.
#
# Seen:
#   grey 128: getpixel (137, 128, 128), asarray (137, 0, 0)
#   sRGB 200, 80, 60: getpixel (129, 176, 165), asarray (129, 48, 37)
#   noise around grey: mean a* of the channel -0.0, of the array as uint8 114.1, as int8 -0.0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 numpy==2.4.6

cat >zeros.py <<'PYTHON'
import numpy as np
from PIL import Image, ImageCms

to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")


def lab(rgb):
    return ImageCms.applyTransform(rgb, to_lab)


as_described = True
for name, colour in (("grey 128", (128, 128, 128)), ("sRGB 200, 80, 60", (200, 80, 60))):
    picture = lab(Image.new("RGB", (4, 4), colour))
    pixel, element = picture.getpixel((0, 0)), tuple(np.asarray(picture)[0, 0].tolist())
    print(f"{name}: getpixel {pixel}, asarray {element}")
    as_described &= element == (pixel[0], pixel[1] ^ 128, pixel[2] ^ 128)

noise = np.random.default_rng(0).integers(120, 137, (64, 64, 3), dtype=np.uint8)
picture = lab(Image.fromarray(noise))
array = np.asarray(picture)
means = np.asarray(picture.getchannel("A")).mean() - 128, array[..., 1].mean(), array[..., 1].view(np.int8).mean()
print("noise around grey: mean a* of the channel {:.1f}, of the array as uint8 {:.1f}, as int8 {:.1f}".format(*means))
as_described &= abs(means[0]) < 1 and means[1] > 50 and means[0] == means[2]
as_described &= np.array_equal(np.asarray(Image.merge("LAB", picture.split())), array)
raise SystemExit(not as_described)
PYTHON

venv/bin/python zeros.py || { echo "pillow behaves otherwise than described above"; exit 1; }
