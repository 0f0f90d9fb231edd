"""Measures which engine is the fastest on this machine's processor, for each family of networks."""

import contextlib
import pathlib
from collections.abc import Iterator, Sequence
from importlib import metadata

import psutil

from sr_keras.benchmark import upscaling_processes
from sr_keras.benchmark.upscaling_processes import Worker
from sr_keras.inference import engine_speeds, model_info
from sr_keras.inference.engine_speeds import EngineSpeeds, Place
from sr_keras.runtime import extras, processor
from sr_keras.runtime.errors import UserError

_ENGINES = ("openvino", "tensorflow")
# An engine for processors is compared with the other one on a processor.
_NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}


def of_each_family() -> list[str]:
    """The first bundled network of each family."""
    first: dict[str, str] = {}
    for name in model_info.shipped():
        first.setdefault(engine_speeds.family(_folder(name)), name)
    return list(first.values())


def measure(names: Sequence[str], *, side: int, repeats: int) -> Iterator[EngineSpeeds]:
    """Measures networks in each precision that the processor has, on a photo of noise; the engines take turns.

    Args:
        names: of bundled networks, or their folders.
        side: of the photo, in pixels.
        repeats: turns that count; the one of the least work does.

    Raises:
        UserError: an engine is not installed.
    """
    for engine, extra in zip(_ENGINES, ("cpu", "gpu"), strict=True):
        if not upscaling_processes.is_installed(engine):
            raise UserError(f"{engine} is not installed: {extras.install(extra)}")
    for name in names:
        for precision in ["bfloat16", "float32"] if processor.multiplies_bfloat16() else ["float32"]:
            yield _measure(name, precision, side, repeats)


def _measure(name: str, precision: str, side: int, repeats: int) -> EngineSpeeds:
    folder = _folder(name)
    with contextlib.ExitStack() as stack:
        workers = {}
        for engine in _ENGINES:
            workers[engine] = Worker(upscaling_processes.ours(engine, precision), folder, side, side, environment=_NO_GPU)
            stack.callback(workers[engine].stop)
        for worker in workers.values():
            worker.ready()
        first = {engine: worker.core_seconds for engine, worker in workers.items()}
        turns = [{engine: worker.turn().core_seconds for engine, worker in workers.items()} for _ in range(repeats)]
    fastest = {engine: min(turn[engine] for turn in turns) for engine in _ENGINES}
    return EngineSpeeds(
        place=Place(processor.kind(), precision, engine_speeds.family(folder)),
        network=name,
        processor=processor.name(),
        cores=psutil.cpu_count() or 1,
        libraries={engine: metadata.version(engine) for engine in _ENGINES},
        start_seconds={engine: round(max(0.0, first[engine] - fastest[engine]), 3) for engine in _ENGINES},
        seconds_per_megapixel={engine: round(fastest[engine] / side**2 * 1e6, 3) for engine in _ENGINES},
    )


def _folder(name: str) -> pathlib.Path:
    return model_info.newest_version(model_info.find_model(name))
