"""Drawn pictures: always the same, never flat, with smooth edges; `evaluate --data=drawn` and data_prep/draw_pictures.py."""

import json
import pathlib

import matplotlib
import numpy as np
import pytest
from fontTools import ttLib

from data_prep import draw_pictures
from sr_keras import evaluate
from sr_keras.evaluation import comparison
from sr_keras.photos import rgb
from sr_keras.photos.drawn_pictures import canvas, drawn, draws


def edges(picture: np.ndarray) -> np.ndarray:
    """Of each three pixels in a row whose ends differ much, the share of the way at which the middle one lies."""
    left, middle, right = (picture[:, begin : begin + canvas.WIDTH - 2].astype(float).mean(-1) for begin in range(3))
    is_edge = np.abs(right - left) > 60
    return np.asarray((middle - left)[is_edge] / (right - left)[is_edge])


def draw(*arguments: object) -> int:
    return draw_pictures.main([*map(str, arguments)])


@pytest.mark.parametrize("number", drawn.MEASURED)
def test_a_picture_is_the_same_again_and_neither_flat_nor_jagged(number: int) -> None:
    picture = drawn.picture(number)
    assert picture.dtype == np.uint8
    assert picture.shape == (canvas.HEIGHT, canvas.WIDTH, 3)
    np.testing.assert_array_equal(picture, drawn.picture(number))
    assert picture.std() > 15
    # Without antialiasing it is at most 0.06.
    assert (np.abs(edges(picture) - 0.5) < 0.35).mean() > 0.2


def test_each_kind_is_measured_and_no_picture_is_trained_on_too() -> None:
    assert {drawn.file_name(number).split("_")[1] for number in drawn.MEASURED} == {f"{kind}.png" for kind in drawn.KINDS}
    assert max(drawn.MEASURED) < drawn.FIRST_FOR_TRAINING


def test_all_numbers_are_other_pictures() -> None:
    pictures = {drawn.picture(number).tobytes() for number in (*drawn.MEASURED, *range(1000, 1020))}
    assert len(pictures) == 40


@pytest.mark.parametrize("hinted", [False, True])
def test_an_edge_within_a_pixel_is_a_level_between_ink_and_paper(hinted: bool) -> None:
    paper = canvas.Canvas(16, 8, (255, 255, 255), hinted=hinted)
    paper.box(canvas.Box(0, 0, 4.25, 8), (0, 0, 0))
    assert paper.picture()[3, 2:7, 0].tolist() == [0, 0, 191, 255, 255]


def test_each_font_has_all_letters() -> None:
    for name in drawn._FONTS:
        file = pathlib.Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
        with ttLib.TTFont(file) as font:
            assert {*draws._TEXT, *draws._TEXT.upper()} - {*map(chr, font.getBestCmap())} == set(), name


def test_evaluate_measures_on_drawn_pictures(
    interpolator: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(comparison, "_SPEED_SIDE", 32)
    monkeypatch.setattr(drawn, "MEASURED", range(len(drawn.KINDS)))
    report = tmp_path / "report.json"
    assert evaluate.main([str(interpolator), "--data=drawn", "--degrade=web", f"--json={report}"]) == 0
    content = json.loads(report.read_text())
    bicubic, _, original, degraded, *_ = content["means"]
    assert [row["data"] for row in content["means"]] == ["drawn"] * 3 + ["drawn, web"] * 3
    assert original["ssim"] == 1
    assert degraded["psnr_db"] < bicubic["psnr_db"] < 30
    names = [drawn.file_name(number) for number in drawn.MEASURED]
    assert [row["photo"] for row in content["photos"] if row["method"] == "bicubic"] == 2 * names
    assert "drawn, web" in capsys.readouterr().out


def test_the_script_writes_pictures_that_are_not_measured(tmp_path: pathlib.Path) -> None:
    assert draw(tmp_path / "new" / "folder", "--count=3") == 0
    names = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    assert names == ["1000_text.png", "1001_lines.png", "1002_shapes.png"]
    np.testing.assert_array_equal(rgb.read_photo(tmp_path / "new" / "folder" / names[1]), drawn.picture(1001))


def test_the_script_refuses_what_exists_before_it_draws(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "1001_lines.png").touch()
    assert draw(tmp_path, "--count=3") == 2
    assert (
        capsys.readouterr().err
        == f"draw_pictures.py: {tmp_path / '1001_lines.png'}: exists; take another folder, or remove it\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["1001_lines.png"]


def test_the_script_refuses_a_folder_that_is_a_file(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert draw(tmp_path / "file", "--count=1") == 2
    assert capsys.readouterr().err == f"draw_pictures.py: {tmp_path / 'file'}: File exists\n"


@pytest.mark.parametrize("arguments", [[], ["--count=0"], ["--count=many"]])
def test_the_script_wants_a_count(tmp_path: pathlib.Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        draw(tmp_path, *arguments)
    assert "--count" in capsys.readouterr().err


def test_a_picture_that_can_not_be_written_is_one_line(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(path: pathlib.Path, photo: np.ndarray) -> None:
        raise rgb.PhotoError(f"{path}: No space left on device")

    monkeypatch.setattr(rgb, "write_photo", fail)
    assert draw(tmp_path, "--count=1") == 1
    assert capsys.readouterr().err == f"draw_pictures.py: {tmp_path / '1000_text.png'}: No space left on device\n"
