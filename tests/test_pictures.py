"""`benchmarks/pictures.py` as a person runs it."""

import pathlib

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("av", minversion="18.1", exc_type=ImportError)

from benchmarks import pictures
from sr_keras.upscaling import corrections


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))
    (tmp_path / "deep").mkdir()
    photo.save(tmp_path / "deep" / "a.png")
    photo.convert("L").save(tmp_path / "a.png")
    photo.save(tmp_path / "a.tif")
    (tmp_path / "a.txt").write_text("no picture")
    return tmp_path


def test_results_are_held_against_their_sources(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pictures.main([str(folder), "--pixel_art", "--scale=2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:] == [
        "| .png | 2 | 0 | 0 | 0 |",
        "| .tif | 1 | 0 | 0 | 0 |",
        "| .txt | 0 | 0 | 0 | 1 |",
        "| all | 3 | 0 | 0 | 1 |",
        "refused, 1: not a picture",
    ]


def test_a_wrong_result_is_named(
    folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def black(frame: Image.Image, size: tuple[int, int]) -> Image.Image:
        return Image.new(frame.mode, size)

    monkeypatch.setattr(corrections, "repeated", black)
    assert pictures.main([str(folder), "--pixel_art", "--scale=2"]) == 1
    assert capsys.readouterr().out.count("not alike: ") == 3


def test_no_folder_is_wrong_use(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pictures.main([str(tmp_path / "gone")]) == 2
    assert "gone: no such folder" in capsys.readouterr().err
