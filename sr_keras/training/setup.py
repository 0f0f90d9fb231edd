"""From options to a training in its folder, new or found again."""

import contextlib
import dataclasses
import datetime
import logging
import pathlib

import tensorflow as tf

from sr_keras.data import sources
from sr_keras.data.augmentation import Augmentation
from sr_keras.data.pairs import PairMaker
from sr_keras.data.stream import TrainStream
from sr_keras.inference import model_info
from sr_keras.networks import unet_discriminator
from sr_keras.photos import rgb
from sr_keras.runtime import precision
from sr_keras.training import distribution, networks, photo_lists, run_folder, stages, state
from sr_keras.training.options import Options
from sr_keras.training.run import Run, fit

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
    train_photos, validation_photos = photo_lists.split(options)
    pairs = photo_lists.pairs_to_validate(options, validation_photos, make_pair)
    steps_per_iteration = options.steps_per_iteration or max(1, len(train_photos) // options.batch_size)
    networks.check_warmup(options, options.iterations * steps_per_iteration)
    servable, run_state = networks.build(
        options, strategy, steps_per_iteration, is_back_projected=photo_lists.is_back_projected(options, train_photos)
    )
    stream = _stream(options, train_photos, run_state, make_pair)
    plan = stages.plan(options, run_state)
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
                stages=plan,
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
    networks.restore_or_initialise(options, manager, run)
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
