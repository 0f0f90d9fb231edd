"""A small network of each family, and of each kind that is imported."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from sr_keras.networks import generators, rrdbnet, span, srvgg

SMALL = {
    "srgan": {"num_blocks": 2, "filters": 8, "upscale_filters": 8},
    "edsr": {"num_blocks": 2, "filters": 8},
    "espcn": {},
    "lapsrn": {"num_blocks": 2, "filters": 8},
}

# As `sr-keras import` makes them; OpenVINO computes them too.
IMPORTED: dict[str, Callable[[], keras.Model]] = {
    "rrdbnet": lambda: rrdbnet.build(num_blocks=1, filters=8, growth=4),
    "rrdbnet x1": lambda: rrdbnet.build(num_blocks=1, num_upscales=0, filters=8, growth=4),
    "rrdbnet by 2": lambda: rrdbnet.build(num_blocks=1, num_upscales=3, filters=8, growth=4, unshuffle=2),
    "srvgg": lambda: srvgg.build(num_convs=2, filters=8),
    "srvgg x1": lambda: srvgg.build(num_convs=2, scale=1, filters=8),
    "span": lambda: span.build(num_blocks=3, scale=3, filters=8),
    "span x1": lambda: span.build(num_blocks=1, scale=1, filters=8, is_normalised=False),
}


def imported(name: str, rng: np.random.Generator) -> keras.Model:
    """With random weights that make values near [0, 1] of a photo."""
    network = IMPORTED[name]()
    shapes = [weight.shape for weight in network.weights]
    deviations = [np.sqrt(2 / np.prod(shape[:-1])) if len(shape) == 4 else 0.1 for shape in shapes]
    network.set_weights([each * rng.standard_normal(shape) for each, shape in zip(deviations, shapes, strict=True)])
    if name == "span":  # It takes levels, of which a trained network makes features of the size of others.
        stem = network.get_layer("stem_conv")
        stem.kernel.assign(stem.kernel / 100)
    head = network.get_layer("head_conv")
    kernel, bias = head.get_weights()
    lr = rng.random((1, 24, 24, 3), dtype=np.float32)
    kernel *= 0.2 / last_picture(network, lr).std()
    head.set_weights([kernel, bias])
    head.set_weights([kernel, bias + 0.5 - last_picture(network, lr).mean()])
    return network


def small(name: str, **sizes: int) -> keras.Model:
    """With random weights."""
    return generators.build(name, **{**SMALL[name], **sizes})


def last_picture(network: keras.Model, lr: np.ndarray) -> np.ndarray:
    """The picture of the network's last level."""
    return np.asarray(tf.nest.flatten(network(lr))[-1].numpy())
