"""PReLU as one operation computes what Keras computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sr_keras.networks.layers import PReLU


def value_and_gradients(layer: keras.Layer, x: tf.Tensor, training: bool) -> list[np.ndarray]:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training) if isinstance(layer, PReLU) else layer(x)
        # Every place counts differently.
        loss = tf.reduce_sum(tf.cast(y, tf.float32) * tf.reshape(tf.linspace(-1.0, 1.0, tf.size(y)), y.shape))
    gradients = tape.gradient(loss, [x, *layer.trainable_variables])
    return [np.asarray(tf.cast(tensor, tf.float32)) for tensor in (y, *gradients)]


@pytest.mark.parametrize("policy, tolerance", [("float32", 1e-6), ("mixed_bfloat16", 0.01), ("mixed_float16", 0.002)])
def test_prelu_and_its_gradients_are_those_of_keras(rng: np.random.Generator, policy: str, tolerance: float) -> None:
    keras_layer = keras.layers.PReLU(shared_axes=[1, 2], dtype=policy)
    ours = PReLU(dtype=policy)
    x = tf.cast(tf.constant(rng.normal(size=(2, 3, 4, 5)), tf.float32), ours.compute_dtype)
    slopes = rng.uniform(-0.5, 1.5, (1, 1, 5))
    for layer in (keras_layer, ours):
        layer.build(x.shape)
        layer.set_weights([slopes])
    expected = value_and_gradients(keras_layer, x, training=True)
    for training in (True, False):
        for mine, theirs in zip(value_and_gradients(ours, x, training), expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)
