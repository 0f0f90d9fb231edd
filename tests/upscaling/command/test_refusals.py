"""What `upscale.py` refuses, in one clear line."""

import os
import pathlib
import shutil
from collections.abc import Callable

import pytest
from PIL import Image

from tests.upscaling.command.conftest import Run


def test_a_strength_is_for_networks_that_restore(photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(photo, "--denoise=0.5") == 2
    assert "only enlarges, so there is no strength to choose" in capsys.readouterr().err
    # Before any file is looked for.
    assert run("gone.jpg", "--list=gone.txt", "--denoise=0.5") == 2
    assert "only enlarges, so there is no strength to choose" in capsys.readouterr().err
    for denoise in ("-1", "1.5", "nan", "much"):
        assert run(photo, f"--denoise={denoise}") == 2


def bad_inputs(tmp_path: pathlib.Path) -> dict[str, str]:
    Image.new("RGB", (64, 64)).save(tmp_path / "whole.jpg")
    (tmp_path / "text.jpg").write_text("no photo")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "drawing.svg").write_text('\n<svg xmlns="http://www.w3.org/2000/svg"/>')
    (tmp_path / "pages.pdf").write_text("%PDF-1.7\n")
    (tmp_path / "drawing.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:-200])
    return {
        "text.jpg": "not a picture",
        "empty.png": "is empty",
        "drawing.svg": "not a picture of pixels, but a drawing in xml, such as svg",
        "pages.pdf": "not a picture of pixels, but a pdf document",
        "drawing.eps": "not a picture of pixels, but a postscript drawing",
        "gone.png": "no such file",
        "half.jpg": "truncated",
    }


def test_bad_input_is_one_clear_line(tmp_path: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for name, reason in bad_inputs(tmp_path).items():
        before = sorted(tmp_path.iterdir())
        assert run(tmp_path / name, "--output", tmp_path / "out.png") == 1
        [line] = capsys.readouterr().err.splitlines()
        assert str(tmp_path / name) in line
        assert reason in line.lower()
        assert sorted(tmp_path.iterdir()) == before


def test_a_picture_that_is_too_large_is_one_clear_line(
    photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(photo, "--max_pixels=10000") == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"upscale.py: {photo}: its result would have 11,424 pixels, more than --max_pixels=10000 allows"


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["--model=nowhere"], "nowhere: no such model folder"),
        (["--model=tests"], "tests: holds no SavedModel"),
        (["--scale=0"], "must be a number from 1"),
        (["--scale=2", "--width=10"], "exclude each other"),
        (["--quality=101"], "must be a whole number from 1 to 100"),
        (["--output=a.png", "--output_dir=b"], "exclude each other"),
        (["--overwrite", "--skip_existing"], "not allowed with"),
        (["--report=nowhere/report"], "there is no folder 'nowhere'"),
        (["--output=a.xyz"], "must end in"),
    ],
)
def test_wrong_use_is_one_clear_line(
    photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert run(photo, *arguments) == 2
    line, *_ = capsys.readouterr().err.splitlines()
    assert line.startswith("upscale.py: ")
    assert reason in line
    assert list(photo.parent.iterdir()) == [photo]


def test_a_strangers_model_is_refused(
    photo: pathlib.Path, run: Run, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], interpolator: pathlib.Path
) -> None:
    shutil.copytree(interpolator, tmp_path / "model")
    (tmp_path / "model" / "1" / "assets.extra" / "sr_keras.json").unlink()
    assert run(photo, f"--model={tmp_path / 'model'}") == 2
    assert "a SavedModel, but not one of sr_keras" in capsys.readouterr().err


@pytest.mark.parametrize("engine, part", [("tensorflow", "saved_model.pb"), ("openvino", "variables/variables.index")])
def test_a_damaged_model_is_refused(
    photo: pathlib.Path,
    run: Run,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    interpolator: pathlib.Path,
    engine: str,
    part: str,
) -> None:
    shutil.copytree(interpolator, tmp_path / "model")
    (tmp_path / "model" / "1" / part).write_bytes(b"damaged")
    assert run(photo, f"--model={tmp_path / 'model'}", f"--engine={engine}") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "damaged" in line


def test_nothing_named_is_wrong_use(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 2
    assert "name a photo" in capsys.readouterr().err


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_refused_at_once(
    tmp_path: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str], make: Callable[[pathlib.Path], None]
) -> None:
    make(tmp_path / "a.png")
    assert run(tmp_path / "a.png") in (1, 2)
    assert "a.png: " in capsys.readouterr().err
