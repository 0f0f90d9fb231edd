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
            return tf.image.decode_and_crop_jpeg(content, window, channels=3, dct_method="INTEGER_ACCURATE")

        def from_other() -> tf.Tensor:
            photo = tf.numpy_function(lambda c: rgb.decode_photo(c, "a photo"), [content], tf.uint8)
            photo = tf.ensure_shape(photo, [None, None, 3])
            y, x, side, _ = self._place(tf.shape(photo)[0], tf.shape(photo)[1], draws)
            return photo[y : y + side, x : x + side]

        window = tf.cond(tf.io.is_jpeg(content), from_jpeg, from_other)
        return resized(window, self.size), tf.shape(window)[0] < self.smallest_side

    def _place(self, height: tf.Tensor, width: tf.Tensor, draws: ExampleDraws) -> tuple[tf.Tensor, ...]:
        """`(y, x, side, side)` of the window in a photo of this size."""
        shorter = tf.cast(tf.minimum(height, width), tf.float32)
        largest = tf.cast(tf.minimum(shorter, self.size * self.max_reduction), tf.int32)
        smallest = tf.minimum(largest, self.smallest_side)
        side = smallest + below(largest - smallest + 1, draws.window_side)
        return below(height - side + 1, draws.window_y), below(width - side + 1, draws.window_x), side, side


def middle(photo: np.ndarray, size: int) -> tf.Tensor:
    """The middle of a uint8 photo `[H, W, 3]`: `[size, size, 3]` in [0, 1], enlarged if the photo is smaller."""
    side = min(*photo.shape[:2], size)
    y, x = ((length - side) // 2 for length in photo.shape[:2])
    return resized(photo[y : y + side, x : x + side], size)


def resized(window: tf.Tensor | np.ndarray, size: int) -> tf.Tensor:
    """A window with levels of 255, `[side, side, 3]`, as `[size, size, 3]` in [0, 1]."""
    return tf.clip_by_value(resampling.resize(window, size, "bicubic") / 255.0, 0.0, 1.0)
