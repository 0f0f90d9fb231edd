"""The training steps: one `tf.function` each, from a batch to named scalars."""

from collections.abc import Callable

import keras
import tensorflow as tf

from sr_keras import losses
from sr_keras.state import TrainState

PixelLoss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
Step = Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]


def pixel_step(state: TrainState, *, pixel_loss: PixelLoss = losses.mean_squared_error, average_decay: float = 0.0) -> Step:
    """A step that trains the generator alone, on the pixel loss; see `gan_step` for `average_decay`."""

    @tf.function
    def step(lr: tf.Tensor, hr: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            pixel = pixel_loss(hr, state.generator(lr, training=True))
            scaled_loss = state.generator_optimizer.scale_loss(pixel)
        skipped = _apply_gradients("generator", tape, scaled_loss, state.generator, state.generator_optimizer)
        _follow(state, average_decay)
        return {"generator/loss": pixel, "generator/pixel_loss": pixel, **skipped}

    return step


def gan_step(
    state: TrainState,
    *,
    adversarial_weight: float,
    pixel_loss: PixelLoss = losses.mean_squared_error,
    ramp_steps: int = 0,
    real_label: float = 1.0,
    average_decay: float = 0.0,
) -> Step:
    """A step that trains both networks on one forward pass of the generator (section II-B).

    Args:
        adversarial_weight: w in L_G = L_G1 + w * L_G2; 1 in the paper.
        pixel_loss: L_G1.
        ramp_steps: the weight grows from 0 to its value in so many steps with the discriminator; 0 is at once.
        real_label: of originals; see `losses.real_loss`.
        average_decay: how much of the averaged generator stays in a step, if there is one.
    """

    def weight() -> float | tf.Tensor:
        if not ramp_steps:
            return adversarial_weight
        done = tf.cast(state.discriminator_optimizer.iterations, tf.float32)
        return adversarial_weight * tf.minimum(1.0, done / ramp_steps)

    @tf.function
    def step(lr: tf.Tensor, hr: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            sr = state.generator(lr, training=True)
            real_logits = state.discriminator(hr, training=True)
            fake_logits = state.discriminator(sr, training=True)
            pixel = pixel_loss(hr, sr)
            adversarial = losses.adversarial_loss(fake_logits)
            generator_loss = pixel + weight() * adversarial  # L_G = L_G1 + w * L_G2
            fake, real = losses.fake_loss(fake_logits), losses.real_loss(real_logits, real_label)
            discriminator_loss = fake + real  # L_D = L_fake + L_real
            scaled_generator_loss = state.generator_optimizer.scale_loss(generator_loss)
            scaled_discriminator_loss = state.discriminator_optimizer.scale_loss(discriminator_loss)
        skipped = _apply_gradients(
            "generator", generator_tape, scaled_generator_loss, state.generator, state.generator_optimizer
        ) | _apply_gradients(
            "discriminator", discriminator_tape, scaled_discriminator_loss, state.discriminator, state.discriminator_optimizer
        )
        _follow(state, average_decay)
        return {
            "generator/loss": generator_loss,
            "generator/pixel_loss": pixel,
            "generator/adversarial_loss": adversarial,
            "discriminator/loss": discriminator_loss,
            "discriminator/fake_loss": fake,
            "discriminator/real_loss": real,
            "discriminator/D_real": tf.reduce_mean(tf.sigmoid(real_logits)),
            "discriminator/D_fake": tf.reduce_mean(tf.sigmoid(fake_logits)),
            **skipped,
        }

    return step


def _follow(state: TrainState, average_decay: float) -> None:
    """Moves the averaged generator, if there is one, towards the generator."""
    if state.average is None:
        return
    # A young average would remember the start for long: the decay grows to its value.
    done = tf.cast(state.generator_optimizer.iterations, tf.float32)
    decay = tf.minimum(average_decay, (1.0 + done) / (10.0 + done))
    for mean, weight in zip(state.average.weights, state.generator.weights, strict=True):
        mean.assign(decay * mean + (1.0 - decay) * weight)


def _apply_gradients(name: str, tape, scaled_loss, model, optimizer) -> dict[str, tf.Tensor]:
    """One update. With loss scaling, gradients that overflow are not applied; then 1, as the scalar that it gives, else 0."""
    variables = model.trainable_variables
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer.apply(tape.gradient(scaled_loss, variables), variables)
        return {}
    before = tf.identity(optimizer.iterations)
    optimizer.apply(tape.gradient(scaled_loss, variables), variables)
    return {f"{name}/skipped_steps": 1.0 - tf.cast(optimizer.iterations - before, tf.float32)}
