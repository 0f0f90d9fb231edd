"""First weights for a generator: those of a network of its sizes, or of a trained EDSR, cut down or grown.

A training step of EDSR takes a fraction of the arithmetic of one of the paper's generator, which can compute all that EDSR
can. So a small EDSR is trained first, and grown then by what Chen et al. 2016 (Net2Net) call a function-preserving
transformation. Needs Keras only.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from sr_keras.networks import edsr

# In the order of EDSR's layers, a kernel and a bias for each convolution.
_ARRAYS_OF_A_BLOCK = 4
_ARRAYS_OF_AN_UPSCALE = 2
_ARRAYS_OF_THE_REST = 6


def transfer_weights(generator: keras.Model, weights: Sequence[np.ndarray], kept_blocks: Sequence[int] | None = None) -> None:
    """Transfers the weights of a trained network to a generator.

    Args:
        generator: a new one, of the trained network's sizes. Or, if that is an `edsr`: an `edsr` of fewer blocks; one of more,
            which computes the same until it is trained; or the paper's generator with as many blocks, as many channels in them,
            and at least 4 times as many in its upscaling blocks. Its norms then have no statistics of photos: train it with
            frozen norms. It computes what the `edsr` does, except near the edges, because beyond them EDSR sees its mean
            colour, the paper's generator black.
        weights: of the trained network, in the order of its `get_weights`.
        kept_blocks: the residual blocks of the `edsr` that are kept, counted from 0, in their new order. Default: all.

    Raises:
        ValueError: the generator can't have such weights.
    """
    if kept_blocks is None and _shapes(weights) == _shapes(generator.weights):
        generator.set_weights(weights)
        return
    donor = _edsr(weights)
    if kept_blocks is not None:
        donor = _with_blocks(donor, kept_blocks)
    if _shapes(donor.weights) == _shapes(generator.weights):
        generator.set_weights(donor.get_weights())
    elif _is_deeper(generator, donor):
        _deepen(generator, donor)
    elif _has_room(generator, donor):
        _grow(generator, donor)
    else:
        raise ValueError("the generator has other sizes")


def fitted(weights: Sequence[np.ndarray], like: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The weights of a network for the layers of another, in the order of `get_weights`; it computes the same there.

    Args:
        weights: of a network of the other's sizes, or of an `edsr` that lacks some of its blocks.
        like: of the other one. The lacking blocks are its own, but for their second convolution, which is 0.

    Raises:
        ValueError: the sizes don't fit.
    """
    if _shapes(weights) == _shapes(like):
        return list(weights)
    network = _edsr(like)
    transfer_weights(network, weights)
    grown: list[np.ndarray] = network.get_weights()
    return grown


def has_untrained_norms(generator: keras.Model) -> bool:
    """Whether there are batch norms, all with their initial statistics (mean 0, variance 1), as in a new or grown generator."""
    norms = [layer for layer in generator.layers if isinstance(layer, layers.BatchNormalization)]
    as_made = [not np.any(norm.moving_mean) and np.all(np.array(norm.moving_variance) == 1) for norm in norms]
    return bool(norms) and all(as_made)


def _shapes(arrays: Sequence[Any]) -> list[tuple[int, ...]]:
    return [tuple(array.shape) for array in arrays]


def _count(network: keras.Model, ending: str) -> int:
    return sum(layer.name.endswith(ending) for layer in network.layers)


def _edsr(weights: Sequence[np.ndarray]) -> keras.Model:
    filters = weights[0].shape[-1]
    upscales = sum(array.ndim == 4 and array.shape[-1] == 4 * filters for array in weights)
    blocks = (len(weights) - _ARRAYS_OF_THE_REST - upscales * _ARRAYS_OF_AN_UPSCALE) // _ARRAYS_OF_A_BLOCK
    donor = edsr.build(max(0, blocks), max(1, upscales), filters)
    if _shapes(weights) != _shapes(donor.weights):
        raise ValueError("neither an edsr nor of its sizes")
    donor.set_weights(weights)
    return donor


def _with_blocks(donor: keras.Model, kept: Sequence[int]) -> keras.Model:
    blocks = _count(donor, "_conv2")
    if not set(kept) <= set(range(blocks)):
        raise ValueError(f"an edsr of {blocks} blocks has not all of {', '.join(map(str, kept))}")
    network = edsr.build(len(kept), _count(donor, "_shuffle"), donor.get_layer("stem_conv").filters)
    sources = {f"block{new}_conv{conv}": f"block{old}_conv{conv}" for new, old in enumerate(kept) for conv in (1, 2)}
    for layer in network.layers:
        if layer.weights:
            layer.set_weights(donor.get_layer(sources.get(layer.name, layer.name)).get_weights())
    return network


def _is_deeper(generator: keras.Model, donor: keras.Model) -> bool:
    """Whether it is an `edsr` with more blocks than the donor, and of its sizes otherwise."""
    blocks = _count(generator, "_conv2")
    if blocks <= _count(donor, "_conv2"):
        return False
    deeper = edsr.build(blocks, _count(donor, "_shuffle"), _filters(donor, "stem_conv"))
    return _shapes(generator.weights) == _shapes(deeper.weights)


def _deepen(generator: keras.Model, donor: keras.Model) -> None:
    """Blocks beyond the donor's leave what comes to them as it is: their second convolution is 0. All else in them stays."""
    old = {layer.name for layer in donor.layers}
    for layer in generator.layers:
        if layer.name in old:
            layer.set_weights(donor.get_layer(layer.name).get_weights())
        elif layer.name.endswith("_conv2"):
            layer.set_weights([np.zeros_like(array) for array in layer.get_weights()])


def _has_room(generator: keras.Model, donor: keras.Model) -> bool:
    """Whether it is the paper's generator, as deep as the donor and wide enough."""
    if any(_count(generator, mine) != _count(donor, its) for mine, its in (("_norm2", "_conv2"), ("_transpose", "_shuffle"))):
        return False
    filters = _filters(donor, "stem_conv")
    return _filters(generator, "stem_conv") == filters and _filters(generator, "up0_conv") >= 4 * filters


def _filters(network: keras.Model, layer: str) -> int:
    return int(network.get_layer(layer).filters)


def _grow(generator: keras.Model, donor: keras.Model) -> None:
    """What the generator has beyond the donor is 0, or random where nothing comes of it yet."""
    filters = donor.get_layer("stem_conv").filters
    for layer in donor.layers:
        if isinstance(layer, layers.Conv2D):
            _take_convolution(generator, layer.name, *_without_means(layer, donor))
    for layer in generator.layers:
        if isinstance(layer, layers.Conv2DTranspose):
            _pass_shuffled(layer, filters)
        elif isinstance(layer, layers.PReLU):
            # EDSR has a ReLU within its blocks and nothing elsewhere; channels that it has not get a ReLU too.
            passing = 0 if layer.name.startswith("block") else filters
            slopes = np.zeros(layer.alpha.shape)
            slopes[..., :passing] = 1
            layer.alpha.assign(slopes)


def _without_means(layer: layers.Conv2D, donor: keras.Model) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias as they are for pictures from which no mean colour is taken."""
    kernel, bias = (np.array(array) for array in layer.get_weights())
    if layer.name == "stem_conv":
        bias += np.array(donor.get_layer("subtract_mean").offset) @ kernel.sum(axis=(0, 1))
    elif layer.name == "head_conv":
        bias += donor.get_layer("add_mean").offset
    return kernel, bias


def _take_convolution(generator: keras.Model, name: str, kernel: np.ndarray, bias: np.ndarray) -> None:
    """Puts a kernel into the middle of a larger one, for the first of more channels."""
    layer = generator.get_layer(name)
    height, width, inputs, outputs = kernel.shape
    larger = np.array(layer.kernel)
    larger[..., :outputs] = 0
    top, left = (larger.shape[0] - height) // 2, (larger.shape[1] - width) // 2
    larger[top : top + height, left : left + width, :inputs, :outputs] = kernel
    layer.kernel.assign(larger)
    if layer.use_bias:
        layer.bias.assign(np.pad(bias, (0, larger.shape[-1] - outputs)))
    else:
        norm = generator.get_layer(name.replace("conv", "norm"))
        zeros, ones = np.zeros(outputs), np.ones(outputs)
        norm.set_weights([np.sqrt(ones + norm.epsilon), bias, zeros, ones])


def _pass_shuffled(layer: layers.Conv2DTranspose, filters: int) -> None:
    """Makes the first channels those of `depth_to_space`: channels of one pixel become 2x2 pixels."""
    kernel = np.array(layer.kernel)  # [kh, kw, out, in]
    kernel[:, :, :filters] = 0
    channels = np.arange(filters)
    for index, (y, x) in enumerate(itertools.product(range(2), repeat=2)):
        kernel[y, x, channels, filters * index + channels] = 1  # to pixel 2i + y, 2j + x, as the layer pads
    layer.kernel.assign(kernel)
