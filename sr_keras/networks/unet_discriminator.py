"""Real-ESRGAN's discriminator, a U-Net with spectral norm (Wang et al. 2021, section 3.4 and figure 6). Needs Keras only."""

import keras
from keras import KerasTensor, layers

from sr_keras.networks.layers import leaky_relu, with_spectral_norm

# Height and width must be multiples of it: they are halved three times.
MULTIPLE = 8


def build(filters: int = 64) -> keras.Model:
    """The network of figure 6: `[B, H, W, 3]` in [0, 1] to logits `[B, H, W, 1]`; H and W must be multiples of 8.

    A large logit means "real", for its pixel alone. At an eighth of the size, the network sees the structure of a photo;
    skip connections add its texture. Logits are float32 under every precision policy.

    Args:
        filters: channels at full size; there are 2, 4 and 8 times as many at a half, a quarter and an eighth of it.
    """
    photo = keras.Input((None, None, 3), name="photo")
    x = leaky_relu(layers.Conv2D(filters, 3, padding="same", name="conv0")(photo))
    skips = []
    for index, width in enumerate([2, 4, 8]):
        skips.append(x)
        x = _conv(x, width * filters, f"down{index}_conv", kernel=4, strides=2)
    for index, width in enumerate([4, 2, 1]):
        # TensorFlow interpolates in float32 in any case. From 16 bits it takes twice the time, and XLA on a CPU refuses it.
        x = layers.UpSampling2D(interpolation="bilinear", dtype="float32", name=f"up{index}_enlarge")(x)
        x = layers.Add(name=f"up{index}_add")([_conv(x, width * filters, f"up{index}_conv"), skips.pop()])
    for index in (1, 2):
        x = _conv(x, filters, f"conv{index}")
    logits = layers.Conv2D(1, 3, padding="same", dtype="float32", name="conv3")(x)
    return keras.Model(photo, logits, name="discriminator")


def _conv(x: KerasTensor, filters: int, name: str, kernel: int = 3, strides: int = 1) -> KerasTensor:
    conv = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False, name=name)
    return leaky_relu(with_spectral_norm(conv)(x))
