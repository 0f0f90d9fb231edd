"""Which number format this machine computes fastest in."""

import keras
import tensorflow as tf

from sr_keras.runtime import names, processor


def resolve(precision: names.Precision) -> names.Precision:
    """The Keras policy of a `--precision`; "auto" is the fastest that the hardware multiplies natively."""
    if precision != "auto":
        return precision
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        major, _ = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
        return "mixed_bfloat16" if major >= 8 else "mixed_float16" if major >= 7 else "float32"
    return "mixed_bfloat16" if processor.multiplies_bfloat16() else "float32"


def with_loss_scale(optimizer: keras.optimizers.Optimizer, policy: str) -> keras.optimizers.Optimizer:
    """The optimizer that a policy needs: small gradients would vanish in float16, so losses are scaled there."""
    return keras.optimizers.LossScaleOptimizer(optimizer) if policy == "mixed_float16" else optimizer


def resolve_inference(precision: str) -> str:
    """The number format of a `--precision` of an upscaler; "auto" is the fastest that the hardware multiplies natively.

    A GPU that has both takes float16, which is as fast as bfloat16 and finer.
    """
    if precision != "auto":
        return precision
    policy = resolve("auto")
    if policy == "float32":
        return policy
    return "float16" if tf.config.list_physical_devices("GPU") else "bfloat16"


def devices() -> str:
    """What TensorFlow computes on, for a person."""
    gpus = tf.config.list_physical_devices("GPU")
    names = (tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus)
    return ", ".join(names) or "the CPU (TensorFlow sees no GPU)"
