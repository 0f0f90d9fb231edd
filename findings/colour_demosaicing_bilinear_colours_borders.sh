#!/usr/bin/env bash
# colour-demosaicing 0.2.7 (PyPI, x86-64 Linux, Python 3.11): `demosaicing_CFA_Bayer_bilinear` makes coloured borders, one pixel wide, of a
# picture that is all one grey: the first corner of an RGGB sensor gets red of 2.25 times the grey, green of a half and blue of a quarter.
# `demosaicing_CFA_Bayer_Malvar2004` is right for grey, and off by up to 0.4 of the range within two pixels of the border for an
# orange. Menon2007 keeps both. Crops for raw super-resolution and bursts, demosaiced one by one, get such a frame each.
#
# Why: beyond the border the mosaic is mirrored with the outermost pixel twice (scipy's "reflect"), so that there a red pixel has a red
# neighbour, where the pattern has a green one.
#
# Workaround: pad the mosaic by two pixels with `np.pad(mosaic, 2, mode="reflect")`, which doesn't repeat the outermost pixel and so keeps the
# pattern; demosaic, and crop.
#
# The script demosaics grey of 1.0, and an orange, and prints the first corner, and the largest error at the border and elsewhere. It fails
# if bilinear keeps grey, or Malvar2004 orange, or Menon2007 or the workaround doesn't keep both.
#
# Seen:
#   bilinear: corner of grey 2.25 0.50 0.25; off by up to 1.25 for grey, 1.00 for orange; elsewhere 0.00
#   Malvar2004: corner of grey 1.00 1.00 1.00; off by up to 0.00 for grey, 0.43 for orange; elsewhere 0.00
#   Menon2007: corner of grey 1.00 1.00 1.00; off by up to 0.00 for grey, 0.00 for orange; elsewhere 0.00
#   bilinear, by the workaround: corner of grey 1.00 1.00 1.00; off by up to 0.00 for grey, 0.00 for orange; elsewhere 0.00
#   Malvar2004, by the workaround: corner of grey 1.00 1.00 1.00; off by up to 0.00 for grey, 0.00 for orange; elsewhere 0.00
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check colour-demosaicing==0.2.7 numpy==2.4.6

cat >borders.py <<'PYTHON'
import warnings

import numpy as np

warnings.simplefilter("ignore")  # of optional packages that are not installed
import colour_demosaicing

SIDE, RIM = 16, 2
GREY, ORANGE = (1.0, 1.0, 1.0), (0.8, 0.4, 0.2)


def demosaiced(name, colour, rim=0):
    mosaic = colour_demosaicing.mosaicing_CFA_Bayer(np.full((SIDE, SIDE, 3), colour), "RGGB")
    photo = getattr(colour_demosaicing, f"demosaicing_CFA_Bayer_{name}")(np.pad(mosaic, rim, mode="reflect"), "RGGB")
    return photo[rim : rim + SIDE, rim : rim + SIDE]


def errors(photo, colour):
    apart = abs(photo - np.array(colour)).max(axis=2)
    return apart.max(), apart[RIM:-RIM, RIM:-RIM].max()


seen = []
ways = {"bilinear": ("bilinear", 0), "Malvar2004": ("Malvar2004", 0), "Menon2007": ("Menon2007", 0)}
ways |= {"bilinear, by the workaround": ("bilinear", RIM), "Malvar2004, by the workaround": ("Malvar2004", RIM)}
for title, (name, rim) in ways.items():
    (grey, grey_inside), (orange, orange_inside) = (errors(demosaiced(name, colour, rim), colour) for colour in (GREY, ORANGE))
    corner = " ".join(f"{value:.2f}" for value in demosaiced(name, GREY, rim)[0, 0])
    inside = max(grey_inside, orange_inside)
    print(f"{title}: corner of grey {corner}; off by up to {grey:.2f} for grey, {orange:.2f} for orange; elsewhere {inside:.2f}")
    seen.append((grey, orange, inside))
described = [(1.25, 1.0, 0), (0, 0.43, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0)]
raise SystemExit(not np.allclose(seen, described, atol=0.01))
PYTHON

venv/bin/python borders.py || { echo "colour-demosaicing behaves otherwise than described above"; exit 1; }
