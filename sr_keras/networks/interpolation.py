"""Weights by which a new network begins as an interpolator: layers that pass the colours through. Needs Keras only."""

import itertools

import keras
import numpy as np
from keras import layers


def pass_colours(layer: keras.Layer, taps: np.ndarray) -> None:
    """Makes the first three output channels of a convolution the first three input channels, each filtered by `taps`."""
    kernel = np.array(layer.kernel)
    transposed = isinstance(layer, layers.Conv2DTranspose)
    colours = kernel.swapaxes(2, 3) if transposed else kernel  # a view: [kh, kw, in, out]
    colours[..., :3] = 0
    colours[:, :, range(3), range(3)] = np.outer(taps, taps)[..., np.newaxis]
    layer.kernel.assign(kernel)


def pass_colours_to_shuffle(layer: keras.Layer, block_size: int) -> None:
    """Makes a 3x3 convolution and the shuffle after it pass the first three channels, enlarged bilinearly.

    What the other channels become stays as it is.
    """
    kernel = np.array(layer.kernel)
    filters = layer.filters // block_size**2
    # Where the new pixels lie, from the middle of the old one, and what each takes of the old ones at -1, 0 and 1.
    places = (np.arange(block_size) + 0.5) / block_size - 0.5
    taps = np.maximum(0, 1 - np.abs(places[:, np.newaxis] - [-1, 0, 1]))
    for y, x in itertools.product(range(block_size), repeat=2):
        colours = filters * (block_size * y + x) + np.arange(3)
        kernel[..., colours] = 0
        kernel[:, :, range(3), colours] = np.outer(taps[y], taps[x])[..., np.newaxis]
    layer.kernel.assign(kernel)
