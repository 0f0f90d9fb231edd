"""Measures upscaling on this machine: this build with each engine, an earlier one, peers and a matrix product, in one run."""

import contextlib
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from sr_keras.benchmark import timing, upscaling_processes
from sr_keras.benchmark.upscaling_processes import Contender, Worker
from sr_keras.inference import model_info


class Speed(NamedTuple):
    """What was measured of one way to upscale.

    Attributes:
        name, precision: of the way.
        seconds_per_megapixel: of the small photo.
        overlap_factor: how many times the photo's own arithmetic is done, because tiles or strips overlap; 0 is not known.
        of_machine: the rate of the photo's own arithmetic as a share of the machine's rate in the same precision.
        of_machine_with_overlap: the same for all arithmetic, that of the overlap too.
        memory_mb: the most resident memory of a process that does nothing else.
    """

    name: str
    precision: str
    seconds_per_megapixel: float
    overlap_factor: float
    of_machine: float
    of_machine_with_overlap: float
    memory_mb: float


def measure(
    folder: pathlib.Path,
    *,
    height: int,
    width: int,
    precisions: Sequence[str],
    before: str | None,
    with_peers: bool,
    tile: int | None,
    repeats: int,
) -> tuple[dict[str, float], list[Speed]]:
    """Measures the network of a SavedModel's folder on random noise.

    Args:
        height, width: of the photo, in pixels.
        precisions: that are compared.
        before: a commit of this repository whose build takes part.
        with_peers: whether other libraries take part, as their users would call them.
        tile: see `Upscaler`.
        repeats: turns that count; the fastest does, for others waited for something else.

    Returns:
        The machine's rate in each precision, in 10^9 operations a second, and what was measured of each way.
    """
    info = model_info.read_info(folder)
    rates = {precision: timing.machine_gflops(precision, repeats) for precision in precisions}
    with contextlib.ExitStack() as stack:
        ways = _ours(precisions, tile)
        if before:
            earlier = stack.enter_context(upscaling_processes.checkout(before))
            ways += [upscaling_processes.earlier(earlier, precision) for precision in precisions]
        if with_peers:
            ways += upscaling_processes.peers(precisions, stack.enter_context(upscaling_processes.onnx_file(folder)))
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
        return Speed(name, precision, seconds / pixels * 1e6, worker.note, share, share * worker.note, memory_mb)

    return rates, [speed(index, worker) for index, worker in enumerate(workers)]


def _ours(precisions: Sequence[str], tile: int | None) -> list[Contender]:
    engines = [name for name in ("openvino", "tensorflow") if upscaling_processes.is_installed(name)]
    return [upscaling_processes.ours(engine, precision, tile=tile) for precision in precisions for engine in engines]
