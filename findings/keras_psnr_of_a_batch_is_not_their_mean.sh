#!/usr/bin/env bash
# keras 3.15.1 with jax 0.10.2 (PyPI, x86-64 Linux, Python 3.11): `keras.ops.psnr` of a batch is one number, that of the mean squared error of
# all its photos together, so the worst photo decides. The field's PSNR of a set, and that of `tf.image.psnr`, is the mean over
# its photos. Ten photos of which nine are at 50 dB and one at 20 have 30 dB by Keras, and 47 dB by the papers' way. As a metric it changes
# with the size of the batch: nothing is comparable, also not between two runs of one network. `keras.ops.image.ssim`, its
# neighbour, gives a value for each photo.
#
# Workaround: `keras.ops.vectorized_map` over the photos of a batch, and the mean of that.
#
# The script makes ten photos with noise of these strengths, and prints PSNR by batches of 1, 2, 5 and 10, averaged, and what SSIM and the
# workaround give. It fails if the size of the batch does not matter, or does for the workaround, or SSIM is one number.
#
# Seen:
#   batches of 1: 47.0 dB
#   batches of 2: 44.6 dB
#   batches of 5: 38.5 dB
#   batches of 10: 30.0 dB
#   ssim of 10: 10 values; the workaround by batches of 10: 47.0 dB
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat >psnr.py <<'PYTHON'
import numpy as np
from keras import ops

PHOTOS = 10
rng = np.random.default_rng(0)
photos = rng.random((PHOTOS, 32, 32, 3), dtype=np.float32)
errors = rng.choice([-1, 1], photos.shape) * 10 ** (-np.array([50] * 9 + [20]) / 20)[:, None, None, None]
restored = (photos + errors).astype(np.float32)


def by_batches(measure, size):
    starts = range(0, PHOTOS, size)
    return float(np.mean([measure(photos[start : start + size], restored[start : start + size]) for start in starts]))


def of_batch(originals, results):
    return ops.psnr(originals, results, max_val=1.0)


def of_each(originals, results):
    return np.mean(ops.vectorized_map(lambda pair: ops.psnr(*pair, max_val=1.0), (originals, results)))


means = {size: by_batches(of_batch, size) for size in (1, 2, 5, 10)}
for size, mean in means.items():
    print(f"batches of {size}: {mean:.1f} dB")
ssim_shape = ops.image.ssim(photos, restored).shape
each = by_batches(of_each, PHOTOS)
print(f"ssim of {PHOTOS}: {ssim_shape[0]} values; the workaround by batches of {PHOTOS}: {each:.1f} dB")
as_described = np.allclose([means[1], means[10], each], [47, 30, 47], atol=0.1) and ssim_shape == (PHOTOS,)
raise SystemExit(not as_described)
PYTHON

export KERAS_BACKEND=jax JAX_PLATFORMS=cpu
venv/bin/python psnr.py || { echo "keras behaves otherwise than described above"; exit 1; }
