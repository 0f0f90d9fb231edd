"""The training step and its state."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from sr_keras.networks import back_projection, srgan, unet_discriminator
from sr_keras.training import losses, state, steps
from sr_keras.training.objective import Objective

# lr `[2, 8, 8, 3]` and hr `[2, 32, 32, 3]`.
Batch = tuple[tf.Tensor, tf.Tensor]


def new_state(
    precision: str = "float32",
    averaged: bool = False,
    optimizer: Callable[[], keras.optimizers.Optimizer] = lambda: keras.optimizers.Adam(1e-3),
    build_discriminator: Callable[..., keras.Model] = srgan.build_discriminator,
) -> state.TrainState:
    keras.mixed_precision.set_global_policy(precision)

    def scaling_optimizer() -> keras.optimizers.Optimizer:
        inner = optimizer()
        return keras.optimizers.LossScaleOptimizer(inner, initial_scale=64.0) if precision == "mixed_float16" else inner

    try:
        generator = srgan.build_generator(num_blocks=1, num_upscales=2, filters=4, upscale_filters=4)
        average = srgan.build_generator(1, 2, 4, 4) if averaged else None
        discriminator = build_discriminator(filters=2)
        return state.TrainState(generator, discriminator, scaling_optimizer(), scaling_optimizer(), average)
    finally:
        keras.mixed_precision.set_global_policy("float32")


def new_copy(run: state.TrainState) -> state.TrainState:
    copy = new_state()
    copy.generator.set_weights(run.generator.get_weights())
    return copy


def objective(run: state.TrainState, **terms: Any) -> Objective:
    return Objective(iterations=run.generator_optimizer.iterations, **terms)


def pixel_step(run: state.TrainState, options: steps.StepOptions = steps.PAPER, **terms: Any) -> steps.Step:
    return steps.pixel_step(run, objective(run, **terms), options)


def gan_step(
    run: state.TrainState,
    *,
    adversarial_weight: float = 1.0,
    ramp_steps: int = 0,
    options: steps.StepOptions = steps.PAPER,
    **terms: Any,
) -> steps.Step:
    return steps.gan_step(
        run, objective(run, **terms), adversarial_weight=adversarial_weight, ramp_steps=ramp_steps, options=options
    )


def enlarged(photos: tf.Tensor) -> tf.Tensor:
    return tf.repeat(tf.repeat(photos, 4, axis=1), 4, axis=2)


@pytest.fixture
def batch(rng: np.random.Generator) -> Batch:
    return tuple(tf.constant(rng.random((2, side, side, 3), dtype=np.float32)) for side in (8, 32))


def weights(model: keras.Model) -> list[np.ndarray]:
    return [np.array(weight) for weight in model.trainable_variables]


def changed(before: list[np.ndarray], model: keras.Model) -> list[bool]:
    return [not np.array_equal(old, new) for old, new in zip(before, weights(model), strict=True)]


def test_a_gan_step_trains_both_networks(batch: Batch) -> None:
    run = new_state()
    before = weights(run.generator), weights(run.discriminator)
    gan_step(run)(*batch)
    # A slope of PReLU has no gradient where nothing is negative.
    assert np.mean(changed(before[0], run.generator)) > 0.8
    assert all(changed(before[1], run.discriminator))


def test_a_pixel_step_leaves_the_discriminator_alone(batch: Batch) -> None:
    run = new_state()
    before = weights(run.discriminator)
    pixel_step(run)(*batch)
    assert not any(changed(before, run.discriminator))


def test_the_average_follows_the_generator(batch: Batch) -> None:
    """At first it is the generator, then it lags behind."""
    run = new_state(averaged=True)
    run.begin_average()
    start = run.generator.get_weights()
    pixel_step(run, steps.StepOptions(average_decay=0.5))(*batch)
    # The first step counts as one done: a decay of 2 / 11.
    assert run.average
    for mean, before, now in zip(run.average.get_weights(), start, run.generator.get_weights(), strict=True):
        np.testing.assert_allclose(mean, 2 / 11 * before + 9 / 11 * now, atol=1e-6)
    assert run.best_generator is run.average
    without = new_state()
    assert without.best_generator is without.generator


def test_the_adversarial_weight_grows(batch: Batch) -> None:
    run = new_state()
    step = gan_step(run, adversarial_weight=2.0, ramp_steps=4)
    for done in range(6):
        scalars = step(*batch)
        adversarial = float(scalars["generator/loss"] - scalars["generator/pixel_loss"])
        weight = 2.0 * min(1.0, done / 4)
        assert adversarial == pytest.approx(weight * float(scalars["generator/adversarial_loss"]), abs=1e-5)


def test_smoothed_labels_punish_being_too_sure() -> None:
    sure = tf.constant([20.0])
    assert float(losses.real_loss(sure)) < 1e-6
    assert float(losses.real_loss(sure, 0.9)) == pytest.approx(2.0, abs=1e-3)


def test_the_prediction_reaches_the_generator(batch: Batch) -> None:
    """In the authors' code the adversarial term never had a gradient."""
    lr, hr = batch
    runs = [new_state() for _ in range(2)]
    runs[1].generator.set_weights(runs[0].generator.get_weights())
    runs[1].discriminator.set_weights(runs[0].discriminator.get_weights())
    for run, weight in zip(runs, (0.0, 100.0), strict=True):
        gan_step(run, adversarial_weight=weight)(lr, hr)
    assert any(changed(weights(runs[0].generator), runs[1].generator))


def test_the_scalars_add_up(batch: Batch) -> None:
    terms: dict[str, Any] = {
        "perceptual_loss": losses.mean_absolute_error,
        "perceptual_weight": 0.25,
        "grid_weight": 3.0,
    }
    scalars = gan_step(new_state(), adversarial_weight=0.5, **terms)(*batch)
    weights = {"pixel": 1.0, "perceptual": 0.25, "grid": 3.0, "adversarial": 0.5}
    expected = sum(weight * scalars[f"generator/{name}_loss"] for name, weight in weights.items())
    assert float(scalars["generator/loss"]) == pytest.approx(float(expected))
    expected = scalars["discriminator/fake_loss"] + scalars["discriminator/real_loss"]
    assert float(scalars["discriminator/loss"]) == pytest.approx(float(expected))
    assert 0 < scalars["discriminator/D_real"] < 1
    assert 0 < scalars["discriminator/D_fake"] < 1


def test_distributions_are_those_of_all_predictions(batch: Batch) -> None:
    run = new_state()
    _, hr = batch
    verdicts = tf.sigmoid(run.discriminator(hr, training=True)).numpy().ravel()
    scalars = gan_step(run)(*batch)
    distribution = scalars["discriminator/verdicts_real"].numpy()
    np.testing.assert_allclose(distribution, np.histogram(verdicts, len(distribution), (0, 1))[0] / verdicts.size, atol=1e-6)


def test_gradients_are_clipped_and_their_norm_is_reported(batch: Batch) -> None:
    """A step of plain gradient descent is as long as its gradient."""
    for clip_norm in (None, 1e-3):
        run = new_state(optimizer=lambda: keras.optimizers.SGD(1.0))
        before = weights(run.generator)
        scalars = pixel_step(run, steps.StepOptions(clip_norm=clip_norm))(*batch)
        moved = np.sqrt(sum(np.square(new - old).sum() for old, new in zip(before, weights(run.generator), strict=True)))
        assert scalars["generator/gradient_norm"] > 1e-3
        assert moved == pytest.approx(clip_norm or float(scalars["generator/gradient_norm"]), rel=1e-3)


def test_frozen_norms_stay_what_they_are(batch: Batch) -> None:
    for freeze_norms in (True, False):
        run = new_state()
        before = [np.array(weight) for weight in run.generator.non_trainable_variables]
        gan_step(run, options=steps.StepOptions(freeze_norms=freeze_norms))(*batch)
        after = [np.array(weight) for weight in run.generator.non_trainable_variables]
        assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True)) == freeze_norms


def test_losses_see_what_is_exported(batch: Batch) -> None:
    lr, hr = batch
    run = new_state()
    exported = back_projection.with_back_projection(run.generator, 4)
    expected = {
        True: losses.mean_absolute_error(hr, exported(lr, training=False)),
        False: losses.mean_absolute_error(hr, run.generator(lr, training=False)),
    }
    assert abs(expected[True] - expected[False]) > 1e-3
    for corrected in (True, False):
        terms = {"pixel_loss": losses.mean_absolute_error, "back_projection": corrected}
        scalars = pixel_step(new_copy(run), steps.StepOptions(freeze_norms=True), **terms)(lr, hr)
        assert float(scalars["generator/pixel_loss"]) == pytest.approx(float(expected[corrected]), rel=1e-5)


def test_a_teacher_sees_photos_in_8_ways_and_its_output_is_rotated_back(batch: Batch) -> None:
    lr, hr = batch
    seen = set()

    def teacher(photos: tf.Tensor) -> tf.Tensor:
        tf.py_function(lambda photos: seen.add(photos.numpy().tobytes()), [photos], [])
        return enlarged(photos)

    run = new_state(optimizer=lambda: keras.optimizers.SGD(0.0))
    expected = losses.mean_squared_error(enlarged(lr), run.generator(lr, training=False))
    step = pixel_step(run, steps.StepOptions(freeze_norms=True), teacher=teacher, teacher_weight=3.0)
    for _ in range(50):
        numbers = {name: float(value) for name, value in step(lr, hr).items()}
        assert numbers["generator/teacher_loss"] == pytest.approx(float(expected), rel=1e-5)
        expected_sum = numbers["generator/pixel_loss"] + 3 * numbers["generator/teacher_loss"]
        assert numbers["generator/loss"] == pytest.approx(expected_sum, rel=1e-5)
    assert len(seen) == 8


def test_with_a_perceptual_loss_the_teachers_texture_is_learned(batch: Batch) -> None:
    """Of the photos as they are, for textures of different flips do not average, and not its colours."""
    lr, hr = batch
    run = new_state(optimizer=lambda: keras.optimizers.SGD(0.0))
    texture = 0.1 * tf.cast(tf.range(hr.shape[1]) % 2, tf.float32)[:, tf.newaxis, tf.newaxis] - 0.05
    expected = losses.mean_absolute_error(hr / 2 + 0.25 + texture, run.generator(lr, training=False))
    terms = {"pixel_loss": losses.mean_absolute_error, "perceptual_loss": losses.mean_absolute_error, "perceptual_weight": 0.5}
    step = pixel_step(
        run,
        steps.StepOptions(freeze_norms=True),
        **terms,
        teacher=lambda photos: tf.where(tf.reduce_all(photos == lr), hr / 2 + 0.15 + texture, 0.0),
        teacher_weight=3.0,
    )
    numbers = {name: float(value) for name, value in step(lr, hr / 2 + 0.25).items()}
    assert numbers["generator/teacher_loss"] == pytest.approx(1.5 * float(expected), rel=1e-5)
    parts = {"pixel": 1.0, "perceptual": 0.5, "teacher": 3.0}
    expected_sum = sum(weight * numbers[f"generator/{name}_loss"] for name, weight in parts.items())
    assert numbers["generator/loss"] == pytest.approx(expected_sum, rel=1e-5)


def test_losses_see_pictures_moved_about(batch: Batch) -> None:
    """Both in the same way, from step to step another one, and the same again in a run that begins anew."""

    def seen(shift: int) -> list[list[np.ndarray]]:
        pairs = []

        def perceptual_loss(*pair: tf.Tensor) -> tf.Tensor:
            tf.py_function(lambda *pair: pairs.append([photo.numpy() for photo in pair]), pair, [])
            return tf.reduce_mean(pair[1])

        keras.utils.set_random_seed(1)
        run = new_state(optimizer=lambda: keras.optimizers.SGD(0.0))
        step = pixel_step(run, perceptual_loss=perceptual_loss, shift=shift)
        for _ in range(8):
            step(*batch)
        return pairs

    def place(moved: np.ndarray, photo: np.ndarray) -> list[tuple[int, int]]:
        size = photo.shape[1] - 3
        places = [(y, x) for y in range(4) for x in range(4)]
        return [
            at for at in places if np.allclose(moved[:, :size, :size], photo[:, at[0] :, at[1] :][:, :size, :size], atol=1e-6)
        ]

    pairs = seen(shift=4)
    places = [
        [place(*both) for both in zip(moved, still, strict=True)] for moved, still in zip(pairs, seen(shift=1), strict=True)
    ]
    assert all(len(of_hr) == 1 and of_hr == of_sr for of_hr, of_sr in places)
    assert len({tuple(of_hr) for of_hr, _ in places}) > 2
    np.testing.assert_array_equal(pairs, seen(shift=4))


def test_pixel_training_lowers_the_loss(batch: Batch) -> None:
    lr, hr = batch
    step = pixel_step(new_state())
    values = [float(step(lr, hr)["generator/loss"]) for _ in range(40)]
    assert values[-1] < 0.7 * values[0]


@pytest.mark.parametrize("build_discriminator", [srgan.build_discriminator, unet_discriminator.build])
@pytest.mark.parametrize("precision", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_a_step_is_traced_once_and_stays_finite(
    batch: Batch, precision: str, build_discriminator: Callable[..., keras.Model]
) -> None:
    step = gan_step(new_state(precision, build_discriminator=build_discriminator))
    for _ in range(3):
        scalars = step(*batch)
    assert step.experimental_get_tracing_count() == 1
    assert all(np.isfinite(value).all() and value.dtype == tf.float32 for value in scalars.values())


def test_an_overflow_under_float16_changes_the_scale_and_no_weight(batch: Batch) -> None:
    run = new_state("mixed_float16")
    before = weights(run.generator)
    scalars = gan_step(run, adversarial_weight=1e30)(*batch)
    assert not any(changed(before, run.generator))
    assert (scalars["generator/skipped_steps"], scalars["discriminator/skipped_steps"]) == (1, 0)
    assert scalars["generator/gradient_norm"] == 0
    assert float(run.generator_optimizer.dynamic_scale) == 32


def everything(run: state.TrainState) -> list[np.ndarray]:
    parts = [run.generator.weights, run.discriminator.weights]
    parts += [run.generator_optimizer.variables, run.discriminator_optimizer.variables]
    counters = [run.iteration, run.step, run.position]
    return [np.array(variable) for part in parts for variable in part] + [counter.numpy() for counter in counters]


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_a_checkpoint_gives_everything_back(tmp_path: pathlib.Path, batch: Batch, precision: str) -> None:
    run = new_state(precision)
    step = gan_step(run)
    step(*batch)
    run.iteration.assign(7)
    run.step.assign(5)
    run.position.assign(1234)
    state.checkpoint_manager(run, tmp_path, keep=1).save()
    saved = everything(run)

    other = new_state(precision)
    assert state.restore(state.checkpoint_manager(other, tmp_path, keep=1)) is not None
    restored = everything(other)
    assert len(restored) == len(saved)
    for old, new in zip(saved, restored, strict=True):
        np.testing.assert_array_equal(old, new)

    # From here on, both go the same way.
    step(*batch)
    gan_step(other)(*batch)
    for went_on, resumed in zip(everything(run), everything(other), strict=True):
        np.testing.assert_allclose(went_on, resumed, rtol=1e-2, atol=1e-4)


def save_twice(folder: pathlib.Path) -> None:
    """Checkpoints after iterations 1 and 2."""
    run = new_state()
    manager = state.checkpoint_manager(run, folder, keep=3)
    for iteration in (1, 2):
        run.iteration.assign(iteration)
        manager.save()


@pytest.mark.parametrize("damage", ["truncated", "gone"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_taken(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    save_twice(tmp_path)
    [newest] = tmp_path.glob("ckpt-2.data*")
    newest.write_bytes(newest.read_bytes()[:100]) if damage == "truncated" else newest.unlink()

    other = new_state()
    restored = state.restore(state.checkpoint_manager(other, tmp_path, keep=3))
    assert restored and restored.endswith("ckpt-1")
    assert int(other.iteration) == 1
    assert "ckpt-2 is damaged" in caplog.text
    for path in tmp_path.glob("ckpt-1.data*"):
        path.unlink()
    with pytest.raises(ValueError, match="every checkpoint is damaged"):
        state.restore(state.checkpoint_manager(new_state(), tmp_path, keep=3))


@pytest.mark.parametrize("damage", ["gone", "empty", "garbled"])
def test_a_damaged_list_of_checkpoints_is_written_anew(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    save_twice(tmp_path)
    listing = tmp_path / "checkpoint"
    listing.unlink() if damage == "gone" else listing.write_text("" if damage == "empty" else listing.read_text()[:30])

    other = new_state()
    manager = state.checkpoint_manager(other, tmp_path, keep=3)
    restored = state.restore(manager)
    assert restored and restored.endswith("ckpt-2")
    assert int(other.iteration) == 2
    assert "the list of checkpoints is damaged or gone; found ckpt-2" in caplog.text
    assert manager.save().endswith("ckpt-3")


def test_every_field_is_in_the_checkpoint(tmp_path: pathlib.Path) -> None:
    manager = state.checkpoint_manager(new_state(averaged=True), tmp_path, keep=1)
    names = {name.split("/")[0] for name, _ in tf.train.list_variables(manager.save())}
    assert {field.name for field in dataclasses.fields(state.TrainState)} <= names


@pytest.mark.parametrize("precision, of_optimizer", [("float32", ""), ("mixed_float16", "inner_optimizer/")])
def test_the_names_in_a_checkpoint_stay(tmp_path: pathlib.Path, precision: str, of_optimizer: str) -> None:
    """Old runs are resumed by them. Layers are counted with those that have no weights, so none may come or go."""
    manager = state.checkpoint_manager(new_state(precision, averaged=True), tmp_path, keep=1)
    shapes = {name.split("/.ATTRIBUTES")[0]: tuple(shape) for name, shape in tf.train.list_variables(manager.save())}
    expected = {
        "generator/_operations/7/moving_variance": (4,),
        "average/_operations/2/alpha": (1, 1, 4),
        "average/_operations/18/_kernel": (9, 9, 4, 3),
        "generator_optimizer/_iterations": (),
        f"generator_optimizer/{of_optimizer}_variables/2": (9, 9, 3, 4),
        f"discriminator_optimizer/{of_optimizer}_variables/2": (3, 3, 3, 2),
        "iteration": (),
        "step": (),
        "position": (),
    }
    assert expected.items() <= shapes.items()
    assert len(shapes) == (216 if precision == "float32" else 224)


def test_nothing_to_restore_is_no_error(tmp_path: pathlib.Path) -> None:
    assert state.restore(state.checkpoint_manager(new_state(), tmp_path, keep=1)) is None


def test_a_checkpoint_of_other_networks_is_refused(tmp_path: pathlib.Path) -> None:
    run = new_state()
    state.checkpoint_manager(run, tmp_path, keep=1).save()
    larger = srgan.build_generator(num_blocks=2, filters=4, upscale_filters=4)
    other = state.TrainState(larger, run.discriminator, keras.optimizers.Adam(), keras.optimizers.Adam())
    with pytest.raises(ValueError, match="does not fit these networks"):
        state.restore(state.checkpoint_manager(other, tmp_path, keep=1))


def test_float16_and_float32_agree_on_the_loss(batch: Batch) -> None:
    lr, hr = batch
    run, half = new_state(), new_state("mixed_float16")
    half.generator.set_weights(run.generator.get_weights())
    exact, rounded = (losses.mean_squared_error(hr, network.generator(lr, training=True)) for network in (run, half))
    assert float(rounded) == pytest.approx(float(exact), rel=1e-2)


@pytest.mark.slow
def test_xla_computes_the_same(batch: Batch) -> None:
    runs = [new_state(), new_state()]
    runs[1].generator.set_weights(runs[0].generator.get_weights())
    runs[1].discriminator.set_weights(runs[0].discriminator.get_weights())
    plain, compiled = (
        gan_step(
            run,
            options=steps.StepOptions(clip_norm=1.0, jit_compile=jit_compile, freeze_norms=True),
            shift=4,
            back_projection=True,
            teacher=enlarged,
            teacher_weight=1.0,
        )(*batch)
        for run, jit_compile in zip(runs, (False, True), strict=True)
    )
    for name, value in plain.items():
        np.testing.assert_allclose(value, compiled[name], rtol=1e-3, atol=1e-4, err_msg=name)
