import math

import numpy as np
import pytest
import tensorflow as tf

from sr_keras.training import losses


@pytest.mark.parametrize("name, expected", [("mse", (0.25 + 0 + 1) / 3), ("mae", (0.5 + 0 + 1) / 3)])
def test_pixel_losses_are_means_over_all_values(name: str, expected: float) -> None:
    hr = tf.constant([[[[0.0, 0.5, 1.0]]]])
    sr = tf.constant([[[[0.5, 0.5, 0.0]]]])
    assert float(losses.PIXEL_LOSSES[name](hr, sr)) == pytest.approx(expected)


def test_charbonnier_is_the_absolute_error_but_smooth_at_0() -> None:
    hr = tf.zeros([1, 1, 1, 3])
    sr = tf.Variable([[[[0.3, -0.001, 0.0]]]])
    with tf.GradientTape() as tape:
        loss = losses.PIXEL_LOSSES["charbonnier"](hr, sr)
    assert float(loss) == pytest.approx((0.3 + 0.001 * math.sqrt(2) + 0.001) / 3, rel=1e-4)
    np.testing.assert_allclose(3 * tape.gradient(loss, sr)[0, 0, 0], [1, -math.sqrt(0.5), 0], atol=1e-4)


def test_the_psnr_loss_goes_down_as_the_mean_psnr_of_grey_photos_goes_up(rng: np.random.Generator) -> None:
    hr = np.repeat(rng.uniform(0.3, 0.7, (2, 16, 16, 1)), 3, axis=-1).astype(np.float32)
    noise = np.repeat(rng.uniform(-0.2, 0.2, hr[..., :1].shape), 3, axis=-1)

    def measured(*strengths: float) -> tuple[float, float]:
        sr = np.float32(hr + noise * np.reshape(strengths, (2, 1, 1, 1)))
        return float(losses.PIXEL_LOSSES["psnr"](hr, sr)), float(tf.reduce_mean(tf.image.psnr(hr, sr, 1.0)))

    # The first two have the same mean PSNR, not the same mean error.
    (even, even_db), (uneven, uneven_db), (better, better_db) = (
        measured(*pair) for pair in ((0.5, 0.5), (0.25, 1), (0.25, 0.5))
    )
    assert even_db == pytest.approx(uneven_db, abs=1e-3)
    assert even == pytest.approx(uneven, abs=0.02)
    assert even - better == pytest.approx((better_db - even_db) * math.log(10) / 10, rel=0.02)


def test_the_psnr_loss_sees_an_error_of_luma_before_one_of_colour() -> None:
    hr = tf.fill([1, 4, 4, 3], 0.5)

    def loss(*error: float) -> float:
        return float(losses.PIXEL_LOSSES["psnr"](hr, hr + tf.constant(error)))

    brighter, redder = (0.1, 0.1, 0.1), (0.1543, -0.0786, 0.0)  # of one mean square, the second of equal luma
    assert np.mean(np.square(brighter)) == pytest.approx(np.mean(np.square(redder)), rel=0.01)
    assert loss(0.0, 0.0, 0.0) < loss(*redder) < loss(*brighter)
    assert np.isfinite(loss(0.0, 0.0, 0.0))


def test_an_undecided_discriminator_costs_log_2_for_each_side() -> None:
    logits = tf.zeros([2, 4, 4, 1])
    assert float(losses.adversarial_loss(logits)) == pytest.approx(math.log(2))
    assert float(losses.fake_loss(logits)) == pytest.approx(math.log(2))
    assert float(losses.real_loss(logits)) == pytest.approx(math.log(2))


def test_the_two_networks_want_opposite_things_of_a_fake() -> None:
    believed, caught = tf.fill([1, 1], 5.0), tf.fill([1, 1], -5.0)
    assert losses.adversarial_loss(believed) < losses.adversarial_loss(caught)
    assert losses.fake_loss(believed) > losses.fake_loss(caught)


def test_originals_should_be_believed() -> None:
    assert losses.real_loss(tf.fill([1, 1], 5.0)) < losses.real_loss(tf.fill([1, 1], -5.0))


def test_extreme_logits_stay_finite() -> None:
    for logits in (tf.fill([1], 1e4), tf.fill([1], -1e4)):
        for loss in (losses.adversarial_loss, losses.fake_loss, losses.real_loss):
            assert np.isfinite(float(loss(logits)))


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_losses_are_float32_scalars(dtype: tf.DType) -> None:
    photo, logits = tf.zeros([1, 2, 2, 3], dtype), tf.zeros([1, 1], dtype)
    values = [losses.mean_squared_error(photo, photo), losses.adversarial_loss(logits), losses.fake_loss(logits)]
    assert all(value.dtype == tf.float32 and value.shape == () for value in values)


def test_a_grid_costs_what_it_is_and_texture_little(rng: np.random.Generator) -> None:
    hr = rng.random((2, 64, 64, 3), dtype=np.float32)
    grid = np.tile(np.array([[0.1, -0.1], [-0.1, 0.1]], np.float32), (32, 32))[..., np.newaxis]
    texture = rng.choice(np.array([0.1, -0.1], np.float32), hr.shape)
    assert float(losses.grid_loss(hr, hr, period=4)) == 0
    assert float(losses.grid_loss(hr, hr + grid, period=4)) == pytest.approx(0.1, abs=1e-6)
    assert float(losses.grid_loss(hr, hr + texture, period=4)) < 0.02
