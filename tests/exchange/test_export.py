"""`sr-keras export`: each file computes what the SavedModel does, and needs nothing else."""

import pathlib
import runpy
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from sr_keras import Upscaler
from sr_keras.evaluation import metrics
from sr_keras.exchange import export_command, exporting, int8_weights
from sr_keras.exchange.file_formats import FILE_FORMATS, FileFormat
from sr_keras.exchange.formats import FORMATS, Run
from sr_keras.inference import model_info, saved_model
from sr_keras.photos import rgb
from tests import small_networks

SIZES = [(1, 1), (1, 7), (9, 1), (8, 8), (13, 22), (31, 17)]


@pytest.fixture(scope="module", params=FORMATS)
def name(request: pytest.FixtureRequest) -> str:
    """Of a format whose packages are there."""
    for package in FILE_FORMATS[request.param].packages:
        pytest.importorskip(package)
    return str(request.param)


@pytest.fixture(scope="module")
def exported(name: str, interpolator: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp(name) / f"small{FILE_FORMATS[name].suffix}"
    assert export_command.main([str(interpolator), f"--format={name}", f"--output={path}"]) == 0
    return path


def load(name: str, path: pathlib.Path) -> Run:
    """`[h, w, 3]` to `[s h, s w, 3]` by the file alone."""
    run, is_nchw = FORMATS[name].load(path), FORMATS[name].layout == "NCHW"

    def upscale(photo: np.ndarray) -> np.ndarray:
        if not is_nchw:
            return np.asarray(run(photo[np.newaxis])[0])
        return np.asarray(run(np.ascontiguousarray(photo.transpose(2, 0, 1)[np.newaxis]))[0].transpose(1, 2, 0))

    return upscale


def require_same(name: str, path: pathlib.Path, network: pathlib.Path, rng: np.random.Generator) -> None:
    """The file and the SavedModel make the same pictures, of all sizes."""
    loaded, run = saved_model.ExportedNetwork(network), load(name, path)
    for height, width in SIZES:
        photo = rng.random((height, width, 3), dtype=np.float32)
        expected = np.clip(loaded(photo[np.newaxis])[0], 0, 1)
        np.testing.assert_allclose(run(photo), expected, atol=1e-4)


def test_a_file_computes_what_the_network_does(
    name: str, exported: pathlib.Path, interpolator: pathlib.Path, rng: np.random.Generator
) -> None:
    require_same(name, exported, interpolator, rng)


def test_a_file_tells_what_must_be_known(name: str, exported: pathlib.Path, interpolator: pathlib.Path) -> None:
    info = model_info.read_info(interpolator / "1")
    told = FORMATS[name].read_info(exported)
    assert (told["scale"], told["receptive_field"]) == (str(info.scale), str(info.receptive_field))
    assert told == exporting.metadata(info)
    bundled = exporting.metadata(model_info.read_info(model_info.newest_version(model_info.find_model("espcn"))))
    assert (bundled["licence"], bundled["grid"]) == ("Apache-2.0", "1")
    assert bundled["training"].startswith("ESPCN")


@pytest.mark.slow
def test_levels_in_are_levels_out(
    name: str, interpolator: pathlib.Path, tmp_path: pathlib.Path, rng: np.random.Generator
) -> None:
    path = tmp_path / f"levels{FILE_FORMATS[name].suffix}"
    assert export_command.main([str(interpolator), f"--format={name}", f"--output={path}", "--type=uint8"]) == 0
    photo = rng.integers(0, 256, (12, 9, 3), np.uint8)
    sr = load(name, path)(photo)
    assert sr.dtype == np.uint8
    expected = Upscaler.load(interpolator, precision="float32").upscale(photo)
    assert np.abs(sr.astype(int) - expected).max() <= 1
    assert np.abs(run_example(name, path, interpolator, photo, tmp_path) - expected).max() <= 1


@pytest.mark.slow
def test_weights_take_half_the_room(
    name: str, exported: pathlib.Path, interpolator: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"half{FILE_FORMATS[name].suffix}"
    code = export_command.main([str(interpolator), f"--format={name}", f"--output={path}", "--weights=float16"])
    if name == "onnx":
        assert code == 2
        assert capsys.readouterr().err == "sr-keras export: --format=onnx has no weights in float16\n"
    else:
        assert code == 0
        photo = np.full((5, 5, 3), 0.3, np.float32)
        np.testing.assert_allclose(load(name, path)(photo), load(name, exported)(photo), atol=4e-3)
        files = [FILE_FORMATS[name].files(each)[-1].stat().st_size for each in (path, exported)]
        assert files[0] < files[1]


@pytest.mark.slow
@pytest.mark.parametrize("network", ["espcn", "edsr"])
def test_weights_in_8_bits_take_a_quarter_and_lose_little(name: str, network: str, tmp_path: pathlib.Path) -> None:
    path, options = tmp_path / f"a{FILE_FORMATS[name].suffix}", [f"--format={name}", "--weights=int8"]
    if name == "litert":
        assert export_command.main([network, *options, f"--output={path}"]) == 2
        return
    assert export_command.main([network, *options, f"--output={path}"]) == 0
    weights = sum(array.nbytes for array in saved_model.load_weights(model_info.find_model(network)))
    assert FILE_FORMATS[name].files(path)[-1].stat().st_size < weights / 2 + 200_000
    hr = rgb.read_photo(rgb.SAMPLE / "photos" / "astronaut.jpg")[:256, :256]
    lr = rgb.to_float(rgb.resize_bicubic(hr, 64, 64))
    exact = np.clip(saved_model.ExportedNetwork(model_info.find_model(network))(lr[np.newaxis])[0], 0, 1)
    pictures = [rgb.to_uint8(sr) for sr in (exact, load(name, path)(lr))]
    assert np.abs(pictures[1].astype(int) - pictures[0]).max() <= 8
    before, after = (metrics.psnr_ssim(hr, picture, border=4)[0] for picture in pictures)
    assert abs(after - before) <= 0.05


@pytest.mark.slow
def test_weights_in_8_bits_that_lose_too_much_are_not_written(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export_command.main(["srgan", "--format=onnx", "--weights=int8", f"--output={tmp_path / 'a.onnx'}"]) == 2
    assert "not written, for the file would be off the network by" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_which_weights_become_int8(rng: np.random.Generator) -> None:
    """As in edsr and its back-projection, and as in espcn."""
    features, widening, colours = (64, 64), (64, 256), (3, 3)
    edsr = [(3, 64), features, features, widening, widening, (64, 3), colours, colours]
    assert int8_weights.chosen(edsr) == [False, True, True, False, False, False, False, False]
    assert int8_weights.chosen([(3, 64), (64, 32), (32, 48), colours]) == [False, True, False, False]
    kernel = rng.standard_normal((5, 4, 3, 3)).astype(np.float32)
    kernel[2] = 0
    levels, scale = int8_weights.rounded(kernel, axis=0)
    assert levels.dtype == np.int8
    assert scale.shape == (5, 1, 1, 1)
    assert (np.abs(levels * scale - kernel) <= scale / 2 + 1e-7).all()


def example_path(name: str) -> pathlib.Path:
    return pathlib.Path(__file__).parents[2] / "examples" / f"run_{name}.py"


def run_example(name: str, exported: pathlib.Path, model: pathlib.Path, photo: np.ndarray, folder: pathlib.Path) -> np.ndarray:
    """What a format's example makes of a photo with a file that was exported from a model."""
    Image.fromarray(photo).save(folder / "in.png")
    example = runpy.run_path(str(example_path(name)))
    example["main"].__globals__["TILE"] = 32
    info = model_info.read_info(model / "1")
    told = [info.scale, info.receptive_field] if name == "litert" else []
    example["main"](str(exported), str(folder / "in.png"), str(folder / "out.png"), *told)
    return np.asarray(Image.open(folder / "out.png")).astype(int)


def test_the_examples_need_nothing_of_ours(
    name: str, exported: pathlib.Path, interpolator: pathlib.Path, tmp_path: pathlib.Path, rng: np.random.Generator
) -> None:
    """In tiles of which several are needed, and which don't show."""
    assert "import sr_keras" not in example_path(name).read_text()
    photo = rng.integers(0, 256, (45, 70, 3), np.uint8)
    sr = run_example(name, exported, interpolator, photo, tmp_path)
    assert np.abs(sr - Upscaler.load(interpolator, precision="float32").upscale(photo)).max() <= 1


def test_what_is_wrong_is_said_without_tensorflow(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.onnx").touch()
    calls = [["espcn", "--format=onnx", f"--output={tmp_path / 'a.onnx'}"], ["espcn", "--format=onnx", "--weights=float16"]]
    code = f"""
import sys
from sr_keras.exchange import export_command
print([export_command.main(call) for call in {calls}], "tensorflow" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[2, 2] False\n"


def test_what_is_there_stays(
    name: str, interpolator: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"mine{FILE_FORMATS[name].suffix}"
    path.write_text("mine")
    assert export_command.main([str(interpolator), f"--format={name}", f"--output={path}"]) == 2
    assert capsys.readouterr().err == f"sr-keras export: {path}: exists already; --overwrite replaces it\n"
    assert path.read_text() == "mine"
    assert export_command.main([str(interpolator), f"--format={name}", f"--output={tmp_path / 'mine.zip'}"]) == 2
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_missing_package_is_named(
    interpolator: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(FILE_FORMATS, "onnx", FileFormat((".onnx",), ("no_such_package",)))
    assert export_command.main([str(interpolator), "--format=onnx", f"--output={tmp_path / 'a.onnx'}"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line == "sr-keras export: --format=onnx needs no_such_package: pip install '.[onnx]' in the checkout"


def test_what_a_format_cannot_hold_is_a_line(
    name: str,
    interpolator: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def write(*_: object) -> None:
        raise RuntimeError("no Conv2D here\nof many lines")

    monkeypatch.setattr(type(FORMATS[name]), "write", write)
    path = tmp_path / f"a{FILE_FORMATS[name].suffix}"
    assert export_command.main([str(interpolator), f"--format={name}", f"--output={path}"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"sr-keras export: {path}: not written, for the format can't hold it (RuntimeError: no Conv2D here)"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind == "rrdbnet by 2" else pytest.mark.slow) for kind in small_networks.IMPORTED]
)
def test_imported_networks_compute_the_same(name: str, kind: str, tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    """One begins with a pixel unshuffle, repeats pixels and crops its picture."""
    network = tmp_path / "network"
    saved_model.save(saved_model.Servable(small_networks.imported(kind, rng), is_back_projected=False), network / "1")
    path = tmp_path / f"a{FILE_FORMATS[name].suffix}"
    assert export_command.main([str(network), f"--format={name}", f"--output={path}"]) == 0
    require_same(name, path, network, rng)
    photo = rng.integers(0, 256, (45, 41, 3), np.uint8)
    sr = run_example(name, path, network, photo, tmp_path)
    assert np.abs(sr - Upscaler.load(network, precision="float32").upscale(photo)).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("network", model_info.PURPOSES)
def test_bundled_networks_compute_the_same(name: str, network: str, tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    path = tmp_path / f"{network}{FILE_FORMATS[name].suffix}"
    assert export_command.main([network, f"--format={name}", f"--output={path}"]) == 0
    require_same(name, path, model_info.find_model(network), rng)
