"""LapSRN (Lai et al. 2017): a Laplacian pyramid. Each level doubles the picture and adds what its features say is missing.

It differs from the paper's network in its colours: the paper enlarges the luma alone and leaves the rest to bicubic, here three
colours go in and come out, and the transposed convolutions of the pictures may mix them. Needs Keras only, so the network runs
on any of its backends. Its outputs are float32 under every precision policy.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import KerasTensor, layers

from sr_keras.networks import sizes


def build(num_blocks: int = 10, num_upscales: int = 2, filters: int = 64) -> keras.Model:
    """LapSRN (section 3): `[B, h, w, 3]` to a list of `[B, 2^i h, 2^i w, 3]` for i from 1 to u, any h and w, RGB in [0, 1].

    The last layers are linear: values may leave [0, 1] a little, and whoever writes a file clips them.

    Args:
        num_blocks: convolutions of each level, before its transposed one (d).
        num_upscales: levels (u); each doubles height and width.
        filters: channels of all convolutions but those whose output is a picture.

    Raises:
        ValueError: an argument is below its smallest value.
    """
    sizes.require_at_least(0, num_blocks=num_blocks)
    sizes.require_at_least(1, num_upscales=num_upscales, filters=filters)
    lr = keras.Input((None, None, 3), name="lr")
    features, pictures = _conv(lr, filters, "stem"), [lr]
    for level in range(1, num_upscales + 1):
        for index in range(num_blocks):
            features = _conv(features, filters, f"level{level}_block{index}")
        features = _upsampling(features, filters, f"level{level}_features")
        features = _leaky_relu(features, f"level{level}_features")
        residual = _linear_conv(features, 3, f"level{level}_residual")
        picture = _upsampling(pictures[-1], 3, f"level{level}_picture", dtype="float32")
        pictures.append(layers.Add(dtype="float32", name=f"level{level}_add")([picture, residual]))
    return keras.Model(lr, pictures[1:], name="lapsrn")


def init_as_interpolator(generator: keras.Model) -> None:
    """Turns a new network into bilinear interpolation, from which training goes on: no level adds anything yet.

    All other weights stay random, and those of the pictures' transposed convolutions are bilinear from the start.
    """
    for layer in generator.layers:
        if layer.name.endswith("residual_conv"):
            layer.kernel.assign(np.zeros(layer.kernel.shape))


def _conv(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    return _leaky_relu(_linear_conv(x, filters, name), name)


def _linear_conv(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    return layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal", name=f"{name}_conv")(x)


def _upsampling(x: KerasTensor, filters: int, name: str, dtype: str | None = None) -> KerasTensor:
    return layers.Conv2DTranspose(
        filters, 4, strides=2, padding="same", kernel_initializer=_bilinear, dtype=dtype, name=f"{name}_conv_transpose"
    )(x)


def _leaky_relu(x: KerasTensor, name: str) -> KerasTensor:
    return layers.LeakyReLU(negative_slope=0.2, name=f"{name}_leaky_relu")(x)


@keras.saving.register_keras_serializable("sr_keras", "lapsrn_bilinear")
def _bilinear(shape: Sequence[int], dtype: str | None = None) -> np.ndarray:
    """A kernel `[4, 4, n, n]` that enlarges each channel by itself (section 3.4)."""
    taps = np.array([0.25, 0.75, 0.75, 0.25])
    return np.outer(taps, taps)[..., np.newaxis, np.newaxis] * np.eye(shape[2], dtype=dtype)
