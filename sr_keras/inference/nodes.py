"""The layers of a network with their weights, and what is known of each by itself: its cost and its receptive field."""

import math
from typing import NamedTuple

import numpy as np

from sr_keras.inference.layer_graph import Layer

# Colours: such a convolution makes a picture of features, and belongs to the network's arithmetic in any precision.
COLOURS = 3

_CONVOLUTIONS = ("conv", "conv_shuffle", "conv_transpose", "conv_chain")


class Node(NamedTuple):
    """A layer with its weights, and what must be known to compute it.

    Attributes:
        layer: what it is. Two kinds are made of several layers (see `fusion`): "conv_shuffle", a convolution before a shuffle,
            and "conv_chain", the same for convolutions in a row.
        weights: float32 arrays; a batch norm that follows a convolution is folded into them.
        scale: how many times larger its output is than the photo, along each axis.
        channels: of its output.
        chain: of a `conv_chain`, the layers that it stands for.
    """

    layer: Layer
    weights: tuple[np.ndarray, ...]
    scale: int
    channels: int
    chain: "tuple[Node, ...]" = ()

    @property
    def is_convolution(self) -> bool:
        """Of any of the four kinds."""
        return self.layer.kind in _CONVOLUTIONS

    @property
    def growth(self) -> int:
        """How many times larger its output is than its input, along each axis; of a convolution."""
        growth: int = self.layer.options.get("stride", 1) * self.layer.options.get("block", 1)
        return growth

    @property
    def kernel_radius(self) -> int:
        """How far an output pixel sees, in pixels of the layer's input."""
        if not self.is_convolution:
            return 0
        size: int = self.weights[0].shape[0]
        if self.layer.kind == "conv_transpose":
            stride: int = self.layer.options["stride"]
            before = (size - stride) // 2
            return math.ceil((size - stride - before) / stride)
        return size // 2

    @property
    def receptive_field(self) -> float:
        """The same in pixels of the photo."""
        return self.kernel_radius * self.growth / self.scale

    @property
    def operations(self) -> int:
        """Multiplications and additions of a convolution, for each pixel of the photo."""
        return 2 * self.weights[0].size * (self.scale // self.growth) ** 2 if self.is_convolution else 0

    @property
    def chain_radius(self) -> int:
        """How far a chain sees, in pixels of its input."""
        return self._in_chain_input(sum(link.receptive_field for link in self.chain))

    @property
    def chain_edge(self) -> int:
        """How many pixels at the edges of a chain's input its own kernel gets wrong: as far as all but its first layer see."""
        return self._in_chain_input(sum(link.receptive_field for link in self.chain[1:]))

    def _in_chain_input(self, photo_pixels: float) -> int:
        return math.ceil(photo_pixels / (self.growth / self.scale))
