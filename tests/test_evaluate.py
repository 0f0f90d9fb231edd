"""`python -m sr_keras.evaluate` as a person runs it."""

import json

import numpy as np
import pytest

from sr_keras import data, evaluate, images


@pytest.fixture
def photos(tmp_path):
    """Two originals and their low-resolution files; one original is no multiple of 4."""
    hr_dir, lr_dir = tmp_path / "hr", tmp_path / "lr"
    for folder in (hr_dir, lr_dir):
        folder.mkdir()
    whole = images.read_photo(data.SAMPLE / "photos" / "cat.jpg")
    for name, hr in {"a.png": whole[:101, 150:271], "b.png": whole[80:200, 100:240]}.items():
        images.write_photo(hr_dir / name, hr)
        height, width = (length // 4 for length in hr.shape[:2])
        images.write_photo(lr_dir / name, images.resize_bicubic(hr[: 4 * height, : 4 * width], height, width))
    return hr_dir, lr_dir


def test_evaluation_prints_a_table_and_writes_json(photos, interpolator, tmp_path, capsys):
    hr_dir, lr_dir = photos
    report = tmp_path / "report.json"
    assert evaluate.main([f"--model={interpolator}", f"--hr={hr_dir}", f"--lr={lr_dir}", f"--json={report}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["a.png", "b.png", "mean"]
    content = json.loads(report.read_text())
    assert [row["photo"] for row in content["photos"]] == ["a.png", "b.png"]
    assert content["mean"]["psnr_db"] == pytest.approx(np.mean([row["psnr_db"] for row in content["photos"]]))


def test_evaluation_makes_the_small_photos_itself(photos, interpolator, tmp_path):
    hr_dir, lr_dir = photos
    for name, more in {"given": [f"--lr={lr_dir}"], "made": []}.items():
        arguments = [f"--model={interpolator}", f"--hr={hr_dir}", f"--json={tmp_path / name}", *more]
        assert evaluate.main(arguments) == 0
    given, made = (json.loads((tmp_path / name).read_text())["mean"] for name in ("given", "made"))
    assert given == made


def test_evaluation_knows_bicubic(tmp_path, interpolator):
    """With given low-resolution files, as for Set5; the numbers are those of tests/test_metrics.py."""
    for name, side in {"hr": 512, "lr": 128}.items():
        (tmp_path / name).mkdir()
        photo = images.read_photo(data.SAMPLE / "photos" / "astronaut.jpg")
        images.write_photo(tmp_path / name / "astronaut.png", images.resize_bicubic(photo, side, side))
    arguments = [f"--model={interpolator}", f"--hr={tmp_path / 'hr'}", f"--lr={tmp_path / 'lr'}"]
    assert evaluate.main([*arguments, f"--json={tmp_path / 'report.json'}"]) == 0
    mean = json.loads((tmp_path / "report.json").read_text())["mean"]
    assert mean["bicubic_psnr_db"] == pytest.approx(26.8231, abs=0.01)
    assert mean["bicubic_ssim"] == pytest.approx(0.84427, abs=0.0005)


def test_bicubic_measures_like_bicubic(photos):
    """A network that is bicubic has bicubic's numbers in both halves of the table, and moves no colour."""
    pairs = evaluate.read_pairs(*photos, scale=4)
    rows = list(
        evaluate.evaluate(lambda lr: images.resize_bicubic(lr, *(4 * n for n in lr.shape[:2])), pairs, scale=4, tile=16)
    )
    for row in rows:
        assert (row.psnr_db, row.ssim) == (row.bicubic_psnr_db, row.bicubic_ssim)
        assert row.colour_shift == row.edge_db == 0
        assert row.seam == 1


@pytest.mark.parametrize("missing", ["hr", "lr", "empty"])
def test_evaluation_names_what_is_missing(photos, interpolator, tmp_path, capsys, missing):
    hr_dir, _ = photos
    (tmp_path / "empty").mkdir()
    arguments = {
        "hr": ["--hr=nowhere"],
        "lr": [f"--hr={hr_dir}", f"--lr={tmp_path / 'empty'}"],
        "empty": [f"--hr={tmp_path / 'empty'}"],
    }[missing]
    assert evaluate.main([f"--model={interpolator}", *arguments]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_low_resolution_file_of_the_wrong_size_is_named(photos, interpolator, noise, capsys):
    hr_dir, lr_dir = photos
    images.write_photo(lr_dir / "b.png", noise(20, 20))
    assert evaluate.main([f"--model={interpolator}", f"--hr={hr_dir}", f"--lr={lr_dir}"]) == 1
    assert "b.png: its low-resolution file must have 35x30 pixels, has 20x20" in capsys.readouterr().err
