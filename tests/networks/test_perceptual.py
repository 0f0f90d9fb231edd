"""Networks as a measure of what people see, with random weights."""

import itertools
import pathlib
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from data_prep import feature_model
from sr_keras.networks import perceptual

FIRES = {2: (64, 16, 64), 3: (128, 16, 64), 4: (128, 32, 128), 5: (256, 32, 128), 6: (256, 48, 192), 7: (384, 48, 192)}
FIRES |= {8: (384, 64, 256), 9: (512, 64, 256)}


@pytest.fixture(scope="module")
def arrays() -> dict[str, Any]:
    """Weights of the right names and shapes, of a size that keeps the features' size."""
    rng = np.random.default_rng(0)
    shapes = {"conv1": (3, 3, 3, 64)}
    for number, (inputs, squeezed, expanded) in FIRES.items():
        shapes[f"fire{number}/squeeze1x1"] = (1, 1, inputs, squeezed)
        shapes[f"fire{number}/expand1x1"] = (1, 1, squeezed, expanded)
        shapes[f"fire{number}/expand3x3"] = (3, 3, squeezed, expanded)
    kernels = {f"{name}/kernel": rng.normal(0, np.sqrt(2 / np.prod(shape[:3])), shape) for name, shape in shapes.items()}
    biases = {f"{name}/bias": rng.normal(0, 1, shape[3]) for name, shape in shapes.items()}
    return {name: array.astype(np.float32) for name, array in (kernels | biases).items()}


@pytest.fixture(scope="module")
def weights(arrays: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("squeezenet") / "weights.npz"
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="module")
def squeezenet(weights: pathlib.Path) -> keras.Model:
    return perceptual.squeezenet(weights)


@pytest.fixture
def photos(rng: np.random.Generator) -> np.ndarray:
    return rng.random((2, 40, 53, 3), dtype=np.float32)


def test_squeezenet_has_its_parameters_and_outputs(squeezenet: keras.Model, photos: np.ndarray) -> None:
    assert squeezenet.count_params() == 722_496
    assert not squeezenet.trainable_weights
    shapes = {name: features.shape for name, features in squeezenet(photos).items()}
    # 40x53 -> 19x26 by the first layer; each pooling rounds up: 9x13, 4x6, 2x3.
    assert shapes == {
        "conv1": (2, 19, 26, 64),
        "fire3": (2, 9, 13, 128),
        "fire5": (2, 4, 6, 256),
        "fire6": (2, 2, 3, 384),
        "fire7": (2, 2, 3, 384),
        "fire8": (2, 2, 3, 512),
        "fire9": (2, 2, 3, 512),
    }


def test_the_first_layer_sees_what_its_training_saw(
    squeezenet: keras.Model, arrays: dict[str, Any], photos: np.ndarray
) -> None:
    """Blue, green, red in 0..255, less their means."""
    seen = photos[..., ::-1] * 255 - np.array([103.939, 116.779, 123.68], np.float32)
    expected = tf.nn.relu(tf.nn.conv2d(seen, arrays["conv1/kernel"], 2, "VALID") + arrays["conv1/bias"])
    np.testing.assert_allclose(squeezenet(photos)["conv1"], expected, rtol=1e-3, atol=0.02)


def test_layers_are_had_by_name(squeezenet: keras.Model, photos: np.ndarray) -> None:
    model = keras.Model(squeezenet.input, squeezenet.get_layer("fire5").output)
    np.testing.assert_array_equal(model(photos), squeezenet(photos)["fire5"])


def test_the_distance_is_the_formula(squeezenet: keras.Model, photos: np.ndarray) -> None:
    hr, sr = photos[:1], photos[1:]
    expected = 0.0
    of_hr, of_sr = squeezenet(hr), squeezenet(sr)
    for name in of_hr:
        a, b = (features[name].numpy() / np.linalg.norm(features[name], axis=-1, keepdims=True) for features in (of_hr, of_sr))
        expected += np.square(a - b).sum(-1).mean()
    np.testing.assert_allclose(perceptual.feature_distance(squeezenet, hr, sr), [expected], rtol=1e-4)


def test_the_distance_grows_with_the_difference(squeezenet: keras.Model, photos: np.ndarray) -> None:
    distances = [
        perceptual.feature_distance(squeezenet, photos, photos + amount * photos[::-1]) for amount in (0, 0.01, 0.1, 0.5)
    ]
    assert np.all(distances[0].numpy() == 0)
    assert all(np.all(less.numpy() < more.numpy()) for less, more in itertools.pairwise(distances))


def test_the_distance_has_a_gradient_in_a_graph(squeezenet: keras.Model, photos: np.ndarray) -> None:
    """Also where features are all 0, or the same."""

    @tf.function
    def gradient(hr: tf.Tensor, sr: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(sr)
            loss = tf.reduce_mean(perceptual.feature_distance(squeezenet, hr, sr))
        return tape.gradient(loss, sr)

    assert np.abs(gradient(tf.constant(photos), tf.constant(photos[::-1].copy()))).max() > 0
    for flat in (0.0, 0.5):
        same = tf.fill([1, 33, 33, 3], flat)
        assert np.all(np.isfinite(gradient(same, same)))


def test_features_of_nothing_have_a_finite_gradient(arrays: dict[str, Any], tmp_path: pathlib.Path) -> None:
    """A bias far below 0 leaves no feature of the first layer above 0."""
    np.savez(tmp_path / "dead.npz", **arrays | {"conv1/bias": np.full(64, -1e6, np.float32)})
    model = perceptual.squeezenet(tmp_path / "dead.npz")
    hr, sr = tf.random.stateless_uniform([2, 1, 33, 33, 3], [0, 0])
    with tf.GradientTape() as tape:
        tape.watch(sr)
        distance = perceptual.feature_distance(model, hr, sr)
    assert np.all(np.isfinite(tape.gradient(distance, sr)))


@pytest.mark.parametrize("content", ["text", "other arrays", "other shapes"])
def test_other_files_are_refused(arrays: dict[str, Any], tmp_path: pathlib.Path, content: str) -> None:
    path = tmp_path / "weights.npz"
    if content == "text":
        path.write_text("no weights")
    else:
        key = {"other arrays": "conv2/kernel", "other shapes": "conv1/kernel"}[content]
        rest = {name: array for name, array in arrays.items() if name != "conv1/kernel"}
        np.savez(path, **rest | {key: np.zeros((1, 1, 3, 64), np.float32)})
    with pytest.raises(ValueError, match=r"weights\.npz: not the weights"):
        perceptual.squeezenet(path)


def test_vgg19_takes_rgb_from_0_to_1(rng: np.random.Generator) -> None:
    keras.utils.set_random_seed(0)
    model = perceptual.vgg19(weights=None)
    # It has been turned; turned back, it is as it would come from a training.
    first = model.get_layer("block1_conv1")
    kernel, bias = first.get_weights()
    photo = rng.random((1, 32, 32, 3), dtype=np.float32)
    seen = keras.applications.vgg19.preprocess_input(photo * 255)
    expected = tf.nn.relu(tf.nn.conv2d(seen, kernel[:, :, ::-1], 1, "SAME") + bias)
    features = keras.Model(model.input, first.output)(photo)
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-3)
    assert model.get_layer("block5_conv4").output.shape == (None, None, None, 512)
    assert not model.trainable_weights


def test_a_written_model_is_the_same(
    squeezenet: keras.Model, weights: pathlib.Path, photos: np.ndarray, tmp_path: pathlib.Path
) -> None:
    out = tmp_path / "features.keras"
    assert feature_model.main([f"--squeezenet={weights}", str(out)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["features.keras"]
    loaded = keras.saving.load_model(out)
    for name, features in squeezenet(photos).items():
        np.testing.assert_array_equal(loaded(photos)[name], features)


def test_vgg19_can_be_written_too(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    random = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3, name="block1_conv1")])
    monkeypatch.setattr(perceptual, "vgg19", lambda: random)
    assert feature_model.main(["--vgg19", str(tmp_path / "vgg19.keras")]) == 0
    assert keras.saving.load_model(tmp_path / "vgg19.keras").get_layer("block1_conv1")


def test_what_goes_wrong_is_one_line(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert feature_model.main([f"--squeezenet={tmp_path / 'none.npz'}", str(tmp_path / "out.keras")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not list(tmp_path.iterdir())
