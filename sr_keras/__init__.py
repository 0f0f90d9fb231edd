"""Super-resolution with the networks of "Upscaling Images Using a Generative Adversarial Network", in Keras.

Examples:
    >>> from sr_keras import Upscaler
    >>> upscaler = Upscaler.load("edsr")  # one of `list_models()`, or a folder
    >>> sr = upscaler.upscale(photo)  # NumPy, uint8 [H, W, 3] RGB to [4 H, 4 W, 3]
    >>> network = load_network("edsr")  # a `keras.Model`, float32 [B, h, w, 3] in [0, 1] to [B, 4 h, 4 w, 3]
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sr_keras.inference.keras_network import load as load_network
    from sr_keras.inference.model_info import ModelError
    from sr_keras.inference.model_info import shipped as list_models
    from sr_keras.inference.upscaler import Upscaler
    from sr_keras.photos.errors import PhotoError

__all__ = ["ModelError", "PhotoError", "Upscaler", "__version__", "list_models", "load_network"]

__version__ = "0.2.0"


def __getattr__(name: str) -> object:
    # Later, because TensorFlow takes seconds to import.
    if name == "Upscaler":
        from sr_keras.runtime import quiet_tensorflow

        with quiet_tensorflow.tensorflow_import():
            from sr_keras.inference.upscaler import Upscaler
        return Upscaler
    if name == "load_network":
        from sr_keras.runtime import quiet_tensorflow

        with quiet_tensorflow.tensorflow_import():
            from sr_keras.inference.keras_network import load
        return load
    if name == "ModelError":
        from sr_keras.inference.model_info import ModelError

        return ModelError
    if name == "list_models":
        from sr_keras.inference.model_info import shipped

        return shipped
    if name == "PhotoError":
        from sr_keras.photos.errors import PhotoError

        return PhotoError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
