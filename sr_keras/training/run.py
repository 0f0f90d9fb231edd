"""A run of training, from where its state is to the end: checkpoints, exports, samples, and what TensorBoard shows."""

import contextlib
import dataclasses
import functools
import itertools
import json
import logging
import math
import pathlib
import shlex
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sr_keras.data.pairs import Pairs
from sr_keras.data.stream import TrainStream
from sr_keras.inference import saved_model
from sr_keras.inference.upscaler import Upscaler
from sr_keras.photos import rgb
from sr_keras.runtime import command_line, files, signals
from sr_keras.training import distribution, loop, progress, state, steps, tensorboard

logger = logging.getLogger(__name__)

# As if by SIGTERM: a worker that stops because another one was told to has not finished either.
_STOPPED_BY_ANOTHER = 128 + signal.SIGTERM

_STEPS_BETWEEN_QUESTIONS = 10


class Stage(NamedTuple):
    """A part of a run.

    Attributes:
        make_step: called when the stage begins.
        until: the iteration that it ends with.
    """

    make_step: Callable[[], steps.Step]
    until: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """All that `fit` needs.

    Attributes:
        folder: the run's own; only the chief writes there.
        state: all that is trained.
        manager: of the state's checkpoints.
        servable: what is exported; takes the generator's weights after each iteration.
        stream: batches to train on.
        pairs: validation pairs.
        pictures: how many of them TensorBoard shows, at most.
        sample: a photo that is upscaled after each iteration, uint8 `[h, w, 3]`.
        texts: what else TensorBoard shows, by name: lines, asked for after each iteration.
        stages: in their order.
        batch_size: photos a step, of all devices together.
        steps_per_iteration, checkpoint_steps: see `loop.run`.
        keep_exports, keep_samples: how many of the newest stay.
        stop_after: the iteration to stop after, if the stages do not end before; None for none.
        trace: first and last step to be profiled, counted from here, from 1; None for none.
    """

    folder: pathlib.Path
    state: state.TrainState
    manager: tf.train.CheckpointManager
    servable: saved_model.Servable
    stream: TrainStream
    pairs: Pairs
    pictures: int
    sample: np.ndarray
    texts: Mapping[str, Callable[[], Sequence[str]]]
    stages: Sequence[Stage]
    batch_size: int
    steps_per_iteration: int
    checkpoint_steps: int
    keep_exports: int
    keep_samples: int
    stop_after: int | None = None
    trace: tuple[int, int] | None = None

    @property
    def last_iteration(self) -> int:
        """The one after which this process stops."""
        return self.stages[-1].until if self.stop_after is None else min(self.stages[-1].until, self.stop_after)


def fit(run: Run) -> int:
    """Trains until the end, until it is to stop, or until a signal comes to any worker; returns the process's exit code.

    Raises:
        FloatingPointError: a metric is not finite; the message has the last good checkpoint.
    """
    strategy = run.state.strategy
    is_chief = distribution.place(strategy)[0] == 0
    upscaler = Upscaler(run.servable, precision="float32")
    shown = progress.ProgressLine(
        iteration=int(run.state.iteration),
        iterations=run.stages[-1].until,
        steps_per_iteration=run.steps_per_iteration,
        batch_size=run.batch_size,
        steps_left=(run.last_iteration - int(run.state.iteration)) * run.steps_per_iteration - int(run.state.step),
    )
    actions = _actions(run, upscaler, shown) if is_chief else [shown.after_iteration]
    if is_chief:
        _make_up_for_exports(run, upscaler)
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(signals.StopRequest())
        stack.enter_context(contextlib.closing(shown))
        stack.enter_context(_checkpoint_named(run.manager))
        trace = stack.enter_context(tensorboard.traced(run.folder / "tensorboard", run.trace if is_chief else None))

        def after_step(done: int, metrics: steps.StepMetrics) -> None:
            shown.after_step(done, metrics)
            trace()

        logger.info("training; Ctrl-C stops it and leaves a checkpoint")
        finished = all(
            loop.run(
                step,
                distribution.spread(strategy, run.stream),
                iteration=run.state.iteration,
                iteration_step=run.state.step,
                iterations=until,
                steps_per_iteration=run.steps_per_iteration,
                publish=functools.partial(_publish, run),
                measure=functools.partial(_measure, run, upscaler if is_chief else None, step),
                actions=actions,
                after_step=after_step,
                should_stop=functools.partial(_should_stop, strategy, stop, itertools.count()),
                checkpoint_steps=run.checkpoint_steps,
                checkpoint=functools.partial(state.save, run.manager) if is_chief else lambda: None,
            )
            for step, until in _open_stages(run)
        )
        resume = command_line.call_of("train") + " " + shlex.quote(f"--flagfile={run.folder / 'train.flags'}")
        if not finished:
            if is_chief:
                state.save(run.manager)
            logger.info("stopped by %s; to go on: %s", stop or "another worker", resume)
            return stop.exit_code or _STOPPED_BY_ANOTHER
    if int(run.state.iteration) < run.stages[-1].until:
        logger.info("stopped after iteration %d; to go on: %s", int(run.state.iteration), resume)
        return 0
    logger.info("finished; to use it: %s %s PHOTO", command_line.call_of("upscale"), shlex.quote(f"--model={run.folder}"))
    return 0


def _open_stages(run: Run) -> Iterator[tuple[steps.Step, int]]:
    for stage in run.stages:
        until = min(stage.until, run.last_iteration)
        if int(run.state.iteration) < until:
            yield stage.make_step(), until


@contextlib.contextmanager
def _checkpoint_named(manager: tf.train.CheckpointManager) -> Iterator[None]:
    """Adds to an error of a metric where the run can go on from."""
    try:
        yield
    except FloatingPointError as error:
        raise FloatingPointError(f"{error}; the last good checkpoint: {manager.latest_checkpoint or 'none'}") from None


def _actions(run: Run, upscaler: Upscaler, shown: progress.ProgressLine) -> list[loop.Action]:
    writer = tf.summary.create_file_writer(str(run.folder / "tensorboard"))
    tensorboard.write_layout(writer)
    pairs = [photos[: run.pictures] for photos in run.pairs]
    return [
        # Metrics that are written twice, after a crash before the checkpoint, do no harm; lost ones would.
        tensorboard.metrics_writer(writer),
        # What follows may fail, for instance on a full disk.
        lambda *_: state.save(run.manager),
        shown.after_iteration,
        tensorboard.picture_writer(writer, upscaler.upscale, *pairs),
        *(tensorboard.text_writer(writer, name, lines) for name, lines in run.texts.items()),
        functools.partial(_write_sample, run.folder / "samples", upscaler, run.sample, run.keep_samples),
        lambda iteration, _: saved_model.save_version(run.servable, run.folder, iteration, keep=run.keep_exports),
        functools.partial(_keep_best, run.folder),
    ]


def _should_stop(strategy: tf.distribute.Strategy, stop: signals.StopRequest, asked: Iterator[int]) -> bool:
    """Whether a signal came. All workers stop before the same step: others would wait for one that has gone."""
    if distribution.place(strategy)[1] == 1:
        return bool(stop)
    # To ask all of them takes time in which devices have nothing to do.
    return next(asked) % _STEPS_BETWEEN_QUESTIONS == 0 and any(distribution.gathered(strategy, bool(stop)))


def _publish(run: Run) -> None:
    """Brings the generator's weights, or their average, into what is measured and exported."""
    run.servable.take_weights(run.state.best_generator)


def _measure(run: Run, upscaler: Upscaler | None, step: steps.Step, means: loop.Metrics) -> loop.Metrics:
    """All metrics of an iteration, of the published network; without `upscaler`, none of validation."""
    strategy = run.state.strategy
    optimizers = {"generator": run.state.generator_optimizer}
    if "discriminator/loss" in means:
        optimizers["discriminator"] = run.state.discriminator_optimizer
    steps_per_second = means.pop("work/steps_per_second")
    return {
        **means,
        "work/photos_per_second": steps_per_second * run.batch_size,
        "work/traces_of_the_step": step.experimental_get_tracing_count(),
        **(tensorboard.validation_scalars(upscaler.upscale, *run.pairs) if upscaler else {}),
        **tensorboard.optimizer_scalars(**optimizers),
        "work/skipped_photos": sum(distribution.gathered(strategy, run.stream.skipped.total())),
        "work/enlarged_photos": sum(distribution.gathered(strategy, run.stream.enlarged)),
        **tensorboard.memory_scalars(),
    }


def _make_up_for_exports(run: Run, upscaler: Upscaler) -> None:
    """Exports the last iteration if the run was interrupted after its checkpoint and before its export."""
    iteration = int(run.state.iteration)
    if iteration and not int(run.state.step) and not (run.folder / str(iteration)).exists():
        _publish(run)
        _write_sample(run.folder / "samples", upscaler, run.sample, run.keep_samples, iteration, {})
        saved_model.save_version(run.servable, run.folder, iteration, keep=run.keep_exports)


def _keep_best(folder: pathlib.Path, iteration: int, metrics: loop.Metrics) -> None:
    """Keeps the network with the highest PSNR on the validation photos in `best/`: a copy of what was exported."""
    path = folder / "best" / "psnr.json"
    before = json.loads(path.read_text(encoding="utf-8"))["psnr_db"] if path.exists() else -math.inf
    psnr_db = metrics.get("validation/psnr_db", -math.inf)
    if psnr_db > before:
        saved_model.copy(folder / str(iteration), folder / "best" / "1")
        with files.written_beside(path) as part:
            part.write_text(json.dumps({"iteration": iteration, "psnr_db": psnr_db}) + "\n", encoding="utf-8")


def _write_sample(
    folder: pathlib.Path, upscaler: Upscaler, photo: np.ndarray, keep: int, iteration: int, _: loop.Metrics
) -> None:
    folder.mkdir(exist_ok=True)
    rgb.write_photo(folder / f"{iteration}.png", upscaler.upscale(photo))
    samples = [path for path in folder.glob("*.png") if path.stem.isdecimal()]
    for old in sorted(samples, key=lambda path: int(path.stem))[:-keep]:
        old.unlink()
