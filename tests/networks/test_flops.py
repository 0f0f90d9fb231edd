import keras
from keras import layers

from sr_keras.networks import flops, generators
from sr_keras.networks.layers import with_spectral_norm


def tiny_networks() -> tuple[keras.Model, keras.Model]:
    """One layer of each kind; 4x4 pixels become 8x8, then a number for each 4x4 of them."""
    lr = keras.Input((None, None, 3))
    x = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(5, 3, padding="same")(lr))
    x = layers.Add()([x, layers.BatchNormalization()(x)])
    generator = keras.Model(lr, layers.Conv2DTranspose(3, 3, strides=2, padding="same")(x))
    photo = keras.Input((None, None, 3))
    x = layers.Conv2D(2, 3, strides=2, padding="same")(photo)
    x = with_spectral_norm(layers.Conv2D(4, 3, strides=2, padding="same"))(x)
    return generator, keras.Model(photo, layers.Dense(1)(x))


def test_operations_are_those_counted_by_hand() -> None:
    generator, discriminator = (flops.count(n, side, side) for n, side in zip(tiny_networks(), (4, 8), strict=True))
    stem = 2 * 16 * (3 * 3 * 3 * 5)  # 16 pixels come out
    transposed = 2 * 16 * (3 * 3 * 5 * 3)  # 16 pixels come in
    assert generator == (stem + transposed, stem)
    first = 2 * 16 * (3 * 3 * 3 * 2)  # 4x4 pixels come out
    second = 2 * 4 * (3 * 3 * 2 * 4)
    dense = 2 * 4 * (4 * 1)
    assert discriminator == (first + second + dense, first)
    # Forward, and the gradients of each kernel and of each input but the photo.
    assert generator.trained == 2 * stem + 3 * transposed
    assert discriminator.trained == 2 * first + 3 * (second + dense)
    of_original = of_generated = discriminator.trained
    from_verdict_to_pixels = first + second + dense
    step = generator.trained + of_original + of_generated + from_verdict_to_pixels
    assert flops.of_gan_step(generator, discriminator) == step
    assert flops.of_guides_step(generator, discriminator) == step + stem + transposed + from_verdict_to_pixels


def test_the_families_are_as_counted_by_hand() -> None:
    """For each pixel of the small photo."""
    trunk = 9 * 9 * 3 * 64 + 17 * 9 * 64 * 64
    upscaling = 9 * 64 * 256 + 9 * 256 * 256 + 4 * 2 * 9 * 256 * 256
    level = 10 * 9 * 64 * 64 + 16 * 64 * 64 + 16 * 3 * 3 + 4 * 9 * 64 * 3
    by_hand = {
        "srgan": trunk + upscaling + 16 * 9 * 9 * 256 * 3,
        "espcn": 25 * 3 * 64 + 9 * 64 * 32 + 9 * 32 * 48,
        "lapsrn": 9 * 3 * 64 + 5 * level,
    }
    counted = {name: flops.count(generators.build(name), 5, 7).forward / (5 * 7) for name in by_hand}
    assert counted == {name: 2 * multiplications for name, multiplications in by_hand.items()}
