"""The random numbers of one training example, each by its name."""

from typing import NamedTuple

import tensorflow as tf


class ExampleDraws(NamedTuple):
    """Scalar tensors in [0, 1). Their order is that in which they are drawn: another order changes what an old seed repeats.

    Attributes:
        window_side, window_y, window_x: the size and the place of the window that is cut from the photo.
        flip_left_right, flip_up_down, darken, brightness, saturation, transpose: each change happens if its draw is below its
            probability.
        darken_amount, brightness_amount, saturation_amount: how strong these changes are.
        blur: which blur the degradation "blur" takes.
    """

    window_side: tf.Tensor
    window_y: tf.Tensor
    window_x: tf.Tensor
    flip_left_right: tf.Tensor
    flip_up_down: tf.Tensor
    darken: tf.Tensor
    brightness: tf.Tensor
    saturation: tf.Tensor
    transpose: tf.Tensor
    darken_amount: tf.Tensor
    brightness_amount: tf.Tensor
    saturation_amount: tf.Tensor
    blur: tf.Tensor


def draw(seed: tf.Tensor) -> ExampleDraws:
    """The draws of an example; `seed` is int64 `[2]`."""
    return ExampleDraws(*tf.unstack(tf.random.stateless_uniform([len(ExampleDraws._fields)], seed)))


def below(bound: tf.Tensor, draw: tf.Tensor) -> tf.Tensor:
    """Turns a draw into a whole number from 0 to `bound` - 1."""
    # Rounding can take a draw just below 1 to the bound itself.
    return tf.minimum(tf.cast(tf.cast(bound, tf.float32) * draw, tf.int32), bound - 1)
