"""SPAN, the swift parameter-free attention network (Wan et al. 2024). Needs Keras only."""

import keras
from keras import KerasTensor, layers

from sr_keras.networks import sizes
from sr_keras.networks.layers import DepthToSpace, Scale

# Of the photos that the authors trained on, in [0, 1]; features are of levels.
_MEAN_COLOUR = (0.4488, 0.4371, 0.4040)
_LEVELS = 255.0


def build(num_blocks: int = 6, scale: int = 4, filters: int = 48, *, is_normalised: bool = True) -> keras.Model:
    """Attention blocks on the small picture and one sub-pixel shuffle: `[B, h, w, 3]` to `[B, s h, s w, 3]`, any h and w.

    RGB in [0, 1]. Each convolution is the one that computes what was trained as several (section 3.2).

    Args:
        num_blocks: of three convolutions each.
        scale: s.
        filters: channels of all but the last convolution.
        is_normalised: whether the mean colour of the authors' photos is subtracted first, and the rest is in levels.

    Raises:
        ValueError: a size is below its smallest value.
    """
    sizes.require_at_least(1, num_blocks=num_blocks, scale=scale, filters=filters)
    x = lr = keras.Input((None, None, 3), name="lr")
    if is_normalised:
        x = layers.Rescaling(_LEVELS, [-_LEVELS * mean for mean in _MEAN_COLOUR], name="normalise")(lr)
    stem = _conv(x, filters, "stem_conv")
    x = after_first, _ = _block(stem, filters, "block1")
    for index in range(2, num_blocks + 1):
        x = _block(x[0], filters, f"block{index}")
    trunk = _conv(x[0], filters, "trunk_conv")
    # The last block's first features, beside those of all depths (section 3.1).
    x = layers.Concatenate(name="concatenate")([stem, trunk, after_first, x[1]])
    x = layers.Conv2D(filters, 1, name="fusion_conv")(x)
    x = layers.Conv2D(3 * scale**2, 3, padding="same", dtype="float32", name="head_conv")(x)
    return keras.Model(lr, DepthToSpace(scale, dtype="float32", name="shuffle")(x), name="span")


def _block(x: KerasTensor, filters: int, name: str) -> tuple[KerasTensor, KerasTensor]:
    """The block's output, and its features after the first convolution (section 3.2).

    The attention is without parameters: a sigmoid of the features themselves, less one half, which is half of a tanh of half of
    them.
    """
    first = layers.Activation("silu", name=f"{name}_silu1")(_conv(x, filters, f"{name}_conv1"))
    features = layers.Activation("silu", name=f"{name}_silu2")(_conv(first, filters, f"{name}_conv2"))
    features = _conv(features, filters, f"{name}_conv3")
    attention = layers.Activation("tanh", name=f"{name}_tanh")(Scale(0.5, name=f"{name}_half")(features))
    attention = Scale(0.5, name=f"{name}_attention")(attention)
    added = layers.Add(name=f"{name}_add")([features, x])
    return layers.Multiply(name=f"{name}_multiply")([added, attention]), first


def _conv(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    return layers.Conv2D(filters, 3, padding="same", name=name)(x)
