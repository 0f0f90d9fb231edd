"""RRDBNet, the network of ESRGAN (Wang et al. 2018, section 3.1) and of Real-ESRGAN (Wang et al. 2021). Needs Keras only."""

import keras
from keras import KerasTensor, layers

from sr_keras.networks import sizes
from sr_keras.networks.layers import CropToScale, RepeatPixels, Scale, SpaceToDepth, leaky_relu

# What the residuals of dense blocks, and of three of them, are multiplied by (section 3.1: "residual scaling").
_RESIDUAL_SCALE = 0.2


def build(num_blocks: int = 23, num_upscales: int = 2, filters: int = 64, growth: int = 32, unshuffle: int = 1) -> keras.Model:
    """Residual-in-residual dense blocks: `[B, h, w, 3]` to `[B, s h, s w, 3]`, any h and w, RGB in [0, 1]; s is 2^u / r.

    Args:
        num_blocks: of three dense blocks each.
        num_upscales: u; each doubles height and width by repeating pixels, before a convolution.
        filters: channels between the blocks.
        growth: channels that each of a dense block's first four convolutions adds.
        unshuffle: r; blocks of r x r pixels become one with more channels first, as in Real-ESRGAN's networks for 2 and 1 times
            the size (section 3.3, "pixel-unshuffle"). 1 is none.

    Raises:
        ValueError: a size is below its smallest value, or the network would make its picture smaller.
    """
    sizes.require_at_least(1, num_blocks=num_blocks, filters=filters, growth=growth, unshuffle=unshuffle)
    sizes.require_at_least(0, num_upscales=num_upscales)
    if 2**num_upscales % unshuffle:
        raise ValueError(f"2^num_upscales must be a multiple of unshuffle, got {num_upscales} and {unshuffle}")
    x = lr = keras.Input((None, None, 3), name="lr")
    if unshuffle > 1:
        x = SpaceToDepth(unshuffle, name="unshuffle")(lr)
    x = skip = _conv(x, filters, "stem_conv")
    for index in range(1, num_blocks + 1):
        x = _block(x, filters, growth, f"block{index}")
    x = layers.Add(name="trunk_add")([_conv(x, filters, "trunk_conv"), skip])
    for index in range(1, num_upscales + 1):
        x = RepeatPixels(name=f"up{index}_enlarge")(x)
        x = leaky_relu(_conv(x, filters, f"up{index}_conv"))
    x = leaky_relu(_conv(x, filters, "features_conv"))
    sr = layers.Conv2D(3, 3, padding="same", dtype="float32", name="head_conv")(x)
    if unshuffle > 1:
        sr = CropToScale(2**num_upscales // unshuffle, dtype="float32", name="crop")([sr, lr])
    return keras.Model(lr, sr, name="rrdbnet")


def _block(x: KerasTensor, filters: int, growth: int, name: str) -> KerasTensor:
    branch = x
    for index in (1, 2, 3):
        branch = _dense_block(branch, filters, growth, f"{name}_dense{index}")
    return layers.Add(name=f"{name}_add")([x, Scale(_RESIDUAL_SCALE, name=f"{name}_scale")(branch)])


def _dense_block(x: KerasTensor, filters: int, growth: int, name: str) -> KerasTensor:
    features = x
    for index in (1, 2, 3, 4):
        new = leaky_relu(_conv(features, growth, f"{name}_conv{index}"))
        features = layers.Concatenate(name=f"{name}_concatenate{index}")([features, new])
    residual = Scale(_RESIDUAL_SCALE, name=f"{name}_scale")(_conv(features, filters, f"{name}_conv5"))
    return layers.Add(name=f"{name}_add")([x, residual])


def _conv(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    return layers.Conv2D(filters, 3, padding="same", name=name)(x)
