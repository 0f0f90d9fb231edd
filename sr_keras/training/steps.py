"""The training steps: one `tf.function` each, from a batch to named numbers.

On several devices (tf.distribute) each computes its part of the batch. Losses, gradients, their norms and all numbers are
those of the whole batch: a step is what it would be on one device.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple, Protocol

import keras
import tensorflow as tf

from sr_keras.networks.back_projection import BackProjection
from sr_keras.training import losses
from sr_keras.training.state import TrainState

PictureLoss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
Numbers = dict[str, tf.Tensor]
OnDevice = Callable[[tf.Tensor, tf.Tensor], Numbers]


class Step(Protocol):
    """A `tf.function` from a batch to named numbers."""

    def __call__(self, lr: tf.Tensor, hr: tf.Tensor) -> Numbers: ...

    def experimental_get_tracing_count(self) -> int: ...


# Of the distributions of verdicts.
_BINS = 40


class Practice(NamedTuple):
    """What both steps may do beyond the paper; as it stands, nothing.

    Attributes:
        perceptual_loss: of `(hr, sr)`, in [0, 1], added to the pixel loss.
        perceptual_weight: its factor.
        grid_weight: factor of `losses.grid_loss`, added to the pixel loss.
        teacher: a network, float32 `[B, h, w, 3]` in [0, 1] to `[B, s h, s w, 3]`, whose results are learned too
            (Hinton et al. 2015). They hold nothing that can't be known from a small photo, so less of a gradient is noise.
        teacher_weight: factor of the pixel loss against them, added to that against the originals.
        back_projection: all losses see the result as it is exported, corrected by back-projection; else as the
            generator gives it.
        clip_norm: the largest norm of all gradients of a network (Pascanu et al. 2013); None is no limit.
        average_decay: how much of the averaged generator stays in a step, if there is one.
        jit_compile: let XLA compile what one device computes.
        hold_norms: the generator's batch norms take their moving averages, as they will when it is used, and leave them as they
            are; else those of the batch, which are others for crops than for whole photos.
        shift: who judges a picture by strides, the perceptual loss and the discriminator, sees it moved by 0 to so many pixels
            less one, down and right. What such a judge gives back is uneven, in the period of its strides (Odena et al. 2016,
            section "Checkerboard Artifacts in Gradients"); moved about, that leaves no grid in the pictures. 1 moves nothing.
    """

    perceptual_loss: PictureLoss | None = None
    perceptual_weight: float = 0.0
    grid_weight: float = 0.0
    teacher: Callable[[tf.Tensor], tf.Tensor] | None = None
    teacher_weight: float = 0.0
    back_projection: bool = False
    clip_norm: float | None = None
    average_decay: float = 0.0
    jit_compile: bool = False
    hold_norms: bool = False
    shift: int = 1


PAPER = Practice()


def pixel_step(state: TrainState, *, pixel_loss: PictureLoss = losses.mean_squared_error, practice: Practice = PAPER) -> Step:
    """A step that trains the generator alone, on the pixel loss."""

    def train(lr: tf.Tensor, hr: tf.Tensor) -> Numbers:
        taught = _taught(state, practice.teacher, lr)
        with tf.GradientTape() as tape:
            outputs = state.generator(lr, training=not practice.hold_norms)
            _, loss, parts = _picture_losses(outputs, lr, hr, taught, pixel_loss, practice, _mover(state, practice.shift))
            scaled_loss = _scaled(state, state.generator_optimizer, loss)
        gradients = tape.gradient(scaled_loss, state.generator.trainable_variables)
        return {"generator/loss": loss, **parts, **_update(state, "generator", gradients, practice)}

    return _step(state, train, practice)


def gan_step(
    state: TrainState,
    *,
    adversarial_weight: float,
    pixel_loss: PictureLoss = losses.mean_squared_error,
    ramp_steps: int = 0,
    real_label: float = 1.0,
    practice: Practice = PAPER,
) -> Step:
    """A step that trains both networks on one forward pass of the generator (section II-B).

    Args:
        adversarial_weight: w in L_G = L_G1 + w * L_G2; 1 in the paper.
        pixel_loss: L_G1.
        ramp_steps: the weight grows from 0 to its value in so many steps with the discriminator; 0 is at once.
        real_label: of originals; see `losses.real_loss`.
    """

    def weight() -> float | tf.Tensor:
        if not ramp_steps:
            return adversarial_weight
        done = tf.cast(state.discriminator_optimizer.iterations, tf.float32)
        return adversarial_weight * tf.minimum(1.0, done / ramp_steps)

    def train(lr: tf.Tensor, hr: tf.Tensor) -> Numbers:
        taught = _taught(state, practice.teacher, lr)
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            outputs = state.generator(lr, training=not practice.hold_norms)
            move = _mover(state, practice.shift)
            sr, picture_loss, parts = _picture_losses(outputs, lr, hr, taught, pixel_loss, practice, move)
            real_logits = state.discriminator(move(hr), training=True)
            fake_logits = state.discriminator(move(sr), training=True)
            adversarial = losses.adversarial_loss(fake_logits)
            generator_loss = picture_loss + weight() * adversarial  # L_G = L_G1 + w * L_G2
            fake, real = losses.fake_loss(fake_logits), losses.real_loss(real_logits, real_label)
            discriminator_loss = fake + real  # L_D = L_fake + L_real
            scaled_generator_loss = _scaled(state, state.generator_optimizer, generator_loss)
            scaled_discriminator_loss = _scaled(state, state.discriminator_optimizer, discriminator_loss)
        generator_gradients = generator_tape.gradient(scaled_generator_loss, state.generator.trainable_variables)
        discriminator_gradients = discriminator_tape.gradient(
            scaled_discriminator_loss, state.discriminator.trainable_variables
        )
        return {
            "generator/loss": generator_loss,
            **parts,
            "generator/adversarial_loss": adversarial,
            "discriminator/loss": discriminator_loss,
            "discriminator/fake_loss": fake,
            "discriminator/real_loss": real,
            **_verdicts("real", real_logits),
            **_verdicts("fake", fake_logits),
            **_update(state, "generator", generator_gradients, practice),
            **_update(state, "discriminator", discriminator_gradients, practice),
        }

    return _step(state, train, practice)


def _step(state: TrainState, train: OnDevice, practice: Practice) -> Step:
    """Runs `train` on each device's part of a batch, then moves the average; gives the means of all devices' numbers."""
    strategy = state.strategy
    on_device = tf.function(train, jit_compile=True) if practice.jit_compile else train

    def step(lr: tf.Tensor, hr: tf.Tensor) -> Numbers:
        numbers = strategy.run(on_device, (lr, hr))
        _follow(state, practice.average_decay)
        return {name: strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None) for name, value in numbers.items()}

    traced: Step = tf.function(step, autograph=False)
    return traced


def _taught(state: TrainState, teacher: Callable[[tf.Tensor], tf.Tensor] | None, lr: tf.Tensor) -> tf.Tensor | None:
    """What the teacher makes of small photos that are turned in one of 8 ways, turned back: in the mean, its self-ensemble.

    That is better than what it makes of a photo (Lim et al. 2017, section 3.4), and costs no more.
    """
    if teacher is None:
        return None

    def member(flip_y: bool, flip_x: bool, transpose: bool) -> tf.Tensor:
        axes = [axis for axis, flip in ((1, flip_y), (2, flip_x)) if flip]
        order = [0, 2, 1, 3] if transpose else [0, 1, 2, 3]
        sr = teacher(tf.transpose(tf.reverse(lr, axes), order))
        return tf.clip_by_value(tf.reverse(tf.transpose(sr, order), axes), 0.0, 1.0)

    members = [lambda ways=ways: member(*ways) for ways in itertools.product((False, True), repeat=3)]
    # Of the number of the step, as in `_mover`, but not the same.
    seed = tf.stack([1, tf.cast(state.generator_optimizer.iterations, tf.int32)])
    return tf.switch_case(tf.random.stateless_uniform([], seed, maxval=len(members), dtype=tf.int32), members)


def _mover(state: TrainState, shift: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """Moves photos `[B, H, W, 3]`, all in the same way; what comes in at the side is reflected."""
    if shift == 1:
        return lambda photo: photo
    # Of the number of the step, so that a run that goes on from a checkpoint draws the same.
    seed = tf.stack([0, tf.cast(state.generator_optimizer.iterations, tf.int32)])
    offset = tf.random.stateless_uniform([2], seed, maxval=shift, dtype=tf.int32)
    begin = tf.concat([[0], offset, [0]], axis=0)
    margin = [[0, 0], [0, shift - 1], [0, shift - 1], [0, 0]]
    return lambda photo: tf.ensure_shape(tf.slice(tf.pad(photo, margin, "REFLECT"), begin, tf.shape(photo)), photo.shape)


def _picture_losses(
    outputs: tf.Tensor | list[tf.Tensor],
    lr: tf.Tensor,
    hr: tf.Tensor,
    taught: tf.Tensor | None,
    pixel_loss: PictureLoss,
    practice: Practice,
    move: Callable[[tf.Tensor], tf.Tensor],
) -> tuple[tf.Tensor, tf.Tensor, Numbers]:
    """The picture, its loss, and the parts of that. The pixel loss judges each level of a pyramid by a picture of its size."""
    *levels, sr = tf.nest.flatten(outputs)
    scale = hr.shape[1] // lr.shape[1]
    if practice.back_projection:
        sr = BackProjection(scale, dtype="float32")([sr, lr])
    pixel = tf.add_n([*(pixel_loss(_resized_like(level, hr), level) for level in levels), pixel_loss(hr, sr)])
    loss, parts = pixel, {"generator/pixel_loss": pixel}
    if taught is not None:
        parts["generator/teacher_loss"] = pixel_loss(taught, sr)
        loss += practice.teacher_weight * parts["generator/teacher_loss"]
    if practice.perceptual_loss is not None:
        parts["generator/perceptual_loss"] = practice.perceptual_loss(move(hr), move(sr))
        loss += practice.perceptual_weight * parts["generator/perceptual_loss"]
    if practice.grid_weight:
        parts["generator/grid_loss"] = losses.grid_loss(hr, sr, scale)
        loss += practice.grid_weight * parts["generator/grid_loss"]
    return sr, loss, parts


def _resized_like(level: tf.Tensor, hr: tf.Tensor) -> tf.Tensor:
    return tf.image.resize(hr, tf.shape(level)[1:3], "bicubic", antialias=True)


def _verdicts(name: str, logits: tf.Tensor) -> Numbers:
    """The mean of verdicts, and their distribution: the share of them in equal bins of [0, 1]."""
    verdicts = tf.sigmoid(tf.reshape(tf.cast(logits, tf.float32), [-1]))
    bins = tf.minimum(tf.cast(verdicts * _BINS, tf.int32), _BINS - 1)
    distribution = tf.reduce_mean(tf.one_hot(bins, _BINS), axis=0)
    return {f"discriminator/D_{name}": tf.reduce_mean(verdicts), f"discriminator/verdicts_{name}": distribution}


def _follow(state: TrainState, average_decay: float) -> None:
    """Moves the averaged generator, if there is one, towards the generator."""
    if state.average is None:
        return
    # A young average would remember the start for long: the decay grows to its value.
    done = tf.cast(state.generator_optimizer.iterations, tf.float32)
    decay = tf.minimum(average_decay, (1.0 + done) / (10.0 + done))
    for mean, weight in zip(state.average.weights, state.generator.weights, strict=True):
        state.strategy.extended.update(
            mean.value, lambda mean, weight: mean.assign(decay * mean + (1.0 - decay) * weight), args=(weight.value,)
        )


def _scaled(state: TrainState, optimizer: keras.optimizers.Optimizer, loss: tf.Tensor) -> tf.Tensor:
    """A device's part of a mean over the whole batch, times the loss scale, if there is one."""
    return optimizer.scale_loss(loss) / state.strategy.num_replicas_in_sync


def _update(state: TrainState, name: str, gradients: list[tf.Tensor], practice: Practice) -> Numbers:
    """One update of a network by the sum of all devices' gradients, and what there is to know of it.

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
    if practice.clip_norm is not None:
        factor = practice.clip_norm / tf.maximum(norm, practice.clip_norm)
        gradients = [gradient * factor for gradient in gradients]
    before = tf.identity(optimizer.iterations)
    optimizer.apply(gradients, model.trainable_variables)
    if not scaling:
        return {f"{name}/gradient_norm": norm}
    skipped = 1.0 - tf.cast(optimizer.iterations - before, tf.float32)
    return {f"{name}/gradient_norm": tf.where(skipped > 0, 0.0, norm), f"{name}/skipped_steps": skipped}
