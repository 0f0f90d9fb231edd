"""Pairs to learn from: a large picture becomes `(lr, hr)`."""

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np
import tensorflow as tf

from sr_keras.data import degradations, resampling, windows
from sr_keras.data.draws import below
from sr_keras.data.sources import PairedFiles, Photos
from sr_keras.photos import rgb
from sr_keras.runtime import extras, names

logger = logging.getLogger(__name__)

DOWNSCALE_METHODS = get_args(names.Downscale)
DEGRADATIONS = get_args(names.Degradation)

# Two arrays `[N, h, w, 3]` and `[N, H, W, 3]` in [0, 1].
Pairs = tuple[np.ndarray, np.ndarray]

# Standard deviations of `degradation="blur"`, in pixels of the large photo. tensorflow-addons takes no tensor here.
_BLUR_SIGMAS = (0.5, 1.0, 1.5, 2.0)

# Pairs that are compared to tell what low-resolution files are, and by how many levels of 255, on average, kernels differ.
_COMPARED = 16
_LEVELS_OF_KERNELS = 1.0


@dataclasses.dataclass(frozen=True)
class PairMaker:
    """Makes `(lr, hr)` of a large photo: `hr` `[hr_size, hr_size, 3]`, `lr` smaller by `scale`, both in [0, 1].

    Attributes:
        hr_size: side of the large picture, in pixels.
        scale: how many times smaller the small one is, a whole number.
        downscale: "bicubic", "bilinear" or "area", all antialiased; not for "real", which draws it.
        degradation: "none"; "blur": the photo is blurred at random before it is downscaled (needs tensorflow-addons); or
            "real", the photos that people have: see `degradations`.

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
        """Side of the window that a pair is made of, in pixels: a degraded one needs surroundings."""
        return self.hr_size + (self.scale * degradations.MARGIN if self.degradation == "real" else 0)

    def __call__(self, hr: tf.Tensor, blur: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Makes `(lr, hr)` of a window of a photo.

        Args:
            hr: `[window_size, window_size, 3]` in [0, 1].
            blur: a number in [0, 1), which chooses the blur of "blur".
            seed: int64 `[2]`, of "real".
        """
        if self.degradation == "real":
            lr, hr = degradations.degrade(hr, self.scale, seed)
            return lr, hr
        sharp_or_blurred = _random_blur(hr, blur) if self.degradation == "blur" else hr
        side = self.hr_size // self.scale
        lr = resampling.resize(sharp_or_blurred, side, self.downscale)
        # A real small photo comes from a file, in 8-bit levels.
        return tf.round(tf.clip_by_value(lr, 0.0, 1.0) * 255.0) / 255.0, hr


def are_reductions(photos: PairedFiles) -> bool:
    """Whether low-resolution files show no more than their photos made smaller: no noise, blur or blocks of JPEG.

    The first pairs that can be read are compared; bicubic, Lanczos and MATLAB's bicubic all differ by less than a level.
    """
    differences: list[float] = []
    for number in range(len(photos)):
        if len(differences) == _COMPARED:
            break
        with contextlib.suppress(rgb.PhotoError):
            lr, hr = photos.pair(number)
            reduced = rgb.resize_bicubic(hr, *lr.shape[:2])
            differences.append(float(np.abs(lr.astype(np.int16) - reduced).mean()))
    return float(np.median(differences or [0.0])) < _LEVELS_OF_KERNELS


def validation_pairs(photos: Photos, make_pair: PairMaker, count: int) -> Pairs:
    """The middle of the first `count` readable photos as `(lr, hr)`, two arrays `[N, ...]` in [0, 1], N at most `count`."""
    pairs: list[tuple[tf.Tensor, tf.Tensor]] = []
    for number in range(len(photos)):
        if len(pairs) == count:
            break
        try:
            pairs.append(_validation_pair(photos, number, make_pair))
        except rgb.PhotoError as error:
            logger.warning("skipped for validation: %s", error)
    if not pairs:
        lr_size = make_pair.hr_size // make_pair.scale
        return np.zeros((0, lr_size, lr_size, 3)), np.zeros((0, make_pair.hr_size, make_pair.hr_size, 3))
    lr, hr = zip(*pairs, strict=True)
    return np.stack(lr), np.stack(hr)


def _validation_pair(photos: Photos, number: int, make_pair: PairMaker) -> tuple[tf.Tensor, tf.Tensor]:
    if isinstance(photos, PairedFiles):
        lr, hr = photos.pair(number)
        if min(hr.shape[:2]) < make_pair.hr_size:
            raise rgb.PhotoError(f"{photos.where(number)}: smaller than {make_pair.hr_size}x{make_pair.hr_size} pixels")
        return windows.PairWindows(make_pair.hr_size, make_pair.scale).middle(lr, hr)
    hr = windows.middle(photos.photo(number), make_pair.window_size)
    # The same photos again in each run, each degraded in a way of its own.
    return make_pair(hr, tf.constant(0.0), tf.constant([0, number], tf.int64))


def _random_blur(hr: tf.Tensor, draw: tf.Tensor) -> tf.Tensor:
    blur = _gaussian_blur()
    blurs = [lambda sigma=sigma: blur(hr, filter_shape=13, sigma=sigma) for sigma in _BLUR_SIGMAS]
    return tf.ensure_shape(tf.switch_case(below(tf.constant(len(blurs)), draw), blurs), hr.shape)


def _gaussian_blur() -> Callable[..., tf.Tensor]:
    try:
        import tensorflow_addons.image as tfa_image
    except ImportError:
        raise ImportError(
            f"the degradation blur needs tensorflow-addons: {extras.install('addons')}, on Python 3.10 or 3.11 only"
        ) from None
    blur: Callable[..., tf.Tensor] = tfa_image.gaussian_filter2d
    return blur


def _require_one_of(name: str, value: str, values: Sequence[str]) -> None:
    if value not in values:
        raise ValueError(f"{name} must be one of {', '.join(values)}, got {value!r}")
