"""What a person sees while a training runs: a bar on a terminal, plain lines elsewhere. TensorBoard has the rest."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tqdm import tqdm

from sr_keras.training.loop import Metrics

logger = logging.getLogger(__name__)

_BAR_SECONDS = 1
_LINE_SECONDS = 60


class ProgressLine:
    """Shows the iteration, losses, PSNR, photos a second and the time left.

    Reads the device once a second on a terminal, once a minute elsewhere.
    """

    def __init__(self, *, iteration: int, iterations: int, steps_per_iteration: int, batch_size: int, steps_left: int) -> None:
        """Args:
        iteration: finished iterations.
        iterations: of the whole run.
        batch_size: photos a step.
        steps_left: until this process stops.
        """
        self._iterations = iterations
        self._batch_size = batch_size
        self._clock = _Clock(steps_left)
        self._shown_at = time.monotonic()
        total = steps_per_iteration * batch_size
        # `disable=None` draws on terminals only.
        self._bar = tqdm(total=total, unit="photo", disable=None, leave=False, dynamic_ncols=True)
        self._describe(iteration)

    def after_step(self, step: int, metrics: Mapping[str, tf.Tensor]) -> None:
        """`step` is the number of finished steps of the iteration."""
        self._clock.count()
        if not self._bar.disable:
            self._bar.update(step * self._batch_size - self._bar.n)
        if time.monotonic() - self._shown_at >= (_LINE_SECONDS if self._bar.disable else _BAR_SECONDS):
            shown = ", ".join([*_losses(metrics), *self._clock.time_left()])
            if self._bar.disable:
                logger.info("%s: %d of %d photos, %s", self._name, step * self._batch_size, self._bar.total, shown)
            self._bar.set_postfix_str(shown)
            self._shown_at = time.monotonic()

    def after_iteration(self, iteration: int, metrics: Metrics) -> None:
        """An action of the loop: a line that stays, and the bar anew."""
        psnr = [f"PSNR {metrics['validation/psnr_db']:.2f} dB"] if "validation/psnr_db" in metrics else []
        speed = f"{metrics['work/photos_per_second']:.3g} photos/s"
        logger.info("%s: %s", self._name, ", ".join([*_losses(metrics), *psnr, speed, *self._clock.time_left()]))
        self._bar.reset()
        self._describe(iteration)

    def close(self) -> None:
        """Takes the bar away."""
        self._bar.close()

    def _describe(self, finished: int) -> None:
        self._name = f"iteration {finished + 1} of {self._iterations}"
        self._bar.set_description(self._name)


class _Clock:
    """Estimates the time left from the mean time of a step, with all that happens between steps."""

    def __init__(self, steps_left: int) -> None:
        self._steps_left = steps_left
        self._begun_at: float | None = None
        self._steps = 0

    def count(self) -> None:
        """Called after each step."""
        self._steps_left -= 1
        if self._begun_at is None:
            # The first step of a process is traced, which takes many times as long.
            self._begun_at = time.monotonic()
        else:
            self._steps += 1

    def time_left(self) -> list[str]:
        """One text, or none where there is nothing to tell."""
        if self._begun_at is None or not self._steps or self._steps_left <= 0:
            return []
        return [f"{duration((time.monotonic() - self._begun_at) / self._steps * self._steps_left)} left"]


def duration(seconds: float) -> str:
    """A duration as a person says it: two units at most."""
    minutes = round(seconds / 60)
    if minutes == 0:
        return "less than a minute"
    hours, days = minutes // 60, minutes // (24 * 60)
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def _losses(metrics: Mapping[str, Any]) -> list[str]:
    """The loss of each network, with the parts of the generator's where it has several; none where no step was left to do."""
    parts = {
        name.removeprefix("generator/").removesuffix("_loss"): float(value)
        for name, value in metrics.items()
        if name.startswith("generator/") and name.endswith("_loss")
    }
    of_parts = ", ".join(f"{name} {value:.4g}" for name, value in parts.items())
    networks = [network for network in ("generator", "discriminator") if f"{network}/loss" in metrics]
    shown = [f"{network} loss {float(metrics[f'{network}/loss']):.4g}" for network in networks]
    return [f"{shown[0]} ({of_parts})", *shown[1:]] if len(parts) > 1 else shown
