"""Layers that the networks share, known to `keras.models.load_model` by their names. Needs Keras only."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor, layers, ops

# What a `.keras` file calls them is this package and the class's name.
_known_to_keras = keras.saving.register_keras_serializable("sr_keras")


@_known_to_keras
class DepthToSpace(layers.Layer):
    """`[B, h, w, r^2 C]` to `[B, r h, r w, C]`: the sub-pixel shuffle (Shi et al. 2016, equation 4)."""

    def __init__(self, block_size: int = 2, **options: Any) -> None:
        """`block_size` is r; `options` are those of every Keras layer."""
        super().__init__(**options)
        self.block_size = block_size

    def call(self, inputs: KerasTensor) -> KerasTensor:
        return depth_to_space(inputs, self.block_size)

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple[int | None, ...]:
        batch, *sides, filters = input_shape
        height, width = (side and side * self.block_size for side in sides)
        return batch, height, width, filters // self.block_size**2

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "block_size": self.block_size}


@_known_to_keras
class SpaceToDepth(layers.Layer):
    """`[B, h, w, C]` to `[B, ceil(h / r), ceil(w / r), r^2 C]`: pixel unshuffle, which undoes a `DepthToSpace`.

    Where h or w is no multiple of r, the picture is reflected at its lower and right edges until it is.
    """

    def __init__(self, block_size: int = 2, **options: Any) -> None:
        """`block_size` is r; `options` are those of every Keras layer."""
        super().__init__(**options)
        self.block_size = block_size

    def call(self, inputs: KerasTensor) -> KerasTensor:
        return space_to_depth(inputs, self.block_size)

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple[int | None, ...]:
        batch, *sides, filters = input_shape
        height, width = (side and math.ceil(side / self.block_size) for side in sides)
        return batch, height, width, filters * self.block_size**2

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "block_size": self.block_size}


@_known_to_keras
class CropToScale(layers.Layer):
    """`[sr, lr]` to `[B, s h, s w, C]`, the upper left part of `sr`, where `lr` is `[B, h, w, 3]`."""

    def __init__(self, scale: int, **options: Any) -> None:
        """`scale` is s; `options` are those of every Keras layer."""
        super().__init__(**options)
        self.scale = scale

    def call(self, inputs: list[KerasTensor]) -> KerasTensor:
        sr, lr = inputs
        _, height, width, _ = ops.shape(lr)
        return sr[:, : self.scale * height, : self.scale * width]

    def compute_output_shape(self, input_shape: Sequence[Sequence[Any]]) -> tuple[int | None, ...]:
        (batch, *_, filters), (_, *sides, _) = input_shape
        height, width = (side and self.scale * side for side in sides)
        return batch, height, width, filters

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


@_known_to_keras
class RepeatPixels(layers.UpSampling2D):
    """Keras's `UpSampling2D` of interpolation "nearest", with channels that stay known where sizes are not.

    Else TensorFlow's converter to LiteRT refuses a convolution after it.
    """

    def call(self, inputs: KerasTensor) -> KerasTensor:
        block_size, _ = self.size
        return depth_to_space(ops.concatenate([inputs] * block_size**2, axis=-1), block_size)


@_known_to_keras
class Scale(layers.Layer):
    """Multiplies by a constant, in the type of its input."""

    def __init__(self, factor: float, **options: Any) -> None:
        """`options` are those of every Keras layer."""
        super().__init__(**options)
        self.factor = factor

    def call(self, inputs: KerasTensor) -> KerasTensor:
        return inputs * self.factor

    def compute_output_shape(self, input_shape: Sequence[Any]) -> Sequence[Any]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


@_known_to_keras
class BatchNorm(layers.BatchNormalization):
    """Keras's batch norm over `[B, H, W, C]`, trained by TensorFlow's fused operation where that is the backend.

    It computes the same from the same weights, in float32 inside, but reads and writes the picture less often: forward and
    back together take a third of the time on a CPU.
    """

    def call(self, inputs: KerasTensor, training: bool | None = None, mask: KerasTensor | None = None) -> KerasTensor:
        fusible = training and self.trainable and not self.synchronized
        if not fusible or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        from tensorflow import raw_ops

        outputs, mean, variance, *_ = raw_ops.FusedBatchNormV3(
            x=inputs, scale=self.gamma, offset=self.beta, mean=[], variance=[], epsilon=self.epsilon, is_training=True
        )
        # TensorFlow estimates the variance of all photos, which is a little larger; Keras keeps that of the batch.
        count = ops.cast(ops.prod(ops.shape(inputs)[:-1]), "float32")
        self._follow(self.moving_mean, mean)
        self._follow(self.moving_variance, variance * (ops.maximum(count - 1, 1) / count))
        return outputs

    def _follow(self, moving: keras.Variable, batch: KerasTensor) -> None:
        moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))


@_known_to_keras
class PReLU(layers.PReLU):
    """Keras's PReLU over `[B, H, W, C]` with a slope per channel, trained by one operation where TensorFlow is the backend.

    Keras makes a pass for each of two ReLUs, a product and a sum, and as many back.
    """

    def __init__(self, **options: Any) -> None:
        # A slope per pixel would tie the network to one size.
        super().__init__(**{**options, "shared_axes": [1, 2]})

    def call(self, inputs: KerasTensor, training: bool | None = None) -> KerasTensor:
        if not training or keras.backend.backend() != "tensorflow":
            return super().call(inputs)
        from sr_keras.networks import fused

        return fused.prelu(inputs, self.alpha)


@_known_to_keras
class BlockedConv2D(layers.Conv2D):
    """`blocked_conv` as a layer; height and width must be even. The output is float32 under every precision policy."""

    def call(self, inputs: KerasTensor) -> KerasTensor:
        kernel = ops.cast(self.kernel, self.compute_dtype)
        return blocked_conv(inputs, kernel) + ops.cast(self.bias, "float32")

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return KerasTensor(self.compute_output_shape(inputs.shape), "float32")


@_known_to_keras
class SpectralNorm(layers.SpectralNormalization):
    """Keras's spectral norm, with kernels that stay float32 under every precision policy.

    That of Keras 3.15 rounds them to the type of the arithmetic in each training pass. In bfloat16, an update is lost if it
    changes a weight by less than 1/500.
    """

    def __init__(self, layer: keras.Layer, **options: Any) -> None:
        # `layer` casts its input and its kernel itself.
        super().__init__(layer, **{**options, "dtype": "float32", "autocast": False})

    def call(self, inputs: KerasTensor, training: bool | None = None) -> KerasTensor:
        if training:
            vector_u, kernel = self.normalized_weights()
            self.vector_u.assign(vector_u)
            self.kernel.assign(kernel)
        return self.layer(inputs)


def with_spectral_norm(layer: keras.Layer) -> keras.Layer:
    """Keeps the largest singular value of a layer's kernel at 1 (Miyato et al. 2018): each training pass divides the kernel."""
    return SpectralNorm(layer, name=f"{layer.name}_spectral")


def leaky_relu(x: KerasTensor) -> KerasTensor:
    """With the slope that discriminators have, 0.2."""
    return layers.LeakyReLU(negative_slope=0.2)(x)


def depth_to_space(x: KerasTensor, block_size: int = 2) -> KerasTensor:
    """`[B, h, w, r^2 C]` to `[B, r h, r w, C]`; Keras 3.12, the last for Python 3.10, has no operation for it."""
    batch, height, width, _ = ops.shape(x)
    filters = x.shape[-1] // block_size**2
    x = ops.reshape(x, (batch, height, width, block_size, block_size, filters))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (batch, block_size * height, block_size * width, filters))


def space_to_depth(x: KerasTensor, block_size: int) -> KerasTensor:
    """`SpaceToDepth` as a function; reflection by places, for a side may be shorter than what it lacks."""
    for axis in (1, 2):
        length = ops.shape(x)[axis]
        # ONNX divides towards zero: not by way of negative numbers.
        place = ops.arange((length + block_size - 1) // block_size * block_size)
        x = ops.take(x, ops.minimum(place, ops.maximum(2 * (length - 1) - place, 0)), axis=axis)
    batch, height, width, filters = ops.shape(x)
    height, width = height // block_size, width // block_size
    x = ops.reshape(x, (batch, height, block_size, width, block_size, filters))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (batch, height, width, block_size**2 * filters))


def blocked_conv(x: KerasTensor, kernel: KerasTensor) -> KerasTensor:
    """A convolution of few output channels, computed for 2x2 output pixels at once: the same sums on the same weights.

    With 3 output channels a CPU runs it at 2 to 3 times the speed of the plain form, because the channels fill its vector
    registers better.

    Args:
        x: `[B, h, w, C]` with h and w even.
        kernel: `[k, k, C, n]`, k odd, of the type of `x`.

    Returns:
        `[B, h, w, n]`, float32; zeros lie around `x`.
    """
    offsets = [(0, 0), (0, 1), (1, 0), (1, 1)]
    kernels = [ops.pad(kernel, [[dy, 1 - dy], [dx, 1 - dx], [0, 0], [0, 0]]) for dy, dx in offsets]
    quads = ops.conv(x, ops.concatenate(kernels, axis=-1), strides=2, padding="same")
    return depth_to_space(ops.cast(quads, "float32"))
