"""A small network of each family."""

import keras
import numpy as np
import tensorflow as tf

from sr_keras.networks import generators

SMALL = {
    "srgan": {"num_blocks": 2, "filters": 8, "upscale_filters": 8},
    "edsr": {"num_blocks": 2, "filters": 8},
    "espcn": {},
    "lapsrn": {"num_blocks": 2, "filters": 8},
}


def small(name: str, **sizes: int) -> keras.Model:
    """With random weights."""
    return generators.build(name, **{**SMALL[name], **sizes})


def last_picture(network: keras.Model, lr: np.ndarray) -> np.ndarray:
    """The picture of the network's last level."""
    return np.asarray(tf.nest.flatten(network(lr))[-1].numpy())
