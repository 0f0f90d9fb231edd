"""Operations that read and write a picture once, forward and back, where Keras makes several passes. Needs TensorFlow."""

import tensorflow as tf


def prelu(x: tf.Tensor, slopes: tf.Variable | tf.Tensor) -> tf.Tensor:
    """`x` where it is positive, elsewhere `slopes * x`; computed in float32 inside, and so is the sum of the slopes' gradient.

    Args:
        x: `[B, H, W, C]`, of any floating type.
        slopes: `[1, 1, C]`.
    """
    # As a tensor: the gradient of a variable would have to be passed on in a way of its own.
    return _prelu_with_gradient(x, tf.convert_to_tensor(slopes))


@tf.custom_gradient
def _prelu_with_gradient(x: tf.Tensor, slopes: tf.Tensor) -> tuple[tf.Tensor, object]:

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_x, of_slopes = _prelu_gradient(x, slopes, upstream)
        return of_x, tf.reshape(of_slopes, slopes.shape)

    return _prelu(x, slopes), gradient


# XLA makes one loop of each. TensorFlow's processor kernels make a pass for each of the operations, in bfloat16 slow ones.
@tf.function(jit_compile=True)
def _prelu(x: tf.Tensor, slopes: tf.Tensor) -> tf.Tensor:
    wide, wide_slopes = tf.cast(x, tf.float32), tf.cast(slopes, tf.float32)
    return tf.cast(tf.where(wide > 0, wide, wide_slopes * wide), x.dtype)


@tf.function(jit_compile=True)
def _prelu_gradient(x: tf.Tensor, slopes: tf.Tensor, upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    wide, wide_slopes, wide_upstream = (tf.cast(tensor, tf.float32) for tensor in (x, slopes, upstream))
    of_x = tf.where(wide > 0, wide_upstream, wide_slopes * wide_upstream)
    of_slopes = tf.reduce_sum(tf.where(wide > 0, 0.0, wide * wide_upstream), axis=[0, 1, 2])
    return tf.cast(of_x, x.dtype), tf.cast(of_slopes, slopes.dtype)
