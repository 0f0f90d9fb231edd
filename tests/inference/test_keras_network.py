"""An exported network that was built again computes what it computed, in float32 and nearly so in less."""

import pathlib
import shutil

import keras
import numpy as np
import pytest

import sr_keras
from sr_keras.inference import keras_network, layer_graph, model_info, saved_model
from tests import small_networks


def network_of(name: str) -> keras.Model:
    if name in small_networks.IMPORTED:
        return small_networks.imported(name, np.random.default_rng(0))
    return small_networks.small(name)


def rebuilt(network: keras.Model, policy: str) -> keras.Model:
    return keras_network.build(layer_graph.describe(network), network.get_weights(), policy)


@pytest.mark.parametrize("name", [*small_networks.SMALL, *small_networks.IMPORTED])
def test_it_is_the_same_network_in_float32_and_nearly_in_bfloat16(name: str) -> None:
    lr = np.random.default_rng(1).random((2, 9, 14, 3), dtype=np.float32)
    network = network_of(name)
    expected = small_networks.last_picture(network, lr)
    same = rebuilt(network, "float32")(lr, training=False)
    np.testing.assert_allclose(same, expected, atol=1e-5)
    near = rebuilt(network, "mixed_bfloat16")(lr, training=False)
    assert near.dtype == "float32"
    assert 0 < np.abs(near - expected).mean() < 0.02 * expected.std()


def test_colours_stay_float32() -> None:
    network = rebuilt(small_networks.small("edsr"), "mixed_bfloat16")
    precise = {layer.name for layer in network.layers if layer.compute_dtype == "float32"}
    assert {"subtract_mean", "head_conv", "add_mean"} <= precise
    assert not precise & {"stem_conv", "block1_conv2", "block1_relu", "up1_conv"}


def test_one_is_loaded_with_its_back_projection() -> None:
    folder = model_info.find_model("espcn")
    lr = np.random.default_rng(1).random((1, 8, 9, 3), dtype=np.float32)
    expected = saved_model.ExportedNetwork(folder)(lr)
    for network in (keras_network.load(folder, "float32"), sr_keras.load_network("espcn")):
        np.testing.assert_allclose(network(lr, training=False), expected, atol=1e-5)


def test_an_export_without_layers_is_named(tmp_path: pathlib.Path) -> None:
    copy = shutil.copytree(model_info.newest_version(model_info.find_model("espcn")), tmp_path / "1")
    (copy / "assets.extra" / "layers.json").unlink()
    with pytest.raises(model_info.ModelError, match=r"layers.json is missing: exported by an earlier version"):
        keras_network.load(tmp_path, "float32")


def test_a_layer_of_an_unknown_kind_is_named() -> None:
    graph = [layer_graph.Layer("waves", "fourier", (layer_graph.INPUT,)), layer_graph.Layer("conv", "conv", ("waves",), (0,))]
    with pytest.raises(layer_graph.UnknownLayerError, match=r"waves \(fourier\) is of an unknown kind"):
        keras_network.build(graph, [np.zeros((1, 1, 3, 3), np.float32)], "float32")
