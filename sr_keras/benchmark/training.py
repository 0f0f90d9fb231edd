"""Measures training on this machine: the step, the data pipeline, and what both are compared with, in one run."""

import collections
import itertools
import resource
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from sr_keras.benchmark import machine, timing
from sr_keras.data import sources
from sr_keras.data.augmentation import Augmentation
from sr_keras.data.pairs import PairMaker
from sr_keras.data.stream import TrainStream
from sr_keras.networks import flops, srgan
from sr_keras.runtime import precision
from sr_keras.training import losses, state, steps
from sr_keras.training.adam import Adam
from sr_keras.training.objective import Objective

OURS, OURS_XLA, PLAIN = "our step", "our step, XLA", "plain step"
PIPELINE, PIPELINE_ONE_CORE, PIPELINE_REAL = "data pipeline", "data pipeline, one core", "data pipeline, real"
# The pipeline's pictures are antialiased bicubic ones; TensorFlow's default takes less.
BARE, BARE_BILINEAR = "bare, bicubic", "bare, bilinear"

# What a turn of the pipeline takes at least: enough for its start not to count.
_PHOTOS_A_TURN = 512

_LEARNING_RATE = 1e-4
_SCALE = 4

# A generator and its discriminator; None trains the generator alone, on pixels.
Networks = tuple[keras.Model, keras.Model | None]


class TrainingSpeed(NamedTuple):
    """What was measured of one work.

    Attributes:
        gflops: 10^9 operations a second, as `flops` counts them; 0 where no network is at work.
        of_matrix_product: that rate as a share of a matrix product's in the same precision.
    """

    photos_per_second: float
    gflops: float
    of_matrix_product: float


class Measured(NamedTuple):
    """What `train` finds.

    Attributes:
        rows: of each work, by its name.
        matrix_gflops: 10^9 operations a second of a matrix product, by number format.
        host_mb: the most resident memory of the process when it had done nothing but our step.
        device_mb: the most memory of the first GPU that our step took; None without a GPU.
    """

    rows: Mapping[str, TrainingSpeed]
    matrix_gflops: Mapping[str, float]
    host_mb: float
    device_mb: float | None


class _Work(NamedTuple):
    """Something to measure: `run` returns the seconds that it took for that many photos."""

    run: Callable[[], float]
    photos: int
    operations_a_photo: int = 0
    number_format: str = "float32"


def train(
    photos: sources.Files,
    build_networks: Callable[[], Networks],
    *,
    policy: str,
    batch_size: int,
    hr_size: int,
    repeats: int,
) -> Measured:
    """Measures the training of two networks on noise, and the pipeline that would feed it with photos.

    Args:
        photos: JPEG files, at least one.
        build_networks: a generator that makes photos 4 times as large, and its discriminator or None.
        policy: the Keras policy of our step; the plain step is float32.
        batch_size: photos a step.
        hr_size: side of the large photos, in pixels.
        repeats: how often each work is timed; the fastest counts, for others waited for something else.

    Raises:
        PhotoError: no photo can be read.
    """
    networks = _in_policy(policy, build_networks)
    ours = _our_step(networks, batch_size, hr_size)
    ours[OURS].run()
    host_mb, device_mb = machine.peak_memory_mb(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss), _peak_device_mb()
    works = ours | _plain_step(networks, batch_size, hr_size) | _pipelines(photos, batch_size, hr_size)
    formats = dict.fromkeys(work.number_format for work in works.values())
    products = {name: timing.timed(timing.matrix_product(name)) for name in formats}
    seconds = timing.fastest({**products, **{name: work.run for name, work in works.items()}}, repeats)
    matrix_gflops = {name: timing.matrix_gflops(seconds[name]) for name in formats}

    def row(work: _Work, seconds: float) -> TrainingSpeed:
        gflops = work.operations_a_photo * work.photos / seconds / 1e9
        return TrainingSpeed(work.photos / seconds, gflops, gflops / matrix_gflops[work.number_format])

    return Measured({name: row(work, seconds[name]) for name, work in works.items()}, matrix_gflops, host_mb, device_mb)


def plain_twin(network: keras.Model) -> keras.Model:
    """The same network of Keras's own layers, in float32 and with new weights, without any optimisation."""

    def plain(layer: keras.Layer) -> keras.Layer:
        kind: Any = next(c for c in type(layer).__mro__ if c.__module__.split(".")[0] == "keras")
        # Keras has no layer that shuffles pixels: there it is ours.
        plain_kind: Any = type(layer) if kind is keras.Layer else kind
        return plain_kind.from_config({**layer.get_config(), "dtype": "float32"})

    return keras.models.clone_model(network, clone_function=plain)


def plain_step(generator: keras.Model, discriminator: keras.Model) -> steps.Step:
    """A step as Keras's guide "Writing a training loop from scratch in TensorFlow" ends with: one network, then the other.

    The discriminator is trained on generated and real pictures in one batch. Then pictures are generated and classified anew
    to train the generator, on the same losses as ours.
    """
    generator_optimizer, discriminator_optimizer = (keras.optimizers.Adam(_LEARNING_RATE) for _ in range(2))
    generator_optimizer.build(generator.trainable_variables)
    discriminator_optimizer.build(discriminator.trainable_variables)

    def step(lr: tf.Tensor, hr: tf.Tensor) -> dict[str, tf.Tensor]:
        pictures = tf.concat([generator(lr, training=True), hr], axis=0)
        with tf.GradientTape() as tape:
            fake_logits, real_logits = tf.split(discriminator(pictures, training=True), 2)
            discriminator_loss = losses.fake_loss(fake_logits) + losses.real_loss(real_logits)
        weights = discriminator.trainable_variables
        discriminator_optimizer.apply(tape.gradient(discriminator_loss, weights), weights)
        with tf.GradientTape() as tape:
            sr = generator(lr, training=True)
            generator_loss = losses.mean_squared_error(hr, sr) + losses.adversarial_loss(discriminator(sr, training=True))
        weights = generator.trainable_variables
        generator_optimizer.apply(tape.gradient(generator_loss, weights), weights)
        return {"generator/loss": generator_loss, "discriminator/loss": discriminator_loss}

    traced: steps.Step = tf.function(step)
    return traced


def plain_pixel_step(generator: keras.Model) -> steps.Step:
    """A step as the same guide has it, of the generator alone."""
    optimizer = keras.optimizers.Adam(_LEARNING_RATE)
    optimizer.build(generator.trainable_variables)

    def step(lr: tf.Tensor, hr: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            *_, sr = tf.nest.flatten(generator(lr, training=True))  # the last level
            loss = losses.mean_squared_error(hr, sr)
        weights = generator.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
        return {"generator/loss": loss}

    traced: steps.Step = tf.function(step)
    return traced


def bare_batches(photos: sources.Files, batch_size: int, hr_size: int, **resizing: Any) -> tf.data.Dataset:
    """The least that any pipeline does: endless batches of `(lr, hr)`, whole photos decoded and resized, in parallel.

    Args:
        resizing: more arguments of `tf.image.resize`.
    """

    def load(path: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        photo = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tuple(tf.image.resize(photo, [side, side], **resizing) for side in (hr_size // _SCALE, hr_size))

    paths = tf.data.Dataset.from_tensor_slices(list(photos.paths)).repeat()
    examples = paths.map(load, num_parallel_calls=tf.data.AUTOTUNE).ignore_errors()
    return examples.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def _in_policy(policy: str, build_networks: Callable[[], Networks]) -> Networks:
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_global_policy(policy)
    try:
        return build_networks()
    finally:
        keras.mixed_precision.set_global_policy(before)


def _our_step(networks: Networks, batch_size: int, hr_size: int) -> dict[str, _Work]:
    generator, discriminator = networks
    # Without one, the smallest stands in the state; no step runs it.
    both = generator, discriminator or srgan.build_discriminator(1)
    trained = state.TrainState(*both, *(_optimizer(network) for network in both))
    batch = _noise(batch_size, hr_size)
    counted = _operations(networks, hr_size, flops.of_gan_step)
    objective = Objective(iterations=trained.generator_optimizer.iterations)

    def work(options: steps.StepOptions) -> _Work:
        if discriminator is None:
            step = steps.pixel_step(trained, objective, options)
        else:
            step = steps.gan_step(trained, objective, adversarial_weight=1.0, options=options)
        return _Work(timing.timed(lambda: step(*batch)), batch_size, counted, generator.compute_dtype)

    works = {OURS: work(steps.PAPER)}
    if tf.config.list_physical_devices("GPU"):
        works[OURS_XLA] = work(steps.StepOptions(jit_compile=True))
    return works


def _plain_step(networks: Networks, batch_size: int, hr_size: int) -> dict[str, _Work]:
    generator, discriminator = networks
    twin = plain_twin(generator)
    step = plain_pixel_step(twin) if discriminator is None else plain_step(twin, plain_twin(discriminator))
    batch = _noise(batch_size, hr_size)
    counted = _operations(networks, hr_size, flops.of_guides_step)
    return {PLAIN: _Work(timing.timed(lambda: step(*batch)), batch_size, counted)}


def _pipelines(photos: sources.Files, batch_size: int, hr_size: int) -> dict[str, _Work]:
    # The same photos for all, equally often, and few enough for one turn.
    numbers = np.random.default_rng(0).permutation(len(photos))[:_PHOTOS_A_TURN]
    chosen = photos.choose(numbers.tolist())
    batches = max(_PHOTOS_A_TURN, batch_size) // batch_size
    stream, real_stream = (_stream(chosen, batch_size, hr_size, degradation) for degradation in ("none", "real"))
    bare = bare_batches(chosen, batch_size, hr_size, method="bicubic", antialias=True)
    bare_bilinear = bare_batches(chosen, batch_size, hr_size)
    sources: dict[str, Callable[[], float]] = {
        PIPELINE: lambda: _seconds_of(stream, batches),
        PIPELINE_REAL: lambda: _seconds_of(real_stream, batches),
        BARE: lambda: _seconds_of(bare, batches),
        BARE_BILINEAR: lambda: _seconds_of(bare_bilinear, batches),
    }
    if len(timing.cores()) > 1:
        sources[PIPELINE_ONE_CORE] = lambda: _on_one_core(sources[PIPELINE])
    return {name: _Work(run, batches * batch_size) for name, run in sources.items()}


def _seconds_of(source: Iterable[object], batches: int) -> float:
    """How long this many batches take, without the first one, with which the source starts."""
    iterator = iter(source)
    next(iterator)
    return timing.timed(lambda: collections.deque(itertools.islice(iterator, batches), maxlen=0))()


def _on_one_core(run: Callable[[], float]) -> float:
    with timing.on_cores(timing.cores()[:1]):
        return run()


def _stream(photos: sources.Files, batch_size: int, hr_size: int, degradation: str) -> TrainStream:
    return TrainStream(
        photos,
        tf.Variable(0, dtype=tf.int64),
        make_pair=PairMaker(hr_size, _SCALE, degradation=degradation),
        augmentation=Augmentation(),
        max_reduction=float("inf"),
        max_enlargement=1,
        batch_size=batch_size,
        seed=0,
    )


def _noise(batch_size: int, hr_size: int) -> list[tf.Tensor]:
    return [tf.random.stateless_uniform([batch_size, side, side, 3], [0, side]) for side in (hr_size // _SCALE, hr_size)]


def _operations(networks: Networks, hr_size: int, of_both: Callable[[flops.Passes, flops.Passes], int]) -> int:
    """Of a step, a photo."""
    generator, discriminator = networks
    counted = flops.count(generator, hr_size // _SCALE, hr_size // _SCALE)
    return counted.trained if discriminator is None else of_both(counted, flops.count(discriminator, hr_size, hr_size))


def _optimizer(network: keras.Model) -> keras.optimizers.Optimizer:
    return precision.with_loss_scale(Adam(_LEARNING_RATE), network.dtype_policy.name)


def _peak_device_mb() -> float | None:
    if not tf.config.list_physical_devices("GPU"):
        return None
    return float(tf.config.experimental.get_memory_info("GPU:0")["peak"]) / 1e6
