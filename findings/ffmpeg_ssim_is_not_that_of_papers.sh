#!/usr/bin/env bash
# av 18.1.0 with its FFmpeg, against scikit-image 0.26.0 (PyPI, x86-64 Linux, Python 3.11): FFmpeg's filter `ssim` is not the SSIM that papers
# print, though its documentation names the metric and nothing else: it takes means over blocks of 8 by 8 pixels, every 4
# pixels, without weights, where Wang et al. have a Gaussian of 11 by 11 at each pixel. Of a blurred and of a noisy picture it is
# higher by 0.02 to 0.03, which is more than what tells one network from another. Its "All" moreover weighs luma and
# chroma by their number of samples, so the smooth colours of 4:2:0 count for a third, and lift a film's value further.
#
# Workaround: scikit-image with `gaussian_weights=True, sigma=1.5, use_sample_covariance=False`, of luma.
#
# The script compares a photo of noise and edges with a bicubic of a quarter of its size, and with a noisy one, and prints both. It fails if
# FFmpeg's luma is within 0.005 of the papers', or differs from one of plain 8 by 8 blocks by more than 0.001.
#
# Seen:
#   bicubic: FFmpeg 0.7575 (All 0.8383), papers 0.7274, blocks 0.7576
#   noise: FFmpeg 0.9469 (All 0.9646), papers 0.9226, blocks 0.9469
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 scikit-image==0.26.0 pillow==13.0.0 numpy==2.4.6

cat >ssim.py <<'PYTHON'
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from PIL import Image, ImageDraw
from skimage.metrics import structural_similarity

SIDE = 256
rng = np.random.default_rng(0)
noise = Image.fromarray(rng.integers(40, 216, (SIDE // 4, SIDE // 4), dtype=np.uint8))
photo = noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
for x in range(8, SIDE, 24):
    ImageDraw.Draw(photo).line((x, 0, SIDE - x, SIDE), fill=230 if x % 16 else 20, width=2)
small = photo.resize((SIDE // 4, SIDE // 4), Image.Resampling.BICUBIC)
others = {"bicubic": small.resize((SIDE, SIDE), Image.Resampling.BICUBIC)}
others["noise"] = Image.fromarray(np.clip(np.asarray(photo) + rng.normal(0, 12, (SIDE, SIDE)), 0, 255).round().astype(np.uint8))


def frame(luma):
    grey = np.full((SIDE // 2, SIDE), 128, np.uint8)
    frame = av.VideoFrame.from_ndarray(np.concatenate([luma, grey]), format="yuv420p")
    frame.pts = 0
    return frame


def by_ffmpeg(first, second):
    graph = Graph()
    sources = [graph.add_buffer(width=SIDE, height=SIDE, format="yuv420p", time_base=Fraction(1, 25)) for _ in range(2)]
    ssim, sink = graph.add("ssim"), graph.add("buffersink")
    for index, source in enumerate(sources):
        source.link_to(ssim, 0, index)
    ssim.link_to(sink)
    graph.configure()
    for source, luma in zip(sources, (first, second)):
        source.push(frame(luma))
        source.push(None)
    values = dict(graph.vpull().metadata)
    return float(values["lavfi.ssim.Y"]), float(values["lavfi.ssim.All"])


def by_blocks(first, second):
    """SSIM over blocks of 8 by 8 at steps of 4, without weights."""
    windows = np.lib.stride_tricks.sliding_window_view
    x, y = (windows(luma.astype(float), (8, 8))[::4, ::4].reshape(-1, 64) for luma in (first, second))
    mean_x, mean_y = x.mean(axis=1), y.mean(axis=1)
    covariance = (x * y).mean(axis=1) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return float((luminance * (2 * covariance + c2) / (x.var(axis=1) + y.var(axis=1) + c2)).mean())


as_described = True
original = np.asarray(photo)
for name, other in others.items():
    restored = np.asarray(other)
    luma, combined = by_ffmpeg(original, restored)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    papers = structural_similarity(original, restored, data_range=255, **options)
    blocks = by_blocks(original, restored)
    print(f"{name}: FFmpeg {luma:.4f} (All {combined:.4f}), papers {papers:.4f}, blocks {blocks:.4f}")
    as_described &= abs(luma - papers) > 0.005 and abs(luma - blocks) < 0.001 and abs(combined - (2 * luma + 1) / 3) < 1e-3
raise SystemExit(not as_described)
PYTHON

venv/bin/python ssim.py || { echo "av behaves otherwise than described above"; exit 1; }
