"""What survives a restart: both networks, both optimizers with their loss scales, and how far the run has come."""

import dataclasses
import logging
import pathlib
import shutil

import keras
import tensorflow as tf

logger = logging.getLogger(__name__)

# What TensorFlow raises for damaged checkpoints.
_DAMAGE = (IndexError, tf.errors.OpError)


def _counter() -> tf.Variable:
    # Counters belong to the host: nothing on a device needs them.
    with tf.device("CPU"):
        return tf.Variable(0, dtype=tf.int64)


@dataclasses.dataclass(frozen=True)
class TrainState:
    """Everything that a run changes; a field added here is in the checkpoint.

    Attributes:
        average: a generator whose weights are an exponential moving average of the generator's (Karras et al. 2018, section
            "other implementation details"), or None.
        iteration: finished iterations.
        step: finished steps of the current iteration.
        position: number of the next example of the training stream.
    """

    generator: keras.Model
    discriminator: keras.Model
    generator_optimizer: keras.optimizers.Optimizer
    discriminator_optimizer: keras.optimizers.Optimizer
    average: keras.Model | None = None
    iteration: tf.Variable = dataclasses.field(default_factory=_counter)
    step: tf.Variable = dataclasses.field(default_factory=_counter)
    position: tf.Variable = dataclasses.field(default_factory=_counter)

    def __post_init__(self) -> None:
        # Optimizers make their variables now, so that a checkpoint restores at once and the step is traced once.
        with self.strategy.scope():
            self.generator_optimizer.build(self.generator.trainable_variables)
            self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    @property
    def strategy(self) -> tf.distribute.Strategy:
        """The one in whose scope the networks were made."""
        return self.generator.distribute_strategy

    def begin_average(self) -> None:
        """Starts the average, if there is one, at the generator as it is now."""
        if self.average is not None:
            self.average.set_weights(self.generator.get_weights())

    @property
    def best_generator(self) -> keras.Model:
        """The one to validate and to export: the average, where there is one."""
        return self.generator if self.average is None else self.average


def checkpoint_manager(state: TrainState, folder: pathlib.Path, keep: int) -> tf.train.CheckpointManager:
    """Saves to `folder` and keeps the newest `keep` checkpoints."""
    _mend_list(folder)
    fields = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    fields = {name: value for name, value in fields.items() if value is not None}
    return tf.train.CheckpointManager(tf.train.Checkpoint(**fields), str(folder), max_to_keep=keep)


def save(manager: tf.train.CheckpointManager) -> None:
    """Writes a checkpoint.

    Raises:
        OSError: it can't be written, on a full disk for one. What was begun is removed, what was there before stays.
    """
    try:
        manager.save()
    except tf.errors.OpError as error:
        for begun in pathlib.Path(manager.directory).glob("ckpt-*_temp"):
            shutil.rmtree(begun, ignore_errors=True)
        # TensorFlow names the file that it had begun, which is gone.
        raise OSError(f"{manager.directory}: no checkpoint can be written: {error.message.rpartition('; ')[-1]}") from None


def restore(manager: tf.train.CheckpointManager) -> str | None:
    """Restores the newest checkpoint that is whole, if there is any checkpoint, and returns its path.

    Raises:
        ValueError: the checkpoint is of other networks, or all are damaged.
    """
    for path in reversed(manager.checkpoints):
        try:
            _restore(manager.checkpoint, path)
        except _DAMAGE as error:
            logger.warning("%s is damaged (%s)", path, type(error).__name__)
        else:
            return str(path)
    if manager.checkpoints:
        raise ValueError(f"{manager.directory}: every checkpoint is damaged")
    return None


def _mend_list(folder: pathlib.Path) -> None:
    """TensorFlow finds checkpoints by a file that lists them. If a crash has damaged that, it is written anew."""
    found = sorted((path.with_suffix("") for path in folder.glob("ckpt-*.index")), key=lambda path: int(path.name[5:]))
    try:
        listed = tf.train.get_checkpoint_state(str(folder))
    except ValueError:  # it is empty
        listed = None
    if not found or listed is not None:
        return
    logger.warning("%s: the list of checkpoints is damaged or gone; found %s", folder, found[-1].name)
    listed = tf.compat.v1.train.generate_checkpoint_state_proto(
        str(folder),
        str(found[-1]),
        all_model_checkpoint_paths=[str(path) for path in found],
        all_model_checkpoint_timestamps=[path.with_suffix(".index").stat().st_mtime for path in found],
    )
    part = folder / "checkpoint.part"
    part.write_text(str(listed), encoding="utf-8")
    part.replace(folder / "checkpoint")


def _restore(checkpoint: tf.train.Checkpoint, path: str) -> None:
    try:
        status = checkpoint.restore(path)
    except ValueError as error:  # a variable has another shape
        raise _misfit(path, error) from None
    try:
        status.assert_consumed()
    except AssertionError as error:  # there are more variables, or fewer
        # Or TensorFlow tells of each of them when the process ends.
        status.expect_partial()
        raise _misfit(path, error) from None


def _misfit(path: str, error: Exception) -> ValueError:
    return ValueError(f"{path} does not fit these networks (other flags?): {str(error).strip().splitlines()[0]}")
