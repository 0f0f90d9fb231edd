"""The generators that can be trained, by name; a network more is a file and a line here."""

import inspect
from collections.abc import Callable
from typing import NamedTuple

import keras

# `back_projection` is for Keras alone: whoever imports this can load every `.keras` file of ours.
from sr_keras.networks import back_projection as back_projection
from sr_keras.networks import edsr, espcn, lapsrn, srgan


class Family(NamedTuple):
    """A kind of generator.

    Attributes:
        build: from sizes to a functional model that takes `[B, h, w, 3]`, RGB in [0, 1]. Its `outputs` are the pictures of its
            levels, smallest first, each `[B, s h, s w, 3]`; the last one is the result. Most have one level.
        init_as_interpolator: turns a new one into a plain interpolator.
    """

    build: Callable[..., keras.Model]
    init_as_interpolator: Callable[[keras.Model], None]


FAMILIES = {
    "srgan": Family(srgan.build_generator, srgan.init_as_interpolator),
    "edsr": Family(edsr.build, edsr.init_as_interpolator),
    "espcn": Family(espcn.build, espcn.init_as_interpolator),
    "lapsrn": Family(lapsrn.build, lapsrn.init_as_interpolator),
}


def build(name: str, **sizes: int) -> keras.Model:
    """A new generator of a family, with random weights.

    Raises:
        ValueError: the family has no such size, or a size is below its smallest value.
    """
    function = FAMILIES[name].build
    for size in sizes:
        if size not in inspect.signature(function).parameters:
            raise ValueError(f"the generator {name} has no {size}")
    return function(**sizes)
