"""Super-resolution with the networks of "Upscaling Images Using a Generative Adversarial Network", in Keras.

from sr_keras import Upscaler

upscaler = Upscaler.load("saved_models/srresnet")
sr = upscaler.upscale(photo)  # NumPy, uint8 [H, W, 3] RGB to [4 H, 4 W, 3]
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sr_keras.inference.upscaler import Upscaler

__all__ = ["Upscaler"]


def __getattr__(name: str) -> object:
    # Later, because TensorFlow takes seconds to import.
    if name == "Upscaler":
        from sr_keras.runtime import quiet_tensorflow

        with quiet_tensorflow.tensorflow_import():
            from sr_keras.inference.upscaler import Upscaler
        return Upscaler
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
