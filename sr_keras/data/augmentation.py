"""How large photos are changed at random before a network trains on them. Needs no TensorFlow."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Random changes of the large photo (section III-A); each photo draws its own numbers.

    Attributes:
        flip_left_right, flip_up_down, darken, brightness, saturation: the probability of each change.
        transpose: that of one more, of rows with columns; with both flips, that makes the quarter turns which EDSR was trained
            on (Lim et al. 2017, section 4.2).
        darken_by: the largest share of the light that darkening takes.
        brightness_by: the most that is added to or taken from all channels.
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
