"""What the networks of a training learn by: the generator's objective, and the steps with and without the discriminator."""

import functools
import pathlib

import tensorflow as tf

from sr_keras.inference import keras_network, layer_graph, model_info, saved_model
from sr_keras.networks import perceptual
from sr_keras.training import losses, state, steps
from sr_keras.training.objective import Objective, PictureFunction, PictureLoss
from sr_keras.training.options import Options
from sr_keras.training.run import Stage


def plan(options: Options, run: state.TrainState) -> list[Stage]:
    """First on the objective alone, then with the discriminator."""
    objective = _objective(options, run)
    step_options = steps.StepOptions(
        clip_norm=options.clip_gradients,
        average_decay=options.average_decay,
        jit_compile=options.jit_compile,
        freeze_norms=options.hold_norms,
    )
    pixel_step = functools.partial(steps.pixel_step, run, objective, step_options)
    gan_step = functools.partial(
        steps.gan_step,
        run,
        objective,
        adversarial_weight=options.adversarial_weight,
        ramp_steps=options.adversarial_ramp_steps,
        real_label=1.0 - options.label_smoothing,
        options=step_options,
    )
    return [
        Stage(pixel_step, min(options.pretrain_iterations, options.iterations)),
        Stage(gan_step, options.iterations),
    ]


def _objective(options: Options, run: state.TrainState) -> Objective:
    return Objective(
        iterations=run.generator_optimizer.iterations,
        pixel_loss=losses.PIXEL_LOSSES[options.pixel_loss],
        perceptual_loss=_perceptual_loss(options, run.strategy),
        perceptual_weight=options.perceptual_weight,
        grid_weight=options.grid_weight,
        teacher=_teacher(options, run.strategy),
        teacher_weight=options.teacher_weight,
        back_projection=options.back_projection,
        shift=options.shift,
    )


def _perceptual_loss(options: Options, strategy: tf.distribute.Strategy) -> PictureLoss | None:
    if options.perceptual_model is None:
        return None
    if not options.perceptual_layers:
        raise ValueError("--perceptual_layers is missing: names of layers of the perceptual model, separated by commas")
    with strategy.scope():
        model = perceptual.load_features(options.perceptual_model, options.perceptual_layers, options.hr_size)
    distance = perceptual.DISTANCES[options.perceptual_distance]
    return lambda hr, sr: tf.reduce_mean(distance(model, hr, sr))


def _teacher(options: Options, strategy: tf.distribute.Strategy) -> PictureFunction | None:
    if options.teacher is None:
        return None
    folder = model_info.newest_version(pathlib.Path(options.teacher))
    scale = model_info.read_info(folder).scale
    if scale != 2**options.num_upscales:
        raise ValueError(f"--teacher={options.teacher} enlarges {scale} times, not {2**options.num_upscales}")
    with strategy.scope():
        if not layer_graph.is_in(folder):
            network = saved_model.ExportedNetwork(folder)
            # Not `network.serve` itself: without the network, its variables would go.
            return lambda lr: network.serve(lr)
        model = keras_network.load(folder, options.precision)
    return lambda lr: model(lr, training=False)
