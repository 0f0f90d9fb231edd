"""Trains the paper's networks: python train.py --flagfile=srgan.flags --data=PHOTOS

A run lives in a folder of its own: its flags, checkpoints, TensorBoard events, samples and a SavedModel per iteration. Started
again with the folder's train.flags, it goes on where it stopped.
"""

import contextlib
import dataclasses
import datetime
import functools
import logging
import pathlib
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence

from sr_keras import quiet

with quiet.tensorflow_import():
    import tensorflow as tf

import absl.logging
import keras
import numpy as np
from absl import app, flags
from tqdm.contrib.logging import logging_redirect_tqdm

from sr_keras import (
    data,
    export,
    facts,
    generators,
    images,
    loop,
    losses,
    metrics,
    models,
    precision,
    progress,
    run_folder,
    state,
    steps,
    stopping,
    summaries,
)
from sr_keras.upscaler import Upscaler

FLAGS = flags.FLAGS
PAPER = data.Augmentation()
NETWORK_FLAGS = (
    *("generator", "num_upscales", "num_blocks", "filters", "upscale_filters"),
    *("discriminator_filters", "discriminator_head"),
)
logger = logging.getLogger("sr_keras")

flags.DEFINE_string("data", None, 'Photos: a folder, shards, a list file (a path a line), or "sample" for a few bundled ones.')
flags.DEFINE_string("run_dir", None, "The run's folder; an old one is resumed. Default: a new one in saved_models/.")
flags.DEFINE_integer("seed", 0, "Repeats the first weights and all random numbers of the data.")
flags.DEFINE_bool("deterministic", False, "The same flags give the same weights, bit for bit, on the same machine; slower.")

flags.DEFINE_integer("iterations", 1000, "Iterations of the whole run.", lower_bound=1)
flags.DEFINE_integer(
    "pretrain_iterations", 0, "So many iterations, the first ones, train on the pixel loss alone.", lower_bound=0
)
flags.DEFINE_integer("steps_per_iteration", 0, "Training steps in an iteration. 0: one pass over the photos.", lower_bound=0)
flags.DEFINE_integer("batch_size", 8, "Photos in a training step.", lower_bound=1)
flags.DEFINE_float("learning_rate", 1e-4, "Adam's learning rate, of both networks.", lower_bound=0)
flags.DEFINE_enum("schedule", "constant", ["constant", "cosine"], "cosine: the learning rate falls to 1 % during the run.")
flags.DEFINE_float("beta1", 0.9, "Adam's decay of the mean gradient.", lower_bound=0, upper_bound=0.9999)
flags.DEFINE_float("adversarial_weight", 1.0, "w in the generator's loss: pixel loss + w * adversarial loss.")
flags.DEFINE_integer(
    "adversarial_ramp_steps",
    0,
    "w grows from 0 to its value in so many steps with the discriminator (as SRGAN's successors do).",
    lower_bound=0,
)
flags.DEFINE_float("label_smoothing", 0, "Originals have the label 1 minus this (Salimans et al. 2016).", 0, 0.5)
flags.DEFINE_float("clip_gradients", None, "Largest norm of all gradients of a network (Pascanu et al. 2013).", lower_bound=0)
flags.DEFINE_float(
    "average_decay", 0, "Above 0, such as 0.999: export a moving average of the generator (Karras et al. 2018).", 0, 0.99999
)
flags.DEFINE_enum("pixel_loss", "mse", list(losses.PIXEL_LOSSES), "Mean squared error, or mean absolute error.")
flags.DEFINE_enum("precision", "auto", precision.PRECISIONS, "Number format of the arithmetic. auto: the fastest here.")

flags.DEFINE_enum("generator", "srgan", list(generators.FAMILIES), "The generator: the paper's, or EDSR's baseline.")
flags.DEFINE_integer("num_upscales", 2, "How often the generator doubles height and width (u).", lower_bound=1)
flags.DEFINE_integer("num_blocks", None, "Residual blocks of the generator (b). Default: as its paper has it.")
flags.DEFINE_integer("filters", None, "Channels of the generator's residual blocks. Default: as its paper has it.")
flags.DEFINE_integer("upscale_filters", None, "Channels of srgan's upscaling blocks. Default: 256, as the paper has it.")
flags.DEFINE_integer("discriminator_filters", 64, "Channels of the discriminator's first convolution.", lower_bound=1)
flags.DEFINE_enum("discriminator_head", "patch", ["patch", "image"], "A verdict on each 16x16 region, or one a photo.")
flags.DEFINE_string("init", "interpolator", 'First weights: "interpolator", "random", or the folder of a SavedModel.')

flags.DEFINE_integer("hr_size", 256, "Side of the large pictures that are trained on, in pixels.", lower_bound=1)
flags.DEFINE_float(
    "max_reduction", float("inf"), "Largest window cut from a photo, in units of hr_size. 1: never reduced.", lower_bound=1
)
flags.DEFINE_float("flip_left_right", PAPER.flip_left_right, "Probability that a photo is flipped left-right.", 0, 1)
flags.DEFINE_float("flip_up_down", PAPER.flip_up_down, "Probability that a photo is flipped up-down.", 0, 1)
flags.DEFINE_float("darken", PAPER.darken, "Probability that a photo is darkened.", 0, 1)
flags.DEFINE_float("darken_by", PAPER.darken_by, "Largest share of the light that darkening takes.", 0, 1)
flags.DEFINE_float("brightness", PAPER.brightness, "Probability that a photo's brightness is changed.", 0, 1)
flags.DEFINE_float("brightness_by", PAPER.brightness_by, "Largest change of brightness; white is 1.", 0, 1)
flags.DEFINE_float("saturation", PAPER.saturation, "Probability that a photo's saturation is changed.", 0, 1)
flags.DEFINE_float("saturation_by", PAPER.saturation_by, "Largest change of the saturation's factor from 1.", 0, 1)
flags.DEFINE_enum("downscale", "bicubic", data.DOWNSCALE_METHODS, "How the small picture is made; always antialiased.")
flags.DEFINE_enum("degradation", "none", data.DEGRADATIONS, "blur: blurs photos before they are made small.")

flags.DEFINE_float("validation_fraction", 0.05, "Share of the photos kept for validation, by hash of their path.", 0, 1)
flags.DEFINE_integer("validation_photos", 16, "Validation photos measured after each iteration, at most.", lower_bound=0)
flags.DEFINE_integer("validation_pictures", 4, "Validation photos shown in TensorBoard, at most.", lower_bound=0)
flags.DEFINE_string("sample", str(data.SAMPLE / "small.png"), "Photo upscaled to samples/ after each iteration.")
flags.DEFINE_integer(
    "checkpoint_steps",
    1000,
    "Also a checkpoint after so many steps of an iteration. 0: after iterations alone.",
    lower_bound=0,
)
flags.DEFINE_integer("keep_checkpoints", 3, "How many of the newest checkpoints are kept.", lower_bound=1)
flags.DEFINE_integer("keep_exports", 5, "How many of the newest SavedModels are kept.", lower_bound=1)
flags.DEFINE_integer("keep_samples", 1000, "How many of the newest samples are kept.", lower_bound=1)


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        return _refuse(f"unknown argument {argv[1]!r}; all options begin with --")
    _log_to_stderr()
    try:
        with logging_redirect_tqdm([logger]):
            return train()
    except (OSError, ValueError, ImportError, images.PhotoError, facts.ModelError, run_folder.InUseError) as error:
        return _refuse(str(error))
    except tf.errors.OpError as error:
        return _refuse(error.message.splitlines()[0])
    except FloatingPointError as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def train() -> int:
    """Runs or resumes the training that the flags describe; returns the process's exit code."""
    if FLAGS.deterministic:
        tf.config.experimental.enable_op_determinism()
    make_pair = data.PairMaker(FLAGS.hr_size, 2**FLAGS.num_upscales, FLAGS.downscale, FLAGS.degradation)
    sample = images.read_photo(FLAGS.sample)
    train_photos, validation_photos = _photos()
    pairs = _validation_pairs(validation_photos, make_pair)
    steps_per_iteration = FLAGS.steps_per_iteration or max(1, len(train_photos) // FLAGS.batch_size)
    servable, run = _networks(steps_per_iteration)
    stream = _stream(train_photos, run, make_pair)
    with run_folder.held(_run_dir()) as run_dir:
        manager = state.checkpoint_manager(run, run_dir / "checkpoints", FLAGS.keep_checkpoints)
        _take_changed_flags(run_dir, manager)
        _restore_or_initialise(manager, run)
        run_folder.record_flags(run_dir, _flag_lines())
        logger.info("%d photos to train, %d to validate; %s", len(train_photos), len(validation_photos), run_dir)
        return _run(run_dir, manager, run, servable, stream, steps_per_iteration, pairs, sample)


def _run(
    run_dir: pathlib.Path,
    manager: tf.train.CheckpointManager,
    run: state.TrainState,
    servable: export.Servable,
    stream: data.TrainStream,
    steps_per_iteration: int,
    pairs: data.Pairs,
    sample: np.ndarray,
) -> int:
    """Trains from where `run` is until the end, or until a signal comes; returns the process's exit code."""
    upscaler = Upscaler(servable, precision="float32")
    shown = progress.Progress(
        iteration=int(run.iteration),
        iterations=FLAGS.iterations,
        steps_per_iteration=steps_per_iteration,
        batch_size=FLAGS.batch_size,
    )
    actions: list[loop.Action] = [
        # First: what follows may fail, on a full disk for one.
        lambda *_: manager.save(),
        shown.after_iteration,
        *_tensorboard_actions(run_dir / "tensorboard", upscaler, stream, pairs),
        functools.partial(_write_sample, run_dir / "samples", upscaler, sample),
        lambda iteration, _: export.save_version(servable, run_dir, iteration, keep=FLAGS.keep_exports),
    ]
    _make_up_for_export(servable, run, run_dir)
    with stopping.StopRequest() as stop, contextlib.closing(shown), _checkpoint_named(manager):
        logger.info("training; Ctrl-C stops it and leaves a checkpoint")
        finished = all(
            loop.run(
                step,
                stream,
                iteration=run.iteration,
                iteration_step=run.step,
                iterations=iterations,
                steps_per_iteration=steps_per_iteration,
                measure=functools.partial(_measure, servable, upscaler, run, stream, pairs),
                actions=actions,
                after_step=shown.after_step,
                should_stop=lambda: stop,
                checkpoint_steps=FLAGS.checkpoint_steps,
                checkpoint=manager.save,
            )
            for step, iterations in _stages(run)
        )
        if not finished:
            manager.save()
            resume = shlex.quote(f"--flagfile={run_dir / 'train.flags'}")
            logger.info("stopped by %s; to go on: python train.py %s", stop, resume)
            return stop.exit_code
    logger.info("finished; to use it: python upscale.py %s PHOTO", shlex.quote(f"--model={run_dir}"))
    return 0


@contextlib.contextmanager
def _checkpoint_named(manager: tf.train.CheckpointManager) -> Iterator[None]:
    """Adds to an error of numbers where the run can go on from."""
    try:
        yield
    except FloatingPointError as error:
        raise FloatingPointError(f"{error}; the last good checkpoint: {manager.latest_checkpoint or 'none'}") from None


def _take_changed_flags(run_dir: pathlib.Path, manager: tf.train.CheckpointManager) -> None:
    """Logs which flags of a run that goes on are not what they were.

    Raises:
        ValueError: one of them does not fit the networks in the checkpoint.
    """
    changes = run_folder.changed_flags(run_dir, _flag_lines()) if manager.checkpoints else []
    shaping = {*NETWORK_FLAGS, *(["hr_size"] if FLAGS.discriminator_head == "image" else [])}
    if misfits := [str(change) for change in changes if change.name in shaping]:
        raise ValueError(f"{run_dir} holds other networks: {', '.join(misfits)}")
    for change in changes:
        logger.info("changed: %s", change)


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # TensorFlow tells of every file that it writes, and of every variable of a checkpoint that was refused, in two ways.
    absl.logging.set_verbosity(absl.logging.ERROR)
    tf.get_logger().setLevel(logging.ERROR)


def _photos() -> tuple[data.Photos, data.Photos]:
    if FLAGS.data is None:
        raise ValueError('--data is missing: a folder of photos or of shards, a list file, or "sample" for a few bundled ones')
    source = data.SAMPLE / "photos" if FLAGS.data == "sample" else pathlib.Path(FLAGS.data)
    try:
        photos = data.open_photos(source)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error}; data_prep/README.md says how to get the paper's photos, and --data=sample trains on a few bundled ones"
        ) from None
    train_photos, validation_photos = data.split(photos, FLAGS.validation_fraction)
    if not len(train_photos):
        raise ValueError(f"{source}: no photo is left to train on, all {len(photos)} are kept for validation")
    return train_photos, validation_photos


def _validation_pairs(photos: data.Photos, make_pair: data.PairMaker) -> data.Pairs:
    smallest = metrics.smallest_side(border=make_pair.scale)
    if FLAGS.validation_photos and make_pair.hr_size < smallest:
        raise ValueError(f"hr_size must be at least {smallest} for photos to be measured (or --validation_photos=0)")
    return data.validation_pairs(photos, make_pair, FLAGS.validation_photos)


def _networks(steps_per_iteration: int) -> tuple[export.Servable, state.TrainState]:
    """The network that is exported, and all that is trained."""
    keras.utils.set_random_seed(FLAGS.seed)
    sizes = {name: FLAGS[name].value for name in ("num_blocks", "filters", "upscale_filters")}
    given = {name: size for name, size in sizes.items() if size is not None}
    build = functools.partial(generators.build, FLAGS.generator, num_upscales=FLAGS.num_upscales, **given)
    # Made before the policy is set: what is exported computes in float32, whatever trains it.
    exported = build()
    servable = export.Servable(exported)
    # A run that is resumed on another machine keeps its precision: with float16 come optimizers of another kind.
    FLAGS.precision = precision.resolve(FLAGS.precision)
    keras.mixed_precision.set_global_policy(FLAGS.precision)
    logger.info("%s on %s", FLAGS.precision, precision.devices())
    discriminator = models.build_discriminator(FLAGS.discriminator_filters, FLAGS.discriminator_head, FLAGS.hr_size)
    adversarial_iterations = max(1, FLAGS.iterations - FLAGS.pretrain_iterations)
    return servable, state.TrainState(
        build(),
        discriminator,
        _optimizer(FLAGS.iterations * steps_per_iteration),
        _optimizer(adversarial_iterations * steps_per_iteration),
        average=build() if FLAGS.average_decay else None,
    )


def _optimizer(steps: int) -> keras.optimizers.Optimizer:
    rate = FLAGS.learning_rate
    if FLAGS.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, decay_steps=steps, alpha=0.01)
    adam = keras.optimizers.Adam(rate, beta_1=FLAGS.beta1, global_clipnorm=FLAGS.clip_gradients)
    return keras.optimizers.LossScaleOptimizer(adam) if FLAGS.precision == "mixed_float16" else adam


def _restore_or_initialise(manager: tf.train.CheckpointManager, run: state.TrainState) -> None:
    if newest := state.restore(manager):
        logger.info("resumed from %s", newest)
        if FLAGS.schedule == "constant":
            # Keras keeps a constant rate as a variable, which the checkpoint has just set back.
            for optimizer in (run.generator_optimizer, run.discriminator_optimizer):
                optimizer.learning_rate = FLAGS.learning_rate
    else:
        _initialise(run.generator)
        run.begin_average()


def _initialise(generator: keras.Model) -> None:
    if FLAGS.init == "interpolator":
        generators.FAMILIES[FLAGS.generator].init_as_interpolator(generator)
    elif FLAGS.init != "random":
        weights = export.load_weights(FLAGS.init)
        if [w.shape for w in weights] != [tuple(w.shape) for w in generator.weights]:
            raise ValueError(f"--init={FLAGS.init} holds a generator of other sizes than the flags describe")
        generator.set_weights(weights)


def _stream(photos: data.Photos, run: state.TrainState, make_pair: data.PairMaker) -> data.TrainStream:
    return data.TrainStream(
        photos,
        run.position,
        make_pair=make_pair,
        augmentation=data.Augmentation(**{f.name: FLAGS[f.name].value for f in dataclasses.fields(data.Augmentation)}),
        max_reduction=FLAGS.max_reduction,
        batch_size=FLAGS.batch_size,
        seed=FLAGS.seed,
    )


def _make_up_for_export(servable: export.Servable, run: state.TrainState, run_dir: pathlib.Path) -> None:
    """Exports the last iteration if the run was interrupted after its checkpoint and before its export."""
    iteration = int(run.iteration)
    if iteration and not (run_dir / str(iteration)).exists():
        servable.take_weights(run.best_generator)
        export.save_version(servable, run_dir, iteration, keep=FLAGS.keep_exports)


def _measure(
    servable: export.Servable,
    upscaler: Upscaler,
    run: state.TrainState,
    stream: data.TrainStream,
    pairs: data.Pairs,
    means: loop.Scalars,
) -> loop.Scalars:
    """All numbers of an iteration; from here on, `servable` is its generator."""
    servable.take_weights(run.best_generator)
    means["work/photos_per_second"] = means.pop("work/steps_per_second") * FLAGS.batch_size
    optimizers = {"generator": run.generator_optimizer}
    if int(run.iteration) > FLAGS.pretrain_iterations:
        optimizers["discriminator"] = run.discriminator_optimizer
    return {
        **means,
        **summaries.validation_scalars(upscaler.upscale, *pairs),
        **summaries.optimizer_scalars(**optimizers),
        "work/skipped_photos": stream.skipped.total(),
        "work/enlarged_photos": stream.enlarged,
        **summaries.memory_scalars(),
    }


def _stages(run: state.TrainState) -> Iterator[tuple[steps.Step, int]]:
    """The steps of the run, each with the iteration that it ends with."""
    pixel_loss = losses.PIXEL_LOSSES[FLAGS.pixel_loss]
    if int(run.iteration) < FLAGS.pretrain_iterations:
        yield (
            steps.pixel_step(run, pixel_loss=pixel_loss, average_decay=FLAGS.average_decay),
            min(FLAGS.pretrain_iterations, FLAGS.iterations),
        )
    gan_step = steps.gan_step(
        run,
        adversarial_weight=FLAGS.adversarial_weight,
        pixel_loss=pixel_loss,
        ramp_steps=FLAGS.adversarial_ramp_steps,
        real_label=1.0 - FLAGS.label_smoothing,
        average_decay=FLAGS.average_decay,
    )
    yield gan_step, FLAGS.iterations


def _tensorboard_actions(
    folder: pathlib.Path, upscaler: Upscaler, stream: data.TrainStream, pairs: data.Pairs
) -> list[loop.Action]:
    writer = tf.summary.create_file_writer(str(folder))
    summaries.write_layout(writer)
    shown = [photos[: FLAGS.validation_pictures] for photos in pairs]
    return [
        summaries.scalar_writer(writer),
        summaries.picture_writer(writer, upscaler.upscale, *shown),
        summaries.text_writer(writer, "flags", lambda: _as_markdown(_flag_lines())),
        summaries.text_writer(writer, "skipped photos", lambda: _as_markdown(sorted(stream.skipped))),
    ]


def _write_sample(folder: pathlib.Path, upscaler: Upscaler, photo: np.ndarray, iteration: int, _: loop.Scalars) -> None:
    folder.mkdir(exist_ok=True)
    images.write_photo(folder / f"{iteration}.png", upscaler.upscale(photo))
    samples = [path for path in folder.glob("*.png") if path.stem.isdecimal()]
    for old in sorted(samples, key=lambda path: int(path.stem))[: -FLAGS.keep_samples]:
        old.unlink()


def _run_dir() -> pathlib.Path:
    """The run's folder. Paths among the flags become absolute, so that they mean the same wherever the run is resumed."""
    if FLAGS.run_dir is None:
        FLAGS.run_dir = f"saved_models/{datetime.datetime.now():%Y%m%d-%H%M%S}"
    for name in ("data", "run_dir", "init", "sample"):
        value = FLAGS[name].value
        if value not in ("sample", "interpolator", "random"):
            FLAGS[name].value = str(pathlib.Path(value).absolute())
    return pathlib.Path(FLAGS.run_dir)


def _flag_lines() -> list[str]:
    flags_here = FLAGS.get_key_flags_for_module(sys.modules[__name__])
    return [f"--{flag.name}={flag.value}" for flag in flags_here if flag.value is not None]


def _as_markdown(lines: Sequence[str]) -> str:
    text = "".join(f"    {line}\n" for line in lines)
    # File names need not be valid text.
    return text.encode(errors="backslashreplace").decode()


def _refuse(reason: str) -> int:
    print(f"train.py: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    app.run(main)
