"""The outer loop: N steps make an iteration, then come the actions. Knows no network and no file."""

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf

# A run that diverged is noticed soon; reading the device more often would slow it down.
_STEPS_BETWEEN_CHECKS = 100

# Scalars, and distributions: arrays of shares.
Metrics = dict[str, float | np.ndarray]
Action = Callable[[int, Metrics], None]


def run(
    step: Callable[..., dict[str, tf.Tensor]],
    batches: Iterable[tuple[tf.Tensor, ...]],
    *,
    iteration: tf.Variable,
    iteration_step: tf.Variable,
    iterations: int,
    steps_per_iteration: int,
    publish: Callable[[], None],
    measure: Callable[[Metrics], Metrics],
    actions: Sequence[Action],
    after_step: Callable[[int, dict[str, tf.Tensor]], None],
    should_stop: Callable[[], object],
    checkpoint_steps: int = 0,
    checkpoint: Callable[[], object] = lambda: None,
) -> bool:
    """Runs until `iterations` iterations are finished, or until it should stop.

    Args:
        step: from a batch to named metrics.
        batches: endless.
        iteration, iteration_step: finished iterations, and finished steps of the current one; both are moved on.
        publish: called after each iteration, first: brings the trained weights into the network that is measured and exported.
        measure: from the means of an iteration's metrics to all metrics that its actions get.
        actions: called after each iteration with its number, from 1, and its metrics.
        after_step: called after each step with the finished steps of the iteration and the step's metrics.
        should_stop: asked before each step.
        checkpoint_steps: call `checkpoint` after every N steps of an iteration; 0 is never.

    Returns:
        Whether all iterations are finished.

    Raises:
        FloatingPointError: a metric is not finite; the message names it, the iteration and the step. Nothing was called since.
    """
    source = iter(batches)
    while int(iteration) < iterations:
        totals = _Totals(int(iteration) + 1)
        begun = time.monotonic()
        while int(iteration_step) < steps_per_iteration:
            if should_stop():
                totals.means()
                return False
            with _marked(int(iteration_step)):
                metrics = step(*next(source))
            done = int(iteration_step.assign_add(1))
            totals.add(done, metrics)
            after_step(done, metrics)
            is_checkpoint = checkpoint_steps and done % checkpoint_steps == 0 and done < steps_per_iteration
            if is_checkpoint or totals.steps % _STEPS_BETWEEN_CHECKS == 0:
                totals.means()
            if is_checkpoint:
                checkpoint()
        means = totals.means()
        means["work/steps_per_second"] = totals.steps / (time.monotonic() - begun)
        iteration_step.assign(0)
        number = int(iteration.assign_add(1))
        publish()
        measured = measure(means)
        for action in actions:
            action(number, measured)
    return True


def _marked(step: int) -> contextlib.AbstractContextManager[object]:
    """Marks one step for a profiler, reading included; without a profiler it does nothing."""
    mark: contextlib.AbstractContextManager[object] = tf.profiler.experimental.Trace("train", step_num=step, _r=1)
    return mark


class _Totals:
    """Sums of an iteration's metrics. They stay on the device: nothing is kept per step, and hardly anything waits for it."""

    def __init__(self, iteration: int) -> None:
        self.steps = 0
        self._iteration = iteration
        self._sums: dict[str, tf.Tensor] = {}
        self._finite_until = tf.constant(0)

    def add(self, step: int, metrics: dict[str, tf.Tensor]) -> None:
        self._sums = {name: self._sums.get(name, 0.0) + value for name, value in metrics.items()}
        # What once is not finite stays so: this stops growing.
        all_finite = tf.math.is_finite(tf.add_n([tf.reduce_sum(total) for total in self._sums.values()]))
        self._finite_until = tf.where(all_finite, step, self._finite_until)
        self.steps += 1

    def means(self) -> Metrics:
        """Waits for the device.

        Raises:
            FloatingPointError: a metric is not finite.
        """
        means = {name: total.numpy() / self.steps for name, total in self._sums.items()}
        for name, mean in means.items():
            if not np.isfinite(mean).all():
                step = max(int(self._finite_until), 0) + 1
                raise FloatingPointError(f"{name} became {mean} in step {step} of iteration {self._iteration}")
        return {name: float(mean) if mean.ndim == 0 else mean for name, mean in means.items()}
