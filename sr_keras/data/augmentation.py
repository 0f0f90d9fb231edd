"""Random changes of the large photo before a network trains on it. Imports TensorFlow only when a photo is changed."""

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

    from sr_keras.data.draws import ExampleDraws


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Random changes of the large photo (section III-A); each photo has its own draws.

    Attributes:
        flip_left_right, flip_up_down, darken, brightness, saturation: the probability of each change.
        transpose: the probability that rows and columns are exchanged; with both flips, that makes the quarter rotations which
            EDSR was trained on (Lim et al. 2017, section 4.2).
        darken_by: the largest share of the light that darkening takes away.
        brightness_by: the most that is added to or subtracted from all channels.
        saturation_by: the most by which the saturation's factor differs from 1.
    """

    flip_left_right: float = 0.4
    flip_up_down: float = 0.4
    darken: float = 0.4
    brightness: float = 0.4
    saturation: float = 0.4
    transpose: float = 0.0
    darken_by: float = 0.5
    brightness_by: float = 0.1
    saturation_by: float = 0.5

    def __call__(self, photo: "tf.Tensor", draws: "ExampleDraws") -> "tf.Tensor":
        """The square photo `[side, side, 3]` in [0, 1], changed in the paper's order."""
        import tensorflow as tf

        def signed(draw: tf.Tensor) -> tf.Tensor:
            return 2.0 * draw - 1.0

        changes = [
            (draws.flip_left_right < self.flip_left_right, tf.image.flip_left_right),
            (draws.flip_up_down < self.flip_up_down, tf.image.flip_up_down),
            (draws.darken < self.darken, lambda x: x * (1.0 - self.darken_by * draws.darken_amount)),
            (draws.brightness < self.brightness, lambda x: x + self.brightness_by * signed(draws.brightness_amount)),
            (
                draws.saturation < self.saturation,
                lambda x: tf.image.adjust_saturation(x, 1.0 + self.saturation_by * signed(draws.saturation_amount)),
            ),
            (draws.transpose < self.transpose, tf.image.transpose),
        ]
        for happens, change in changes:
            photo = tf.cond(happens, lambda x=photo, f=change: tf.clip_by_value(f(x), 0.0, 1.0), lambda x=photo: x)
        return photo
