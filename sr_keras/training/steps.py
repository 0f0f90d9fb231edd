"""The training steps: one `tf.function` each, from a batch to named metrics.

On several devices (tf.distribute) each computes its part of the batch. Losses, gradients, their norms and all metrics are
those of the whole batch: a step is what it would be on one device.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import keras
import tensorflow as tf

from sr_keras.training import losses
from sr_keras.training.objective import Objective
from sr_keras.training.state import TrainState

# Scalars, and distributions: arrays of shares.
StepMetrics = dict[str, tf.Tensor]
OnDevice = Callable[[tf.Tensor, tf.Tensor], StepMetrics]


class Step(Protocol):
    """A `tf.function` from a batch to named metrics."""

    def __call__(self, lr: tf.Tensor, hr: tf.Tensor) -> StepMetrics: ...

    def experimental_get_tracing_count(self) -> int: ...


# Of the distributions of the discriminator's predictions.
_BINS = 40


class StepOptions(NamedTuple):
    """What both steps do beyond the paper; by default nothing.

    Attributes:
        clip_norm: the largest norm of all gradients of a network (Pascanu et al. 2013); None is no limit.
        average_decay: the share of the averaged generator that a step keeps, if there is one.
        jit_compile: let XLA compile what one device computes.
        freeze_norms: the generator's batch norms use their moving averages, as after training, and do not update them; else
            they use the statistics of the batch, which differ between crops and whole photos.
    """

    clip_norm: float | None = None
    average_decay: float = 0.0
    jit_compile: bool = False
    freeze_norms: bool = False


PAPER = StepOptions()


def pixel_step(state: TrainState, objective: Objective, options: StepOptions = PAPER) -> Step:
    """A step that trains the generator alone, on its objective."""
    weights = [variable.value for variable in state.generator.trainable_variables]

    def train(lr: tf.Tensor, hr: tf.Tensor) -> StepMetrics:
        # Outside the tape, so that the teacher's work is not recorded.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            judged = objective(state.generator(lr, training=not options.freeze_norms), lr, hr)
            scaled_loss = _scaled(state, state.generator_optimizer, judged.loss)
        gradients = tape.gradient(scaled_loss, weights)
        return {"generator/loss": judged.loss, **judged.parts, **_update(state, "generator", gradients, options)}

    return _step(state, train, options)


def gan_step(
    state: TrainState,
    objective: Objective,
    *,
    adversarial_weight: float,
    ramp_steps: int = 0,
    real_label: float = 1.0,
    options: StepOptions = PAPER,
) -> Step:
    """A step that trains both networks on one forward pass of the generator (section II-B).

    Args:
        objective: L_G1.
        adversarial_weight: w in L_G = L_G1 + w * L_G2; 1 in the paper.
        ramp_steps: the weight grows from 0 to its value in this many steps with the discriminator; 0 is at once.
        real_label: of HR pictures; see `losses.real_loss`.
    """
    networks = state.generator, state.discriminator
    generator_weights, discriminator_weights = ([v.value for v in network.trainable_variables] for network in networks)

    def weight() -> float | tf.Tensor:
        if not ramp_steps:
            return adversarial_weight
        done = tf.cast(state.discriminator_optimizer.iterations, tf.float32)
        return adversarial_weight * tf.minimum(1.0, done / ramp_steps)

    def train(lr: tf.Tensor, hr: tf.Tensor) -> StepMetrics:
        generator_tape, discriminator_tape = (tf.GradientTape(watch_accessed_variables=False) for _ in range(2))
        with generator_tape, discriminator_tape:
            generator_tape.watch(generator_weights)
            discriminator_tape.watch(discriminator_weights)
            judged = objective(state.generator(lr, training=not options.freeze_norms), lr, hr)
            real_logits = state.discriminator(judged.hr, training=True)
            fake_logits = state.discriminator(judged.sr, training=True)
            adversarial = losses.adversarial_loss(fake_logits)
            generator_loss = judged.loss + weight() * adversarial  # L_G = L_G1 + w * L_G2
            fake, real = losses.fake_loss(fake_logits), losses.real_loss(real_logits, real_label)
            discriminator_loss = fake + real  # L_D = L_fake + L_real
            scaled_generator_loss = _scaled(state, state.generator_optimizer, generator_loss)
            scaled_discriminator_loss = _scaled(state, state.discriminator_optimizer, discriminator_loss)
        generator_gradients = generator_tape.gradient(scaled_generator_loss, generator_weights)
        discriminator_gradients = discriminator_tape.gradient(scaled_discriminator_loss, discriminator_weights)
        return {
            "generator/loss": generator_loss,
            **judged.parts,
            "generator/adversarial_loss": adversarial,
            "discriminator/loss": discriminator_loss,
            "discriminator/fake_loss": fake,
            "discriminator/real_loss": real,
            **_predictions("real", real_logits),
            **_predictions("fake", fake_logits),
            **_update(state, "generator", generator_gradients, options),
            **_update(state, "discriminator", discriminator_gradients, options),
        }

    return _step(state, train, options)


def _step(state: TrainState, train: OnDevice, options: StepOptions) -> Step:
    """Runs `train` on each device's part of a batch, then moves the average; returns the means of all devices' metrics."""
    strategy = state.strategy
    on_device = tf.function(train, jit_compile=True) if options.jit_compile else train

    def step(lr: tf.Tensor, hr: tf.Tensor) -> StepMetrics:
        metrics = strategy.run(on_device, (lr, hr))
        _follow(state, options.average_decay)
        return {name: strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None) for name, value in metrics.items()}

    traced: Step = tf.function(step, autograph=False)
    return traced


def _predictions(name: str, logits: tf.Tensor) -> StepMetrics:
    """The mean of the discriminator's predictions, and their distribution: the share of them in equal bins of [0, 1]."""
    predictions = tf.sigmoid(tf.reshape(tf.cast(logits, tf.float32), [-1]))
    bins = tf.minimum(tf.cast(predictions * _BINS, tf.int32), _BINS - 1)
    distribution = tf.reduce_mean(tf.one_hot(bins, _BINS), axis=0)
    return {f"discriminator/D_{name}": tf.reduce_mean(predictions), f"discriminator/verdicts_{name}": distribution}


def _follow(state: TrainState, average_decay: float) -> None:
    """Moves the averaged generator, if there is one, towards the generator."""
    if state.average is None:
        return
    # The decay grows to its value: a young average would remember the start for long.
    done = tf.cast(state.generator_optimizer.iterations, tf.float32)
    decay = tf.minimum(average_decay, (1.0 + done) / (10.0 + done))
    for mean, weight in zip(state.average.weights, state.generator.weights, strict=True):
        state.strategy.extended.update(
            mean.value, lambda mean, weight: mean.assign(decay * mean + (1.0 - decay) * weight), args=(weight.value,)
        )


def _scaled(state: TrainState, optimizer: keras.optimizers.Optimizer, loss: tf.Tensor) -> tf.Tensor:
    """A device's part of a mean over the whole batch, times the loss scale, if there is one."""
    return optimizer.scale_loss(loss) / state.strategy.num_replicas_in_sync


def _update(state: TrainState, name: str, gradients: list[tf.Tensor], options: StepOptions) -> StepMetrics:
    """One update of a network by the sum of all devices' gradients, and its metrics.

    With loss scaling, gradients that overflow are not applied: then `skipped_steps` is 1, else 0.
    """
    model, optimizer = getattr(state, name), getattr(state, f"{name}_optimizer")
    devices = state.strategy.num_replicas_in_sync
    if devices > 1:
        # The optimizer would add them up by itself, but too late: the norm to clip, and whether one overflows, is the sum's.
        sums = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        gradients = [gradient / devices for gradient in sums]
    scaling = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    scale = devices / optimizer.dynamic_scale if scaling else float(devices)
    norm = tf.linalg.global_norm([tf.cast(gradient, tf.float32) for gradient in gradients]) * scale
    if options.clip_norm is not None:
        factor = options.clip_norm / tf.maximum(norm, options.clip_norm)
        gradients = [gradient * factor for gradient in gradients]
    before = tf.identity(optimizer.iterations)
    optimizer.apply(gradients, model.trainable_variables)
    if not scaling:
        return {f"{name}/gradient_norm": norm}
    skipped = 1.0 - tf.cast(optimizer.iterations - before, tf.float32)
    return {f"{name}/gradient_norm": tf.where(skipped > 0, 0.0, norm), f"{name}/skipped_steps": skipped}
