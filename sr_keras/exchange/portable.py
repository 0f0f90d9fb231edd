"""A network as other runtimes get it: one function from picture to picture, with all that belongs to it inside."""

import pathlib
from typing import Literal

import tensorflow as tf

from sr_keras.inference import saved_model

Layout = Literal["NHWC", "NCHW"]
PhotoType = Literal["float32", "uint8"]

# What the input and the output of every exported file are called.
INPUT, OUTPUT = "lr", "sr"

_TO_NCHW, _TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]


class Portable(tf.Module):
    """`lr` to `sr`, any height and width: float32 in [0, 1], or uint8; clipped, and rounded where it is uint8.

    What the network ends with, such as back-projection, is inside: it is the loaded SavedModel that computes.
    """

    def __init__(self, network: saved_model.ExportedNetwork, *, layout: Layout, photo_type: PhotoType) -> None:
        super().__init__()
        # A SavedModel holds the variables that its module has.
        self._weights = [tensor for function in network.serve.concrete_functions for tensor in function.variables]
        shape = [None, 3, None, None] if layout == "NCHW" else [None, None, None, 3]

        def upscale(lr: tf.Tensor) -> dict[str, tf.Tensor]:
            x = tf.transpose(lr, _TO_NHWC) if layout == "NCHW" else lr
            if photo_type == "uint8":
                x = tf.cast(x, tf.float32) / 255.0
            x = tf.clip_by_value(network.serve(x), 0.0, 1.0)
            if photo_type == "uint8":
                # Half up: runtimes differ in how they round what lies between two levels.
                x = tf.cast(tf.floor(x * 255.0 + 0.5), tf.uint8)
            return {OUTPUT: tf.transpose(x, _TO_NCHW) if layout == "NCHW" else x}

        self.upscale = tf.function(upscale, input_signature=[tf.TensorSpec(shape, photo_type, name=INPUT)])

    def save(self, folder: pathlib.Path) -> None:
        """Writes a SavedModel whose one signature is `upscale`: what converters read."""
        tf.saved_model.save(self, str(folder), signatures=self.upscale)
