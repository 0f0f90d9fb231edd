"""The losses of section II-B: pure functions to one float32 scalar, from logits."""

import tensorflow as tf

from sr_keras.photos import rgb

# Squared error at 50 dB PSNR. Inside the logarithm it keeps the gradient bounded where a photo is almost perfect.
_FLAT = 1e-5


def mean_squared_error(hr: tf.Tensor, sr: tf.Tensor) -> tf.Tensor:
    """L_G1 of the paper: mean squared error over all pixels.

    Args:
        hr, sr: `[B, H, W, 3]` in [0, 1].
    """
    return tf.reduce_mean(tf.math.squared_difference(tf.cast(hr, tf.float32), tf.cast(sr, tf.float32)))


def mean_absolute_error(hr: tf.Tensor, sr: tf.Tensor) -> tf.Tensor:
    """The loss of EDSR (Lim et al. 2017, section 3.2): mean absolute error over all pixels.

    Args:
        hr, sr: `[B, H, W, 3]` in [0, 1].
    """
    return tf.reduce_mean(tf.abs(tf.cast(hr, tf.float32) - tf.cast(sr, tf.float32)))


def charbonnier(hr: tf.Tensor, sr: tf.Tensor) -> tf.Tensor:
    """The loss of LapSRN (Lai et al. 2017, section 3.3): mean Charbonnier penalty over all pixels, with epsilon 1e-3.

    It is the absolute error, rounded off where that is near 0.

    Args:
        hr, sr: `[B, H, W, 3]` in [0, 1].
    """
    return tf.reduce_mean(tf.sqrt(tf.math.squared_difference(tf.cast(hr, tf.float32), tf.cast(sr, tf.float32)) + 1e-3**2))


def psnr_loss(hr: tf.Tensor, sr: tf.Tensor) -> tf.Tensor:
    """What PSNR on luma rewards: the mean over photos of the logarithm of the squared error. It can be negative.

    Each photo counts as much as any other; in a mean of errors, those with the most texture dominate. PSNR as a loss is from
    Chen et al. 2021 (HINet). A tenth of the error of all three channels is added to that of luma (BT.601): colours count too.

    Args:
        hr, sr: `[B, H, W, 3]` in [0, 1].
    """
    error = tf.cast(hr, tf.float32) - tf.cast(sr, tf.float32)
    of_luma = tf.reduce_mean(tf.square(tf.tensordot(error, tf.constant(rgb.LUMA_WEIGHTS), axes=1)), axis=(1, 2))
    of_all = tf.reduce_mean(tf.square(error), axis=(1, 2, 3))
    return tf.reduce_mean(tf.math.log(of_luma + 0.1 * of_all + _FLAT))


PIXEL_LOSSES = {"mse": mean_squared_error, "mae": mean_absolute_error, "charbonnier": charbonnier, "psnr": psnr_loss}


def grid_loss(hr: tf.Tensor, sr: tf.Tensor, period: int) -> tf.Tensor:
    """How strong a grid the picture has: the mean absolute difference of local means over each pixel of the period.

    A network makes `period` x `period` pixels of each LR pixel, each of them by other weights. In flat areas all LR pixels are
    alike, so texture that is made up there repeats as a grid. Real texture differs from place to place and averages out: means
    over 8x8 pixels that lie `period` apart are compared.

    Args:
        hr, sr: `[B, H, W, 3]` in [0, 1], H and W multiples of `period`.
        period: how much larger the network makes photos.
    """
    difference = tf.cast(sr, tf.float32) - tf.cast(hr, tf.float32)
    return tf.reduce_mean(tf.abs(tf.nn.avg_pool2d(tf.nn.space_to_depth(difference, period), 8, 8, "SAME")))


def adversarial_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """L_G2: cross-entropy of the generated pictures' logits with the label "real" (1).

    Args:
        fake_logits: the discriminator's logits of generated pictures, any shape.
    """
    return _cross_entropy(1.0, fake_logits)


def fake_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """L_fake: cross-entropy of the generated pictures' logits with their label (0).

    Args:
        fake_logits: the discriminator's logits of generated pictures, any shape.
    """
    return _cross_entropy(0.0, fake_logits)


def real_loss(real_logits: tf.Tensor, label: float = 1.0) -> tf.Tensor:
    """L_real: cross-entropy of the real pictures' logits with their label.

    Args:
        real_logits: the discriminator's logits of real pictures, any shape.
        label: 1 in the paper. Less, such as 0.9, keeps the discriminator from becoming overconfident (Salimans et al. 2016,
            section 3.4).
    """
    return _cross_entropy(label, real_logits)


def _cross_entropy(label: float, logits: tf.Tensor) -> tf.Tensor:
    logits = tf.cast(logits, tf.float32)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(tf.fill(tf.shape(logits), label), logits))
