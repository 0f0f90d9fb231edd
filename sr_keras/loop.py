"""The outer loop: so many steps make an iteration, then come the actions. Knows no network and no file."""

import time
from collections.abc import Callable, Iterable, Sequence

import tensorflow as tf

Scalars = dict[str, float]
Action = Callable[[int, Scalars], None]


def run(
    step: Callable[..., dict[str, tf.Tensor]],
    batches: Iterable[tuple[tf.Tensor, ...]],
    *,
    iteration: tf.Variable,
    iteration_step: tf.Variable,
    iterations: int,
    steps_per_iteration: int,
    actions: Sequence[Action],
    after_step: Callable[[int, dict[str, tf.Tensor]], None],
    should_stop: Callable[[], bool],
) -> bool:
    """Runs until `iterations` iterations are finished, or until it should stop.

    Args:
        step: from a batch to named scalars.
        batches: endless.
        iteration, iteration_step: finished iterations, and finished steps of the current one; both are moved on.
        actions: called after each iteration with its number, from 1, and the means of its scalars.
        after_step: called after each step with the finished steps of the iteration and the step's scalars.
        should_stop: asked before each step.

    Returns:
        Whether all iterations are finished.
    """
    source = iter(batches)
    while int(iteration) < iterations:
        totals: dict[str, tf.Tensor] = {}
        steps, begun = 0, time.monotonic()
        while int(iteration_step) < steps_per_iteration:
            if should_stop():
                return False
            scalars = step(*next(source))
            # Sums stay on the device: nothing is kept per step, and nothing waits for the device.
            totals = {name: totals.get(name, 0.0) + value for name, value in scalars.items()}
            steps += 1
            after_step(int(iteration_step.assign_add(1)), scalars)
        means = {name: float(total) / steps for name, total in totals.items()}
        means["speed/steps_per_second"] = steps / (time.monotonic() - begun)
        iteration_step.assign(0)
        number = int(iteration.assign_add(1))
        for action in actions:
            action(number, means)
    return True
