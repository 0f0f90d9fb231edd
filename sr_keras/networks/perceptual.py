"""Features of networks that were trained to classify photos, as a measure of what people see: a loss, or a distance.

All take RGB in [0, 1]: the preprocessing of their own training is part of the model. Their layers are looked up by name.
"""

import os
import pathlib
import zipfile
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import layers

# Mean red, green and blue of ImageNet. These networks were trained on its photos less these, in levels of 255, blue first.
_MEAN_COLOUR = (123.68, 116.779, 103.939)

# SqueezeNet 1.1 (Iandola et al. 2016): its fire modules' filters after squeezing, and after each of both expansions.
_FIRE_FILTERS = {
    "fire2": (16, 64),
    "fire3": (16, 64),
    "fire4": (32, 128),
    "fire5": (32, 128),
    "fire6": (48, 192),
    "fire7": (48, 192),
    "fire8": (64, 256),
    "fire9": (64, 256),
}
_POOLED_FIRST = ("fire2", "fire4", "fire6")
_OUTPUTS = ("conv1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9")


def squeezenet(path: str | os.PathLike[str]) -> keras.Model:
    """The convolutions of SqueezeNet 1.1: `[B, H, W, 3]` in [0, 1] to features by layer name; for photos from 17x17 pixels on.

    Args:
        path: NumPy's `.npz` of `<layer>/kernel` `[kh, kw, in, out]` and `<layer>/bias`, of a training on blue, green and red
            less their means; layers are `conv1` and, of each fire module, `squeeze1x1`, `expand1x1` and `expand3x3`.

    Returns:
        A frozen model, whose outputs are a dictionary: conv1, fire3, fire5, fire6, fire7, fire8, fire9.

    Raises:
        OSError: the file can't be read.
        ValueError: it holds something else.
    """
    rgb = keras.Input((None, None, 3))
    x = layers.Conv2D(64, 3, strides=2, activation="relu", name="conv1")(_less_mean_colour()(rgb))
    features = {"conv1": x}
    for name, (squeezed, expanded) in _FIRE_FILTERS.items():
        features[name] = x = _fire(_pool(x) if name in _POOLED_FIRST else x, squeezed, expanded, name)
    model = keras.Model(rgb, {name: features[name] for name in _OUTPUTS}, name="squeezenet")
    _set_weights(model, path)
    _take_red_first(model.get_layer("conv1"))
    model.trainable = False
    return model


def vgg19(weights: str | None = "imagenet") -> keras.Model:
    """VGG19 (Simonyan & Zisserman 2014) without its dense layers, by `keras.applications`.

    `[B, H, W, 3]` in [0, 1] to `block5_pool`. Ledig et al. 2016 (section 2.2.1) take
    `block2_conv2` or `block5_conv4`.

    Args:
        weights: "imagenet" is downloaded if it was not before; None is random.
    """
    rgb = keras.Input((None, None, 3))
    layers_of_vgg19 = keras.applications.VGG19(include_top=False, weights=weights, input_tensor=_less_mean_colour()(rgb))
    # Its own input would be a list of one.
    model = keras.Model(rgb, layers_of_vgg19.output, name="vgg19")
    _take_red_first(model.get_layer("block1_conv1"))
    model.trainable = False
    return model


def load_features(path: str | os.PathLike[str], layer_names: Sequence[str], side: int) -> keras.Model:
    """A saved Keras model that takes RGB in [0, 1], up to some of its layers: returns a dictionary of their outputs.

    `data_prep/feature_model.py` writes such models.

    Args:
        layer_names: their outputs must be `[B, h, w, C]`.
        side: of the photos that it will be given, in pixels.

    Raises:
        OSError, ValueError: the file is no Keras model.
        ValueError: it takes other photos, or has no such layer.
    """
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        model = keras.models.load_model(path, compile=False)
    except TypeError as error:  # it has a layer that Keras does not know
        raise ValueError(f"{path}: Keras can't load it: {str(error).strip().splitlines()[0]}") from None
    taken = model.inputs[0].shape[1:]
    if len(model.inputs) != 1 or any(length not in (None, given) for length, given in zip(taken, (side, side, 3), strict=True)):
        raise ValueError(f"{path} must take photos of {side}x{side} pixels, takes {taken}")
    known = [layer.name for layer in model.layers]
    for name in layer_names:
        if name not in known:
            raise ValueError(f"{path} has no layer {name!r}; it has {', '.join(known)}")
        if len(model.get_layer(name).output.shape) != 4:
            raise ValueError(f"{path}: the layer {name!r} gives no map of features")
    features = keras.Model(model.inputs, {name: model.get_layer(name).output for name in layer_names})
    features.trainable = False
    return features


def feature_error(model: keras.Model, hr: tf.Tensor, sr: tf.Tensor) -> tf.Tensor:
    """The content loss of Ledig et al. 2016 (equation 5): mean squared difference of features, float32 `[B]`; 0 for equal ones.

    Args:
        model: returns a dictionary of features, as `load_features` does; of several layers the errors are added.
        hr, sr: `[B, H, W, 3]` in [0, 1].
    """
    of_hr, of_sr = (model(photo, training=False) for photo in (hr, sr))
    errors = [tf.square(tf.cast(of_hr[name], tf.float32) - tf.cast(of_sr[name], tf.float32)) for name in of_hr]
    return tf.add_n([tf.reduce_mean(error, axis=(1, 2, 3)) for error in errors])


def feature_distance(model: keras.Model, hr: tf.Tensor, sr: tf.Tensor) -> tf.Tensor:
    """How far apart the features of two photos are: float32 `[B]`, 0 for equal ones.

    The form of LPIPS (Zhang et al. 2018, equation 1) without its learned weights: each feature vector is divided by its length;
    the squared difference is summed over channels, averaged over positions and summed over layers.

    Args:
        model: returns a dictionary of features, as `squeezenet` does.
        hr, sr: `[B, H, W, 3]` in [0, 1].
    """

    def directions(photo: tf.Tensor) -> dict[str, tf.Tensor]:
        # Unlike a division by the length, this has a gradient where all channels are 0.
        return {
            name: tf.math.l2_normalize(tf.cast(features, tf.float32), axis=-1, epsilon=1e-10)
            for name, features in model(photo, training=False).items()
        }

    of_hr, of_sr = directions(hr), directions(sr)
    differences = [tf.reduce_sum(tf.square(of_hr[name] - of_sr[name]), axis=-1) for name in of_hr]
    return tf.add_n([tf.reduce_mean(difference, axis=(1, 2)) for difference in differences])


DISTANCES = {"squared": feature_error, "directions": feature_distance}


def _less_mean_colour() -> layers.Layer:
    # In float32, because 8 bits of a reduced precision do not hold 255 levels.
    return layers.Rescaling(255.0, offset=[-mean for mean in _MEAN_COLOUR], dtype="float32", name="less_mean_colour")


def _take_red_first(first: layers.Conv2D) -> None:
    """Reverses the input channels of a layer that was trained on blue, green, red."""
    kernel, bias = first.get_weights()
    first.set_weights([kernel[:, :, ::-1], bias])


def _pool(x: tf.Tensor) -> tf.Tensor:
    """Max pooling 3x3 by 2 that leaves no row or column out; zeros added are no maximum, for ReLU came before."""
    return layers.MaxPooling2D(3, strides=2)(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))


def _fire(x: tf.Tensor, squeezed: int, expanded: int, name: str) -> tf.Tensor:
    def convolution(filters: int, size: int, part: str) -> layers.Layer:
        return layers.Conv2D(filters, size, padding="same", activation="relu", name=f"{name}_{part}")

    x = convolution(squeezed, 1, "squeeze1x1")(x)
    both = [convolution(expanded, 1, "expand1x1")(x), convolution(expanded, 3, "expand3x3")(x)]
    return layers.Concatenate(name=name)(both)


def _set_weights(model: keras.Model, path: str | os.PathLike[str]) -> None:
    try:
        with np.load(path) as arrays:
            for layer in model.layers:
                if layer.weights:
                    prefix = layer.name.replace("_", "/")
                    layer.set_weights([arrays[f"{prefix}/kernel"], arrays[f"{prefix}/bias"]])
    # What NumPy raises over a file of another kind; what is missing or of another shape.
    except (ValueError, EOFError, TypeError, AttributeError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: not the weights of SqueezeNet 1.1 ({type(error).__name__})") from None
