import contextlib
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from sr_keras.benchmark import __main__ as benchmark
from sr_keras.benchmark import timing, training, upscaling, upscaling_processes
from sr_keras.data import sources
from sr_keras.inference import engine_speeds, model_info
from sr_keras.networks import flops, srgan
from sr_keras.photos import rgb
from sr_keras.runtime import processor
from tests import small_networks


def test_upscaling_is_measured_in_one_run(
    interpolator: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "MACHINE_SIDES", (64,))
    # A peer may have another precision than what it is compared with.
    peer = upscaling_processes.ours("tensorflow", "bfloat16", tile=None)
    monkeypatch.setattr(upscaling_processes, "peers", lambda *_: ([peer], []))
    monkeypatch.setattr(upscaling_processes, "onnx_file", contextlib.nullcontext)
    folder = model_info.newest_version(interpolator)
    rates, speeds, left_out = upscaling.measure(
        folder,
        height=9,
        width=12,
        engines=["openvino"],
        precisions=["float32"],
        before=None,
        peer_pythons=["python"],
        tile=None,
        repeats=1,
    )
    assert not left_out
    assert [speed.name for speed in speeds] == ["openvino", "tensorflow"]
    for speed in speeds:
        gflops = model_info.read_info(folder).operations / speed.seconds_per_megapixel / 1e3
        assert speed.of_machine == pytest.approx(gflops / rates[speed.precision])
        assert speed.of_machine_with_overlap == pytest.approx(speed.of_machine * speed.overlap_factor)
        assert speed.memory_mb > 50
        assert speed.core_seconds_per_megapixel > 0
    monkeypatch.setattr(upscaling, "measure", lambda *_, **__: (rates, speeds, ["PyTorch: left out"]))
    assert benchmark.main(["upscale", f"--model={interpolator}"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("PyTorch: left out\n")
    assert "openvino, float32" in out
    assert "as --model=auto does: " in out
    assert "the machine's rate, float32" in out


def test_a_peer_that_is_not_installed_is_left_out_with_a_line() -> None:
    python = "no_such_python"
    contenders, left_out = upscaling_processes.peers(["float32"], None, [python])
    assert [each.name for each in contenders] == ["peer: TensorFlow", "peer: OpenVINO"]
    assert [line.split(":")[0] for line in left_out] == ["ONNX Runtime", "PyTorch"]
    assert python in left_out[1]


def test_the_fastest_engine_is_measured_and_kept(
    interpolator: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processor, "kind", lambda: "avx2")
    file = tmp_path / "speeds.json"
    assert benchmark.main(["engines", str(interpolator), "--size=9", "--repeats=1", f"--output={file}"]) == 0
    assert "float32   " in capsys.readouterr().out
    [speeds] = engine_speeds.read(file)
    assert speeds.place == ("avx2", "float32", engine_speeds.family(model_info.newest_version(interpolator)))
    assert all(0 < seconds < 1000 for seconds in speeds.seconds_per_megapixel.values())


def test_an_unknown_commit_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "MACHINE_SIDES", (64,))
    assert benchmark.main(["upscale", "--model=espcn", "--before=nothing"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "--before=nothing" in line


def test_a_missing_model_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["upscale", "--model=nowhere"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m sr_keras.benchmark: nowhere: no such model folder")


def tiny_networks() -> tuple[keras.Model, keras.Model]:
    return srgan.build_generator(1, 2, 4, 4), srgan.build_discriminator(2)


def test_training_is_measured_in_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "MATRIX_SIDE", 64)
    monkeypatch.setattr(training, "_PHOTOS_A_TURN", 4)
    monkeypatch.setattr(timing, "cores", list)
    measured = training.train(
        sources.Files(sources.list_photos(rgb.SAMPLE / "photos"), rgb.SAMPLE),
        tiny_networks,
        policy="mixed_bfloat16",
        batch_size=2,
        hr_size=32,
        repeats=1,
    )
    assert set(measured.matrix_gflops) == {"float32", "bfloat16"}
    rows = measured.rows
    assert {training.OURS, training.PLAIN, training.BARE} <= set(rows)
    assert {training.PIPELINE, training.PIPELINE_REAL} <= set(rows)
    assert all(0 < row.photos_per_second < float("inf") for row in rows.values())
    for name, number_format, count in [
        (training.OURS, "bfloat16", flops.of_gan_step),
        (training.PLAIN, "float32", flops.of_guides_step),
    ]:
        counted = count(*(flops.count(n, side, side) for n, side in zip(tiny_networks(), (8, 32), strict=True)))
        assert rows[name].gflops == pytest.approx(counted * rows[name].photos_per_second / 1e9)
        assert rows[name].of_matrix_product == pytest.approx(rows[name].gflops / measured.matrix_gflops[number_format])
    assert measured.host_mb > 100
    assert keras.mixed_precision.dtype_policy().name == "float32"


@pytest.mark.parametrize("name", small_networks.SMALL)
def test_the_plain_twin_is_the_same_network_of_keras_layers(rng: np.random.Generator, name: str) -> None:
    """All but those that Keras doesn't have, which hold no weights."""
    generator = small_networks.small(name)
    twin = training.plain_twin(generator)
    assert all(type(layer).__module__.startswith("keras.") for layer in twin.layers if layer.weights)
    twin.set_weights(generator.get_weights())
    lr = rng.random((1, 5, 6, 3), dtype=np.float32)
    for plain, ours in zip(*(tf.nest.flatten(network(lr)) for network in (twin, generator)), strict=True):
        np.testing.assert_allclose(plain, ours, atol=1e-5)


@pytest.mark.parametrize("name", small_networks.SMALL)
def test_the_plain_step_trains_each_generator_alone(rng: np.random.Generator, name: str) -> None:
    network = training.plain_twin(small_networks.small(name))
    before = network.get_weights()
    lr, hr = (rng.random((2, side, side, 3), dtype=np.float32) for side in (8, 32))
    assert all(np.isfinite(loss) for loss in training.plain_pixel_step(network)(lr, hr).values())
    assert any((old != new).any() for old, new in zip(before, network.get_weights(), strict=True))


def test_the_plain_step_trains_both_networks(rng: np.random.Generator) -> None:
    networks = [training.plain_twin(network) for network in tiny_networks()]
    before = [network.get_weights() for network in networks]
    lr, hr = (rng.random((2, side, side, 3), dtype=np.float32) for side in (8, 32))
    assert all(np.isfinite(loss) for loss in training.plain_step(*networks)(lr, hr).values())
    for network, weights in zip(networks, before, strict=True):
        assert any((old != new).any() for old, new in zip(weights, network.get_weights(), strict=True))


def test_training_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    row = training.TrainingSpeed(2.0, 30.0, 0.5)
    rows = dict.fromkeys([training.OURS, training.PLAIN, training.BARE], row)
    rows |= {training.PIPELINE: row, training.PIPELINE_REAL: row._replace(photos_per_second=1.0)}
    measured = training.Measured(rows, {"float32": 60.0}, 1000.0, None)
    monkeypatch.setattr(training, "train", lambda *_, **__: measured)
    assert benchmark.main(["train"]) == 0
    out = capsys.readouterr().out
    assert "our step : plain step = 1.00" in out
    assert "data pipeline, real : our step = 0.50" in out


def test_no_photos_are_one_line(capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path) -> None:
    assert benchmark.main(["train", f"--data={tmp_path}"]) == 2
    assert (
        capsys.readouterr().err
        == f"python -m sr_keras.benchmark: {tmp_path}: holds no photo ({', '.join(sorted(rgb.PHOTO_SUFFIXES))})\n"
    )
