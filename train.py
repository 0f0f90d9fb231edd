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
import signal
import sys
from collections.abc import Callable

from sr_keras import quiet

with quiet.tensorflow_import():
    import tensorflow as tf

import absl.logging
import keras
from absl import app, flags
from tqdm.contrib.logging import logging_redirect_tqdm

from sr_keras import (
    data,
    distribution,
    export,
    facts,
    generators,
    growth,
    images,
    leaks,
    losses,
    metrics,
    models,
    perceptual,
    precision,
    run_folder,
    state,
    steps,
    training,
    unet_discriminator,
)

FLAGS = flags.FLAGS
PAPER = data.Augmentation()
NETWORK_FLAGS = (
    *("generator", "num_upscales", "num_blocks", "filters", "upscale_filters"),
    *("discriminator_filters", "discriminator_head", "spectral_norm", "schedule"),
)
logger = logging.getLogger("sr_keras")

flags.DEFINE_string("data", None, 'Photos: a folder, shards, a list file (a path a line), or "sample" for a few bundled ones.')
flags.DEFINE_list("exclude", None, "Folders of test photos: photos that show the same, by content, are not trained on.")
flags.DEFINE_string("run_dir", None, "The run's folder; an old one is resumed. Default: a new one in saved_models/.")
flags.DEFINE_integer("seed", 0, "Repeats the first weights and all random numbers of the data.")
flags.DEFINE_bool("deterministic", False, "The same flags give the same weights, bit for bit, on the same machine; slower.")

flags.DEFINE_integer("iterations", 1000, "Iterations of the whole run.", lower_bound=1)
flags.DEFINE_integer(
    "stop_after", None, "Stop after this iteration, as by Ctrl-C, whatever --iterations has; it can go on later.", lower_bound=1
)
flags.DEFINE_integer(
    "pretrain_iterations", 0, "So many iterations, the first ones, train on the pixel loss alone.", lower_bound=0
)
flags.DEFINE_integer("steps_per_iteration", 0, "Training steps in an iteration. 0: one pass over the photos.", lower_bound=0)
flags.DEFINE_integer("batch_size", 8, "Photos in a training step.", lower_bound=1)
flags.DEFINE_float("learning_rate", 1e-4, "Adam's learning rate, of both networks.", lower_bound=0)
flags.DEFINE_enum("schedule", "constant", ["constant", "cosine"], "cosine: it falls to 1 % (Loshchilov & Hutter 2017).")
flags.DEFINE_integer(
    "warmup_steps", 0, "With a cosine, the rate first grows from 0 in so many steps (Goyal et al. 2017).", lower_bound=0
)
flags.DEFINE_float("beta1", 0.9, "Adam's decay of the mean gradient.", lower_bound=0, upper_bound=0.9999)
flags.DEFINE_float("adversarial_weight", 1.0, "w in the generator's loss: pixel loss + w * adversarial loss.")
flags.DEFINE_integer(
    "adversarial_ramp_steps",
    0,
    "w grows from 0 to its value in so many steps with the discriminator; a soft form of the warm-up of Esser et al. 2021.",
    lower_bound=0,
)
flags.DEFINE_float("label_smoothing", 0, "Originals have the label 1 minus this (Salimans et al. 2016).", 0, 0.5)
flags.DEFINE_float("clip_gradients", None, "Largest norm of all gradients of a network (Pascanu et al. 2013).", lower_bound=0)
flags.DEFINE_float(
    "average_decay", 0, "Above 0, such as 0.999: export a moving average of the generator (Karras et al. 2018).", 0, 0.99999
)
flags.DEFINE_enum(
    "pixel_loss", "mse", list(losses.PIXEL_LOSSES), "Squared or absolute error, LapSRN's penalty between, or what PSNR sees."
)
flags.DEFINE_string(
    "perceptual_model",
    None,
    "A saved Keras model, of RGB in [0, 1], whose features are compared too (Ledig et al. 2016): data_prep/feature_model.py.",
)
flags.DEFINE_list("perceptual_layers", None, "Names of its layers.")
flags.DEFINE_float("perceptual_weight", 0.006, "Factor of that loss; Ledig et al. have 0.006 for VGG19.", lower_bound=0)
flags.DEFINE_enum(
    "perceptual_distance",
    "squared",
    list(perceptual.DISTANCES),
    "squared: mean squared difference of features; directions: of features divided by their length (Zhang et al. 2018).",
)
flags.DEFINE_float("grid_weight", 0, "Factor of a loss on grids, in the period of the enlargement.", lower_bound=0)
flags.DEFINE_string("teacher", None, "A bundled network, or the folder of a SavedModel, whose results are learned too.")
flags.DEFINE_float("teacher_weight", 1, "Factor of the pixel loss against them (Hinton et al. 2015).", lower_bound=0)
flags.DEFINE_integer(
    "shift",
    1,
    "The discriminator and the perceptual model see pictures moved by 0 to SHIFT - 1 pixels: their strides leave no grid.",
    lower_bound=1,
)
flags.DEFINE_bool("back_projection", False, "The losses see the generator's result back-projected, as it is when exported.")
flags.DEFINE_bool("hold_norms", False, "The generator's batch norms take their moving averages, and leave them as they are.")
flags.DEFINE_enum("precision", "auto", precision.PRECISIONS, "Number format of the arithmetic. auto: the fastest here.")

flags.DEFINE_enum(
    "strategy",
    "auto",
    distribution.STRATEGIES,
    "Train on one device; mirrored: on all GPUs of this machine; multi_worker: on the machines of TF_CONFIG; auto: on all.",
)
flags.DEFINE_bool("jit_compile", False, "Let XLA compile the step, on one device; python -m sr_keras.benchmark train compares.")

flags.DEFINE_enum("generator", "srgan", list(generators.FAMILIES), "The generator: the paper's, or another paper's network.")
flags.DEFINE_integer("num_upscales", 2, "How often the generator doubles height and width (u).", lower_bound=1)
flags.DEFINE_integer("num_blocks", None, "Residual blocks of the generator (b). Default: as its paper has it.")
flags.DEFINE_integer("filters", None, "Channels of the generator's residual blocks. Default: as its paper has it.")
flags.DEFINE_integer("upscale_filters", None, "Channels of srgan's upscaling blocks. Default: 256, as the paper has it.")
flags.DEFINE_integer("discriminator_filters", 64, "Channels of the discriminator's first convolution.", lower_bound=1)
flags.DEFINE_enum(
    "discriminator_head",
    "patch",
    ["patch", "image", "unet"],
    "The discriminator gives a logit for each 16x16 region, or one for the photo. unet: another discriminator, Real-ESRGAN's "
    "U-Net, which gives one for each pixel and always has spectral norm (Wang et al. 2021, section 3.4).",
)
flags.DEFINE_bool("spectral_norm", False, "Spectral norm in the discriminator's layers (Miyato et al. 2018).")
flags.DEFINE_string(
    "init",
    "interpolator",
    'First weights: "interpolator", "random", or the folder of a SavedModel. An edsr is grown where srgan is the generator.',
)
flags.DEFINE_list("init_blocks", None, "Residual blocks, counted from 0, that are kept of an edsr in --init. Default: all.")

flags.DEFINE_integer("hr_size", 256, "Side of the large pictures that are trained on, in pixels.", lower_bound=1)
flags.DEFINE_float(
    "max_reduction", float("inf"), "Largest window cut from a photo, in units of hr_size. 1: never reduced.", lower_bound=1
)
flags.DEFINE_float(
    "max_enlargement", 1, "Smallest window, as hr_size divided by this: soft photos. 1: never enlarged.", lower_bound=1
)
flags.DEFINE_float("flip_left_right", PAPER.flip_left_right, "Probability that a photo is flipped left-right.", 0, 1)
flags.DEFINE_float("flip_up_down", PAPER.flip_up_down, "Probability that a photo is flipped up-down.", 0, 1)
flags.DEFINE_float("transpose", PAPER.transpose, "Probability that a photo's rows and columns are exchanged.", 0, 1)
flags.DEFINE_float("darken", PAPER.darken, "Probability that a photo is darkened.", 0, 1)
flags.DEFINE_float("darken_by", PAPER.darken_by, "Largest share of the light that darkening takes.", 0, 1)
flags.DEFINE_float("brightness", PAPER.brightness, "Probability that a photo's brightness is changed.", 0, 1)
flags.DEFINE_float("brightness_by", PAPER.brightness_by, "Largest change of brightness; white is 1.", 0, 1)
flags.DEFINE_float("saturation", PAPER.saturation, "Probability that a photo's saturation is changed.", 0, 1)
flags.DEFINE_float("saturation_by", PAPER.saturation_by, "Largest change of the saturation's factor from 1.", 0, 1)
flags.DEFINE_enum("downscale", "bicubic", data.DOWNSCALE_METHODS, "How the small picture is made; always antialiased.")
flags.DEFINE_enum(
    "degradation",
    "none",
    data.DEGRADATIONS,
    "blur: blurs photos before they are made small. real: blur, resizing, noise and JPEG at random, in two rounds (Wang et al. "
    "2021), as photos are that people have.",
)
flags.DEFINE_bool("sharpen_reference", False, "Sharpen the large pictures a little, not the small ones (Wang et al. 2021).")

flags.DEFINE_string("validation", None, "Photos to validate on, as --data has them. Default: a share of --data.")
flags.DEFINE_float("validation_fraction", 0.05, "Share of --data kept for validation, by hash of their path.", 0, 1)
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
flags.DEFINE_list("profile", None, "START,END: record a trace of these steps, counted from this start, for TensorBoard.")


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
        return _refuse(_reason(error))
    except FloatingPointError as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def train() -> int:
    """Runs or resumes the training that the flags describe; returns the process's exit code."""
    strategy = distribution.create(FLAGS.strategy)
    worker, workers = distribution.place(strategy)
    if workers > 1 and FLAGS.run_dir is None:
        raise ValueError("--run_dir is missing: several workers need one that they share")
    if FLAGS.jit_compile and strategy.num_replicas_in_sync > 1:
        raise ValueError("--jit_compile works on one device: --strategy=one")
    if FLAGS.shift > FLAGS.hr_size:
        raise ValueError(f"shift must be at most hr_size, {FLAGS.hr_size}, got {FLAGS.shift}")
    if FLAGS.discriminator_head == "unet" and FLAGS.hr_size % unet_discriminator.MULTIPLE:
        raise ValueError(
            f"hr_size must be a multiple of {unet_discriminator.MULTIPLE} for --discriminator_head=unet, got {FLAGS.hr_size}"
        )
    if FLAGS.deterministic:
        tf.config.experimental.enable_op_determinism()
    trace = _trace()
    make_pair = data.PairMaker(FLAGS.hr_size, 2**FLAGS.num_upscales, FLAGS.downscale, FLAGS.degradation)
    sample = images.read_photo(FLAGS.sample)
    train_photos, validation_photos = _photos()
    pairs = _validation_pairs(validation_photos, make_pair)
    steps_per_iteration = FLAGS.steps_per_iteration or max(1, len(train_photos) // FLAGS.batch_size)
    _check_warmup(FLAGS.iterations * steps_per_iteration)
    servable, run_state = _networks(strategy, steps_per_iteration)
    stream = _stream(train_photos, run_state, make_pair)
    stages = _stages(run_state)
    run_dir = _run_dir()
    with run_folder.held(run_dir) if worker == 0 else contextlib.nullcontext():
        manager = state.checkpoint_manager(run_state, run_dir / "checkpoints", FLAGS.keep_checkpoints)
        _take_changed_flags(run_dir, manager)
        _restore_or_initialise(manager, run_state)
        if len(set(distribution.gathered(strategy, int(run_state.position)))) > 1:
            raise ValueError(f"{run_dir}: not all workers find the same checkpoint there; it must be a folder that they share")
        if worker == 0:
            run_folder.record_flags(run_dir, _flag_lines())
        logger.info("%d photos to train, %d to validate; %s", len(train_photos), len(validation_photos), run_dir)
        if workers > 1:
            logger.info("worker %d of %d%s", worker + 1, workers, ", the chief, which writes the run" if worker == 0 else "")
        return training.train(
            training.Run(
                folder=run_dir,
                state=run_state,
                manager=manager,
                servable=servable,
                stream=stream,
                pairs=pairs,
                pictures=FLAGS.validation_pictures,
                sample=sample,
                texts={"flags": _flag_lines, "skipped photos": lambda: sorted(stream.skipped)},
                stages=stages,
                batch_size=FLAGS.batch_size,
                steps_per_iteration=steps_per_iteration,
                checkpoint_steps=FLAGS.checkpoint_steps,
                keep_exports=FLAGS.keep_exports,
                keep_samples=FLAGS.keep_samples,
                stop_after=FLAGS.stop_after,
                trace=trace,
            )
        )


def _trace() -> tuple[int, int] | None:
    if FLAGS.profile is None:
        return None
    try:
        first, last = map(int, FLAGS.profile)
    except ValueError:
        first, last = 0, 0
    if not 1 <= first <= last:
        raise ValueError(f"--profile must be START,END, two step numbers from 1, got {','.join(FLAGS.profile)}")
    return first, last


def _take_changed_flags(run_dir: pathlib.Path, manager: tf.train.CheckpointManager) -> None:
    """Logs which flags of a run that goes on are not what they were.

    Raises:
        ValueError: one of them does not fit the networks in the checkpoint.
    """
    changes = run_folder.changed_flags(run_dir, _flag_lines(), _default_lines()) if manager.checkpoints else []
    if misfits := [str(change) for change in changes if _is_misfit(change)]:
        raise ValueError(f"{run_dir} holds other networks: {', '.join(misfits)}")
    for change in changes:
        logger.info("changed: %s", change)


def _is_misfit(change: run_folder.Change) -> bool:
    """Whether the checkpoint has no place for what a flag now asks for, or holds what it no longer does."""
    match change.name:
        case "hr_size":
            return FLAGS.discriminator_head == "image"
        case "precision":
            return "mixed_float16" in (change.before, change.now)
        case "average_decay":
            return (float(change.before) == 0) != (float(change.now) == 0)
    return change.name in NETWORK_FLAGS


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
    """To train on, and to validate on."""
    if FLAGS.data is None:
        raise ValueError('--data is missing: a folder of photos or of shards, a list file, or "sample" for a few bundled ones')
    source = _source(FLAGS.data)
    try:
        photos = data.open_photos(source)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error}; data_prep/README.md says how to get the paper's photos, and --data=sample trains on a few bundled ones"
        ) from None
    if FLAGS.validation is None:
        train_photos, validation_photos = data.split(photos, FLAGS.validation_fraction)
    else:
        train_photos, validation_photos = photos, data.open_photos(_source(FLAGS.validation))
    if FLAGS.exclude:
        train_photos = _without(train_photos, [pathlib.Path(folder) for folder in FLAGS.exclude])
    if not len(train_photos):
        raise ValueError(f"{source}: no photo is left to train on, of {len(photos)}")
    return train_photos, validation_photos


def _source(text: str) -> pathlib.Path:
    return data.SAMPLE / "photos" if text == "sample" else pathlib.Path(text)


def _without(photos: data.Photos, folders: list[pathlib.Path]) -> data.Photos:
    found = leaks.find(photos, folders)
    for number in sorted(found):
        logger.info("excluded: %s", photos.where(number))
    return photos.choose([number for number in range(len(photos)) if number not in found])


def _validation_pairs(photos: data.Photos, make_pair: data.PairMaker) -> data.Pairs:
    smallest = metrics.smallest_side(border=make_pair.scale)
    if FLAGS.validation_photos and make_pair.hr_size < smallest:
        raise ValueError(f"hr_size must be at least {smallest} for photos to be measured (or --validation_photos=0)")
    return data.validation_pairs(photos, make_pair, FLAGS.validation_photos)


def _networks(strategy: tf.distribute.Strategy, steps_per_iteration: int) -> tuple[export.Servable, state.TrainState]:
    """The network that is exported, and all that is trained."""
    if FLAGS.batch_size % strategy.num_replicas_in_sync:
        raise ValueError(
            f"batch_size must be a multiple of {strategy.num_replicas_in_sync}, the devices, got {FLAGS.batch_size}"
        )
    keras.utils.set_random_seed(FLAGS.seed)
    sizes = {name: FLAGS[name].value for name in ("num_blocks", "filters", "upscale_filters")}
    given = {name: size for name, size in sizes.items() if size is not None}
    build = functools.partial(generators.build, FLAGS.generator, num_upscales=FLAGS.num_upscales, **given)
    # Made before the policy is set: what is exported computes in float32, whatever trains it.
    exported = build()
    # What is wrong with a photo is not to come back.
    servable = export.Servable(exported, is_back_projected=FLAGS.degradation != "real")
    # A run that is resumed on another machine keeps its precision: with float16 come optimizers of another kind.
    FLAGS.precision = precision.resolve(FLAGS.precision)
    keras.mixed_precision.set_global_policy(FLAGS.precision)
    logger.info("%s on %s", FLAGS.precision, precision.devices())
    adversarial_iterations = max(1, FLAGS.iterations - FLAGS.pretrain_iterations)
    with strategy.scope():
        generator = build()
        discriminator = _discriminator()
        average = build() if FLAGS.average_decay else None
        generator_optimizer = _optimizer(FLAGS.iterations * steps_per_iteration)
        discriminator_optimizer = _optimizer(adversarial_iterations * steps_per_iteration)
    if strategy.num_replicas_in_sync > 1:
        distribution.synchronise_norms(generator)
        distribution.synchronise_norms(discriminator)
    return servable, state.TrainState(generator, discriminator, generator_optimizer, discriminator_optimizer, average)


def _discriminator() -> keras.Model:
    if FLAGS.discriminator_head == "unet":
        return unet_discriminator.build(FLAGS.discriminator_filters)
    return models.build_discriminator(FLAGS.discriminator_filters, FLAGS.discriminator_head, FLAGS.hr_size, FLAGS.spectral_norm)


def _check_warmup(steps: int) -> None:
    if FLAGS.warmup_steps and FLAGS.schedule != "cosine":
        raise ValueError("--warmup_steps needs --schedule=cosine")
    if FLAGS.warmup_steps >= steps:
        raise ValueError(f"--warmup_steps must be below {steps}, the steps of this run, got {FLAGS.warmup_steps}")


def _optimizer(steps: int) -> keras.optimizers.Optimizer:
    rate = FLAGS.learning_rate
    # The discriminator's steps may be fewer than those of the run, or none.
    warmup = min(FLAGS.warmup_steps, steps - 1)
    if FLAGS.schedule == "cosine":
        first, target = (0.0, rate) if warmup else (rate, None)
        rate = keras.optimizers.schedules.CosineDecay(
            first, steps - warmup, alpha=0.01, warmup_target=target, warmup_steps=warmup
        )
    adam = keras.optimizers.Adam(rate, beta_1=FLAGS.beta1)
    return precision.with_loss_scale(adam, FLAGS.precision)


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
    kept_blocks = _kept_blocks()
    if FLAGS.init == "interpolator":
        generators.FAMILIES[FLAGS.generator].init_as_interpolator(generator)
    elif FLAGS.init != "random":
        weights = export.load_weights(FLAGS.init)
        try:
            growth.give_weights(generator, weights, kept_blocks)
        except ValueError as error:
            raise ValueError(f"--init={FLAGS.init} does not fit the generator that the flags describe: {error}") from None
        if growth.norms_know_nothing(generator) and not FLAGS.hold_norms:
            raise ValueError(f"--init={FLAGS.init} needs --hold_norms: the generator's batch norms know nothing of photos")


def _kept_blocks() -> list[int] | None:
    if not FLAGS.init_blocks:
        return None
    if FLAGS.init in ("interpolator", "random"):
        raise ValueError(f"--init_blocks is for blocks of a trained network, not of --init={FLAGS.init}")
    if not all(block.isdecimal() for block in FLAGS.init_blocks):
        raise ValueError(f"--init_blocks must be numbers from 0, separated by commas, got {','.join(FLAGS.init_blocks)}")
    return [int(block) for block in FLAGS.init_blocks]


def _stream(photos: data.Photos, run: state.TrainState, make_pair: data.PairMaker) -> data.TrainStream:
    worker, workers = distribution.place(run.strategy)
    return data.TrainStream(
        photos,
        run.position,
        make_pair=make_pair,
        augmentation=data.Augmentation(**{f.name: FLAGS[f.name].value for f in dataclasses.fields(data.Augmentation)}),
        max_reduction=FLAGS.max_reduction,
        max_enlargement=FLAGS.max_enlargement,
        batch_size=FLAGS.batch_size,
        seed=FLAGS.seed,
        sharpen_reference=FLAGS.sharpen_reference,
        worker=worker,
        workers=workers,
    )


def _stages(run: state.TrainState) -> list[training.Stage]:
    """First on pixels alone, then with the discriminator."""
    pixel_loss = losses.PIXEL_LOSSES[FLAGS.pixel_loss]
    practice = steps.Practice(
        perceptual_loss=_perceptual_loss(run.strategy),
        perceptual_weight=FLAGS.perceptual_weight,
        grid_weight=FLAGS.grid_weight,
        teacher=_teacher(run.strategy),
        teacher_weight=FLAGS.teacher_weight,
        back_projection=FLAGS.back_projection,
        clip_norm=FLAGS.clip_gradients,
        average_decay=FLAGS.average_decay,
        jit_compile=FLAGS.jit_compile,
        hold_norms=FLAGS.hold_norms,
        shift=FLAGS.shift,
    )
    pixel_step = functools.partial(steps.pixel_step, run, pixel_loss=pixel_loss, practice=practice)
    gan_step = functools.partial(
        steps.gan_step,
        run,
        adversarial_weight=FLAGS.adversarial_weight,
        pixel_loss=pixel_loss,
        ramp_steps=FLAGS.adversarial_ramp_steps,
        real_label=1.0 - FLAGS.label_smoothing,
        practice=practice,
    )
    return [
        training.Stage(pixel_step, min(FLAGS.pretrain_iterations, FLAGS.iterations)),
        training.Stage(gan_step, FLAGS.iterations),
    ]


def _perceptual_loss(strategy: tf.distribute.Strategy) -> steps.PictureLoss | None:
    if FLAGS.perceptual_model is None:
        return None
    if not FLAGS.perceptual_layers:
        raise ValueError("--perceptual_layers is missing: names of layers of the perceptual model, separated by commas")
    with strategy.scope():
        model = perceptual.load_features(FLAGS.perceptual_model, FLAGS.perceptual_layers, FLAGS.hr_size)
    distance = perceptual.DISTANCES[FLAGS.perceptual_distance]
    return lambda hr, sr: tf.reduce_mean(distance(model, hr, sr))


def _teacher(strategy: tf.distribute.Strategy) -> Callable[[tf.Tensor], tf.Tensor] | None:
    if FLAGS.teacher is None:
        return None
    FLAGS.teacher = str(facts.find_model(FLAGS.teacher))
    with strategy.scope():
        network = export.Network(FLAGS.teacher)
    if network.facts.scale != 2**FLAGS.num_upscales:
        raise ValueError(f"--teacher={FLAGS.teacher} enlarges {network.facts.scale} times, not {2**FLAGS.num_upscales}")
    # Not `network.serve` itself: without the network, its variables would go.
    return lambda lr: network.serve(lr)


def _run_dir() -> pathlib.Path:
    """The run's folder. Paths among the flags become absolute, so that they mean the same wherever the run is resumed."""
    if FLAGS.run_dir is None:
        FLAGS.run_dir = f"saved_models/{datetime.datetime.now():%Y%m%d-%H%M%S}"
    for name in ("data", "validation", "run_dir", "init", "sample", "perceptual_model", "teacher"):
        value = FLAGS[name].value
        if value not in (None, "sample", "interpolator", "random"):
            FLAGS[name].value = str(pathlib.Path(value).absolute())
    if FLAGS.exclude:
        FLAGS.exclude = [str(pathlib.Path(folder).absolute()) for folder in FLAGS.exclude]
    return pathlib.Path(FLAGS.run_dir)


def _flag_lines() -> list[str]:
    return [f"--{flag.name}={_as_text(flag.value)}" for flag in _flags_of_a_run() if flag.value is not None]


def _default_lines() -> list[str]:
    return [f"--{flag.name}={_as_text(flag.default)}" for flag in _flags_of_a_run() if flag.default is not None]


def _flags_of_a_run() -> list[flags.Flag]:
    """All but those that are about a single start."""
    names = ("profile", "stop_after")
    return [flag for flag in FLAGS.get_key_flags_for_module(sys.modules[__name__]) if flag.name not in names]


def _as_text(value: object) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def _reason(error: tf.errors.OpError) -> str:
    """The line that says it; from inside a step it is not the first."""
    lines = [line.strip() for line in error.message.splitlines() if line.strip()]
    noise = ("Graph execution error", "Detected at node", "File ", "Stack trace", "<stack_trace", "[[{{node", "Node:", "Hint:")
    telling = [line for line in lines if not line.startswith(noise)]
    return f"{type(error).__name__}: {(telling or lines or ['no reason given'])[0]}"


def _refuse(reason: str) -> int:
    print(f"train.py: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    app.run(main)
