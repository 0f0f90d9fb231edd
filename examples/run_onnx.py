"""Upscales a photo with a file of `sr-keras export`, in tiles, by ONNX Runtime alone: nothing of sr_keras is needed.

python examples/run_onnx.py edsr.onnx IN.jpg OUT.png
"""

import argparse

import numpy as np
import onnxruntime
from PIL import Image

TILE = 256  # pixels of the small photo


def main(model: str, source: str, target: str) -> None:
    session = onnxruntime.InferenceSession(model)
    info = session.get_modelmeta().custom_metadata_map
    scale, overlap = int(info["scale"]), int(info["receptive_field"])
    # A file of `--type=uint8` takes and returns 0 to 255, others 0 to 1.
    dtype, divisor = (np.uint8, 1) if session.get_inputs()[0].type == "tensor(uint8)" else (np.float32, 255)
    photo = np.asarray(Image.open(source).convert("RGB"))
    sr = np.empty((scale * photo.shape[0], scale * photo.shape[1], 3), np.uint8)
    for y in range(0, photo.shape[0], TILE):
        for x in range(0, photo.shape[1], TILE):
            # With as much around a tile as the network sees, tiles equal the whole.
            top, left = max(0, y - overlap), max(0, x - overlap)
            window = (photo[top : y + TILE + overlap, left : x + TILE + overlap] / divisor).astype(dtype)
            [upscaled] = session.run(["sr"], {"lr": window.transpose(2, 0, 1)[np.newaxis]})
            upscaled = upscaled[0].transpose(1, 2, 0)
            tile = np.rint(divisor * upscaled[scale * (y - top) :, scale * (x - left) :][: scale * TILE, : scale * TILE])
            sr[scale * y : scale * y + tile.shape[0], scale * x : scale * x + tile.shape[1]] = tile
    Image.fromarray(sr).save(target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "source", "target"):
        parser.add_argument(name)
    main(**vars(parser.parse_args()))
