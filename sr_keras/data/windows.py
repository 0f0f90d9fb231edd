"""Square windows of photos: cut from a file's content at random, or from the middle, and resized to one size."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from sr_keras.data import resampling
from sr_keras.data.draws import ExampleDraws, below
from sr_keras.photos import rgb


@dataclasses.dataclass(frozen=True)
class Windows:
    """Cuts a square window at random and resizes it: `[size, size, 3]` in [0, 1].

    A square keeps the aspect of what it shows. Its side is drawn between the smallest and the largest that are allowed; the
    photo's own shorter side is the most.

    Attributes:
        size: side of the result, in pixels.
        max_reduction: the largest window, in units of `size`; 1 cuts all windows from the photo as it is.
        max_enlargement: windows of `size` divided by this are the smallest, and are enlarged: soft photos.
    """

    size: int
    max_reduction: float
    max_enlargement: float

    @property
    def smallest_side(self) -> int:
        """Side of the smallest window, in pixels of the photo."""
        return max(1, math.ceil(self.size / self.max_enlargement))  # which may be infinite

    def __call__(self, content: tf.Tensor, draws: ExampleDraws) -> tuple[tf.Tensor, tf.Tensor]:
        """A window of the photo in a file's content, and whether the photo is smaller than the smallest window.

        EXIF orientation of a JPEG is ignored: it would only rotate it, and a photo on its side is as good to learn from.
        """

        def from_jpeg() -> tf.Tensor:
            shape = tf.io.extract_jpeg_shape(content)
            # Only what lies under the window is decoded. Of a 12-megapixel photo that takes 0.3 to 0.8 of the time, by the
            # window's size; with photos of 0.3 megapixels it makes no difference.
            window = tf.stack(self._place(shape[0], shape[1], draws))
            cut = tf.image.decode_and_crop_jpeg(content, window, channels=3, dct_method="INTEGER_ACCURATE")
            return tf.cast(cut, tf.float32)

        def from_other() -> tf.Tensor:
            photo = decoded(content)
            y, x, side, _ = self._place(tf.shape(photo)[0], tf.shape(photo)[1], draws)
            return _levels(photo[y : y + side, x : x + side])

        window = tf.cond(tf.io.is_jpeg(content), from_jpeg, from_other)
        return resized(window, self.size), tf.shape(window)[0] < self.smallest_side

    def _place(self, height: tf.Tensor, width: tf.Tensor, draws: ExampleDraws) -> tuple[tf.Tensor, ...]:
        """`(y, x, side, side)` of the window in a photo of this size."""
        shorter = tf.cast(tf.minimum(height, width), tf.float32)
        largest = tf.cast(tf.minimum(shorter, self.size * self.max_reduction), tf.int32)
        smallest = tf.minimum(largest, self.smallest_side)
        side = smallest + below(largest - smallest + 1, draws.window_side)
        return below(height - side + 1, draws.window_y), below(width - side + 1, draws.window_x), side, side


@dataclasses.dataclass(frozen=True)
class PairWindows:
    """Cuts the same square from both pictures of a pair, as they are: nothing is resized.

    Attributes:
        hr_size: side of the HR window, in pixels.
        scale: how many times larger the HR photo is.
    """

    hr_size: int
    scale: int

    def __call__(self, lr_content: tf.Tensor, hr_content: tf.Tensor, draws: ExampleDraws) -> tuple[tf.Tensor, tf.Tensor]:
        """`(lr, hr)` in [0, 1], of the content of two files; an error if their sizes do not fit, or are too small."""
        lr, hr = decoded(lr_content), decoded(hr_content)
        side = self.hr_size // self.scale
        height, width = tf.shape(lr)[0], tf.shape(lr)[1]
        fits = [
            tf.debugging.assert_equal(tf.shape(hr)[:2] // self.scale, tf.shape(lr)[:2]),
            tf.debugging.assert_greater_equal(tf.minimum(height, width), side),
        ]
        with tf.control_dependencies(fits):
            y, x = below(height - side + 1, draws.window_y), below(width - side + 1, draws.window_x)
        return self.cut(_levels(lr), y, x, 1), self.cut(_levels(hr), y, x, self.scale)

    def middle(self, lr: np.ndarray, hr: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        """`(lr, hr)` in [0, 1], from the middle of two uint8 photos."""
        y, x = ((length - self.hr_size // self.scale) // 2 for length in lr.shape[:2])
        return self.cut(tf.cast(lr, tf.float32), y, x, 1), self.cut(tf.cast(hr, tf.float32), y, x, self.scale)

    def cut(self, levels: tf.Tensor, y: tf.Tensor | int, x: tf.Tensor | int, times: int) -> tf.Tensor:
        """The window at y and x of the LR photo, in a photo `times` larger, with levels of 255."""
        side = self.hr_size // self.scale * times
        window = levels[y * times : y * times + side, x * times : x * times + side]
        return tf.ensure_shape(window / 255.0, [side, side, 3])


def decoded(content: tf.Tensor) -> tf.Tensor:
    """The photo in a file's content, upright: uint16 `[H, W, 3]`, from 0 to 65535 whatever depth the file has."""
    photo = tf.numpy_function(lambda content: rgb.decode_photo_to_16_bits(content, "a photo"), [content], tf.uint16)
    return tf.ensure_shape(photo, [None, None, 3])


def _levels(photo: tf.Tensor) -> tf.Tensor:
    """uint16 as float32 in levels of 255: 8-bit files have whole ones."""
    return tf.cast(photo, tf.float32) / 257.0


def middle(photo: np.ndarray, size: int) -> tf.Tensor:
    """The middle of a uint8 photo `[H, W, 3]`: `[size, size, 3]` in [0, 1], enlarged if the photo is smaller."""
    side = min(*photo.shape[:2], size)
    y, x = ((length - side) // 2 for length in photo.shape[:2])
    return resized(photo[y : y + side, x : x + side], size)


def resized(window: tf.Tensor | np.ndarray, size: int) -> tf.Tensor:
    """A window with levels of 255, `[side, side, 3]`, as `[size, size, 3]` in [0, 1]."""
    return tf.clip_by_value(resampling.resize(window, size, "bicubic") / 255.0, 0.0, 1.0)
