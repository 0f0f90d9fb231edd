"""Blind degradations: what photos go through before people have them, drawn anew for each example, in the graph.

Two rounds of blur, resizing, noise and JPEG, each with a probability, as in Real-ESRGAN (Wang et al. 2021, section 3). The
order of sizes and the kernels of the downscaling also follow BSRGAN (Zhang et al. 2021, section 3). The first round works at
any size between about that of the LR photo and a little more than that of the HR photo; the second makes the LR photo.

Independent chances make the commonest photos rare: with those of the papers, one in fifty is a JPEG and nothing else. So a
history is drawn first, and each has chances of its own. One of them is empty: clean photos must stay clean.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from sr_keras.data import resampling

# Pixels around the LR photo when it is compressed, cut off after it: JPEG's blocks of 8x8 then begin anywhere in it.
MARGIN = 8
# Filters reflect what lies beyond a photo's sides, so it must be larger than their radius.
SMALLEST_LR_SIDE = 4
SMALLEST_SHARPENED_SIDE = 26


class History(NamedTuple):
    """How often photos go through something, the chance of each step of it, and how far each goes.

    Attributes:
        share: of all photos.
        first_round: of a round before the last one.
        blur: in each round.
        unusual_blur: that a blur is of any form, else it is a Gaussian as wide as high.
        ringing: of a sinc filter at the small size.
        noise: in each round.
        jpeg, jpeg_again: in the end.
        sigma: lowest and highest standard deviation of blurs, in pixels of the large photo; small ones are drawn more often.
        levels: the same of noise, in levels of 255: Gaussian, and Poisson's where the photo is white.
        quality: the same of JPEG, whole numbers from 30 to 95.
    """

    share: float
    first_round: float = 0.0
    blur: float = 0.0
    unusual_blur: float = 0.0
    ringing: float = 0.0
    noise: float = 0.0
    jpeg: float = 0.0
    jpeg_again: float = 0.0
    sigma: tuple[float, float] = (0.2, 3.0)
    levels: tuple[float, float] = (1.0, 16.0)
    quality: tuple[float, float] = (30, 95)


_OF_CAMERA = History(0.2, blur=0.9, unusual_blur=0.1, noise=0.95, jpeg=0.95, jpeg_again=0.05)
HISTORIES = {
    "clean": History(0.1),
    "web": History(0.25, jpeg=1.0, jpeg_again=0.6, quality=(45, 90)),
    "phone": _OF_CAMERA._replace(sigma=(0.4, 1.8), levels=(1.5, 6.0), quality=(70, 95)),
    "surveillance": _OF_CAMERA._replace(sigma=(1.2, 3.0), levels=(5.0, 16.0), quality=(35, 75)),
    "any": History(0.25, first_round=0.25, blur=0.7, unusual_blur=1.0, ringing=0.1, noise=0.7, jpeg=0.8, jpeg_again=0.3),
}

# Chances that all histories have in common.
_SINC = 0.1
_POISSON = 0.4
_GREY, _COLOURED = 0.3, 0.3  # else something between
_JPEG_FIRST = 0.5
_HALF_COLOUR = 0.7  # 4:2:0; else 4:4:4

_RADIUS = 10  # of blurs, in pixels
# What the first round resizes to, as a share of the large photo's side.
_FIRST_SIZE = 0.35, 1.2
# TensorFlow compresses without halving the colours at qualities that are known when the graph is made.
_QUALITY = 30, 95
_QUALITY_STEP = 5

Resize = Callable[[tf.Tensor, tf.Tensor | int], tf.Tensor]


class Draws:
    """Random numbers of one example: each is a function of the seed and of its place in the program."""

    _MOST = 128

    def __init__(self, seed: tf.Tensor) -> None:
        """`seed`: whole numbers `[2]`."""
        self._seed = seed
        self._numbers = iter(tf.unstack(tf.random.stateless_uniform([self._MOST], seed)))
        self._tensors = 0

    def uniform(self, low: tf.Tensor | float = 0.0, high: tf.Tensor | float = 1.0) -> tf.Tensor:
        return low + (high - low) * next(self._numbers)

    def log_uniform(self, low: tf.Tensor | float, high: tf.Tensor | float) -> tf.Tensor:
        return tf.exp(self.uniform(tf.math.log(low), tf.math.log(high)))

    def below(self, bound: int) -> tf.Tensor:
        """A whole number from 0 to `bound` - 1."""
        # Rounding can take a draw just below 1 to the bound itself.
        return tf.minimum(tf.cast(bound * next(self._numbers), tf.int32), bound - 1)

    def chance(self, probability: tf.Tensor | float) -> tf.Tensor:
        return next(self._numbers) < probability

    def seed(self) -> tf.Tensor:
        """For a tensor of random numbers."""
        self._tensors += 1
        return tf.random.experimental.stateless_fold_in(self._seed, self._tensors)


# Run eagerly, branches that are not taken would draw nothing, and all draws after them would be others.
@tf.function(autograph=False)
def degrade(hr: tf.Tensor, scale: int, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A small photo as people have them, and the large photo that it shows.

    Args:
        hr: `[side, side, 3]` in [0, 1], side a multiple of `scale`.
        scale: how many times smaller the small one is.
        seed: whole numbers `[2]`; the same seed gives the same photos.

    Returns:
        `[side / scale - 8, side / scale - 8, 3]` in levels of 255, as [0, 1], and its part of `hr`.
    """
    draws = Draws(seed)
    side = hr.shape[0] // scale
    history = _drawn_history(draws)
    make_small = _drawn_resize(draws, _DOWNSCALES)
    photo = _maybe(draws.chance(history.first_round), lambda hr: _first_round(hr, history, draws), hr)
    photo = _maybe_blurred(photo, history, draws, hr.shape[0])
    small = _ringing(make_small(photo, side), history, draws)
    lr = _compressed_in_the_end(_maybe_noisy(small, history, draws), history, draws)
    y, x = draws.below(MARGIN + 1), draws.below(MARGIN + 1)
    rest = side - MARGIN
    lr = tf.ensure_shape(lr[y : y + rest, x : x + rest], [rest, rest, 3])
    hr = tf.ensure_shape(hr[scale * y : scale * (y + rest), scale * x : scale * (x + rest)], [scale * rest, scale * rest, 3])
    return tf.round(lr * 255.0) / 255.0, hr


def sharpened(photo: tf.Tensor) -> tf.Tensor:
    """Unsharp masking of what differs by more than 10 levels from its surroundings, as Real-ESRGAN's references are made.

    Args:
        photo: `[H, W, 3]` in [0, 1].
    """
    kernel = gaussian_kernel(8.0, 8.0, 0.0, radius=25)
    rest = photo - convolved(photo, kernel)
    mask = convolved(tf.cast(tf.abs(rest) > 10 / 255, tf.float32), kernel)
    return mask * _clipped(photo + 0.5 * rest) + (1.0 - mask) * photo


def gaussian_kernel(
    sigma_y: tf.Tensor | float, sigma_x: tf.Tensor | float, angle: tf.Tensor | float, radius: int = _RADIUS
) -> tf.Tensor:
    """A Gaussian of two widths, rotated: `[2 radius + 1, 2 radius + 1]`, sum 1. Widths in pixels, the angle in radians."""
    return _normalised(tf.exp(-0.5 * _distance(sigma_y, sigma_x, angle, radius)))


def generalised_kernel(sigma_y: tf.Tensor, sigma_x: tf.Tensor, angle: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    """A Gaussian whose exponent has a power, `shape`: below 1 with a sharper peak, above it with a flatter one."""
    return _normalised(tf.exp(-0.5 * _distance(sigma_y, sigma_x, angle, _RADIUS) ** shape))


def plateau_kernel(sigma_y: tf.Tensor, sigma_x: tf.Tensor, angle: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    """1 / (1 + d^shape), of the same distance d."""
    return _normalised(1.0 / (1.0 + _distance(sigma_y, sigma_x, angle, _RADIUS) ** shape))


def sinc_kernel(cutoff: tf.Tensor) -> tf.Tensor:
    """An ideal low-pass filter, which rings (Wang et al. 2021, equation 6): waves above `cutoff`, in radians a pixel, go."""
    y, x = _axes(_RADIUS)
    distance = tf.sqrt(y * y + x * x)
    # In the middle, where it would divide by 0, the limit.
    safe = tf.maximum(distance, 1e-3)
    waves = cutoff * tf.math.special.bessel_j1(cutoff * safe) / (2 * math.pi * safe)
    return _normalised(tf.where(distance > 0, waves, cutoff**2 / (4 * math.pi)))


def convolved(photo: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """`[H, W, 3]` filtered by `[k, k]`, k odd and H and W above k / 2; what lies beyond the sides is reflected."""
    radius = kernel.shape[0] // 2
    padded = tf.pad(photo, [[radius, radius], [radius, radius], [0, 0]], "REFLECT")
    size = tf.shape(padded)[:2]
    # A product of spectra takes the same time for kernels of any size.
    waves = tf.signal.rfft2d(tf.transpose(padded, [2, 0, 1])) * tf.signal.rfft2d(kernel, size)
    filtered = tf.transpose(tf.signal.irfft2d(waves, size), [1, 2, 0])
    return tf.ensure_shape(filtered[2 * radius :, 2 * radius :], photo.shape)


def with_gaussian_noise(photo: tf.Tensor, levels: tf.Tensor, grey: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Adds noise to `[H, W, 3]` in [0, 1].

    Args:
        levels: its standard deviation, in levels of 255.
        grey: the share of its power that all channels have in common, from 0 to 1.
        seed: whole numbers `[2]`.
    """
    shape = tf.shape(photo)
    noise = tf.random.stateless_normal([shape[0], shape[1], 4], seed)
    mixed = tf.sqrt(grey) * noise[..., 3:] + tf.sqrt(1.0 - grey) * noise[..., :3]
    return photo + levels / 255.0 * mixed


def with_poisson_noise(photo: tf.Tensor, levels: tf.Tensor, grey: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Shot noise: as light is counted in quanta, its power grows with the light.

    Args:
        photo, grey, seed: as `with_gaussian_noise` has them.
        levels: its standard deviation where the photo is white, in levels of 255.
    """
    photo = _clipped(photo)
    quanta = (255.0 / levels) ** 2
    light = tf.concat([photo, tf.reduce_mean(photo, axis=-1, keepdims=True)], axis=-1)
    noise = tf.random.stateless_poisson(tf.shape(light), seed, light * quanta, tf.float32) / quanta - light
    return photo + tf.sqrt(grey) * noise[..., 3:] + tf.sqrt(1.0 - grey) * noise[..., :3]


def compressed(photo: tf.Tensor, quality: tf.Tensor, half_colour: tf.Tensor) -> tf.Tensor:
    """`[H, W, 3]` in [0, 1] after JPEG compression.

    Args:
        quality: a whole number from 30 to 95; without `half_colour`, the next multiple of 5 below it.
        half_colour: whether the colours are stored at half the height and width (4:2:0), else whole (4:4:4).
    """
    levels = tf.cast(tf.round(_clipped(photo) * 255.0), tf.uint8)

    def whole(quality: int) -> Callable[[], tf.Tensor]:
        return lambda: tf.io.encode_jpeg(levels, "rgb", quality, chroma_downsampling=False)

    qualities = range(*_QUALITY, _QUALITY_STEP)
    content = tf.cond(
        half_colour,
        lambda: tf.raw_ops.EncodeJpegVariableQuality(images=levels, quality=quality),
        lambda: tf.switch_case((quality - _QUALITY[0]) // _QUALITY_STEP, [*map(whole, qualities), whole(_QUALITY[1])]),
    )
    restored = tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE")
    return tf.ensure_shape(tf.cast(restored, tf.float32) / 255.0, photo.shape)


def _drawn_history(draws: Draws) -> History:
    """Its chances are scalar tensors, its ranges tensors `[2]`."""
    shares = list(itertools.accumulate(history.share for history in HISTORIES.values()))
    place = tf.searchsorted(shares[:-1], [draws.uniform()], side="right")[0]
    columns = [tf.constant(column, tf.float32) for column in zip(*HISTORIES.values(), strict=True)]
    return History(*(tf.gather(column, place) for column in columns))


def _first_round(hr: tf.Tensor, history: History, draws: Draws) -> tf.Tensor:
    photo = _maybe_blurred(hr, history, draws, hr.shape[0])
    side = tf.cast(draws.log_uniform(*_FIRST_SIZE) * hr.shape[0], tf.int32)
    photo = _maybe_noisy(_drawn_resize(draws, _RESIZES)(photo, side), history, draws)
    return _maybe(draws.chance(_JPEG_FIRST), _jpeg(history, draws), photo)


def _compressed_in_the_end(photo: tf.Tensor, history: History, draws: Draws) -> tf.Tensor:
    """Perhaps once, perhaps once more; between the two the photo may have been cropped."""
    photo = _clipped(_maybe(draws.chance(history.jpeg), _jpeg(history, draws), photo))
    y, x = draws.below(8), draws.below(8)
    cropped, jpeg = draws.chance(0.5), _jpeg(history, draws)

    def shifted() -> tf.Tensor:
        begun_elsewhere = tf.pad(photo, [[y, 0], [x, 0], [0, 0]], "REFLECT")
        return tf.ensure_shape(jpeg(begun_elsewhere)[y:, x:], photo.shape)

    return _maybe(draws.chance(history.jpeg_again), lambda photo: tf.cond(cropped, shifted, lambda: jpeg(photo)), photo)


def _maybe_blurred(photo: tf.Tensor, history: History, draws: Draws, hr_side: int) -> tf.Tensor:
    blurred, unusual = draws.chance(history.blur), draws.chance(history.unusual_blur)
    rings = unusual & draws.chance(_SINC)
    pixels = tf.cast(tf.shape(photo)[0], tf.float32) / hr_side
    lowest, highest = tf.unstack(history.sigma)
    sigma_y, sigma_x = (pixels * (lowest + (highest - lowest) * draws.uniform() ** 2) for _ in range(2))
    sigma_x = tf.where(unusual & draws.chance(0.5), sigma_x, sigma_y)
    angle = draws.uniform(0, math.pi)
    # Shares of kinds as Real-ESRGAN has them; those without a power are many.
    kind, power, shape = tf.where(unusual, draws.uniform(), 1.0), draws.log_uniform(0.5, 4.0), draws.uniform(1.0, 2.0)
    cutoff = draws.uniform(math.pi / 3, math.pi)

    def kernel() -> tf.Tensor:
        bell = tf.cond(
            kind < 0.15,
            lambda: plateau_kernel(sigma_y, sigma_x, angle, shape),
            lambda: generalised_kernel(sigma_y, sigma_x, angle, tf.where(kind < 0.3, power, 1.0)),
        )
        return tf.ensure_shape(tf.cond(rings, lambda: sinc_kernel(cutoff), lambda: bell), [2 * _RADIUS + 1] * 2)

    return _maybe(blurred, lambda photo: convolved(photo, kernel()), photo)


def _ringing(photo: tf.Tensor, history: History, draws: Draws) -> tf.Tensor:
    cutoff = draws.uniform(math.pi / 3, math.pi)
    return _maybe(draws.chance(history.ringing), lambda photo: convolved(photo, sinc_kernel(cutoff)), photo)


def _maybe_noisy(photo: tf.Tensor, history: History, draws: Draws) -> tf.Tensor:
    noisy, is_poisson = draws.chance(history.noise), draws.chance(_POISSON)
    levels = draws.log_uniform(*tf.unstack(history.levels))
    mixing, share, seed = draws.uniform(), draws.uniform(), draws.seed()
    grey = tf.where(mixing < _GREY, 1.0, tf.where(mixing < _GREY + _COLOURED, 0.0, share))

    def add(photo: tf.Tensor) -> tf.Tensor:
        return tf.cond(
            is_poisson,
            lambda: with_poisson_noise(photo, levels, grey, seed),
            lambda: with_gaussian_noise(photo, levels, grey, seed),
        )

    return _maybe(noisy, add, photo)


def _jpeg(history: History, draws: Draws) -> Callable[[tf.Tensor], tf.Tensor]:
    quality = tf.cast(tf.round(draws.uniform(*tf.unstack(history.quality))), tf.int32)
    half_colour = draws.chance(_HALF_COLOUR)
    return lambda photo: compressed(photo, quality, half_colour)


def _by(method: str, antialias: bool = True) -> Resize:
    return lambda photo, side: resampling.resize(photo, side, method, antialias)


# Pillow's and MATLAB's bicubic; means over areas; Lanczos; and what OpenCV and browsers do, which leaves false waves.
_DOWNSCALES = (_by("bicubic"), _by("bicubic"), _by("area"), _by("lanczos3"), _by("bicubic", antialias=False))
_RESIZES = (_by("area"), _by("bilinear"), _by("bicubic"), _by("lanczos3"))


def _drawn_resize(draws: Draws, ways: Sequence[Resize]) -> Resize:
    way = draws.below(len(ways))

    def resize(photo: tf.Tensor, side: tf.Tensor | int) -> tf.Tensor:
        return tf.switch_case(way, [lambda resize=resize: resize(photo, side) for resize in ways])

    return resize


def _maybe(condition: tf.Tensor, change: Callable[[tf.Tensor], tf.Tensor], photo: tf.Tensor) -> tf.Tensor:
    return tf.cond(condition, lambda: change(photo), lambda: photo)


def _clipped(photo: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(photo, 0.0, 1.0)


def _axes(radius: int) -> tuple[tf.Tensor, tf.Tensor]:
    line = tf.range(-radius, radius + 1, dtype=tf.float32)
    return line[:, tf.newaxis], line[tf.newaxis, :]


def _distance(sigma_y: tf.Tensor | float, sigma_x: tf.Tensor | float, angle: tf.Tensor | float, radius: int) -> tf.Tensor:
    """Squared, from the middle, in units of the widths along the rotated axes."""
    y, x = _axes(radius)
    along, across = tf.cos(angle) * x + tf.sin(angle) * y, tf.cos(angle) * y - tf.sin(angle) * x
    return (along / sigma_x) ** 2 + (across / sigma_y) ** 2


def _normalised(kernel: tf.Tensor) -> tf.Tensor:
    return kernel / tf.reduce_sum(kernel)
