"""Measures how fast a machine is: works in turns, and the matrix product that others are compared with."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping

import psutil
import tensorflow as tf

MATRIX_SIDE = 4096


def fastest(works: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """The shortest time of each work. They take turns, so that what slows the machine down meets all of them.

    Args:
        works: each does its work and returns the seconds that it took; see `timed`.
        repeats: turns that count. One before them traces, and fills caches.
    """
    turns = [{name: work() for name, work in works.items()} for _ in range(1 + repeats)]
    return {name: min(turn[name] for turn in turns[1:]) for name in works}


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """A function that does the work, waits for the device too, and returns the seconds that this took."""

    def seconds() -> float:
        begun = time.perf_counter()
        work()
        tf.test.experimental.sync_devices()
        return time.perf_counter() - begun

    return seconds


def matrix_product(dtype: str) -> Callable[[], object]:
    """A product of two square matrices of `MATRIX_SIDE`."""
    left, right = (tf.cast(tf.random.stateless_uniform([MATRIX_SIDE] * 2, [0, seed]), dtype) for seed in (0, 1))
    return lambda: tf.matmul(left, right)


def matrix_gflops(seconds: float) -> float:
    """10^9 operations a second of a `matrix_product`."""
    return 2 * MATRIX_SIDE**3 / seconds / 1e9


def cores() -> list[int]:
    """The numbers of the processor cores that this process may use; empty where the system can't tell (all but Linux)."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@contextlib.contextmanager
def on_cores(numbers: list[int]) -> Iterator[None]:
    """Keeps all threads of this process on these cores; what a thread may use is inherited by those that it starts."""
    before = cores()
    _pin(numbers)
    try:
        yield
    finally:
        _pin(before)


def _pin(numbers: list[int]) -> None:
    for thread in psutil.Process().threads():
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(thread.id, numbers)
