#!/usr/bin/env bash
# pillow 13.0.0 (PyPI, x86-64 Linux, Python 3.11): an animated WebP of opaque rectangles on a transparent canvas, which Pillow itself
# writes for such frames, is read back as RGB: what was transparent is opaque black. The encoder crops each frame to what
# changes; as no frame then has alpha, the file says that there is none, and Pillow takes the mode from that. But frames need not
# cover the canvas, and the decoder does give alpha 0 beside them: the fourth byte of what Pillow calls RGBX.
#
# Workaround: before it is loaded, set `rawmode` and `_mode` of an animated file of mode "RGB" to "RGBA", and see whether all is opaque.
#
# The script saves two frames with a red square on nothing, and prints mode and corner as they come back, and with the workaround.
# It fails if Pillow keeps the transparency, or the workaround does not.
#
# Seen:
#   as it comes: RGB (0, 0, 0)
#   with the workaround: RGBA (0, 0, 0, 0)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0

cat >show.py <<'PYTHON'
import io

from PIL import Image

frames = []
for x in (2, 8):
    frame = Image.new("RGBA", (24, 16))
    frame.paste((255, 0, 0, 255), (x, 4, x + 8, 12))
    frames.append(frame)
buffer = io.BytesIO()
frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], lossless=True, duration=80)

plain = Image.open(buffer)
print("as it comes:", plain.mode, plain.getpixel((0, 0)))
mended = Image.open(buffer)
mended.rawmode, mended._mode = "RGBA", "RGBA"
print("with the workaround:", mended.mode, mended.getpixel((0, 0)))
raise SystemExit(not (plain.mode == "RGB" and mended.getpixel((0, 0)) == (0, 0, 0, 0)))
PYTHON

venv/bin/python show.py || { echo "pillow behaves otherwise than described above"; exit 1; }
