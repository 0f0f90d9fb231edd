"""Measures how fast a machine is: works in turns, and the matrix product that others are compared with."""

import contextlib
import importlib.util
import os
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import psutil
import tensorflow as tf

MATRIX_SIDE = 4096

# Of the matrices that tell what the machine can do at most.
MACHINE_SIDES = (1024, 2048, 4096)


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


def machine_gflops(precision: str, repeats: int) -> float:
    """What the machine can do at most, as far as a matrix product tells: 10^9 operations a second.

    The best of several sizes, layouts and libraries: none of them is the fastest on every processor.
    """
    works = _tensorflow_products(precision) | _openvino_products(precision)
    seconds = fastest({key: timed(work) for key, work in works.items()}, repeats)
    return max(2 * side**3 / seconds[key] / 1e9 for key in works for side in [int(key.split()[1])])


def _tensorflow_products(precision: str) -> dict[str, Callable[[], object]]:
    def product(side: int, transpose: bool) -> Callable[[], object]:
        left, right = (tf.cast(tf.random.stateless_uniform([side] * 2, [0, seed]), precision) for seed in (0, 1))
        return lambda: tf.matmul(left, right, transpose_b=transpose)

    return {f"tensorflow {side} {transpose}": product(side, transpose) for side in MACHINE_SIDES for transpose in (False, True)}


def _openvino_products(precision: str) -> dict[str, Callable[[], object]]:
    if importlib.util.find_spec("openvino") is None or precision == "float16":
        return {}
    import openvino
    from openvino import opset13 as ops

    def product(side: int, transpose: bool) -> Callable[[], object]:
        # As in a network, one of the two is known beforehand, and laid out for the processor.
        left = ops.parameter([side, side], np.float32)
        weights = ops.constant(np.random.default_rng(0).random((side, side), np.float32))
        result = ops.result(ops.matmul(left, weights, False, transpose))
        model = openvino.Model([result], [left], "product")
        hint = {"float32": "f32", "bfloat16": "bf16"}[precision]
        request = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": hint}).create_infer_request()
        request.set_input_tensor(openvino.Tensor(np.ones((side, side), np.float32)))
        return lambda: request.infer()

    return {f"openvino {side} {transpose}": product(side, transpose) for side in MACHINE_SIDES for transpose in (False, True)}


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
