"""Which network does a picture: always the same one, or the one that its condition asks for."""

import functools
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from sr_keras.inference import model_info
from sr_keras.photos import condition
from sr_keras.photos.picture import Picture, eight_bit
from sr_keras.upscaling.frame_run import PhotoUpscaler
from sr_keras.upscaling.target import Size, Target, work


class Choice(NamedTuple):
    """What does a picture.

    Attributes:
        network: its name, or the folder that it was loaded from.
        why: it was chosen, in words; empty where there was no choice.
    """

    upscaler: PhotoUpscaler
    network: str = ""
    why: str = ""


# In place of a network's name, and why.
_NONE = ("none", "it only gets smaller")

Choose = Callable[[Picture], Choice]


def always(upscaler: PhotoUpscaler, network: str = "") -> Choose:
    """One network for all; `network` is what it is called."""
    return lambda picture: Choice(upscaler, network)


def for_sizes(choice: Choice, sizes: Iterable[Size], target: Target) -> Choice:
    """The choice for frames of such sizes: without the network's name, if none of them goes through it."""
    if any(work(size, target, choice.upscaler.scale) for size in sizes):
        return choice
    network, why = _NONE
    return Choice(choice.upscaler, network, why)


def by_condition(load: Callable[[str], PhotoUpscaler]) -> Choose:
    """Clean pictures are only enlarged, others are restored too.

    Args:
        load: returns the network of a name; called once for each that is needed.
    """
    load_once = functools.cache(load)

    def choose(picture: Picture) -> Choice:
        wear = condition.examine(_visible(picture), picture.jpeg_steps).wear
        network = model_info.RESTORING if wear else model_info.ENLARGING
        return Choice(load_once(network), network, wear or "clean")

    return choose


def _visible(picture: Picture) -> np.ndarray:
    """The first frame as 8-bit levels, `[H, W]` or `[H, W, 3]`."""
    frame = eight_bit(picture.frames[0])
    return np.asarray(frame.convert("L" if frame.mode in ("L", "LA") else "RGB"))
