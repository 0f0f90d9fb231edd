"""The outer loop: so many steps make an iteration, then come the actions. Knows no network and no file."""

import math
import time
from collections.abc import Callable, Iterable, Sequence

import tensorflow as tf

# A run that came apart is noticed soon; reading the device more often would slow it down.
_STEPS_BETWEEN_CHECKS = 100

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
    measure: Callable[[Scalars], Scalars],
    actions: Sequence[Action],
    after_step: Callable[[int, dict[str, tf.Tensor]], None],
    should_stop: Callable[[], object],
) -> bool:
    """Runs until `iterations` iterations are finished, or until it should stop.

    Args:
        step: from a batch to named scalars.
        batches: endless.
        iteration, iteration_step: finished iterations, and finished steps of the current one; both are moved on.
        measure: from the means of an iteration's scalars to all that its actions are told.
        actions: called after each iteration with its number, from 1, and its scalars.
        after_step: called after each step with the finished steps of the iteration and the step's scalars.
        should_stop: asked before each step.

    Returns:
        Whether all iterations are finished.

    Raises:
        FloatingPointError: a scalar is not finite. No action was called since.
    """
    source = iter(batches)
    while int(iteration) < iterations:
        totals: dict[str, tf.Tensor] = {}
        steps, begun = 0, time.monotonic()
        while int(iteration_step) < steps_per_iteration:
            if should_stop():
                _means(totals, steps, int(iteration))
                return False
            scalars = step(*next(source))
            # Sums stay on the device: nothing is kept per step, and hardly anything waits for the device.
            totals = {name: totals.get(name, 0.0) + value for name, value in scalars.items()}
            steps += 1
            after_step(int(iteration_step.assign_add(1)), scalars)
            if steps % _STEPS_BETWEEN_CHECKS == 0:
                _means(totals, steps, int(iteration))
        means = _means(totals, steps, int(iteration))
        means["speed/steps_per_second"] = steps / (time.monotonic() - begun)
        iteration_step.assign(0)
        number = int(iteration.assign_add(1))
        measured = measure(means)
        for action in actions:
            action(number, measured)
    return True


def _means(totals: dict[str, tf.Tensor], steps: int, finished: int) -> Scalars:
    means = {name: float(total) / steps for name, total in totals.items()}
    for name, mean in means.items():
        if not math.isfinite(mean):
            raise FloatingPointError(f"{name} became {mean} in iteration {finished + 1}, within its first {steps} steps")
    return means
