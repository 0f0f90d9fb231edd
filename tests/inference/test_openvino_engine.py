"""What OpenVINO computes, against TensorFlow; and that it does without it."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

from sr_keras.inference import engine, model_info, openvino_models, openvino_runner, saved_model, strip_heights
from sr_keras.inference.picture_buffer import PictureBuffer
from sr_keras.inference.upscaler import Upscaler
from sr_keras.networks import generators
from tests.conftest import ROOT
from tests.small_networks import IMPORTED, imported, small
from tests.types import Noise

NAMES = (*generators.FAMILIES, *IMPORTED)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pathlib.Path]:
    """A small network of each kind, exported: of each family an interpolator, moved a little."""
    rng = np.random.default_rng(0)
    folders = {}
    for name in generators.FAMILIES:
        generator = small(name)
        generators.FAMILIES[name].init_as_interpolator(generator)
        generator.set_weights([w + 0.01 * rng.standard_normal(w.shape) for w in generator.get_weights()])
        folders[name] = tmp_path_factory.mktemp(name) / "1"
        saved_model.save(saved_model.Servable(generator, is_back_projected=name != "edsr"), folders[name])
    for name in IMPORTED:
        folders[name] = tmp_path_factory.mktemp(name.replace(" ", "_")) / "1"
        saved_model.save(saved_model.Servable(imported(name, rng), is_back_projected=False), folders[name])
    return folders


def upscaler(folder: pathlib.Path, **options: Any) -> Upscaler:
    return Upscaler.load(folder, **{"engine": "openvino", "precision": "float32"} | options)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (20, 33)])
def test_float32_is_what_tensorflow_computes(
    folders: dict[str, pathlib.Path], noise: Noise, name: str, size: tuple[int, int]
) -> None:
    photo = noise(*size)
    expected = upscaler(folders[name], engine="tensorflow").upscale(photo)
    difference = np.abs(upscaler(folders[name]).upscale(photo).astype(int) - expected)
    assert difference.max() <= 1
    assert np.count_nonzero(difference) <= max(1, difference.size / 1000)
    fine = upscaler(folders[name]).upscale(photo.astype(np.uint16) * 257)
    assert fine.dtype == np.uint16
    np.testing.assert_allclose(fine / 257, expected, atol=0.6)
    floats = photo / np.float32(255)
    exact = upscaler(folders[name], engine="tensorflow").upscale(floats)
    np.testing.assert_allclose(upscaler(folders[name]).upscale(floats), exact, atol=2e-5)


@pytest.mark.parametrize("scale", [1, 2, 8])
def test_model_info_of_another_scale_is_refused(tmp_path: pathlib.Path, scale: int) -> None:
    folder = tmp_path / "network"
    shutil.copytree(model_info.newest_version(model_info.SHIPPED_MODELS / "espcn"), folder)
    [info] = folder.glob("assets.extra/sr_keras.json")
    info.write_text(json.dumps(json.loads(info.read_text()) | {"scale": scale}))
    with pytest.raises(model_info.ModelError, match=f"does not enlarge {scale} times, as its model info says"):
        upscaler(folder)


@pytest.mark.parametrize("name", NAMES)
def test_strips_and_columns_do_not_show(folders: dict[str, pathlib.Path], noise: Noise, name: str) -> None:
    photo = noise(41, 37)
    whole = upscaler(folders[name]).upscale(photo).astype(int)
    for tile in (3, 12):
        assert np.abs(upscaler(folders[name], tile=tile).upscale(photo) - whole).max() <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("block", [100, 1000])
def test_blocks_of_rows_do_not_show(
    folders: dict[str, pathlib.Path], noise: Noise, monkeypatch: pytest.MonkeyPatch, name: str, block: int
) -> None:
    photo = noise(41, 17)
    whole = upscaler(folders[name]).upscale(photo).astype(int)
    monkeypatch.setattr(strip_heights, "_BLOCK_VALUES", block)
    monkeypatch.setattr(strip_heights, "is_whole", lambda *_: False)
    assert np.abs(upscaler(folders[name]).upscale(photo) - whole).max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_reduced_precision_is_near(folders: dict[str, pathlib.Path], name: str) -> None:
    """On what photos are made of, and where a picture is one pixel wide."""
    fine = upscaler(folders[name])
    coarse = upscaler(folders[name], precision="auto")
    ramp = np.linspace(20, 235, 24)
    photo = np.stack(np.broadcast_arrays(ramp[:, np.newaxis], ramp, 128), axis=-1).astype(np.uint8)
    for part in (photo, photo[:, :1], photo[:1]):
        difference = np.abs(coarse.upscale(part).astype(int) - fine.upscale(part))
        assert difference.mean() < 0.5
        assert difference.max() <= 6


@pytest.mark.parametrize("width, scale", [(1, 4), (3, 1), (3, 4)])
def test_what_is_yielded_is_not_computed_over(width: int, scale: int) -> None:
    """A strip's result is taken while the next one is computed into the same memory."""
    blocks = np.arange(5 * width * scale**2 * 3, dtype=np.uint8).reshape(5, width, -1)
    buffer = PictureBuffer()
    picture = buffer.unblocked(blocks, scale)
    assert not np.shares_memory(picture, blocks)
    np.testing.assert_array_equal(picture[:scale, :scale].ravel(), blocks[0, 0])
    assert np.shares_memory(picture, buffer.unblocked(blocks[:3], scale))


def test_values_that_are_not_finite_are_an_error(tmp_path: pathlib.Path, noise: Noise) -> None:
    generator = small("edsr")
    generator.weights[1].assign(np.full(generator.weights[1].shape, np.nan))
    for is_back_projected in (False, True):
        saved_model.save(saved_model.Servable(generator, is_back_projected=is_back_projected), tmp_path / "1")
        with pytest.raises(ValueError, match="not finite"):
            upscaler(tmp_path / "1").upscale(noise(9, 8))


def test_out_of_memory_takes_smaller_strips(
    folders: dict[str, pathlib.Path], noise: Noise, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = noise(90, 40)
    expected = upscaler(folders["espcn"]).upscale(photo).astype(int)
    compute = openvino_runner._Runner.__call__
    strips = 0

    def scarce(self: Any, window: Any, outputs: Any) -> None:
        nonlocal strips
        strips += self._stage.is_last
        if self._stage.is_last and strips == 2:
            raise RuntimeError("Exception from graph.cpp: std::bad_alloc")
        compute(self, window, outputs)

    monkeypatch.setattr(openvino_runner._Runner, "__call__", scarce)
    assert np.abs(upscaler(folders["espcn"], memory_mb=1).upscale(photo) - expected).max() <= 1
    assert strips > 2


def test_too_little_memory_is_said(folders: dict[str, pathlib.Path], noise: Noise, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise RuntimeError("std::bad_alloc")

    monkeypatch.setattr(openvino_runner._Runner, "__call__", never)
    with pytest.raises(MemoryError):
        upscaler(folders["espcn"]).upscale(noise(20, 20))


def test_threads_share_an_upscaler(folders: dict[str, pathlib.Path], noise: Noise) -> None:
    shared = upscaler(folders["espcn"], tile=16)
    photos = [noise(20 + index % 3, 33) for index in range(6)]
    expected = [shared.upscale(photo) for photo in photos]
    results: list[Any] = [None] * len(photos)

    def work(index: int) -> None:
        results[index] = shared.upscale(photos[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(photos))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result, one in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, one)


def test_progress_can_end_the_work(folders: dict[str, pathlib.Path], noise: Noise) -> None:
    shares: list[float] = []

    def stop(share: float) -> None:
        shares.append(share)
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upscaler(folders["espcn"], tile=10).upscale_to(lambda *_: None, noise(60, 12), progress=stop)
    assert shares == sorted(shares) and shares[-1] < 1


def test_mixtures_and_ensembles(folders: dict[str, pathlib.Path], noise: Noise) -> None:
    photo = noise(15, 22)
    by_engine = [
        Upscaler(
            engine.load(name, folders["srgan"]),
            enlarging=engine.load(name, folders["espcn"]),
            denoise=0.4,
            precision="float32",
        ).upscale(photo, self_ensemble=True)
        for name in ("tensorflow", "openvino")
    ]
    assert np.abs(by_engine[0].astype(int) - by_engine[1]).max() <= 1


@pytest.mark.parametrize("limit, expected", [("1", 1), ("", os.cpu_count())])
def test_threads_can_be_limited(
    folders: dict[str, pathlib.Path], noise: Noise, monkeypatch: pytest.MonkeyPatch, limit: str, expected: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    shared = upscaler(folders["espcn"])
    shared.upscale(noise(5, 5))
    computing: Any = shared._shares[0][0]
    [models] = computing._models._compiled.values()
    assert {model.compiled.get_property("INFERENCE_NUM_THREADS") for model in models} == {expected}


def test_few_compiled_sizes_are_kept(folders: dict[str, pathlib.Path], noise: Noise) -> None:
    shared = upscaler(folders["espcn"])
    for width in range(3, 9):
        shared.upscale(noise(5, width))
    computing: Any = shared._shares[0][0]
    assert len(computing._models._compiled) <= openvino_models._KEPT_SIZES


@pytest.mark.parametrize("name", model_info.shipped())
@pytest.mark.parametrize("precision", ["auto", "float32"])
@pytest.mark.parametrize("size, largest", [(64, 1.02), (256, 1.02), (512, 1.02), (4000, 1.1)])
def test_little_is_computed_twice(name: str, size: int, largest: float, precision: str) -> None:
    assert Upscaler.load(name, engine="openvino", precision=precision).overlap_factor(size, size) <= largest


def test_an_export_of_earlier_versions_takes_tensorflow(
    folders: dict[str, pathlib.Path], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_has_gpu", lambda: False)
    assert engine.resolve("auto", tmp_path, "auto") == ("tensorflow", "the network has layers that TensorFlow alone computes")
    assert engine.resolve("auto", folders["espcn"], "float16").name == "tensorflow"
    assert engine.resolve("openvino", folders["espcn"], "auto") == ("openvino", "")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_exported_now_takes_openvino(
    folders: dict[str, pathlib.Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(engine, "_has_gpu", lambda: False)
    assert engine.resolve("auto", folders[name], "auto").name == "openvino"


def test_back_projection_of_a_network_with_a_grid_is_for_tensorflow_alone() -> None:
    assert saved_model.Servable(IMPORTED["rrdbnet by 2"](), is_back_projected=True).layers is None


def test_an_engine_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_is_installed", lambda name: name == "tensorflow")
    with pytest.raises(ValueError, match=r"pip install '\.\[cpu\]' in the checkout"):
        engine.devices("openvino")
    with pytest.raises(ValueError, match="engine must be one of"):
        engine.resolve("torch", pathlib.Path(), "auto")


# What Python takes for modules that are not there: all that docs/upscaling.md leaves out for who only enlarges.
WITHOUT_TENSORFLOW = """
import sys
sys.modules |= dict.fromkeys(("tensorflow", "keras", "tensorboard", "absl", "matplotlib"))
"""


def test_the_command_works_without_tensorflow(tmp_path: pathlib.Path) -> None:
    """As where `sr-keras[cpu]` was installed without it."""
    code = WITHOUT_TENSORFLOW + "from sr_keras.upscaling import command; sys.exit(command.main(sys.argv[1:]))"
    photo = ROOT / "sr_keras" / "sample" / "web.jpg"
    outputs = [tmp_path / "one.png", tmp_path / "two.png"]
    for output, options in zip(outputs, (["--model=espcn"], ["--denoise=0.5", "--verbose"]), strict=True):
        call = [sys.executable, "-c", code, str(photo), f"--output={output}", "--width=200", *options]
        result = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""})
        assert result.returncode == 0, result.stderr
        assert output.exists()
    assert "openvino" in result.stdout


def test_python_works_without_tensorflow() -> None:
    code = WITHOUT_TENSORFLOW + (
        "import numpy as np, sr_keras\n"
        "print(sr_keras.Upscaler.load('espcn').upscale(np.zeros((5, 4, 3), np.uint8)).shape, sr_keras.list_models())\n"
        "try: sr_keras.Upscaler.load('espcn', engine='tensorflow')\n"
        "except ValueError as error: print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "(20, 16, 3)" in result.stdout
    assert "engine tensorflow is not installed" in result.stdout
