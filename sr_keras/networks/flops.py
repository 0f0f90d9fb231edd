"""Counts the arithmetic of networks and of their training: multiplications and additions of convolutions and dense layers.

All else, such as norms, activations and optimizers, is less than a hundredth of it and left out. What a kernel multiplies
beyond the edges of a photo counts, as it is usual.
"""

import math
from typing import NamedTuple

import keras
from keras import layers


class Passes(NamedTuple):
    """Operations of a network for one photo.

    Attributes:
        forward: of the network alone.
        first: of its first layer, whose input needs no gradient where it is a photo.
    """

    forward: int
    first: int

    @property
    def trained(self) -> int:
        """Forward, and back to all weights.

        The gradient of a kernel takes as many operations as the layer itself, that of its input as many again.
        """
        return 3 * self.forward - self.first


def count(network: keras.Model, height: int, width: int) -> Passes:
    """Counts a functional network layer by layer.

    Args:
        network: of one input, a photo `[B, H, W, C]`.
        height, width: of the photo, in pixels.
    """
    shapes = {id(network.input): (1, height, width, network.input.shape[-1])}
    operations = []
    for layer in network.layers[1:]:
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        taken = [shapes[id(x)] for x in inputs]
        shapes[id(layer.output)] = layer.compute_output_shape(taken if isinstance(layer.input, list) else taken[0])
        operations.append(_of_layer(layer, taken[0], shapes[id(layer.output)]))
    return Passes(sum(operations), next(number for number in operations if number))


def of_gan_step(generator: Passes, discriminator: Passes) -> int:
    """Of `steps.gan_step`, a photo.

    The discriminator sees the real and the generated picture, and is trained by both: twice `trained`. The generator's loss
    goes back through it once more, from the prediction on the generated picture to its pixels, with no gradient of a kernel.
    """
    return generator.trained + 2 * discriminator.trained + discriminator.forward


def of_guides_step(generator: Passes, discriminator: Passes) -> int:
    """Of a step that trains the two networks one after the other, as the Keras guide does, a photo.

    For the generator's update, the picture is generated and classified anew.
    """
    return of_gan_step(generator, discriminator) + generator.forward + discriminator.forward


def _of_layer(layer: keras.Layer, taken: tuple[int, ...], given: tuple[int, ...]) -> int:
    if isinstance(layer, layers.SpectralNormalization):
        layer = layer.layer
    if not isinstance(layer, (layers.Conv2D, layers.Conv2DTranspose, layers.Dense)):
        return 0
    # A transposed convolution multiplies its kernel with every input pixel, all others with every output pixel.
    pixels = (taken if isinstance(layer, layers.Conv2DTranspose) else given)[1:-1]
    return int(2 * math.prod(layer.kernel.shape) * math.prod(pixels))
