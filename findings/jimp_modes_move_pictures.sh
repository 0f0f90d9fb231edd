#!/usr/bin/env bash
# jimp 1.6.1 (npm, Node.js 20): `image.resize({w, h})` goes by the pixels' centres, as Pillow does; the same with a `mode` moves the picture,
# and not all to one side. BILINEAR moves it to the left and up, by half a pixel of the result at 2 times the size and 1.5 at 4 times;
# BICUBIC, HERMITE and BEZIER move it to the right and down, by half a pixel and more. So a page that shows a bicubic beside a
# network's result shows two pictures that don't lie on each other, and PSNR of the two tells little but the shift.
#
# Why: each mode is code of its own, with its own idea of where the first pixel lies.
#
# Workaround: no `mode`.
#
# The script enlarges a slope, and prints how far the picture is moved to the right, in pixels of the result. It fails if the default is moved
# by more than 0.3, or bilinear not to the left by 0.4 at least, or bicubic not to the right.
#
# Seen:
#   default: 2 times as large 0.3, 4 times 0.0
#   NEAREST_NEIGHBOR: 2 times as large 0.0, 4 times 0.0
#   BILINEAR: 2 times as large -0.5, 4 times -1.5
#   BICUBIC: 2 times as large 0.6, 4 times 0.7
#   HERMITE: 2 times as large 0.5, 4 times 0.5
#   BEZIER: 2 times as large 0.5, 4 times 0.5
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund jimp@1.6.1

cat >modes.js <<'JAVASCRIPT'
const {Jimp, ResizeStrategy} = require('jimp');

const SIDE = 32;
const STEP = 8;

function slope() {
  const image = new Jimp({width: SIDE, height: SIDE});
  for (let i = 0; i < SIDE * SIDE; i++) image.bitmap.data.set([...Array(3).fill(STEP * (i % SIDE)), 255], 4 * i);
  return image;
}

function moved(scale, mode) {
  const side = SIDE * scale;
  const {data} = slope().resize({w: side, h: side, ...(mode && {mode})}).bitmap;
  const value = (column) => data[4 * ((side / 2) * side + column)] / STEP;
  // Over whole pixels of the input, so that rounding to levels averages out.
  let sum = 0;
  for (let column = side / 4; column < (3 * side) / 4; column++) sum += (column + 0.5) / scale - 0.5 - value(column);
  return (sum / (side / 2)) * scale;
}

const modes = {default: undefined, ...ResizeStrategy};
const found = {};
for (const [name, mode] of Object.entries(modes)) {
  found[name] = [2, 4].map((scale) => moved(scale, mode));
  const [twice, fourfold] = found[name].map((pixels) => pixels.toFixed(1).replace('-0.0', '0.0'));
  console.log(`${name}: 2 times as large ${twice}, 4 times ${fourfold}`);
}
const centred = found.default.every((pixels) => Math.abs(pixels) < 0.3);
const apart = found.BILINEAR.every((pixels) => pixels < -0.4) && found.BICUBIC.every((pixels) => pixels > 0.4);
process.exit(centred && apart ? 0 : 1);
JAVASCRIPT

node modes.js || { echo "jimp behaves otherwise than described above"; exit 1; }
