"""Measures upscaling on this machine: an exported network's optimised graph, the plain one, a matrix product, in one run."""

import functools
from typing import NamedTuple

import numpy as np

from sr_keras.benchmark import timing
from sr_keras.inference import saved_model, tiling
from sr_keras.inference.upscaler import Upscaler
from sr_keras.runtime import precision


class Speed(NamedTuple):
    """What was measured of one way to upscale.

    Attributes:
        seconds_per_megapixel: of the small photo.
        gflops: 10^9 operations a second, counting those of the network's convolutions for the photo alone, without overlaps.
        of_matrix_product: that rate as a share of a matrix product's in the same precision.
        times_plain: how many times faster than the plain Keras network.
    """

    name: str
    seconds_per_megapixel: float
    gflops: float
    of_matrix_product: float
    times_plain: float


def upscale(
    network: saved_model.ExportedNetwork, *, tile: int | None, repeats: int
) -> tuple[int, dict[str, float], list[Speed]]:
    """Measures an exported network on random noise of 2x2 tiles.

    Args:
        network: to be measured.
        tile: tile size for all forms; None is that of an `Upscaler` in this machine's fastest precision.
        repeats: how often each is timed; the fastest counts, for others waited for something else.

    Returns:
        The tile size, the rate of a matrix product in each precision in 10^9 operations a second, and a row for each form.
    """
    fastest = precision.resolve_inference("auto")
    precisions = list(dict.fromkeys(["float32", fastest]))
    tile = tile or Upscaler(network).tile
    photo = np.random.default_rng(0).integers(0, 256, (2 * tile, 2 * tile, 3), dtype=np.uint8)
    works = {f"matrix product, {name}": timing.matrix_product(name) for name in precisions}
    works["plain Keras, float32"] = lambda: _upscale_plainly(network, photo, tile)
    for name in precisions:
        upscaler = Upscaler(network, precision=name, tile=tile)
        works[f"optimised, {name}"] = functools.partial(upscaler.upscale, photo)
    seconds = timing.fastest({name: timing.timed(work) for name, work in works.items()}, repeats)
    rates = {name: timing.matrix_gflops(seconds.pop(f"matrix product, {name}")) for name in precisions}
    pixels = photo.shape[0] * photo.shape[1]

    def row(name: str) -> Speed:
        gflops = network.info.operations * pixels / seconds[name] / 1e9
        share = gflops / rates[name.split(", ")[1]]
        return Speed(name, seconds[name] / pixels * 1e6, gflops, share, seconds["plain Keras, float32"] / seconds[name])

    return tile, rates, [row(name) for name in seconds]


def _upscale_plainly(network: saved_model.ExportedNetwork, photo: np.ndarray, tile: int) -> None:
    """What a program does without the optimised graph: all layers on all of each window, then cuts the tile out."""
    scale = network.info.scale

    def upscale_tile(window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
        sr = network(window[np.newaxis] / np.float32(255))[0]
        y, x = (slice(scale * begin, scale * (begin + extent)) for begin, extent in zip(start, size, strict=True))
        return np.asarray(np.rint(np.clip(sr[y, x], 0, 1) * 255), np.uint8)

    tiling.upscale_tiled(upscale_tile, photo, lambda *_: None, scale=scale, tile=tile, overlap=network.info.receptive_field)
