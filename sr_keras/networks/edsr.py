"""The baseline network of EDSR (Lim et al. 2017): residual blocks without batch norm, and sub-pixel convolutions.

Needs Keras only, so the network runs on any of its backends. Its output is float32 under every precision policy.
"""

import keras
import numpy as np
from keras import KerasTensor, layers

from sr_keras.networks import interpolation, sizes
from sr_keras.networks.layers import BlockedConv2D, DepthToSpace

# The mean colour of the photos of DIV2K, which the authors take off before the network and put back after it.
_MEAN = (0.4488, 0.4371, 0.4040)


def build(num_blocks: int = 16, num_upscales: int = 2, filters: int = 64) -> keras.Model:
    """EDSR's baseline (section 4.2 and table 1): `[B, h, w, 3]` to `[B, 2^u h, 2^u w, 3]`, any h and w, RGB in [0, 1].

    The last layer is linear: values may leave [0, 1] a little, and whoever writes a file clips them.

    Args:
        num_blocks: residual blocks.
        num_upscales: sub-pixel convolutions (u); each doubles height and width.
        filters: channels of all convolutions, at least 3.

    Raises:
        ValueError: an argument is below its smallest value.
    """
    sizes.require_at_least(0, num_blocks=num_blocks)
    sizes.require_at_least(1, num_upscales=num_upscales)
    sizes.require_at_least(3, filters=filters)
    lr = keras.Input((None, None, 3), name="lr")
    x = layers.Rescaling(1.0, offset=[-channel for channel in _MEAN], dtype="float32", name="subtract_mean")(lr)
    x = skip = _conv(x, filters, "stem_conv")
    for index in range(num_blocks):
        x = _residual_block(x, filters, f"block{index}")
    x = layers.Add(name="trunk_add")([_conv(x, filters, "trunk_conv"), skip])
    for index in range(num_upscales):
        x = DepthToSpace(name=f"up{index}_shuffle")(_conv(x, 4 * filters, f"up{index}_conv"))
    x = BlockedConv2D(3, 3, padding="same", name="head_conv")(x)
    sr = layers.Rescaling(1.0, offset=list(_MEAN), dtype="float32", name="add_mean")(x)
    return keras.Model(lr, sr, name="edsr")


def init_as_interpolator(generator: keras.Model) -> None:
    """Turns a new network into bilinear interpolation, from which training goes on; see `srgan.init_as_interpolator`."""
    interpolation.pass_colours(generator.get_layer("stem_conv"), np.eye(3)[1])
    for layer in generator.layers:
        if layer.name.endswith("conv2") or layer.name == "trunk_conv":
            layer.kernel.assign(np.zeros(layer.kernel.shape))
        elif isinstance(layer, layers.Conv2D) and layer.name.startswith("up"):
            interpolation.pass_colours_to_shuffle(layer, block_size=2)
    interpolation.pass_colours(generator.get_layer("head_conv"), np.eye(3)[1])


def _residual_block(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    branch = layers.ReLU(name=f"{name}_relu")(_conv(x, filters, f"{name}_conv1"))
    return layers.Add(name=f"{name}_add")([x, _conv(branch, filters, f"{name}_conv2")])


def _conv(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    return layers.Conv2D(filters, 3, padding="same", name=name)(x)
