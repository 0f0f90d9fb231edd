"""The stream of training batches: sources -> windows -> augmentation -> pairs -> batches.

Example number `i` of the stream is a function of the seed and `i` alone. So a stream repeats, and goes on from any position
without reading what came before.
"""

import collections
import logging
import os
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from sr_keras.data import degradations
from sr_keras.data.augmentation import Augmentation
from sr_keras.data.draws import draw
from sr_keras.data.pairs import PairMaker
from sr_keras.data.sources import PairedFiles, Photos, why_unreadable
from sr_keras.data.windows import PairWindows, Windows
from sr_keras.photos import rgb

logger = logging.getLogger(__name__)

# Made before they are asked for, because some photos take longer than others.
_BATCHES_AHEAD = 4


class TrainStream:
    """Endless batches of `(lr, hr)`: each pass visits every photo once, in an order of its own.

    In the place of a photo that can't be read comes the next one of the pass that can. Iterating begins at `position`, the
    number of the next example, and moves it on by `batch_size` with each batch.

    Attributes:
        position: int64 variable; keep it in the checkpoint.
        skipped: how often each photo that can't be read was skipped.
        enlarged: how often a photo was smaller than the smallest window, and had to be enlarged by more than was asked for.
    """

    def __init__(
        self,
        photos: Photos,
        position: tf.Variable,
        *,
        make_pair: PairMaker,
        augmentation: Augmentation,
        max_reduction: float,
        max_enlargement: float,
        batch_size: int,
        seed: int,
        sharpen_reference: bool = False,
        worker: int = 0,
        workers: int = 1,
    ) -> None:
        """The same arguments and the same `position` give the same batches.

        Args:
            photos: the photos, at least one.
            max_reduction: the largest window, in units of `hr_size`; windows are downscaled to `hr_size`, so 1 cuts them from
                the photo as it is.
            max_enlargement: the smallest windows are `hr_size` divided by this, and enlarged to `hr_size`: soft photos.
            batch_size: photos a batch, of all workers together.
            seed: the same seed gives the same stream.
            sharpen_reference: the large photos are lightly sharpened, the small ones are not: see `degradations.sharpened`.
            worker, workers: this process is number `worker`, from 0, of `workers`. It yields its equal share of each batch.

        Raises:
            ValueError: a batch can't be shared equally, or the photos are too small to be sharpened.
        """
        if batch_size % workers:
            raise ValueError(f"batch_size must be a multiple of {workers}, the number of workers, got {batch_size}")
        if sharpen_reference and make_pair.hr_size < degradations.SMALLEST_SHARPENED_SIDE:
            raise ValueError(
                f"hr_size must be at least {degradations.SMALLEST_SHARPENED_SIDE} to be sharpened, got {make_pair.hr_size}"
            )
        self.position = position
        self.skipped: collections.Counter[str] = collections.Counter()
        self.enlarged = 0
        self._photos = photos
        self._seed = seed
        self._batch_size = batch_size
        self._share = batch_size // workers
        self._offset = worker * self._share
        make_example = _example_maker(photos, make_pair, augmentation, max_reduction, max_enlargement)

        def load(index: tf.Tensor, attempt: tf.Tensor) -> tuple[tf.Tensor, ...]:
            enlarged, lr, hr = make_example(self._number(index, attempt), tf.stack([tf.constant(seed, tf.int64), index]))
            return enlarged, lr, degradations.sharpened(hr) if sharpen_reference else hr

        self._load = load

    def __iter__(self) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        for index, failed, enlarged, lr, hr in self._dataset(int(self.position)):
            # NumPy, not TensorFlow, which would take these numbers to the GPU and wait for the step before.
            self._note_skipped(index.numpy(), failed.numpy())
            self.enlarged += int(np.count_nonzero(enlarged.numpy()))
            self.position.assign_add(self._batch_size)
            yield lr, hr

    def _dataset(self, position: int) -> tf.data.Dataset:
        share, step = self._share, self._batch_size
        examples = tf.data.Dataset.range(np.iinfo(np.int64).max // step)
        examples = examples.map(lambda i: position + i // share * step + self._offset + i % share)
        examples = _map_readable(examples, self._load, attempts=len(self._photos))
        return examples.batch(share, drop_remainder=True).prefetch(_BATCHES_AHEAD).with_options(_fixed_parallelism())

    def _note_skipped(self, indices: np.ndarray, failed: np.ndarray) -> None:
        count = len(self._photos)
        if count in failed:
            raise rgb.PhotoError(f"none of the {count} photos can be read; {why_unreadable(self._photos, 0)}")
        for index, attempt in ((i, a) for i, f in zip(indices, failed, strict=True) for a in range(f)):
            number = int(self._number(tf.constant(index), tf.constant(attempt)))
            photo = self._photos.where(number)
            self.skipped[photo] += 1
            if self.skipped[photo] == 1:
                logger.warning("skipped: %s", why_unreadable(self._photos, number))

    def _number(self, index: tf.Tensor, attempt: tf.Tensor) -> tf.Tensor:
        """The photo of an example: a shuffle as by a buffer as large as the list, another one for each pass."""
        count = len(self._photos)
        of_pass = tf.stack([tf.constant(self._seed, tf.int64), index // count])
        place = (index + tf.cast(attempt, tf.int64)) % count
        return tf.random.experimental.index_shuffle(place, seed=of_pass, max_index=tf.constant(count - 1, tf.int64))


def _example_maker(
    photos: Photos, make_pair: PairMaker, augmentation: Augmentation, max_reduction: float, max_enlargement: float
) -> Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
    """From a photo's number and the example's seed to whether the photo is too small, lr and hr."""
    read = photos.reader()
    if isinstance(photos, PairedFiles):
        read_lr, cut = photos.lr_reader(), PairWindows(make_pair.hr_size, make_pair.scale)

        def of_pair(number: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            draws = draw(seed)
            lr, hr = cut(read_lr(number), read(number), draws)
            return tf.constant(False), augmentation(lr, draws), augmentation(hr, draws)

        return of_pair
    windows = Windows(make_pair.window_size, max_reduction, max_enlargement)

    def of_photo(number: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        draws = draw(seed)
        window, enlarged = windows(read(number), draws)
        of_degradation = tf.random.experimental.stateless_fold_in(seed, 1)
        return enlarged, *make_pair(augmentation(window, draws), draws.blur, of_degradation)

    return of_photo


def _map_readable(examples: tf.data.Dataset, load: Callable[..., tuple[tf.Tensor, ...]], attempts: int) -> tf.data.Dataset:
    """`(index, failed, *load(index, failed))` of each index, where `failed` is the first attempt, from 0, that raises no error.

    Where all attempts do, `failed` is their number, and what follows is zeros. An error inside `Dataset.map` either ends the
    dataset or vanishes. Here it becomes a value: each example is a dataset of its own, of which the first element is taken.
    """

    def first_readable(index: tf.Tensor) -> tf.data.Dataset:
        numbers = tf.data.Dataset.range(attempts)
        loaded = numbers.map(lambda attempt: (index, attempt, *load(index, attempt))).ignore_errors()
        nothing = [tf.zeros(spec.shape, spec.dtype) for spec in loaded.element_spec[2:]]
        stand_in = tf.data.Dataset.from_tensors((index, tf.constant(attempts, tf.int64), *nothing))
        return loaded.concatenate(stand_in).take(1)

    at_once = min(os.cpu_count() or 1, 16)
    return examples.interleave(first_readable, cycle_length=16, block_length=1, num_parallel_calls=at_once, deterministic=True)


def _fixed_parallelism() -> tf.data.Options:
    # A run that was to stop was seen to wait 16 to 50 s for the thread that tunes it.
    options = tf.data.Options()
    options.autotune.enabled = False
    return options
