"""Upscales a photo with a file of `sr-keras export`, in tiles, by LiteRT alone: nothing of sr_keras is needed.

python examples/run_litert.py edsr.tflite IN.jpg OUT.png 4 42
"""

import argparse

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

TILE = 256  # pixels of the small photo


# LiteRT's Python does not show a file's metadata: `sr-keras export` prints scale and overlap.
def main(model: str, source: str, target: str, scale: int, overlap: int) -> None:
    run = Interpreter(model_path=model).get_signature_runner()
    # A file of `--type=uint8` takes and returns 0 to 255, others 0 to 1.
    dtype, divisor = (np.uint8, 1) if run.get_input_details()["lr"]["dtype"] == np.uint8 else (np.float32, 255)
    photo = np.asarray(Image.open(source).convert("RGB"))
    sr = np.empty((scale * photo.shape[0], scale * photo.shape[1], 3), np.uint8)
    for y in range(0, photo.shape[0], TILE):
        for x in range(0, photo.shape[1], TILE):
            # With as much around a tile as the network sees, tiles equal the whole.
            top, left = max(0, y - overlap), max(0, x - overlap)
            window = (photo[top : y + TILE + overlap, left : x + TILE + overlap] / divisor).astype(dtype)
            upscaled = run(lr=window[np.newaxis])["sr"][0]
            tile = np.rint(divisor * upscaled[scale * (y - top) :, scale * (x - left) :][: scale * TILE, : scale * TILE])
            sr[scale * y : scale * y + tile.shape[0], scale * x : scale * x + tile.shape[1]] = tile
    Image.fromarray(sr).save(target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "source", "target"):
        parser.add_argument(name)
    for name in ("scale", "overlap"):
        parser.add_argument(name, type=int)
    main(**vars(parser.parse_args()))
