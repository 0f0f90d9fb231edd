import dataclasses
import pathlib
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import psutil
import pytest
import tensorflow as tf
from PIL import Image

import sr_keras
from sr_keras.inference import model_info, saved_model, tensorflow_engine
from sr_keras.inference.tile_function import TileFunction
from sr_keras.inference.upscaler import Upscaler
from sr_keras.networks import srgan
from tests.conftest import ROOT
from tests.types import Noise


@pytest.fixture(scope="module")
def servable() -> saved_model.Servable:
    """A small network that interpolates, moved a little."""
    rng = np.random.default_rng(0)
    generator = srgan.build_generator(1, 2, 8, 8)
    srgan.init_as_interpolator(generator)
    generator.set_weights([w + 0.01 * rng.standard_normal(w.shape) for w in generator.get_weights()])
    return saved_model.Servable(generator)


@pytest.mark.parametrize("precision", model_info.PRECISIONS)
@pytest.mark.parametrize("height, width", [(1, 1), (30, 41), (64, 7)])
def test_the_tile_size_does_not_show(
    noise: Noise, servable: saved_model.Servable, precision: str, height: int, width: int
) -> None:
    """On random noise, from one pixel on."""
    photo = noise(height, width)
    whole = Upscaler(servable, precision=precision, tile=1000).upscale(photo)
    assert whole.shape == (4 * height, 4 * width, 3)
    for tile in (1, 8, 25) if height * width < 500 else (8, 25):
        difference = np.abs(Upscaler(servable, precision=precision, tile=tile).upscale(photo).astype(int) - whole)
        if precision == "float32":
            assert difference.max() <= 1
            assert np.count_nonzero(difference) <= difference.size / 10_000
        assert difference.max() <= 2


@pytest.fixture(scope="module")
def enlarging() -> saved_model.Servable:
    """A network that sees less far than the other, and makes something else."""
    generator = srgan.build_generator(0, 2, 8, 8)
    srgan.init_as_interpolator(generator)
    return saved_model.Servable(generator)


def test_strengths_lead_from_one_network_to_the_other(
    noise: Noise, servable: saved_model.Servable, enlarging: saved_model.Servable
) -> None:
    photo = noise(9, 11)
    ends = [Upscaler(network, precision="float32").upscale(photo).astype(int) for network in (enlarging, servable)]
    strengths = [
        Upscaler(servable, enlarging=enlarging, denoise=denoise, precision="float32").upscale(photo).astype(int)
        for denoise in (0, 0.25, 0.5, 1)
    ]
    np.testing.assert_array_equal(strengths[0], ends[0])
    np.testing.assert_array_equal(strengths[3], ends[1])
    np.testing.assert_allclose(strengths[1], 0.75 * ends[0] + 0.25 * ends[1], atol=0.51)
    np.testing.assert_allclose(strengths[2], 0.5 * ends[0] + 0.5 * ends[1], atol=0.51)


def test_the_tile_size_does_not_show_in_a_mixture(
    noise: Noise, servable: saved_model.Servable, enlarging: saved_model.Servable
) -> None:
    photo = noise(30, 41)
    mixtures = [
        Upscaler(servable, enlarging=enlarging, denoise=0.4, precision="float32", tile=tile).upscale(photo).astype(int)
        for tile in (1000, 8)
    ]
    assert np.abs(mixtures[0] - mixtures[1]).max() <= 1


@pytest.mark.parametrize("denoise", [-0.1, 1.1, float("nan")])
def test_other_strengths_are_refused(servable: saved_model.Servable, enlarging: saved_model.Servable, denoise: float) -> None:
    with pytest.raises(ValueError, match="denoise must be from 0 to 1"):
        Upscaler(servable, enlarging=enlarging, denoise=denoise)


def test_a_network_that_only_enlarges_has_no_strength(interpolator: pathlib.Path) -> None:
    with pytest.raises(model_info.ModelError, match="only enlarges"):
        Upscaler.load(interpolator, denoise=0.5)


def test_one_trace_serves_all_sizes(noise: Noise, servable: saved_model.Servable) -> None:
    upscaler = Upscaler(servable, precision="float32", tile=8)
    for size in ((9, 9), (20, 31), (1, 5)):
        upscaler.upscale(noise(*size))
    function: Any = servable.tile_function("uint8", "float32")
    assert function.experimental_get_tracing_count() == 1


def test_the_tile_size_follows_from_the_memory(servable: saved_model.Servable) -> None:
    sizes = [Upscaler(servable, precision="float32", memory_mb=memory).tile for memory in (1, 10, 100)]
    assert sizes == sorted(set(sizes))
    assert Upscaler(servable, precision="bfloat16", memory_mb=10).tile > sizes[1]
    assert Upscaler(servable, memory_mb=10, tile=64).tile == 64


def test_networks_that_see_far_have_larger_tiles_where_memory_is_free(
    servable: saved_model.Servable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Real-ESRGAN's, of which tiles in the usual memory are overlap for the most part."""

    class Network:
        def __init__(self, info: model_info.ModelInfo) -> None:
            self.info = info

        def tile_function(self, dtype: str, precision: str) -> TileFunction:
            raise NotImplementedError

    def engine(free_mb: int, info: model_info.ModelInfo) -> tensorflow_engine.TensorFlowEngine:
        monkeypatch.setattr(psutil, "virtual_memory", lambda: types.SimpleNamespace(available=free_mb * 10**6))
        return tensorflow_engine.TensorFlowEngine(Network(info), precision="float32", memory_mb=None, tile=None, device=None)

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    assert engine(1000, servable.info).tile == engine(10**6, servable.info).tile
    far = dataclasses.replace(servable.info, receptive_field=349, peak_values=3072, peak_margin=1)
    factors = [engine(free_mb, far).overlap_factor(8000, 8000) for free_mb in (1000, 8000, 16_000, 10**6)]
    assert factors == sorted(factors, reverse=True)
    assert factors[0] > 6
    assert factors[-1] < 2.1


def test_16_bit_photos_have_16_bit_results(noise: Noise, servable: saved_model.Servable) -> None:
    photo = noise(10, 12)
    fine = Upscaler(servable, precision="bfloat16").upscale(photo.astype(np.uint16) * 257)
    assert fine.dtype == np.uint16
    np.testing.assert_allclose(fine / 257, Upscaler(servable, precision="float32").upscale(photo), atol=0.51)
    assert len(np.unique(fine % 257)) > 200


@pytest.mark.parametrize("options", [{}, {"denoise": 0.25}])
def test_photos_of_floats_have_results_of_floats(
    noise: Noise, servable: saved_model.Servable, enlarging: saved_model.Servable, options: dict[str, Any]
) -> None:
    """Those of 16 bits, but not in steps; whatever the tile, and the mean of all rotations too."""
    photo = noise(10, 12)
    upscaler = Upscaler(servable, enlarging=enlarging if options else None, precision="bfloat16", tile=8, **options)
    for self_ensemble in (False, True):
        fine = upscaler.upscale(photo / np.float32(255), self_ensemble=self_ensemble)
        assert fine.dtype == np.float32
        levels = upscaler.upscale(photo.astype(np.uint16) * 257, self_ensemble=self_ensemble)
        np.testing.assert_allclose(65535 * fine, levels, atol=2)
        inside = fine[(fine > 0) & (fine < 1)]
        assert np.abs(65535 * inside - np.rint(65535 * inside)).mean() > 0.2


@pytest.mark.parametrize("value", [-0.01, 1.01, np.nan, np.inf])
def test_floats_that_are_no_tones_are_refused(servable: saved_model.Servable, value: float) -> None:
    photo = np.full((4, 4, 3), 0.5, np.float32)
    photo[1, 2, 0] = value
    with pytest.raises(ValueError, match=r"a float32 photo must be in \[0, 1\]"):
        Upscaler(servable).upscale(photo)


def test_the_ensemble_is_the_mean_of_flips_and_turns(noise: Noise, servable: saved_model.Servable) -> None:
    photo = noise(23, 40)
    upscaler = Upscaler(servable, precision="float32", tile=16)
    expected = np.zeros((92, 160, 3))
    for turns in range(4):
        for flip in (False, True):
            turned = np.rot90(photo, turns)
            sr = upscaler.upscale(np.ascontiguousarray(turned[:, ::-1] if flip else turned))
            expected += np.rot90(sr[:, ::-1] if flip else sr, -turns) / 8
    ensemble = upscaler.upscale(photo, self_ensemble=True)
    np.testing.assert_allclose(ensemble, expected, atol=0.51)
    assert np.abs(ensemble.astype(int) - upscaler.upscale(photo)).max() > 1


@pytest.mark.parametrize(
    "photo",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float64), np.zeros((0, 4, 3), np.uint8)],
)
def test_what_is_no_photo_is_refused(servable: saved_model.Servable, photo: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a photo must be uint8, uint16 or float32"):
        Upscaler(servable).upscale(photo)


@pytest.mark.parametrize("options", [{"precision": "int8"}, {"memory_mb": 0}, {"tile": 0}])
def test_wrong_options_are_refused(servable: saved_model.Servable, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))} "):
        Upscaler(servable, **options)


def test_a_network_that_came_apart_is_an_error(noise: Noise, servable: saved_model.Servable) -> None:
    generator = srgan.build_generator(1, 2, 8, 8)
    generator.weights[-1].assign([np.nan] * 3)
    with pytest.raises(ValueError, match="not finite"):
        Upscaler(saved_model.Servable(generator)).upscale(noise(4, 4))


def test_out_of_memory_takes_smaller_tiles(
    noise: Noise, servable: saved_model.Servable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What TensorFlow raises where memory ends."""
    photo = noise(40, 50)
    expected = Upscaler(servable, precision="float32", tile=100).upscale(photo)
    function = servable.tile_function("uint8", "float32")

    def scarce(window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> tf.Tensor:
        if max(size) > 20:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return function(window, start, size)

    monkeypatch.setattr(servable, "tile_function", lambda *_: scarce)
    difference = np.abs(Upscaler(servable, precision="float32", tile=100).upscale(photo).astype(int) - expected)
    assert difference.max() <= 1


def test_threads_share_an_upscaler(noise: Noise, servable: saved_model.Servable) -> None:
    upscaler = Upscaler(servable, precision="float32", tile=16)
    photos = [noise(20 + index, 33) for index in range(6)]
    expected = [upscaler.upscale(photo) for photo in photos]
    with ThreadPoolExecutor(len(photos)) as pool:
        results = list(pool.map(upscaler.upscale, photos))
    for result, one in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, one)


def test_a_program_needs_two_lines(tmp_path: pathlib.Path, noise: Noise, servable: saved_model.Servable) -> None:
    saved_model.save(servable, tmp_path / "1")
    assert sr_keras.Upscaler is Upscaler
    photo = noise(6, 7)
    loaded = sr_keras.Upscaler.load(tmp_path, engine="tensorflow")
    np.testing.assert_array_equal(loaded.upscale(photo), Upscaler(servable).upscale(photo))


def test_the_package_alone_does_not_import_tensorflow() -> None:
    code = "import sys, sr_keras; print('tensorflow' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"


def test_networks_go_to_their_devices(tmp_path: pathlib.Path) -> None:
    """Two logical CPUs stand for two GPUs, in a process of their own: devices are made before anything else."""
    code = """
import pathlib, sys, numpy as np, tensorflow as tf
[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from sr_keras.inference import saved_model
from sr_keras.inference.tile_function import TileFunction
from sr_keras.inference.upscaler import Upscaler
from sr_keras.networks import srgan
saved_model.save(saved_model.Servable(srgan.build_generator(1, 2, 4, 4)), pathlib.Path(sys.argv[1]))
photo = np.zeros((5, 6, 3), np.uint8)
for device in ("/CPU:0", "/CPU:1"):
    upscaler = Upscaler.load(sys.argv[1], device=device)
    network = upscaler._shares[0][0]._network
    assert all(w.device.endswith(device[1:]) for w in network._loaded.weights), device
    function = network.tile_function("uint8", "float32")
    with tf.device(device):
        sr = function(tf.constant(photo), tf.constant([0, 0]), tf.constant([5, 6]))
    assert sr.device.endswith(device[1:]), sr.device
    assert upscaler.upscale(photo).shape == (20, 24, 3)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "1")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_pictures_of_pillow_are_taken(noise: Noise, servable: saved_model.Servable) -> None:
    photo = noise(9, 7)
    upscaler = Upscaler(servable, precision="float32")
    np.testing.assert_array_equal(upscaler.upscale(Image.fromarray(photo)), upscaler.upscale(photo))
    with pytest.raises(ValueError, match="a photo must be uint8, uint16 or float32"):
        upscaler.upscale(Image.fromarray(photo).convert("RGBA"))


def test_after_a_fork_it_says_so_instead_of_waiting(
    noise: Noise, servable: saved_model.Servable, monkeypatch: pytest.MonkeyPatch
) -> None:
    upscaler = Upscaler(servable, precision="float32")
    monkeypatch.setattr("os.getpid", lambda: -1)
    with pytest.raises(RuntimeError, match="loaded before a fork"):
        upscaler.upscale(noise(3, 4))
