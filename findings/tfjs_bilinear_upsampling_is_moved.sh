#!/usr/bin/env bash
# @tensorflow/tfjs-layers 4.22.0 (npm, Node.js 20), against keras 3.15.1 with jax 0.10.2 (PyPI, x86-64 Linux, Python 3.11):
# `tf.layers.upSampling2d({interpolation: 'bilinear'})`, the browser's UpSampling2D, which a converted Keras network has, moves
# the picture to the left and up against Keras's: by half a pixel of the result at 2 times the size, and by 1.5 at 4 times. So a network
# that adds its result to such an enlargement, or has one inside, makes doubled edges in the browser. Nothing warns, and no argument
# changes it. "nearest" agrees.
#
# Why: it calls `tf.image.resizeBilinear` with its defaults, of which `halfPixelCenters` is false; Keras goes by the pixels' centres.
#
# Workaround: `tf.image.resizeBilinear(x, size, false, true)` in a layer of one's own; or depth-to-space, or a transposed convolution.
#
# The script enlarges a ramp by both, and prints how far the middle is moved against Keras, in pixels of the result. It fails if bilinear
# is not moved by (size - 1) / 2, or nearest or the workaround is.
#
# Seen:
#   bilinear, size 2: 0.5 pixels; nearest: 0.0; resizeBilinear with halfPixelCenters: 0.0
#   bilinear, size 3: 1.0 pixels; nearest: 0.0; resizeBilinear with halfPixelCenters: 0.0
#   bilinear, size 4: 1.5 pixels; nearest: 0.0; resizeBilinear with halfPixelCenters: 0.0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
npm install --silent --no-audit --no-fund @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-layers@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0

cat >browser.js <<'JAVASCRIPT'
const tf = require('@tensorflow/tfjs-core');
const layers = require('@tensorflow/tfjs-layers');
require('@tensorflow/tfjs-backend-cpu');

const side = 16;
const row = Array.from({length: side}, (_, column) => [column]);
const ramp = tf.tensor4d([Array(side).fill(row)]);
const seen = {};
for (const size of [2, 3, 4]) {
  const larger = [size * side, size * side];
  const results = {
    bilinear: layers.layers.upSampling2d({size: [size, size], interpolation: 'bilinear'}).apply(ramp),
    nearest: layers.layers.upSampling2d({size: [size, size], interpolation: 'nearest'}).apply(ramp),
    centred: tf.image.resizeBilinear(ramp, larger, false, true),
  };
  seen[size] = Object.fromEntries(Object.entries(results).map(([name, photo]) => [name, photo.arraySync()[0][0].flat()]));
}
console.log(JSON.stringify(seen));
JAVASCRIPT
node browser.js | tail -n 1 >seen.json

cat >compare.py <<'PYTHON'
import json

import numpy as np
from keras import layers

SIDE = 16
ramp = np.tile(np.arange(SIDE, dtype=np.float32)[None, None, :, None], (1, SIDE, 1, 1))
seen = json.load(open("seen.json"))
as_described = True
for size in (2, 3, 4):
    middle = size * SIDE // 2
    moved = {}
    for name, interpolation in (("bilinear", "bilinear"), ("nearest", "nearest"), ("centred", "bilinear")):
        of_keras = np.asarray(layers.UpSampling2D(size, interpolation=interpolation)(ramp))[0, 0, :, 0]
        moved[name] = abs(seen[str(size)][name][middle] - of_keras[middle]) * size
    print(
        f"bilinear, size {size}: {moved['bilinear']:.1f} pixels; nearest: {moved['nearest']:.1f}; "
        f"resizeBilinear with halfPixelCenters: {moved['centred']:.1f}"
    )
    as_described &= np.allclose([*moved.values()], [(size - 1) / 2, 0, 0], atol=1e-3)
raise SystemExit(not as_described)
PYTHON

export KERAS_BACKEND=jax JAX_PLATFORMS=cpu
venv/bin/python compare.py || { echo "tfjs-layers or keras behaves otherwise than described above"; exit 1; }
