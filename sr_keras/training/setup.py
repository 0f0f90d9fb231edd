"""From options to a training: its photos, networks, losses and folder, new or found again."""

import contextlib
import dataclasses
import datetime
import functools
import logging
import pathlib
from collections.abc import Callable

import keras
import tensorflow as tf

from sr_keras.data import near_duplicates, sources
from sr_keras.data.augmentation import Augmentation
from sr_keras.data.pairs import PairMaker, Pairs, are_reductions, validation_pairs
from sr_keras.data.stream import TrainStream
from sr_keras.evaluation import metrics
from sr_keras.inference import model_info, saved_model
from sr_keras.networks import generators, net2net, perceptual, srgan, unet_discriminator
from sr_keras.photos import rgb
from sr_keras.runtime import precision
from sr_keras.training import distribution, losses, run_folder, state, steps
from sr_keras.training.adam import Adam
from sr_keras.training.objective import Objective, PictureLoss
from sr_keras.training.options import Options
from sr_keras.training.run import Run, Stage, fit

logger = logging.getLogger(__name__)


def start(options: Options) -> int:
    """Starts or resumes the training that options describe; returns the process's exit code.

    Raises:
        ValueError: options do not fit each other, the photos, the devices, or the networks in the run's folder.
        OSError, ImportError, PhotoError, ModelError: what they name is missing or can't be used.
        InUseError: another process trains in the run's folder.
        FloatingPointError: a loss is not finite.
    """
    strategy = distribution.create(options.strategy)
    worker, workers = distribution.place(strategy)
    run_dir = _run_dir(options, workers)
    options = resolved(options, run_dir)
    _check(options, strategy)
    if options.deterministic:
        tf.config.experimental.enable_op_determinism()
    trace = _trace(options)
    make_pair = PairMaker(options.hr_size, 2**options.num_upscales, options.downscale, options.degradation)
    sample = rgb.read_photo(options.sample)
    train_photos, validation_photos = _photos(options)
    pairs = _validation_pairs(options, validation_photos, make_pair)
    steps_per_iteration = options.steps_per_iteration or max(1, len(train_photos) // options.batch_size)
    _check_warmup(options, options.iterations * steps_per_iteration)
    servable, run_state = _networks(
        options, strategy, steps_per_iteration, is_back_projected=_is_back_projected(options, train_photos)
    )
    stream = _stream(options, train_photos, run_state, make_pair)
    stages = _stages(options, run_state)
    with run_folder.held(run_dir) if worker == 0 else contextlib.nullcontext():
        manager = _enter(options, run_dir, run_state)
        logger.info("%d photos to train, %d to validate; %s", len(train_photos), len(validation_photos), run_dir)
        if workers > 1:
            logger.info("worker %d of %d%s", worker + 1, workers, ", the chief, which writes the run" if worker == 0 else "")
        return fit(
            Run(
                folder=run_dir,
                state=run_state,
                manager=manager,
                servable=servable,
                stream=stream,
                pairs=pairs,
                pictures=options.validation_pictures,
                sample=sample,
                texts={"flags": options.lines, "skipped photos": lambda: sorted(stream.skipped)},
                stages=stages,
                batch_size=options.batch_size,
                steps_per_iteration=steps_per_iteration,
                checkpoint_steps=options.checkpoint_steps,
                keep_exports=options.keep_exports,
                keep_samples=options.keep_samples,
                stop_after=options.stop_after,
                trace=trace,
            )
        )


def resolved(options: Options, run_dir: pathlib.Path) -> Options:
    """The options as they are recorded, so that a run that is resumed elsewhere, or on another machine, finds the same."""
    return dataclasses.replace(
        options,
        run_dir=str(run_dir),
        init=str(model_info.find_model(options.init)),
        teacher=None if options.teacher is None else str(model_info.find_model(options.teacher)),
        # With float16, optimizers are of another kind.
        precision=precision.resolve(options.precision),
    ).with_absolute_paths()


def _run_dir(options: Options, workers: int) -> pathlib.Path:
    if options.run_dir is not None:
        return pathlib.Path(options.run_dir).absolute()
    if workers > 1:
        raise ValueError("--run_dir is missing: several workers need one that they share")
    return pathlib.Path(f"saved_models/{datetime.datetime.now():%Y%m%d-%H%M%S}").absolute()


def _check(options: Options, strategy: tf.distribute.Strategy) -> None:
    devices = strategy.num_replicas_in_sync
    if options.jit_compile and devices > 1:
        raise ValueError("--jit_compile works on one device: --strategy=one")
    if options.batch_size % devices:
        raise ValueError(f"batch_size must be a multiple of {devices}, the devices, got {options.batch_size}")
    if options.back_projection and options.degradation == "real":
        raise ValueError("--back_projection is not for --degradation=real: it would bring noise and blocks back")
    if options.shift > options.hr_size:
        raise ValueError(f"shift must be at most hr_size, {options.hr_size}, got {options.shift}")
    multiple = unet_discriminator.MULTIPLE
    if options.discriminator_head == "unet" and options.hr_size % multiple:
        raise ValueError(f"hr_size must be a multiple of {multiple} for --discriminator_head=unet, got {options.hr_size}")


def _enter(options: Options, run_dir: pathlib.Path, run: state.TrainState) -> tf.train.CheckpointManager:
    """Restores the run from its folder, or starts it, and records the options there.

    Raises:
        ValueError: the folder holds other networks, or not all workers find the same there.
    """
    manager = state.checkpoint_manager(run, run_dir / "checkpoints", options.keep_checkpoints)
    if manager.checkpoints:
        _take_changed_flags(options, run_dir)
    _restore_or_initialise(options, manager, run)
    if len(set(distribution.gathered(run.strategy, int(run.position)))) > 1:
        raise ValueError(f"{run_dir}: not all workers find the same checkpoint there; it must be a folder that they share")
    if distribution.place(run.strategy)[0] == 0:
        run_folder.record_flags(run_dir, options.lines())
    return manager


def _take_changed_flags(options: Options, run_dir: pathlib.Path) -> None:
    """Logs which flags of a resumed run have changed.

    Raises:
        ValueError: one of them does not fit the networks in the checkpoint.
    """
    changes = run_folder.changed_flags(run_dir, options.lines(), Options().lines())
    if misfits := [str(change) for change in changes if options.is_misfit(*change)]:
        raise ValueError(f"{run_dir} holds other networks: {', '.join(misfits)}")
    for change in changes:
        logger.info("changed: %s", change)


def _trace(options: Options) -> tuple[int, int] | None:
    if options.profile is None:
        return None
    try:
        first, last = map(int, options.profile)
    except ValueError:
        first, last = 0, 0
    if not 1 <= first <= last:
        raise ValueError(f"--profile must be START,END, two step numbers from 1, got {','.join(options.profile)}")
    return first, last


def _photos(options: Options) -> tuple[sources.Photos, sources.Photos]:
    """To train on, and to validate on."""
    if options.data is None:
        raise ValueError('--data is missing: a folder of photos or of shards, a list file, or "sample" for a few bundled ones')
    try:
        photos = _open(options, options.data)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error}; data_prep/README.md says how to get the paper's photos, and --data=sample trains on a few bundled ones"
        ) from None
    if options.validation is None:
        train_photos, validation_photos = sources.split(photos, options.validation_fraction)
    else:
        train_photos, validation_photos = photos, _open(options, options.validation)
    if options.exclude:
        train_photos = _without(train_photos, [pathlib.Path(folder) for folder in options.exclude])
    if not len(train_photos):
        raise ValueError(f"{options.data}: no photo is left to train on, of {len(photos)}")
    return train_photos, validation_photos


def _open(options: Options, text: str) -> sources.Photos:
    """The photos of `--data` or `--validation`, with their low-resolution files where they have some."""
    source = _source(text)
    of_data = options.lr if text == options.data else None
    if options.lr == "none" or (of_data is None and options.degradation != "none"):
        return sources.open_photos(sources.high_resolution(source))
    if options.degradation != "none":
        raise ValueError("--degradation is for photos that are downscaled, not for those with low-resolution files (--lr)")
    photos = sources.open_training_photos(source, None if of_data is None else pathlib.Path(of_data), 2**options.num_upscales)
    if isinstance(photos, sources.PairedFiles):
        logger.info("pairs: low-resolution files are those in %s", pathlib.Path(photos.lr_paths[0]).parent)
    return photos


def _is_back_projected(options: Options, photos: sources.Photos) -> bool:
    """Whether results are made to fit the small photos; that would bring noise and the blocks of JPEG back."""
    if not isinstance(photos, sources.PairedFiles):
        return options.degradation != "real"
    if are_reductions(photos):
        return True
    if options.back_projection:
        raise ValueError(
            "--back_projection is not for low-resolution files that are noisy, soft or JPEGs: it would bring that back"
        )
    logger.info(
        "pairs: low-resolution files are not their photos made smaller alone, so what is exported is not back-projected"
    )
    return False


def _source(text: str) -> pathlib.Path:
    return rgb.SAMPLE / "photos" if text == "sample" else pathlib.Path(text)


def _without(photos: sources.Photos, folders: list[pathlib.Path]) -> sources.Photos:
    found = near_duplicates.find(photos, folders)
    for number in sorted(found):
        logger.info("excluded: %s", photos.where(number))
    return photos.choose([number for number in range(len(photos)) if number not in found])


def _validation_pairs(options: Options, photos: sources.Photos, make_pair: PairMaker) -> Pairs:
    smallest = metrics.smallest_side(border=make_pair.scale)
    if options.validation_photos and make_pair.hr_size < smallest:
        raise ValueError(f"hr_size must be at least {smallest} for photos to be measured (or --validation_photos=0)")
    return validation_pairs(photos, make_pair, options.validation_photos)


def _networks(
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


def _check_warmup(options: Options, steps: int) -> None:
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


def _restore_or_initialise(options: Options, manager: tf.train.CheckpointManager, run: state.TrainState) -> None:
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


def _stream(options: Options, photos: sources.Photos, run: state.TrainState, make_pair: PairMaker) -> TrainStream:
    worker, workers = distribution.place(run.strategy)
    return TrainStream(
        photos,
        run.position,
        make_pair=make_pair,
        augmentation=Augmentation(**{f.name: getattr(options, f.name) for f in dataclasses.fields(Augmentation)}),
        max_reduction=options.max_reduction,
        max_enlargement=options.max_enlargement,
        batch_size=options.batch_size,
        seed=options.seed,
        sharpen_reference=options.sharpen_reference,
        worker=worker,
        workers=workers,
    )


def _stages(options: Options, run: state.TrainState) -> list[Stage]:
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


def _teacher(options: Options, strategy: tf.distribute.Strategy) -> Callable[[tf.Tensor], tf.Tensor] | None:
    if options.teacher is None:
        return None
    with strategy.scope():
        network = saved_model.ExportedNetwork(options.teacher)
    if network.info.scale != 2**options.num_upscales:
        raise ValueError(f"--teacher={options.teacher} enlarges {network.info.scale} times, not {2**options.num_upscales}")
    # Not `network.serve` itself: without the network, its variables would go.
    return lambda lr: network.serve(lr)
