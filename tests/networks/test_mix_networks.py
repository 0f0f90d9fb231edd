"""data_prep/mix_networks.py: weights of networks as one network."""

import pathlib

import keras
import numpy as np
import pytest

from data_prep import mix_networks
from sr_keras.inference import model_info, saved_model
from sr_keras.networks import edsr
from tests import small_networks


def exported(network: keras.Model, folder: pathlib.Path, *, is_back_projected: bool = False) -> pathlib.Path:
    saved_model.save(saved_model.Servable(network, is_back_projected=is_back_projected), folder)
    return folder


def random_edsr(num_blocks: int, seed: int) -> keras.Model:
    network = edsr.build(num_blocks, filters=4)
    rng = np.random.default_rng(seed)
    network.set_weights([0.2 * rng.standard_normal(array.shape) for array in network.get_weights()])
    return network


def test_what_training_brought_one_network_is_added_to_a_deeper_one(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deep, old, new = random_edsr(2, 0), random_edsr(1, 1), random_edsr(1, 2)
    folders = [exported(each, tmp_path / name) for each, name in ((deep, "deep"), (old, "old"), (new, "new"))]
    out = tmp_path / "out"
    parts = [f"{folder}:{share}" for folder, share in zip(folders, (1, -0.5, 0.5), strict=True)]
    assert mix_networks.main([str(out), *parts]) == 0
    assert f"--model={out}" in capsys.readouterr().out
    for layer in old.layers:
        if layer.weights:
            change = 0.5 * (new.get_layer(layer.name).get_weights()[0] - layer.get_weights()[0])
            kernel = deep.get_layer(layer.name).kernel
            kernel.assign(kernel + change)
            bias = deep.get_layer(layer.name).bias
            bias.assign(bias + 0.5 * (new.get_layer(layer.name).bias - layer.bias))
    lr = np.random.default_rng(3).random((1, 8, 9, 3), np.float32)
    np.testing.assert_allclose(saved_model.ExportedNetwork(out)(lr), deep(lr), atol=1e-4)
    info = model_info.read_info(out)
    assert info.training == "the weights of networks, mixed: deep 1, old -0.5, new 0.5"


def test_a_share_of_a_shallower_network_is_a_share_of_its_output(tmp_path: pathlib.Path) -> None:
    """Blocks that it lacks give nothing on, so all of the first network's share 0 leaves what the other computes."""
    deep, shallow = random_edsr(3, 0), random_edsr(1, 1)
    parts = [f"{exported(deep, tmp_path / 'deep')}:0", f"{exported(shallow, tmp_path / 'shallow')}:1"]
    assert mix_networks.main([str(tmp_path / "out"), *parts]) == 0
    lr = np.random.default_rng(3).random((1, 8, 9, 3), np.float32)
    np.testing.assert_allclose(saved_model.ExportedNetwork(tmp_path / "out")(lr), shallow(lr), atol=1e-4)


def test_back_projection_stays(tmp_path: pathlib.Path) -> None:
    folder = exported(small_networks.small("edsr"), tmp_path / "one", is_back_projected=True)
    assert mix_networks.main([str(tmp_path / "out"), f"{folder}:1"]) == 0
    lr = np.random.default_rng(3).random((1, 8, 9, 3), np.float32)
    one, same = (saved_model.ExportedNetwork(each) for each in (folder, tmp_path / "out"))
    assert same.info.back_projection
    np.testing.assert_allclose(same(lr), one(lr), atol=1e-5)


@pytest.mark.parametrize(
    "parts, complaint",
    [
        (["edsr:0.5", "photo:0.6"], "shares must sum up to 1, got 1.1"),
        (["edsr:0.5", "espcn:0.5"], "espcn has other layers than edsr, and can't grow to them"),
        (["edsr:nan", "photo:1"], "shares must sum up to 1, got nan"),
        (["edsr:1", "nowhere:0"], "nowhere: no such model folder"),
    ],
)
def test_what_can_not_be_mixed_is_one_line(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], parts: list[str], complaint: str
) -> None:
    assert mix_networks.main([str(tmp_path / "out"), *parts]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("mix_networks.py: ") and complaint in captured.err and captured.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("part", ["photo", "photo:", ":1", "photo:half"])
def test_a_part_is_a_network_and_a_share(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], part: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        mix_networks.main([str(tmp_path / "out"), part])
    assert "must be NETWORK:SHARE, such as photo:0.5" in capsys.readouterr().err


def test_a_folder_that_is_there_is_left_alone(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mix_networks.main([str(tmp_path), "edsr:1"]) == 2
    assert capsys.readouterr().err == f"mix_networks.py: {tmp_path} exists\n"
