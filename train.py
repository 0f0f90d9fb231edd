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

from sr_keras import data, export, images, loop, models, precision, progress, state, steps, stopping, summaries
from sr_keras.upscaler import Upscaler

FLAGS = flags.FLAGS
logger = logging.getLogger("sr_keras")

flags.DEFINE_string("data", None, 'Photos: a folder, a list file (a path a line), or "sample" for a few bundled ones.')
flags.DEFINE_string("run_dir", None, "The run's folder. Default: a new one in saved_models/. An old one is resumed.")
flags.DEFINE_integer("seed", 0, "Repeats the first weights and all random numbers of the data.")

flags.DEFINE_integer("iterations", 1000, "Iterations of the whole run.", lower_bound=1)
flags.DEFINE_integer("pretrain_iterations", 0, "The first so many of them train on the pixel loss alone.", lower_bound=0)
flags.DEFINE_integer("steps_per_iteration", 0, "Steps an iteration. 0: one pass over the photos.", lower_bound=0)
flags.DEFINE_integer("batch_size", 8, "Photos a step.", lower_bound=1)
flags.DEFINE_float("learning_rate", 1e-4, "Adam's learning rate, of both networks.", lower_bound=0)
flags.DEFINE_enum("schedule", "constant", ["constant", "cosine"], "Whether the learning rate falls, to 1 % at the end.")
flags.DEFINE_float("beta1", 0.9, "Adam's decay of the mean gradient.", lower_bound=0, upper_bound=1)
flags.DEFINE_float("adversarial_weight", 1.0, "w in the generator's loss: pixel loss + w * adversarial loss.")
flags.DEFINE_enum("precision", "auto", precision.PRECISIONS, "Number format of the arithmetic. auto: the fastest here.")

flags.DEFINE_integer("num_blocks", 8, "Residual blocks of the generator (b).")
flags.DEFINE_integer("num_upscales", 2, "Upscaling blocks of the generator (u); each doubles height and width.")
flags.DEFINE_integer("filters", 64, "Channels of the residual blocks.")
flags.DEFINE_integer("upscale_filters", 256, "Channels of the upscaling blocks.")
flags.DEFINE_integer("discriminator_filters", 64, "Channels of the discriminator's first convolution.")
flags.DEFINE_enum("discriminator_head", "patch", ["patch", "image"], "A verdict on each 16x16 region, or one a photo.")
flags.DEFINE_string("init", "interpolator", 'First weights: "interpolator", "random", or the folder of a SavedModel.')

flags.DEFINE_integer("hr_size", 256, "Side of the large pictures, in pixels.", lower_bound=1)
flags.DEFINE_float(
    "max_reduction", float("inf"), "Largest window cut from a photo, in units of hr_size. 1: never reduced.", lower_bound=1
)
flags.DEFINE_float("flip_left_right", 0.4, "Probability that a photo is flipped left-right.", 0, 1)
flags.DEFINE_float("flip_up_down", 0.4, "Probability that a photo is flipped up-down.", 0, 1)
flags.DEFINE_float("darken", 0.4, "Probability that a photo is darkened.", 0, 1)
flags.DEFINE_float("darken_by", 0.5, "Largest share of the light that darkening takes.", 0, 1)
flags.DEFINE_float("brightness", 0.4, "Probability that a photo's brightness is changed.", 0, 1)
flags.DEFINE_float("brightness_by", 0.1, "Largest change of brightness; white is 1.", 0, 1)
flags.DEFINE_float("saturation", 0.4, "Probability that a photo's saturation is changed.", 0, 1)
flags.DEFINE_float("saturation_by", 0.5, "Largest change of the saturation's factor from 1.", 0, 1)
flags.DEFINE_enum("downscale", "bicubic", data.DOWNSCALE_METHODS, "How the small picture is made; always antialiased.")
flags.DEFINE_enum("degradation", "none", data.DEGRADATIONS, "blur: blurs photos before they are made small.")

flags.DEFINE_float("validation_fraction", 0.05, "Share of the photos kept for validation, by hash of their path.", 0, 1)
flags.DEFINE_integer("validation_photos", 16, "Photos measured after each iteration.", lower_bound=0)
flags.DEFINE_integer("validation_pictures", 4, "Photos of them shown in TensorBoard.", lower_bound=0)
flags.DEFINE_string("sample", str(data.SAMPLE / "small.png"), "Photo upscaled to samples/ after each iteration.")
flags.DEFINE_integer("keep_checkpoints", 3, "Newest checkpoints kept.", lower_bound=1)
flags.DEFINE_integer("keep_exports", 5, "Newest SavedModels kept.", lower_bound=1)
flags.DEFINE_integer("keep_samples", 1000, "Newest samples kept.", lower_bound=1)


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        return _refuse(f"unknown argument {argv[1]!r}; all options begin with --")
    _log_to_stderr()
    try:
        with logging_redirect_tqdm([logger]):
            return train()
    except (OSError, ValueError, ImportError, images.PhotoError, export.ModelError) as error:
        return _refuse(str(error))


def train() -> int:
    """Runs or resumes the training that the flags describe; returns the process's exit code."""
    make_pair = data.PairMaker(FLAGS.hr_size, 2**FLAGS.num_upscales, FLAGS.downscale, FLAGS.degradation)
    sample = images.read_photo(FLAGS.sample)
    train_paths, validation_paths = _photos()
    steps_per_iteration = FLAGS.steps_per_iteration or max(1, len(train_paths) // FLAGS.batch_size)
    servable, run = _networks(FLAGS.iterations * steps_per_iteration)

    run_dir = _run_dir()
    manager = state.checkpoint_manager(run, run_dir / "checkpoints", FLAGS.keep_checkpoints)
    if newest := state.restore(manager):
        logger.info("resumed from %s", newest)
    _record_flags(run_dir / "train.flags")
    logger.info("%d photos to train, %d to validate; %s", len(train_paths), len(validation_paths), run_dir)

    stream = data.TrainStream(
        train_paths,
        run.position,
        make_pair=make_pair,
        augmentation=data.Augmentation(**{f.name: FLAGS[f.name].value for f in dataclasses.fields(data.Augmentation)}),
        max_reduction=FLAGS.max_reduction,
        batch_size=FLAGS.batch_size,
        seed=FLAGS.seed,
    )
    shown = progress.Progress(
        iteration=int(run.iteration),
        iterations=FLAGS.iterations,
        steps_per_iteration=steps_per_iteration,
        batch_size=FLAGS.batch_size,
    )
    pairs = data.validation_pairs(validation_paths, make_pair, FLAGS.validation_photos)
    actions = [
        lambda *_: servable.take_weights(run.generator),
        *_tensorboard_actions(run_dir / "tensorboard", Upscaler(servable), run, stream, pairs),
        shown.after_iteration,
        _sample_action(run_dir / "samples", Upscaler(servable), sample),
        lambda iteration, _: export.save_version(servable, run_dir, iteration, keep=FLAGS.keep_exports),
        # Last: whoever finds the checkpoint of an iteration finds all else of it too.
        lambda *_: manager.save(),
    ]
    with stopping.StopRequest() as stop, contextlib.closing(shown):
        for step, iterations in _stages(run):
            finished = loop.run(
                step,
                stream,
                iteration=run.iteration,
                iteration_step=run.step,
                iterations=iterations,
                steps_per_iteration=steps_per_iteration,
                actions=actions,
                after_step=shown.after_step,
                should_stop=lambda: bool(stop),
            )
        if not finished:
            manager.save()
            logger.info("stopped by %s; to go on: python train.py --flagfile=%s/train.flags", stop, run_dir)
            return stop.exit_code
    logger.info("finished; to use it: python upscale.py --model=%s PHOTO", run_dir)
    return 0


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # TensorFlow tells of every file that it writes, in two ways.
    absl.logging.set_verbosity(absl.logging.WARNING)
    tf.get_logger().setLevel(logging.WARNING)


def _photos() -> tuple[list[str], list[str]]:
    if FLAGS.data is None:
        raise ValueError('--data is missing: a folder of photos, a list file, or "sample" for a few bundled ones')
    source = data.SAMPLE / "photos" if FLAGS.data == "sample" else pathlib.Path(FLAGS.data)
    try:
        paths = data.list_photos(source)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error}; data_prep/README.md says how to get the paper's photos, and --data=sample trains on a few bundled ones"
        ) from None
    train_paths, validation_paths = data.split(paths, source, FLAGS.validation_fraction)
    if not train_paths:
        raise ValueError(f"{source}: no photo is left to train on, all {len(paths)} are kept for validation")
    return train_paths, validation_paths


def _networks(steps: int) -> tuple[export.Servable, state.TrainState]:
    """The network that is exported, and all that is trained, in `steps` steps."""
    keras.utils.set_random_seed(FLAGS.seed)
    build = functools.partial(
        models.build_generator, FLAGS.num_blocks, FLAGS.num_upscales, FLAGS.filters, FLAGS.upscale_filters
    )
    # Made before the policy is set: what is exported computes in float32, whatever trains it.
    exported = build()
    servable = export.Servable(exported, export.Facts(*models.scale_and_reach(exported)))
    policy = precision.resolve(FLAGS.precision)
    keras.mixed_precision.set_global_policy(policy)
    logger.info("precision: %s", policy)
    generator = build()
    _initialise(generator)
    discriminator = models.build_discriminator(FLAGS.discriminator_filters, FLAGS.discriminator_head, FLAGS.hr_size)
    return servable, state.TrainState(generator, discriminator, _optimizer(policy, steps), _optimizer(policy, steps))


def _initialise(generator: keras.Model) -> None:
    if FLAGS.init == "interpolator":
        models.init_as_interpolator(generator)
    elif FLAGS.init != "random":
        weights = export.load_weights(FLAGS.init)
        if [w.shape for w in weights] != [tuple(w.shape) for w in generator.weights]:
            raise ValueError(f"--init={FLAGS.init} holds a generator of other sizes than the flags describe")
        generator.set_weights(weights)


def _optimizer(policy: str, steps: int) -> keras.optimizers.Optimizer:
    rate = FLAGS.learning_rate
    if FLAGS.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, decay_steps=steps, alpha=0.01)
    adam = keras.optimizers.Adam(rate, beta_1=FLAGS.beta1)
    return keras.optimizers.LossScaleOptimizer(adam) if policy == "mixed_float16" else adam


def _stages(run: state.TrainState) -> Iterator[tuple[steps.Step, int]]:
    """The steps of the run, each with the iteration that it ends with."""
    if int(run.iteration) < FLAGS.pretrain_iterations:
        yield steps.pixel_step(run), min(FLAGS.pretrain_iterations, FLAGS.iterations)
    yield steps.gan_step(run, adversarial_weight=FLAGS.adversarial_weight), FLAGS.iterations


def _tensorboard_actions(
    folder: pathlib.Path, upscaler: Upscaler, run: state.TrainState, stream: data.TrainStream, pairs: data.Pairs
) -> list[loop.Action]:
    writer = tf.summary.create_file_writer(str(folder))
    shown = [photos[: FLAGS.validation_pictures] for photos in pairs]

    def photos_per_second(_: int, scalars: loop.Scalars) -> None:
        scalars["speed/photos_per_second"] = scalars.pop("speed/steps_per_second") * FLAGS.batch_size

    return [
        photos_per_second,
        summaries.scalar_writer(
            writer,
            [
                functools.partial(summaries.validation_scalars, upscaler.upscale, *pairs),
                lambda: summaries.optimizer_scalars(
                    generator=run.generator_optimizer, discriminator=run.discriminator_optimizer
                ),
                lambda: {"data/skipped": stream.skipped.total(), "data/enlarged": stream.enlarged},
                summaries.memory_scalars,
            ],
        ),
        summaries.picture_writer(writer, upscaler.upscale, *shown),
        summaries.text_writer(writer, "flags", lambda: _as_markdown(_flag_lines())),
        summaries.text_writer(writer, "skipped photos", lambda: _as_markdown(sorted(stream.skipped))),
    ]


def _sample_action(folder: pathlib.Path, upscaler: Upscaler, photo: np.ndarray) -> loop.Action:
    def write(iteration: int, _: loop.Scalars) -> None:
        folder.mkdir(exist_ok=True)
        images.write_photo(folder / f"{iteration}.png", upscaler.upscale(photo))
        for old in sorted(folder.glob("*.png"), key=lambda path: int(path.stem))[: -FLAGS.keep_samples]:
            old.unlink()

    return write


def _run_dir() -> pathlib.Path:
    if FLAGS.run_dir is None:
        FLAGS.run_dir = f"saved_models/{datetime.datetime.now():%Y%m%d-%H%M%S}"
    run_dir = pathlib.Path(FLAGS.run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    return run_dir


def _record_flags(path: pathlib.Path) -> None:
    """Writes this run's flags so that `--flagfile=<path>` repeats or resumes it."""
    with images.written_beside(path) as part:
        part.write_text("\n".join(_flag_lines()) + "\n", encoding="utf-8")


def _flag_lines() -> list[str]:
    return [flag.serialize() for flag in FLAGS.get_key_flags_for_module(sys.modules[__name__]) if flag.value is not None]


def _as_markdown(lines: Sequence[str]) -> str:
    return "".join(f"    {line}\n" for line in lines)


def _refuse(reason: str) -> int:
    print(f"train.py: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    app.run(main)
