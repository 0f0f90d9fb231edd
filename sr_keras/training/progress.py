"""What a person sees of a running training: a bar on a terminal, plain lines elsewhere."""

import logging
import time

import tensorflow as tf
from tqdm import tqdm

from sr_keras.training.loop import Metrics

logger = logging.getLogger(__name__)

_BAR_SECONDS = 1
_LINE_SECONDS = 60


class ProgressLine:
    """Shows losses and photos a second; reads the device once a second on a terminal, once a minute elsewhere."""

    def __init__(self, *, iteration: int, iterations: int, steps_per_iteration: int, batch_size: int) -> None:
        """`iteration` is the number of finished ones."""
        self._iterations = iterations
        self._batch_size = batch_size
        self._shown_at = time.monotonic()
        total = steps_per_iteration * batch_size
        # `disable=None` draws on terminals only.
        self._bar = tqdm(total=total, unit="photo", disable=None, leave=False, dynamic_ncols=True)
        self._describe(iteration)

    def after_step(self, step: int, numbers: dict[str, tf.Tensor]) -> None:
        """`step` is the number of finished steps of the iteration."""
        if not self._bar.disable:
            self._bar.update(step * self._batch_size - self._bar.n)
        if time.monotonic() - self._shown_at >= (_LINE_SECONDS if self._bar.disable else _BAR_SECONDS):
            losses = ", ".join(f"{name} {float(value):.5f}" for name, value in numbers.items() if "/loss" in name)
            if self._bar.disable:
                logger.info("%s: %d of %d photos, %s", self._name, step * self._batch_size, self._bar.total, losses)
            self._bar.set_postfix_str(losses)
            self._shown_at = time.monotonic()

    def after_iteration(self, iteration: int, numbers: Metrics) -> None:
        """An action of the loop: a line that stays, and the bar anew."""
        scalars = [f"{name} {value:.5g}" for name, value in numbers.items() if isinstance(value, float | int)]
        logger.info("%s: %s", self._name, ", ".join(scalars))
        self._bar.reset()
        self._describe(iteration)

    def close(self) -> None:
        """Takes the bar away."""
        self._bar.close()

    def _describe(self, finished: int) -> None:
        self._name = f"iteration {finished + 1} of {self._iterations}"
        self._bar.set_description(self._name)
