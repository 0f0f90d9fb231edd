"""SRVGGNetCompact, the small network of Real-ESRGAN (Wang et al. 2021): convolutions on the small picture. Needs Keras only."""

import keras
from keras import layers

from sr_keras.networks import sizes
from sr_keras.networks.layers import DepthToSpace, RepeatPixels


def build(num_convs: int = 16, scale: int = 4, filters: int = 64) -> keras.Model:
    """Convolutions, one sub-pixel shuffle, and the small picture's pixels added: `[B, h, w, 3]` to `[B, s h, s w, 3]`.

    Any h and w; RGB in [0, 1].

    Args:
        num_convs: convolutions between the first and the last one, each with a PReLU.
        scale: s.
        filters: channels of all but the last.

    Raises:
        ValueError: a size is below its smallest value.
    """
    sizes.require_at_least(0, num_convs=num_convs)
    sizes.require_at_least(1, scale=scale, filters=filters)
    x = lr = keras.Input((None, None, 3), name="lr")
    for index in range(num_convs + 1):
        x = layers.Conv2D(filters, 3, padding="same", name=f"conv{index}")(x)
        x = layers.PReLU(shared_axes=[1, 2], name=f"prelu{index}")(x)
    x = layers.Conv2D(3 * scale**2, 3, padding="same", dtype="float32", name="head_conv")(x)
    x = DepthToSpace(scale, dtype="float32", name="shuffle")(x)
    repeated = RepeatPixels(scale, dtype="float32", name="repeat")(lr)
    return keras.Model(lr, layers.Add(dtype="float32", name="add")([x, repeated]), name="srvgg")
