"""The step of an sr_keras: this one, or the checkout that PYTHONPATH names, back to the one before steps had an objective."""

import inspect
import pathlib
import sys
from typing import Any

# Of this build, whatever sr_keras is measured.
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import keras
import protocol  # type: ignore[import-not-found]  # it lies beside this file
import tensorflow as tf

from sr_keras.networks import generators, srgan
from sr_keras.training import state, steps


def main() -> None:
    options = protocol.arguments()
    keras.mixed_precision.set_global_policy(options.policy)
    networks = generators.build(options.generator), srgan.build_discriminator()
    run = state.TrainState(*networks, *(_adam() for _ in networks))
    step = _step(run, adversarial=options.generator == "srgan")
    sides = options.hr_size // 4, options.hr_size
    batch = [tf.random.stateless_uniform([options.batch_size, side, side, 3], [0, side]) for side in sides]

    def timed_step() -> None:
        step(*batch)
        tf.test.experimental.sync_devices()

    protocol.serve(timed_step)


def _adam() -> keras.optimizers.Optimizer:
    try:
        from sr_keras.training.adam import Adam
    except ImportError:
        return keras.optimizers.Adam(1e-4)
    return Adam(1e-4)


def _step(run: state.TrainState, *, adversarial: bool) -> Any:
    make_step: Any = steps.gan_step if adversarial else steps.pixel_step
    given = {"adversarial_weight": 1.0} if adversarial else {}
    if "objective" not in inspect.signature(make_step).parameters:
        return make_step(run, **given)
    from sr_keras.training.objective import Objective

    return make_step(run, Objective(iterations=run.generator_optimizer.iterations), **given)


if __name__ == "__main__":
    main()
