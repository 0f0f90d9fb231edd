"""The data pipeline: a source -> photos -> windows -> `(lr, hr)` pairs -> batches.

Example number `i` of the stream is a function of the seed and `i` alone. So a stream repeats, and goes on from any position
without reading what came before.
"""

import collections
import dataclasses
import hashlib
import logging
import math
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import get_args

import numpy as np
import tensorflow as tf

from sr_keras.data import degradations, resampling, shards
from sr_keras.data.augmentation import Augmentation
from sr_keras.photos import rgb
from sr_keras.runtime import names

logger = logging.getLogger(__name__)

SAMPLE = rgb.SAMPLE
DOWNSCALE_METHODS = get_args(names.Downscale)
DEGRADATIONS = get_args(names.Degradation)

Pairs = tuple[np.ndarray, np.ndarray]

# Standard deviations of `degradation="blur"`, in pixels of the large photo. tensorflow-addons takes no tensor here.
_BLUR_SIGMAS = (0.5, 1.0, 1.5, 2.0)

# Made before they are asked for, against photos that take longer than others.
_BATCHES_AHEAD = 4


@dataclasses.dataclass(frozen=True)
class PairMaker:
    """Makes `(lr, hr)` of a large photo: `hr` `[hr_size, hr_size, 3]`, `lr` smaller by `scale`, both in [0, 1].

    Attributes:
        hr_size: side of the large picture, in pixels.
        scale: how many times smaller the small one is, a whole number.
        downscale: "bicubic", "bilinear" or "area", all antialiased; not for "real", which draws it.
        degradation: "none"; "blur": the photo is blurred at random before it is made small (needs tensorflow-addons); or
            "real", as photos are that people have: see `degradations`.

    Raises:
        ValueError: an attribute is none of its values, or `hr_size` is no multiple of `scale` or too small for "real".
        ImportError: "blur" without tensorflow-addons.
    """

    hr_size: int
    scale: int
    downscale: str = "bicubic"
    degradation: str = "none"

    def __post_init__(self) -> None:
        if self.hr_size < self.scale or self.hr_size % self.scale:
            raise ValueError(f"hr_size must be a multiple of {self.scale}, got {self.hr_size}")
        _require_one_of("downscale", self.downscale, DOWNSCALE_METHODS)
        _require_one_of("degradation", self.degradation, DEGRADATIONS)
        if self.degradation == "blur":
            _gaussian_blur()
        smallest = self.scale * degradations.SMALLEST_LR_SIDE
        if self.degradation == "real" and self.hr_size < smallest:
            raise ValueError(f"hr_size must be at least {smallest} for the degradation real, got {self.hr_size}")

    @property
    def window_size(self) -> int:
        """Side of the photo that a pair is made of, in pixels: a degraded one needs surroundings."""
        return self.hr_size + (self.scale * degradations.MARGIN if self.degradation == "real" else 0)

    def __call__(self, hr: tf.Tensor, draw: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Args:
        hr: `[window_size, window_size, 3]` in [0, 1].
        draw: a number in [0, 1), which chooses the blur.
        seed: int64 `[2]`, of "real".
        """
        if self.degradation == "real":
            return degradations.degrade(hr, self.scale, seed)
        sharp_or_blurred = _random_blur(hr, draw) if self.degradation == "blur" else hr
        side = self.hr_size // self.scale
        lr = resampling.resize(sharp_or_blurred, side, self.downscale)
        # A real small photo comes from a file, in 8-bit levels.
        return tf.round(tf.clip_by_value(lr, 0.0, 1.0) * 255.0) / 255.0, hr


@dataclasses.dataclass(frozen=True)
class Files:
    """Photos that are files; each is known by its number, its place in `paths`.

    Attributes:
        paths: the files.
        source: the folder or list file that they were found by.
    """

    paths: Sequence[str]
    source: pathlib.Path

    @property
    def names(self) -> list[str]:
        """The paths below the source's folder, which stay the same when the folder moves."""
        root = self.source if self.source.is_dir() else self.source.parent
        return [pathlib.PurePath(os.path.relpath(path, root)).as_posix() for path in self.paths]

    def __len__(self) -> int:
        return len(self.paths)

    def where(self, number: int) -> str:
        """How a message calls a photo."""
        return self.paths[number]

    def photo(self, number: int) -> np.ndarray:
        """uint8 `[H, W, 3]`; raises PhotoError if it can't be read."""
        return rgb.read_photo(self.paths[number])

    def reader(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """A function, for a graph, from a photo's number to what its file holds."""
        # File names need not be valid text.
        paths = tf.constant([os.fsencode(path) for path in self.paths], tf.string)
        return lambda number: tf.io.read_file(paths[number])

    def choose(self, numbers: Sequence[int]) -> "Files":
        return Files([self.paths[number] for number in numbers], self.source)


Photos = Files | shards.Shards


def open_photos(source: pathlib.Path) -> Photos:
    """The photos of a folder, of a list file, or of a folder of shards.

    Raises:
        FileNotFoundError: nothing is there, or there is no photo in it.
        OSError: a shard is missing.
        ValueError: the file is no text, or the shards are unfinished or damaged.
    """
    return shards.load(source) if shards.is_in(source) else Files(list_photos(source), source)


def list_photos(source: pathlib.Path) -> list[str]:
    """The photos of a folder (recursive; JPEG, PNG, BMP) or of a list file (a path a line, relative to the file's folder).

    Raises:
        FileNotFoundError: nothing is there, or there is no photo in it.
        ValueError: the file is no text.
    """
    if source.is_dir():
        paths = [str(p) for p in source.rglob("*") if p.suffix.lower() in rgb.PHOTO_SUFFIXES and p.is_file()]
    elif source.is_file():
        paths = [str(source.parent / line) for line in _lines(source)]
    else:
        raise FileNotFoundError(f"{source}: no such folder or list file")
    if not paths:
        raise FileNotFoundError(f"{source}: holds no JPEG, PNG or BMP photo")
    return sorted(set(paths))


def split(photos: Photos, validation_fraction: float) -> tuple[Photos, Photos]:
    """Divides photos into `(train, validation)` by a hash of their name.

    A photo's side depends on its name alone: it never changes when photos are added, or when the folder moves.
    """

    def is_validation(name: str) -> bool:
        digest = hashlib.blake2b(os.fsencode(name), digest_size=8).digest()
        return int.from_bytes(digest, "big") < validation_fraction * 2**64

    train: list[int] = []
    validation: list[int] = []
    for number, name in enumerate(photos.names):
        (validation if is_validation(name) else train).append(number)
    return photos.choose(train), photos.choose(validation)


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
        """Args:
            photos: the photos, at least one.
            max_reduction: the largest window, in units of `hr_size`; windows are made smaller to `hr_size`, so 1 cuts them from
                the photo as it is.
            max_enlargement: windows of `hr_size` divided by this are the smallest, made larger to `hr_size`: soft photos.
            batch_size: photos a batch, of all workers together.
            seed: the same seed gives the same stream.
            sharpen_reference: the large photos are lightly sharpened, the small ones are not: see `degradations.sharpened`.
            worker, workers: this is number `worker` of so many; it reads and gives its equal share of each batch.

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
        read = photos.reader()

        def load(index: tf.Tensor, attempt: tf.Tensor) -> tuple[tf.Tensor, ...]:
            of_example = tf.stack([tf.constant(seed, tf.int64), index])
            draws = tf.random.stateless_uniform([13], of_example)
            photo = read(self._number(index, attempt))
            hr, enlarged = _load_window(photo, draws[:3], make_pair.window_size, max_reduction, max_enlargement)
            of_degradation = tf.random.experimental.stateless_fold_in(of_example, 1)
            lr, hr = make_pair(_augment(hr, draws[3:12], augmentation), draws[12], of_degradation)
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
            raise rgb.PhotoError(f"none of the {count} photos can be read; {_why(self._photos, 0)}")
        for index, attempt in ((i, a) for i, f in zip(indices, failed, strict=True) for a in range(f)):
            number = int(self._number(tf.constant(index), tf.constant(attempt)))
            photo = self._photos.where(number)
            self.skipped[photo] += 1
            if self.skipped[photo] == 1:
                logger.warning("skipped: %s", _why(self._photos, number))

    def _number(self, index: tf.Tensor, attempt: tf.Tensor) -> tf.Tensor:
        """The photo of an example: a shuffle as by a buffer as large as the list, another one for each pass."""
        count = len(self._photos)
        of_pass = tf.stack([tf.constant(self._seed, tf.int64), index // count])
        place = (index + tf.cast(attempt, tf.int64)) % count
        return tf.random.experimental.index_shuffle(place, seed=of_pass, max_index=tf.constant(count - 1, tf.int64))


def validation_pairs(photos: Photos, make_pair: PairMaker, count: int) -> Pairs:
    """The middle of the first `count` readable photos as `(lr, hr)`, two arrays `[N, ...]` in [0, 1], N at most `count`."""
    pairs: list[tuple[tf.Tensor, tf.Tensor]] = []
    for number in range(len(photos)):
        if len(pairs) == count:
            break
        try:
            photo = photos.photo(number)
        except rgb.PhotoError as error:
            logger.warning("skipped for validation: %s", error)
            continue
        side = min(*photo.shape[:2], make_pair.window_size)
        y, x = ((length - side) // 2 for length in photo.shape[:2])
        hr = _resize_window(photo[y : y + side, x : x + side], make_pair.window_size)
        # The same photos again in each run, each degraded in a way of its own.
        pairs.append(make_pair(hr, tf.constant(0.0), tf.constant([0, number], tf.int64)))
    if not pairs:
        lr_size = make_pair.hr_size // make_pair.scale
        return np.zeros((0, lr_size, lr_size, 3)), np.zeros((0, make_pair.hr_size, make_pair.hr_size, 3))
    lr, hr = zip(*pairs, strict=True)
    return np.stack(lr), np.stack(hr)


def _lines(list_file: pathlib.Path) -> list[str]:
    try:
        # Some editors begin a text with a byte order mark.
        lines = list_file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{list_file}: neither a folder of photos nor a list of them, a path a line") from None
    return [line.strip() for line in lines if line.strip()]


def _why(photos: Photos, number: int) -> str:
    """The reason why a photo can't be read; TensorFlow's own is lost where it skips one."""
    try:
        photos.photo(number)
    except rgb.PhotoError as error:
        return str(error)
    return f"{photos.where(number)}: TensorFlow can't decode it"


def _map_readable(examples: tf.data.Dataset, load: Callable, attempts: int) -> tf.data.Dataset:
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


def _load_window(
    content: tf.Tensor, draws: tf.Tensor, hr_size: int, max_reduction: float, max_enlargement: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """A random square window of a photo file, made `[hr_size, hr_size, 3]` in [0, 1]; and whether the photo is too small.

    A square keeps the aspect of what it shows. Its side is drawn between the smallest and the largest that are allowed; the
    photo's own shorter side is the most. A JPEG is taken as it lies in the file: EXIF would only turn it, and a photo on its
    side is as good to learn from.
    """
    smallest_side = max(1, math.ceil(hr_size / max_enlargement))  # max_enlargement may be infinite, as max_reduction

    def window(height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
        shorter = tf.cast(tf.minimum(height, width), tf.float32)
        largest = tf.cast(tf.minimum(shorter, hr_size * max_reduction), tf.int32)
        smallest = tf.minimum(largest, smallest_side)
        side = smallest + _below(largest - smallest + 1, draws[0])
        return tf.stack([_below(height - side + 1, draws[1]), _below(width - side + 1, draws[2]), side, side])

    def from_jpeg() -> tf.Tensor:
        shape = tf.io.extract_jpeg_shape(content)
        # Only what lies under the window is decoded. Of a 12-megapixel photo that takes 0.3 to 0.8 of the time, by the window's
        # size; with photos of 0.3 megapixels it makes no difference.
        return tf.image.decode_and_crop_jpeg(content, window(shape[0], shape[1]), channels=3, dct_method="INTEGER_ACCURATE")

    def from_other() -> tf.Tensor:
        photo = tf.numpy_function(lambda c: rgb.decode_photo(c, "a photo"), [content], tf.uint8)
        photo = tf.ensure_shape(photo, [None, None, 3])
        y, x, side, _ = tf.unstack(window(tf.shape(photo)[0], tf.shape(photo)[1]))
        return photo[y : y + side, x : x + side]

    photo = tf.cond(tf.io.is_jpeg(content), from_jpeg, from_other)
    return _resize_window(photo, hr_size), tf.shape(photo)[0] < smallest_side


def _resize_window(window: tf.Tensor, side: int) -> tf.Tensor:
    return tf.clip_by_value(resampling.resize(window, side, "bicubic") / 255.0, 0.0, 1.0)


def _below(bound: tf.Tensor, draw: tf.Tensor) -> tf.Tensor:
    """A whole number in [0, bound) of a number in [0, 1)."""
    # Rounding can take a draw just below 1 to the bound itself.
    return tf.minimum(tf.cast(tf.cast(bound, tf.float32) * draw, tf.int32), bound - 1)


def _augment(hr: tf.Tensor, draws: tf.Tensor, p: Augmentation) -> tf.Tensor:
    """Changes a photo in [0, 1] at random, in the paper's order; `draws` are 9 numbers in [0, 1)."""

    def signed(draw: tf.Tensor) -> tf.Tensor:
        return 2.0 * draw - 1.0

    changes = [
        (p.flip_left_right, tf.image.flip_left_right),
        (p.flip_up_down, tf.image.flip_up_down),
        (p.darken, lambda x: x * (1.0 - p.darken_by * draws[6])),
        (p.brightness, lambda x: x + p.brightness_by * signed(draws[7])),
        (p.saturation, lambda x: tf.image.adjust_saturation(x, 1.0 + p.saturation_by * signed(draws[8]))),
        (p.transpose, tf.image.transpose),
    ]
    for draw, (probability, change) in zip(tf.unstack(draws[:6]), changes, strict=True):
        hr = tf.cond(draw < probability, lambda x=hr, f=change: tf.clip_by_value(f(x), 0.0, 1.0), lambda x=hr: x)
    return hr


def _random_blur(hr: tf.Tensor, draw: tf.Tensor) -> tf.Tensor:
    blur = _gaussian_blur()
    blurs = [lambda sigma=sigma: blur(hr, filter_shape=13, sigma=sigma) for sigma in _BLUR_SIGMAS]
    return tf.ensure_shape(tf.switch_case(_below(tf.constant(len(blurs)), draw), blurs), hr.shape)


def _gaussian_blur() -> Callable:
    try:
        import tensorflow_addons.image as tfa_image
    except ImportError:
        raise ImportError(
            "the degradation blur needs tensorflow-addons: pip install '.[addons]', on Python 3.10 or 3.11 only"
        ) from None
    return tfa_image.gaussian_filter2d


def _require_one_of(name: str, value: str, values: Sequence[str]) -> None:
    if value not in values:
        raise ValueError(f"{name} must be one of {', '.join(values)}, got {value!r}")
