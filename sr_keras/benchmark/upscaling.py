"""Measures upscaling on this machine: this build with each engine, an earlier one, peers and a matrix product, in one run."""

import contextlib
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sr_keras.benchmark import timing, upscaling_processes
from sr_keras.benchmark.upscaling_processes import Worker
from sr_keras.inference import model_info
from sr_keras.photos import condition


class Speed(NamedTuple):
    """What was measured of one way to upscale.

    Attributes:
        name, precision: of the way.
        seconds_per_megapixel: of the small photo.
        core_seconds_per_megapixel: what all cores together worked for that, which other work disturbs least.
        overlap_factor: how many times the photo's own arithmetic is done, because tiles or strips overlap; 0 is not known.
        of_machine: the rate of the photo's own arithmetic as a share of the machine's rate in the same precision.
        of_machine_with_overlap: the same for all arithmetic, that of the overlap too.
        memory_mb: the most resident memory of a process that does nothing else.
    """

    name: str
    precision: str
    seconds_per_megapixel: float
    core_seconds_per_megapixel: float
    overlap_factor: float
    of_machine: float
    of_machine_with_overlap: float
    memory_mb: float


def measure(
    folder: pathlib.Path,
    *,
    height: int,
    width: int,
    engines: Sequence[str],
    precisions: Sequence[str],
    before: str | None,
    peer_pythons: Sequence[str],
    tile: int | None,
    repeats: int,
) -> tuple[dict[str, float], list[Speed], list[str]]:
    """Measures the network of a SavedModel's folder on random noise.

    Args:
        height, width: of the photo, in pixels.
        engines: of this build; those that are not installed are left out.
        precisions: that are compared.
        before: a commit of this repository whose build takes part.
        peer_pythons: other libraries take part too, as their users would call them: those of this environment, and PyTorch of
            the first of these interpreters that has it; none for no peers.
        tile: see `Upscaler`.
        repeats: turns that count; the fastest does, for others waited for something else.

    Returns:
        The machine's rate in each precision, in 10^9 operations a second, what was measured of each way, and a line for each
        peer that is not installed.
    """
    info = model_info.read_info(folder)
    with contextlib.ExitStack() as stack:
        installed = [name for name in engines if upscaling_processes.is_installed(name)]
        ways = [upscaling_processes.ours(name, each, tile=tile) for each in precisions for name in installed]
        left_out: list[str] = []
        if before:
            earlier = stack.enter_context(upscaling_processes.checkout(before))
            ways += [upscaling_processes.earlier(earlier, precision) for precision in precisions]
        if peer_pythons:
            onnx = stack.enter_context(upscaling_processes.onnx_file(folder))
            found, left_out = upscaling_processes.peers(precisions, onnx, peer_pythons)
            ways += found
        # Peers may have other precisions than ours.
        rates = {
            precision: timing.machine_gflops(precision, repeats) for precision in dict.fromkeys(way.precision for way in ways)
        }
        workers = [Worker(way, folder, height, width) for way in ways]
        for worker in workers:
            stack.callback(worker.stop)
        for worker in workers:
            worker.ready()
        turns = [[worker.turn() for worker in workers] for _ in range(repeats)]
    pixels = height * width

    def speed(index: int, worker: Worker) -> Speed:
        name, precision = worker.contender.name, worker.contender.precision
        seconds = min(turn[index].seconds for turn in turns)
        share = info.operations * pixels / seconds / 1e9 / rates[precision]
        memory_mb = turns[-1][index].memory_mb
        wall, cores = (each / pixels * 1e6 for each in (seconds, min(turn[index].core_seconds for turn in turns)))
        return Speed(name, precision, wall, cores, worker.note, share, share * worker.note, memory_mb)

    return rates, [speed(index, worker) for index, worker in enumerate(workers)], left_out


def seconds_of_looking(height: int, width: int, repeats: int) -> float:
    """How long `--model=auto` looks at random noise to choose a network, a megapixel; the fastest of some turns."""
    photo = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    seconds = timing.fastest({"look": timing.timed(lambda: condition.examine(photo))}, repeats)
    return seconds["look"] / (height * width) * 1e6
