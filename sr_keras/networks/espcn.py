"""ESPCN (Shi et al. 2016): three convolutions on the small picture, then one sub-pixel shuffle. The fast one.

It differs from the paper's network in its colours: the paper enlarges the luma alone and leaves the rest to bicubic, here three
colours go in and come out. Needs Keras only, so the network runs on any of its backends. Its output is float32 under every
precision policy.
"""

import keras
import numpy as np
from keras import KerasTensor, layers

from sr_keras.networks import interpolation, sizes
from sr_keras.networks.layers import DepthToSpace


def build(num_upscales: int = 2) -> keras.Model:
    """ESPCN (section 3.2): `[B, h, w, 3]` to `[B, 2^u h, 2^u w, 3]`, any h and w, RGB in [0, 1].

    The last layers are linear: values may leave [0, 1] a little, and whoever writes a file clips them.

    Args:
        num_upscales: u. As in the paper there is one shuffle, whatever the scale.

    Raises:
        ValueError: an argument is below its smallest value.
    """
    sizes.require_at_least(1, num_upscales=num_upscales)
    scale = 2**num_upscales
    lr = keras.Input((None, None, 3), name="lr")
    x = _tanh(layers.Conv2D(64, 5, padding="same", name="conv1")(lr), "tanh1")
    x = _tanh(layers.Conv2D(32, 3, padding="same", name="conv2")(x), "tanh2")
    x = layers.Conv2D(3 * scale**2, 3, padding="same", dtype="float32", name="head_conv")(x)
    sr = DepthToSpace(scale, dtype="float32", name="shuffle")(x)
    return keras.Model(lr, sr, name="espcn")


def init_as_interpolator(generator: keras.Model) -> None:
    """Turns a new network into bilinear interpolation, from which training goes on; see `srgan.init_as_interpolator`.

    Colours pass through the first three channels, small and around 0, where tanh is nearly straight: what it bends is at most
    1.3 of 255 levels, at black and white.
    """
    contrast, grey = 0.25, 0.5
    first, second, head = (generator.get_layer(name) for name in ("conv1", "conv2", "head_conv"))
    interpolation.pass_colours(first, np.sqrt(contrast) * np.eye(5)[2])
    first.bias.assign(np.where(np.arange(first.filters) < 3, -contrast * grey, 0))
    interpolation.pass_colours(second, np.eye(3)[1])
    head.kernel.assign(np.zeros(head.kernel.shape))
    interpolation.pass_colours_to_shuffle(head, generator.get_layer("shuffle").block_size)
    head.kernel.assign(head.kernel / contrast)
    head.bias.assign(np.full(head.filters, grey))


def _tanh(x: KerasTensor, name: str) -> KerasTensor:
    return layers.Activation("tanh", name=name)(x)
