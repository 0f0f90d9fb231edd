"""Upscales a photo with a file of `sr-keras export`, in tiles, by OpenVINO alone: nothing of sr_keras is needed.

python examples/run_openvino.py edsr.xml IN.jpg OUT.png
"""

import argparse

import numpy as np
import openvino
from PIL import Image

TILE = 256  # pixels of the small photo


def main(model: str, source: str, target: str) -> None:
    core = openvino.Core()
    network = core.read_model(model)
    scale, overlap = (network.get_rt_info(["sr_keras", name]).astype(int) for name in ("scale", "receptive_field"))
    # Without the hint, newer processors of Intel compute in bfloat16: 2 to 3 levels off, and wrong where a window is 1 wide.
    run = core.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    # A file of `--type=uint8` takes and returns 0 to 255, others 0 to 1.
    dtype, divisor = (np.uint8, 1) if network.input("lr").element_type == openvino.Type.u8 else (np.float32, 255)
    photo = np.asarray(Image.open(source).convert("RGB"))
    sr = np.empty((scale * photo.shape[0], scale * photo.shape[1], 3), np.uint8)
    for y in range(0, photo.shape[0], TILE):
        for x in range(0, photo.shape[1], TILE):
            # With as much around a tile as the network sees, tiles equal the whole.
            top, left = max(0, y - overlap), max(0, x - overlap)
            window = (photo[top : y + TILE + overlap, left : x + TILE + overlap] / divisor).astype(dtype)
            upscaled = run({"lr": window.transpose(2, 0, 1)[np.newaxis]})["sr"][0].transpose(1, 2, 0)
            tile = np.rint(divisor * upscaled[scale * (y - top) :, scale * (x - left) :][: scale * TILE, : scale * TILE])
            sr[scale * y : scale * y + tile.shape[0], scale * x : scale * x + tile.shape[1]] = tile
    Image.fromarray(sr).save(target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "source", "target"):
        parser.add_argument(name)
    main(**vars(parser.parse_args()))
