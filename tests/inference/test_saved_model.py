import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from sr_keras.inference import model_info, saved_model
from sr_keras.networks import back_projection, srgan
from tests.folders import contents, listing
from tests.small_networks import small
from tests.types import TinyGenerator


@pytest.fixture
def servable(tiny_generator: TinyGenerator) -> saved_model.Servable:
    return saved_model.Servable(tiny_generator())


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (2, 5, 9, 3)])
def test_what_is_loaded_computes_what_was_saved(
    tmp_path: pathlib.Path, rng: np.random.Generator, servable: saved_model.Servable, shape: tuple[int, ...]
) -> None:
    saved_model.save(servable, tmp_path / "1")
    lr = rng.random(shape, dtype=np.float32)
    np.testing.assert_allclose(saved_model.ExportedNetwork(tmp_path / "1")(lr), servable(lr), atol=1e-6)


def test_an_export_holds_its_info(tmp_path: pathlib.Path, servable: saved_model.Servable) -> None:
    saved_model.save(servable, tmp_path / "1")
    assert saved_model.ExportedNetwork(tmp_path / "1").info == servable.info


def test_info_of_earlier_versions_is_read(tmp_path: pathlib.Path, servable: saved_model.Servable) -> None:
    saved_model.save(servable, tmp_path / "1")
    path = tmp_path / "1" / "assets.extra" / "sr_keras.json"
    path.write_text(path.read_text().replace('"receptive_field"', '"reach"'))
    assert model_info.read_info(tmp_path / "1") == servable.info


def test_what_was_just_exported_stays_though_others_are_newer(tmp_path: pathlib.Path, servable: saved_model.Servable) -> None:
    """As after a damaged checkpoint, when a run goes on from the one before it."""
    for version in (7, 8, 3):
        saved_model.save_version(servable, tmp_path, version, keep=1)
    assert listing(tmp_path) == ["3", "8"]


def test_a_copy_has_the_same_files_and_replaces_what_was_there(tmp_path: pathlib.Path, servable: saved_model.Servable) -> None:
    saved_model.save(servable, tmp_path / "run" / "1")
    (tmp_path / "best" / "1").mkdir(parents=True)
    (tmp_path / "best" / "1" / "older").touch()
    saved_model.copy(tmp_path / "run" / "1", tmp_path / "best" / "1")
    assert contents(tmp_path / "best") == contents(tmp_path / "run")
    assert listing(tmp_path / "best") == ["1"]


def test_an_export_stores_each_weight_once(tmp_path: pathlib.Path) -> None:
    generator = srgan.build_generator(num_blocks=2)
    saved_model.save(saved_model.Servable(generator), tmp_path / "1")
    size = sum(path.stat().st_size for path in (tmp_path / "1" / "variables").iterdir())
    assert size < 4 * generator.count_params() * 1.05


def corrected(generator: keras.Model, lr: np.ndarray) -> tf.Tensor:
    return back_projection.with_back_projection(generator, scale=4)(lr)


def test_weights_come_back_in_order(
    tmp_path: pathlib.Path, tiny_generator: TinyGenerator, servable: saved_model.Servable
) -> None:
    saved_model.save(servable, tmp_path / "1")
    weights = saved_model.load_weights(tmp_path)
    other = tiny_generator()
    other.set_weights(weights)
    lr = np.ones((1, 4, 4, 3), np.float32)
    np.testing.assert_allclose(servable(lr), corrected(other, lr), atol=1e-6)


def test_a_pyramid_is_exported_with_its_last_picture(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    """And all of its weights, in its own order."""
    generator = small("lapsrn")
    generator.set_weights([rng.random(weight.shape) for weight in generator.weights])
    servable = saved_model.Servable(generator)
    saved_model.save(servable, tmp_path / "1")
    lr = rng.random((1, 5, 6, 3), dtype=np.float32)
    assert generator(lr)[-1].shape == (1, 20, 24, 3)
    np.testing.assert_allclose(saved_model.ExportedNetwork(tmp_path)(lr), corrected(generator, lr), rtol=1e-4)
    for loaded, weight in zip(saved_model.load_weights(tmp_path), generator.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, weight)


def test_taken_weights_show_in_the_same_function(
    rng: np.random.Generator, tiny_generator: TinyGenerator, servable: saved_model.Servable
) -> None:
    trained = tiny_generator()
    lr = rng.random((1, 6, 6, 3), dtype=np.float32)
    before = servable(lr)
    servable.take_weights(trained)
    assert not np.allclose(servable(lr), before)
    np.testing.assert_allclose(servable(lr), corrected(trained, lr), atol=1e-6)
    assert servable.serve.experimental_get_tracing_count() == 1


def test_the_newest_versions_are_kept_and_loaded(tmp_path: pathlib.Path, servable: saved_model.Servable) -> None:
    for version in (1, 2, 9, 10):
        servable.weights[1].assign(servable.weights[1] + 1.0)
        saved_model.save_version(servable, tmp_path, version, keep=2)
    assert [path.name for path in model_info.versions(tmp_path)] == ["9", "10"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10", "9"]
    lr = np.ones((1, 4, 4, 3), np.float32)
    np.testing.assert_allclose(saved_model.ExportedNetwork(tmp_path)(lr), servable(lr), atol=1e-6)


def test_an_older_export_is_replaced(tmp_path: pathlib.Path, servable: saved_model.Servable) -> None:
    for _ in range(2):
        saved_model.save(servable, tmp_path / "1")
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def damage(folder: pathlib.Path, what: str) -> None:
    if what == "variables":
        next((folder / "variables").glob("*.data*")).write_bytes(b"")
    elif what == "graph":
        (folder / "saved_model.pb").write_bytes(b"damaged")
    elif what == "info":
        (folder / "assets.extra" / "sr_keras.json").write_text(json.dumps({"scale": 4}))
    else:
        (folder / "assets.extra" / "sr_keras.json").unlink()


@pytest.mark.parametrize(
    "what, reason",
    [
        ("variables", "damaged"),
        ("graph", "damaged"),
        ("info", "exported by another version"),
        ("stranger", "not one of sr_keras"),
    ],
)
def test_a_bad_model_is_named(tmp_path: pathlib.Path, servable: saved_model.Servable, what: str, reason: str) -> None:
    saved_model.save(servable, tmp_path / "1")
    damage(tmp_path / "1", what)
    with pytest.raises(model_info.ModelError, match=reason) as error:
        saved_model.ExportedNetwork(tmp_path)
    assert str(tmp_path / "1") in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_model_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(model_info.ModelError, match="no such model folder"):
        saved_model.ExportedNetwork(tmp_path / "nothing")
    with pytest.raises(model_info.ModelError, match="holds no SavedModel"):
        saved_model.load_weights(tmp_path)


def test_serving_finds_a_signature(interpolator: pathlib.Path, rng: np.random.Generator) -> None:
    """As TensorFlow Serving calls it: the default signature, by the names of its tensors."""
    signature = tf.saved_model.load(str(interpolator / "1")).signatures["serving_default"]
    [(name, spec)] = signature.structured_input_signature[1].items()
    assert (name, spec.dtype, spec.shape.as_list()) == ("lr", tf.float32, [None, None, None, 3])
    lr = rng.random((2, 5, 6, 3), dtype=np.float32)
    [sr] = signature(lr=tf.constant(lr)).values()
    np.testing.assert_array_equal(sr, saved_model.ExportedNetwork(interpolator)(lr))
