"""Upscales a photo by a TensorFlow Serving that has a network of sr_keras, over gRPC, in tiles; nothing of sr_keras is needed.

python examples/serving_client.py localhost:8500 edsr IN.jpg OUT.png 4 42    # scale and overlap: docs/export.md

pip install tensorflow-serving-api pillow
"""

import argparse
import sys

import grpc
import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

TILE = 256  # pixels of the small photo
# gRPC takes messages up to 4 MB unless it is told; a tile's result is scale^2 times as large as the tile, in float32.
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def main(address: str, model: str, source: str, target: str, scale: int, overlap: int) -> None:
    service = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(address, OPTIONS))
    photo = np.asarray(Image.open(source).convert("RGB"))
    sr = np.empty((scale * photo.shape[0], scale * photo.shape[1], 3), np.uint8)
    for y in range(0, photo.shape[0], TILE):
        for x in range(0, photo.shape[1], TILE):
            # With as much around a tile as the network sees, tiles equal the whole.
            top, left = max(0, y - overlap), max(0, x - overlap)
            window = photo[top : y + TILE + overlap, left : x + TILE + overlap].astype(np.float32) / 255
            request = predict_pb2.PredictRequest()
            request.model_spec.name = model
            request.inputs["lr"].CopyFrom(tf.make_tensor_proto(window[np.newaxis]))
            upscaled = tf.make_ndarray(service.Predict(request, timeout=600).outputs["output_0"])[0]
            tile = upscaled[scale * (y - top) :, scale * (x - left) :][: scale * TILE, : scale * TILE]
            # The SavedModel's values may leave [0, 1] a little.
            levels = np.rint(255 * np.clip(tile, 0, 1))
            sr[scale * y : scale * y + tile.shape[0], scale * x : scale * x + tile.shape[1]] = levels
    Image.fromarray(sr).save(target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("address", "model", "source", "target"):
        parser.add_argument(name)
    for name in ("scale", "overlap"):
        parser.add_argument(name, type=int)
    try:
        main(**vars(parser.parse_args()))
    except grpc.RpcError as error:
        sys.exit(f"serving_client.py: {error.details()}")
