"""Upscales an array, such as a photo that was decoded, cropped or drawn in memory.

python examples/upscale_array.py IN.jpg OUT.png [NETWORK]
"""

import argparse
import sys

import numpy as np
from PIL import Image

from sr_keras import ModelError, Upscaler


def main(source: str, target: str, network: str) -> int:
    try:
        # Load once: it takes seconds. One `Upscaler` then serves all photos, also from several threads.
        upscaler = Upscaler.load(network, memory_mb=512)
    except ModelError as error:
        print(error, file=sys.stderr)
        return 2
    photo = np.asarray(Image.open(source).convert("RGB"))
    sr = upscaler.upscale(photo)  # uint8 [H, W, 3] to [s H, s W, 3]
    Image.fromarray(sr).save(target)
    print(f"{photo.shape[1]}x{photo.shape[0]} -> {sr.shape[1]}x{sr.shape[0]}, x{upscaler.scale}, in {upscaler.precision}")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("network", nargs="?", default="edsr")
    sys.exit(main(**vars(parser.parse_args())))
