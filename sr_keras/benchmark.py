"""Measures speed on this machine: python -m sr_keras.benchmark upscale [--model=MODEL]

The exported network in its fast forms, the plain Keras network and a bare matrix product are timed in one run, in turns. What
counts are their ratios: seconds depend on the machine and on what else it does.
"""

import argparse
import functools
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import psutil

from sr_keras import arguments, facts, quiet

with quiet.tensorflow_import():
    import tensorflow as tf

    from sr_keras import export, precision, tiling
    from sr_keras.upscaler import Upscaler

_MATRIX_SIDE = 4096


class Row(NamedTuple):
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


def upscale(network: export.Network, *, tile: int | None, repeats: int) -> tuple[int, dict[str, float], list[Row]]:
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
    works = {f"matrix product, {name}": _matrix_product(name) for name in precisions}
    works["plain Keras, float32"] = lambda: _upscale_plainly(network, photo, tile)
    for name in precisions:
        upscaler = Upscaler(network, precision=name, tile=tile)
        works[f"fast form, {name}"] = functools.partial(upscaler.upscale, photo)
    seconds = _fastest(works, repeats)
    rates = {name: 2 * _MATRIX_SIDE**3 / seconds.pop(f"matrix product, {name}") / 1e9 for name in precisions}
    pixels = photo.shape[0] * photo.shape[1]

    def row(name: str) -> Row:
        gflops = network.facts.operations * pixels / seconds[name] / 1e9
        share = gflops / rates[name.split(", ")[1]]
        return Row(name, seconds[name] / pixels * 1e6, gflops, share, seconds["plain Keras, float32"] / seconds[name])

    return tile, rates, [row(name) for name in seconds]


def _upscale_plainly(network: export.Network, photo: np.ndarray, tile: int) -> None:
    """What a program does that knows of no fast form: all layers on all of each window, then cuts the tile out."""
    scale = network.facts.scale

    def upscale_tile(window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
        sr = network(window[np.newaxis] / np.float32(255))[0]
        y, x = (slice(scale * begin, scale * (begin + extent)) for begin, extent in zip(start, size, strict=True))
        return np.rint(np.clip(sr[y, x], 0, 1) * 255).astype(np.uint8)

    tiling.upscale_tiled(upscale_tile, photo, lambda *_: None, scale=scale, tile=tile, overlap=network.facts.reach)


def _matrix_product(dtype: str) -> Callable[[], object]:
    left, right = (tf.cast(tf.random.stateless_uniform([_MATRIX_SIDE] * 2, [0, seed]), dtype) for seed in (0, 1))
    # Asking for a number of the result waits for it, on a GPU too.
    return lambda: tf.matmul(left, right)[0, 0].numpy()


def _fastest(works: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The shortest time of each work in seconds. They take turns, so that what slows the machine down meets all of them."""
    for work in works.values():
        work()  # traces, and fills caches
    seconds = dict.fromkeys(works, float("inf"))
    for _ in range(repeats):
        for name, work in works.items():
            begun = time.perf_counter()
            work()
            seconds[name] = min(seconds[name], time.perf_counter() - begun)
    return seconds


def _print_upscale(options: argparse.Namespace) -> None:
    network = export.Network(options.model)
    tile, rates, rows = upscale(network, tile=options.tile, repeats=options.repeats)
    print(
        f"on {precision.devices()}, {psutil.cpu_count()} cores; tiles of {tile} pixels; the fastest of {options.repeats} runs"
    )
    for name, rate in rates.items():
        print(f"matrix product, {name}: {rate:.0f} GFLOP/s")
    print(f"{'':24}  s/megapixel  GFLOP/s  of matrix product  times plain")
    for row in rows:
        print(
            f"{row.name:24}  {row.seconds_per_megapixel:11.1f}  {row.gflops:7.0f}  {row.of_matrix_product:17.2f}"
            f"  {row.times_plain:11.2f}"
        )
    print(f"resident memory, all of this together: {psutil.Process().memory_info().rss / 1e6:.0f} MB")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m sr_keras.benchmark", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    upscaling = commands.add_parser("upscale", help="an exported network against the plain one")
    upscaling.add_argument(
        "--model", type=facts.find_model, default="srresnet", metavar="MODEL", help="a name or a folder (%(default)s)"
    )
    upscaling.add_argument("--tile", type=arguments.positive_int, metavar="PIXELS", help="(default: as upscale.py takes it)")
    upscaling.add_argument("--repeats", type=arguments.positive_int, default=3, metavar="N", help="(%(default)s)")
    upscaling.set_defaults(run=_print_upscale)
    options = parser.parse_args(argv)
    try:
        options.run(options)
    except facts.ModelError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
