"""`upscale.py` and `python -m sr_keras.evaluate` as a person runs them."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import upscale
from sr_keras import data, evaluate, export, images, models
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def interpolator(tmp_path_factory):
    """The folder of an exported network that interpolates: small, and easy to tell from noise."""
    generator = models.build_generator(num_blocks=1, num_upscales=2, filters=4, upscale_filters=4)
    models.init_as_interpolator(generator)
    folder = tmp_path_factory.mktemp("interpolator")
    export.save(export.Servable(generator, export.Facts(*models.scale_and_reach(generator))), folder / "1")
    return folder


@pytest.fixture
def photo(tmp_path, noise):
    path = tmp_path / "photo.jpg"
    images.write_photo(path, noise(21, 34))
    return path


def run(*arguments):
    return upscale.main([*map(str, arguments)])


def test_the_result_lies_beside_the_photo(photo, interpolator, capsys):
    before = photo.read_bytes()
    assert run(photo, "--model", interpolator) == 0
    result = photo.with_name("photo_x4.jpg")
    assert images.read_photo(result).shape == (84, 136, 3)
    assert photo.read_bytes() == before
    [line] = capsys.readouterr().out.splitlines()
    assert f"{photo} (34x21) -> {result} (136x84)" in line


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (33, 16), (130, 129)])
def test_any_size(tmp_path, noise, interpolator, size):
    images.write_photo(tmp_path / "photo.png", noise(*size))
    assert run(tmp_path / "photo.png", "--model", interpolator, "--tile=16") == 0
    assert images.read_photo(tmp_path / "photo_x4.png").shape == (4 * size[0], 4 * size[1], 3)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK"])
def test_any_kind_of_picture(tmp_path, noise, interpolator, mode):
    picture = Image.fromarray(noise(9, 12)).convert(mode)
    picture.save(tmp_path / "photo.tif")
    assert run(tmp_path / "photo.tif", "--model", interpolator, "--output", tmp_path / "large.png") == 0
    assert images.read_photo(tmp_path / "large.png").shape == (36, 48, 3)


def test_formats_that_hold_no_photo_become_png(tmp_path, noise, interpolator):
    Image.fromarray(noise(9, 12)).save(tmp_path / "photo.gif")
    assert run(tmp_path / "photo.gif", "--model", interpolator) == 0
    assert (tmp_path / "photo_x4.png").exists()


def test_the_comparison_shows_both(photo, tmp_path, interpolator):
    assert run(photo, "--model", interpolator, "--comparison", tmp_path / "both.png") == 0
    both = images.read_photo(tmp_path / "both.png")
    sr = images.read_photo(photo)
    bicubic = images.resize_bicubic(sr, 84, 136)
    np.testing.assert_array_equal(both[-84:, 7:143], bicubic)
    assert both.shape[1] == 2 * 150 + 8


def test_an_existing_result_is_kept_unless_told(photo, interpolator, capsys):
    result = photo.with_name("photo_x4.jpg")
    result.write_bytes(b"precious")
    assert run(photo, "--model", interpolator) == 1
    assert "exists already; --overwrite replaces it" in capsys.readouterr().err
    assert result.read_bytes() == b"precious"
    assert run(photo, "--model", interpolator, "--overwrite") == 0
    assert images.read_photo(result).shape == (84, 136, 3)


def bad_inputs(tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    (tmp_path / "empty.png").write_bytes(b"")
    return {"text.jpg": "not a picture", "empty.png": "not a picture", "gone.png": "No such file", "": "Is a directory"}


def test_bad_input_is_one_clear_line(tmp_path, interpolator, capsys):
    for name, reason in bad_inputs(tmp_path).items():
        before = sorted(tmp_path.iterdir())
        assert run(tmp_path / name, "--model", interpolator, "--output", tmp_path / "out.png") == 1
        [line] = capsys.readouterr().err.splitlines()
        assert str(tmp_path / name) in line
        assert reason in line
        assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["--model", "nowhere"], "nowhere: no such model folder"),
        (["--output", "result.xyz"], "must end in .jpg"),
        (["--output", "nowhere/result.png"], "its folder does not exist"),
    ],
)
def test_wrong_use_is_one_clear_line(photo, interpolator, capsys, arguments, reason):
    defaults = [] if "--model" in arguments else ["--model", interpolator]
    assert run(photo, *defaults, *arguments) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert reason in line


def test_a_result_too_large_for_its_format_is_refused_before_the_work(tmp_path, interpolator, capsys):
    Image.new("RGB", (4100, 2)).save(tmp_path / "wide.webp")
    assert run(tmp_path / "wide.webp", "--model", interpolator) == 1
    assert ".webp holds at most 16383 pixels a side, not 16400x8" in capsys.readouterr().err


def test_the_photo_itself_is_never_replaced(photo, interpolator, capsys):
    before = photo.read_bytes()
    assert run(photo, "--model", interpolator, "--output", photo, "--overwrite") == 1
    assert "would replace the photo itself" in capsys.readouterr().err
    assert photo.read_bytes() == before


def test_help_needs_no_tensorflow():
    code = "import sys, upscale\ntry: upscale.main(['--help'])\nexcept SystemExit: print('tensorflow' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "False"


def test_nothing_but_the_result_line_is_printed(photo, interpolator):
    command = [sys.executable, "upscale.py", photo, "--model", interpolator]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stderr == ""
    assert len(result.stdout.splitlines()) == 1


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
