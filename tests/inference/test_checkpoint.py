import pathlib

import keras
import numpy as np
import pytest

from sr_keras.inference import checkpoint, layer_graph, model_info, saved_model
from sr_keras.networks import generators
from tests.small_networks import IMPORTED, small


def bundled(name: str) -> pathlib.Path:
    return model_info.newest_version(model_info.SHIPPED_MODELS / name)


@pytest.mark.parametrize("name", model_info.shipped())
def test_weights_are_read_as_tensorflow_reads_them(name: str) -> None:
    weights = checkpoint.read_weights(bundled(name))
    for ours, theirs in zip(weights, saved_model.load_weights(bundled(name)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", model_info.shipped())
def test_the_layers_of_bundled_networks_take_all_of_their_weights(name: str) -> None:
    layers = layer_graph.read(bundled(name))
    places = [place for layer in layers for place in layer.weights]
    assert sorted(places) == list(range(len(checkpoint.read_weights(bundled(name)))))


@pytest.mark.parametrize("name", [*generators.FAMILIES, *IMPORTED])
def test_layers_are_written_and_read(tmp_path: pathlib.Path, name: str) -> None:
    layers = layer_graph.describe(IMPORTED[name]() if name in IMPORTED else small(name))
    layer_graph.write(layer_graph.to_json(layers), tmp_path)
    assert layer_graph.read(tmp_path) == layers


def test_a_layer_that_has_no_name_here_is_for_tensorflow_alone() -> None:
    lr = keras.Input((None, None, 3))
    with pytest.raises(layer_graph.UnknownLayerError, match="pooled"):
        layer_graph.describe(keras.Model(lr, keras.layers.AveragePooling2D(2, name="pooled")(lr)))


def test_a_damaged_index_is_named(tmp_path: pathlib.Path) -> None:
    source = bundled("espcn") / "variables"
    (tmp_path / "variables").mkdir()
    for path in source.iterdir():
        content = path.read_bytes()
        (tmp_path / "variables" / path.name).write_bytes(content[: len(content) // 2])
    with pytest.raises(model_info.ModelError, match="damaged"):
        checkpoint.read_weights(tmp_path)


def test_an_export_without_layers_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(model_info.ModelError, match="earlier version"):
        layer_graph.read(tmp_path)
