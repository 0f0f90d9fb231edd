#!/usr/bin/env bash
# pyvips 3.2.0 with pyvips-binary 8.18.7, against scipy 1.17.1 (PyPI, x86-64 Linux, Python 3.11): `image.gaussblur(sigma)`, of libvips, blurs by
# less than it is told. The kernel ends where the Gaussian has fallen to a fifth, at 1.8 sigma: one of sigma 1 is three pixels wide, with a
# standard deviation of 0.74, and one of 0.5 does nothing at all. So the blur before downscaling, by
# which a lens is imitated, is weaker than the same sigma in a paper or another library.
#
# Why: `min_ampl`, where the kernel is cut, is 0.2 by default.
#
# Workaround: `min_ampl=0.001`.
#
# The script blurs a point, and prints its width and standard deviation. It fails if the default's is within a tenth of sigma, or the
# workaround's is off by more than a tenth.
#
# Seen, standard deviation and width in pixels:
#   sigma 0.5: gaussblur 0.00 (1), min_ampl=0.001 0.48 (3), scipy 0.46
#   sigma 1.0: gaussblur 0.74 (3), min_ampl=0.001 0.98 (5), scipy 1.00
#   sigma 2.0: gaussblur 1.62 (7), min_ampl=0.001 1.96 (11), scipy 2.00
#   sigma 3.0: gaussblur 2.52 (11), min_ampl=0.001 2.98 (17), scipy 3.00
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyvips==3.2.0 pyvips-binary==8.18.7 scipy==1.17.1 numpy==2.4.6

cat >blur.py <<'PYTHON'
import numpy as np
import pyvips
import scipy.ndimage

SIDE = 65
point = np.zeros((SIDE, SIDE), np.float32)
point[SIDE // 2, SIDE // 2] = 1
columns = np.arange(SIDE) - SIDE // 2


def by_vips(sigma, **options):
    return pyvips.Image.new_from_array(point).gaussblur(sigma, **options).numpy()


def deviation_and_width(blurred):
    profile = blurred.astype(np.float64).sum(axis=0)
    return np.sqrt((profile * columns**2).sum() / profile.sum()), np.count_nonzero(profile > 1e-6)


as_described = True
for sigma in (0.5, 1.0, 2.0, 3.0):
    default, width = deviation_and_width(by_vips(sigma))
    whole, whole_width = deviation_and_width(by_vips(sigma, min_ampl=0.001))
    of_scipy, _ = deviation_and_width(scipy.ndimage.gaussian_filter(point, sigma))
    print(f"sigma {sigma}: gaussblur {default:.2f} ({width}), min_ampl=0.001 {whole:.2f} ({whole_width}), scipy {of_scipy:.2f}")
    as_described &= default < 0.9 * sigma and abs(whole - sigma) < 0.1 * sigma
raise SystemExit(not as_described)
PYTHON

venv/bin/python blur.py || { echo "pyvips behaves otherwise than described above"; exit 1; }
