"""What a person reads of a running training."""

import logging
import time

import numpy as np
import pytest
import tensorflow as tf

from sr_keras.training import loop, progress


@pytest.mark.parametrize(
    "seconds, expected",
    [
        (0, "less than a minute"),
        (29, "less than a minute"),
        (31, "1 min"),
        (59 * 60 + 40, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations_have_the_units_of_a_person(seconds: float, expected: str) -> None:
    assert progress.duration(seconds) == expected


def test_the_line_of_an_iteration_is_for_a_person(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses, PSNR, speed and the time left until this process stops; TensorBoard has the rest."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    line = progress.ProgressLine(iteration=1, iterations=9, steps_per_iteration=3, batch_size=4, steps_left=6)
    step = {"generator/loss": tf.constant(0.5), "generator/pixel_loss": tf.constant(0.5)}
    for done in (1, 2, 3):
        now[0] += 100 if done == 1 else 40  # the first one is traced
        line.after_step(done, step)
    others: loop.Metrics = {"work/host_mib": 900.0, "generator/gradient_norm": 0.1, "discriminator/verdicts_real": np.ones(40)}
    losses: loop.Metrics = {"generator/loss": 0.71, "generator/pixel_loss": 0.01236, "generator/adversarial_loss": 0.698}
    measured: loop.Metrics = {"discriminator/loss": 1.38, "validation/psnr_db": 28.314, "work/photos_per_second": 8.512}
    with caplog.at_level(logging.INFO):
        line.after_iteration(2, {**losses, **measured, **others})
    line.close()
    assert caplog.messages[-1] == (
        "iteration 2 of 9: generator loss 0.71 (pixel 0.01236, adversarial 0.698), discriminator loss 1.38, PSNR 28.31 dB, "
        "8.51 photos/s, 2 min left"
    )


def test_an_iteration_without_a_step_has_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """A run that goes on with fewer steps an iteration may have done all of this one before."""
    line = progress.ProgressLine(iteration=0, iterations=1, steps_per_iteration=1, batch_size=4, steps_left=0)
    with caplog.at_level(logging.INFO):
        line.after_iteration(1, {"work/photos_per_second": 0.0})
    line.close()
    assert caplog.messages[-1] == "iteration 1 of 1: 0 photos/s"
