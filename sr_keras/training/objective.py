"""The generator's objective: all its losses but the adversarial one."""

import dataclasses
import itertools
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from sr_keras.networks.back_projection import BackProjection
from sr_keras.training import losses

# Of `(hr, sr)`, `[B, H, W, 3]` in [0, 1], to a float32 scalar.
PictureLoss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
# Of photos `[B, H, W, 3]` in [0, 1] to photos.
PictureFunction = Callable[[tf.Tensor], tf.Tensor]

# Whose mean colour a teacher's picture takes from the HR picture, in pixels: far coarser than texture.
_COLOUR_SQUARE = 16


class Judged(NamedTuple):
    """The losses of a batch, and the pictures that the discriminator sees.

    Attributes:
        loss: the weighted sum of the parts.
        parts: each loss by its name in TensorBoard, before its weight.
        hr, sr: both pictures as the discriminator is to see them.
    """

    loss: tf.Tensor
    parts: dict[str, tf.Tensor]
    hr: tf.Tensor
    sr: tf.Tensor


@dataclasses.dataclass(frozen=True, kw_only=True)
class Objective:
    """The generator's loss on `(lr, hr)`; by default the paper's pixel loss L_G1 alone.

    Attributes:
        iterations: the number of finished steps, from which all draws come, so that a resumed run repeats them.
        pixel_loss: of each level of the generator's pyramid, against the HR picture resized to that level.
        perceptual_loss: added to the pixel loss; None for none.
        perceptual_weight: its factor.
        grid_weight: factor of `losses.grid_loss`, added to the pixel loss.
        teacher: a network, float32 `[B, h, w, 3]` in [0, 1] to `[B, s h, s w, 3]`, whose output is learned too: distillation
            (Hinton et al. 2015). Its detail is all predictable from the small photo, so less of the gradient is noise.
        teacher_weight: factor of the losses against the teacher's output: the pixel loss and, where there is one, the
            perceptual loss. Then the teacher's texture is wanted, and its colours are first made those of the HR picture.
        back_projection: all losses see the result as it is exported, corrected by back-projection; else the generator's output.
        shift: the perceptual loss and the discriminator, which have strides, see pictures moved down and right by 0 to
            `shift - 1` pixels. Their gradients are uneven, in the period of the strides (Odena et al. 2016, section
            "Checkerboard Artifacts in Gradients"); moved about, they leave no grid in the pictures. 1 moves nothing.
    """

    iterations: keras.Variable
    pixel_loss: PictureLoss = losses.mean_squared_error
    perceptual_loss: PictureLoss | None = None
    perceptual_weight: float = 0.0
    grid_weight: float = 0.0
    teacher: PictureFunction | None = None
    teacher_weight: float = 0.0
    back_projection: bool = False
    shift: int = 1

    def __call__(self, outputs: tf.Tensor | list[tf.Tensor], lr: tf.Tensor, hr: tf.Tensor) -> Judged:
        """Computes the losses of the generator's result for a batch.

        Args:
            outputs: the levels of the generator's pyramid, smallest first; most generators have one.
            lr, hr: `[B, h, w, 3]` and `[B, s h, s w, 3]` in [0, 1].
        """
        *levels, sr = tf.nest.flatten(outputs)
        scale = hr.shape[1] // lr.shape[1]
        if self.back_projection:
            sr = BackProjection(scale, dtype="float32")([sr, lr])
        move = self._mover()
        seen_hr, seen_sr = move(hr), move(sr)
        of_levels = [self.pixel_loss(_resized_like(level, hr), level) for level in levels]
        parts = {"pixel": tf.add_n([*of_levels, self.pixel_loss(hr, sr)])}
        weights = {"pixel": 1.0}
        if self.teacher is not None:
            parts["teacher"] = self._teacher_loss(self.teacher, lr, hr, sr, move)
            weights["teacher"] = self.teacher_weight
        if self.perceptual_loss is not None:
            parts["perceptual"] = self.perceptual_loss(seen_hr, seen_sr)
            weights["perceptual"] = self.perceptual_weight
        if self.grid_weight:
            parts["grid"] = losses.grid_loss(hr, sr, scale)
            weights["grid"] = self.grid_weight
        loss = tf.add_n([weights[name] * part for name, part in parts.items()])
        return Judged(loss, {f"generator/{name}_loss": part for name, part in parts.items()}, seen_hr, seen_sr)

    def _seed(self, purpose: int) -> tf.Tensor:
        return tf.stack([purpose, tf.cast(self.iterations, tf.int32)])

    def _mover(self) -> PictureFunction:
        """Moves photos `[B, H, W, 3]`, all in the same way; what comes in at the side is reflected."""
        if self.shift == 1:
            return lambda photo: photo
        offset = tf.random.stateless_uniform([2], self._seed(0), maxval=self.shift, dtype=tf.int32)
        begin = tf.concat([[0], offset, [0]], axis=0)
        margin = [[0, 0], [0, self.shift - 1], [0, self.shift - 1], [0, 0]]
        return lambda photo: tf.ensure_shape(tf.slice(tf.pad(photo, margin, "REFLECT"), begin, tf.shape(photo)), photo.shape)

    def _teacher_loss(
        self, teacher: PictureFunction, lr: tf.Tensor, hr: tf.Tensor, sr: tf.Tensor, move: PictureFunction
    ) -> tf.Tensor:
        if self.perceptual_loss is None:
            return self.pixel_loss(self._taught(teacher, lr), sr)
        # Of the photo as it is: the textures of its flips differ, and their average is blurred.
        taught = _with_colours_of(hr, tf.clip_by_value(teacher(lr), 0.0, 1.0))
        return self.pixel_loss(taught, sr) + self.perceptual_weight * self.perceptual_loss(move(taught), move(sr))

    def _taught(self, teacher: PictureFunction, lr: tf.Tensor) -> tf.Tensor:
        """The teacher's output for small photos flipped and transposed in one of 8 ways, and back: on average, its
        self-ensemble.

        That is better than its output for the photos as they are (Lim et al. 2017, section 3.4), and costs no more.
        """

        def member(flip_y: bool, flip_x: bool, transpose: bool) -> tf.Tensor:
            axes = [axis for axis, flip in ((1, flip_y), (2, flip_x)) if flip]
            order = [0, 2, 1, 3] if transpose else [0, 1, 2, 3]
            sr = teacher(tf.transpose(tf.reverse(lr, axes), order))
            return tf.clip_by_value(tf.reverse(tf.transpose(sr, order), axes), 0.0, 1.0)

        members = [lambda ways=ways: member(*ways) for ways in itertools.product((False, True), repeat=3)]
        way = tf.random.stateless_uniform([], self._seed(1), maxval=len(members), dtype=tf.int32)
        return tf.switch_case(way, members)


def _with_colours_of(hr: tf.Tensor, taught: tf.Tensor) -> tf.Tensor:
    """The teacher's picture, moved so that its means over squares are those of the HR picture: GANs are off by some levels."""
    differences = tf.nn.avg_pool2d(hr - taught, _COLOUR_SQUARE, _COLOUR_SQUARE, "SAME")
    return tf.clip_by_value(taught + tf.image.resize(differences, tf.shape(hr)[1:3]), 0.0, 1.0)


def _resized_like(level: tf.Tensor, hr: tf.Tensor) -> tf.Tensor:
    return tf.image.resize(hr, tf.shape(level)[1:3], "bicubic", antialias=True)
