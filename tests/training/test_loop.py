"""The outer loop: over steps that count."""

import numpy as np
import pytest
import tensorflow as tf

from sr_keras.training import loop


class Run:
    """A loop over counting steps."""

    def __init__(self, stop_after: int | None = None, iterations: int = 3) -> None:
        self.iteration, self.step = tf.Variable(0, dtype=tf.int64), tf.Variable(0, dtype=tf.int64)
        self.taken = 0
        self.actions: list[tuple[int, object]] = []
        self.seen: list[int] = []
        self.order: list[str] = []
        self.stop_after = stop_after
        self.iterations = iterations

    def __call__(self) -> bool:
        return loop.run(
            self._step,
            iter(lambda: (1.0,), None),
            iteration=self.iteration,
            iteration_step=self.step,
            iterations=self.iterations,
            steps_per_iteration=4,
            publish=lambda: self.order.append("published"),
            measure=self._measure,
            actions=[lambda iteration, scalars: self.actions.append((iteration, scalars["value"]))],
            after_step=lambda step, scalars: self.seen.append(step),
            should_stop=lambda: self.taken == self.stop_after,
        )

    def _measure(self, means: loop.Metrics) -> loop.Metrics:
        self.order.append("measured")
        return {"value": means["value"]}

    def _step(self, value: float) -> dict[str, tf.Tensor]:
        self.taken += 1
        return {"value": tf.constant(float(self.taken))}


def test_the_loop_acts_on_the_mean_of_each_iteration() -> None:
    run = Run()
    assert run()
    assert run.actions == [(1, 2.5), (2, 6.5), (3, 10.5)]
    assert run.seen == 3 * [1, 2, 3, 4]
    assert run.order == 3 * ["published", "measured"]


def test_a_stopped_loop_goes_on_where_it_was() -> None:
    run = Run(stop_after=6)
    assert not run()
    assert (int(run.iteration), int(run.step)) == (1, 2)
    run.stop_after = None
    assert run()
    assert run.taken == 12
    assert [iteration for iteration, _ in run.actions] == [1, 2, 3]


@pytest.mark.parametrize("stop_after", [None, 2])
def test_a_loss_that_is_not_finite_ends_the_run_before_any_action(stop_after: int | None) -> None:
    class Diverging(Run):
        def _step(self, value: float) -> dict[str, tf.Tensor]:
            return super()._step(value) | {"value": tf.constant(np.nan)}

    run = Diverging(stop_after=stop_after)
    with pytest.raises(FloatingPointError, match=r"value became nan in step 1 of iteration 1"):
        run()
    assert not run.actions


def test_a_finished_loop_does_nothing() -> None:
    run = Run(iterations=0)
    assert run()
    assert run.taken == 0
