"""The networks of a training, their optimizers, and the weights that they begin with."""

import dataclasses
import functools
import logging
import pathlib

import keras
import tensorflow as tf

from sr_keras.inference import saved_model
from sr_keras.networks import generators, net2net, srgan, unet_discriminator
from sr_keras.runtime import precision
from sr_keras.training import distribution, state
from sr_keras.training.adam import Adam
from sr_keras.training.options import Options

logger = logging.getLogger(__name__)


def build(
    options: Options, strategy: tf.distribute.Strategy, steps_per_iteration: int, *, is_back_projected: bool
) -> tuple[saved_model.Servable, state.TrainState]:
    """The network that is exported, and all that is trained."""
    keras.utils.set_random_seed(options.seed)
    sizes = {name: getattr(options, name) for name in ("num_blocks", "filters", "upscale_filters")}
    given = {name: size for name, size in sizes.items() if size is not None}
    build = functools.partial(generators.build, options.generator, num_upscales=options.num_upscales, **given)
    # Made before the policy is set: what is exported computes in float32, whatever trains it.
    exported = build()
    servable = saved_model.Servable(exported, is_back_projected=is_back_projected)
    servable.info = dataclasses.replace(servable.info, training=_described(options))
    keras.mixed_precision.set_global_policy(options.precision)
    logger.info("%s on %s", options.precision, precision.devices())
    adversarial_iterations = max(1, options.iterations - options.pretrain_iterations)
    with strategy.scope():
        generator = build()
        discriminator = _discriminator(options)
        average = build() if options.average_decay else None
        generator_optimizer = _optimizer(options, options.iterations * steps_per_iteration)
        discriminator_optimizer = _optimizer(options, adversarial_iterations * steps_per_iteration)
    if strategy.num_replicas_in_sync > 1:
        distribution.synchronise_norms(generator)
        distribution.synchronise_norms(discriminator)
    return servable, state.TrainState(generator, discriminator, generator_optimizer, discriminator_optimizer, average)


def _described(options: Options) -> str:
    """What files of the network say of its training: no paths, which are the user's own."""
    photos = pathlib.PurePath(options.data or "").name
    adversary = " and a discriminator" if options.pretrain_iterations < options.iterations else ""
    return f"{options.generator} on {photos}, by sr_keras: {options.pixel_loss}{adversary}, degradation {options.degradation}"


def _discriminator(options: Options) -> keras.Model:
    if options.discriminator_head == "unet":
        return unet_discriminator.build(options.discriminator_filters)
    return srgan.build_discriminator(
        options.discriminator_filters, options.discriminator_head, options.hr_size, options.spectral_norm
    )


def check_warmup(options: Options, steps: int) -> None:
    if options.warmup_steps and options.schedule != "cosine":
        raise ValueError("--warmup_steps needs --schedule=cosine")
    if options.warmup_steps >= steps:
        raise ValueError(f"--warmup_steps must be below {steps}, the steps of this run, got {options.warmup_steps}")


def _optimizer(options: Options, steps: int) -> keras.optimizers.Optimizer:
    rate = options.learning_rate
    # The discriminator's steps may be fewer than those of the run, or none.
    warmup = min(options.warmup_steps, steps - 1)
    if options.schedule == "cosine":
        first, target = (0.0, rate) if warmup else (rate, None)
        rate = keras.optimizers.schedules.CosineDecay(
            first, steps - warmup, alpha=0.01, warmup_target=target, warmup_steps=warmup
        )
    adam = Adam(rate, beta_1=options.beta1)
    return precision.with_loss_scale(adam, options.precision)


def restore_or_initialise(options: Options, manager: tf.train.CheckpointManager, run: state.TrainState) -> None:
    if newest := state.restore(manager):
        logger.info("resumed from %s", newest)
        if options.schedule == "constant":
            # Keras keeps a constant rate as a variable, which the checkpoint has just set back.
            for optimizer in (run.generator_optimizer, run.discriminator_optimizer):
                optimizer.learning_rate = options.learning_rate
    else:
        _initialise(options, run.generator)
        run.begin_average()


def _initialise(options: Options, generator: keras.Model) -> None:
    kept_blocks = _kept_blocks(options)
    if options.init == "interpolator":
        generators.FAMILIES[options.generator].init_as_interpolator(generator)
    elif options.init != "random":
        weights = saved_model.load_weights(options.init)
        try:
            net2net.transfer_weights(generator, weights, kept_blocks)
        except ValueError as error:
            raise ValueError(f"--init={options.init} does not fit the generator that the flags describe: {error}") from None
        if net2net.has_untrained_norms(generator) and not options.hold_norms:
            raise ValueError(f"--init={options.init} needs --hold_norms: the generator's batch norms know nothing of photos")


def _kept_blocks(options: Options) -> list[int] | None:
    if not options.init_blocks:
        return None
    if options.init in ("interpolator", "random"):
        raise ValueError(f"--init_blocks is for blocks of a trained network, not of --init={options.init}")
    if not all(block.isdecimal() for block in options.init_blocks):
        raise ValueError(f"--init_blocks must be numbers from 0, separated by commas, got {','.join(options.init_blocks)}")
    return [int(block) for block in options.init_blocks]
