"""`python -m sr_keras.evaluate` as a person runs it."""

import json
import math
import pathlib
import sys
import types
from typing import Any

import numpy as np
import pytest

from sr_keras import evaluate
from sr_keras.evaluation import comparison, metrics, photo_sets, table
from sr_keras.inference import saved_model
from sr_keras.networks import perceptual, srgan
from sr_keras.photos import rgb
from tests.types import Noise


@pytest.fixture
def photos(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder of two originals and their low-resolution files, as the field's sets come; one original is no multiple of 4."""
    for name in ("HR", "LR_x4"):
        (tmp_path / "set" / name).mkdir(parents=True)
    whole = rgb.read_photo(rgb.SAMPLE / "photos" / "cat.jpg")
    for name, hr in {"a.png": whole[:101, 150:271], "b.png": whole[80:200, 100:240]}.items():
        rgb.write_photo(tmp_path / "set" / "HR" / name, hr)
        height, width = (length // 4 for length in hr.shape[:2])
        rgb.write_photo(tmp_path / "set" / "LR_x4" / name, rgb.resize_bicubic(hr[: 4 * height, : 4 * width], height, width))
    return tmp_path / "set"


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "_SPEED_SIDE", 32)


def measured(tmp_path: pathlib.Path, *arguments: object) -> dict[str, Any]:
    """What is written to `--json`."""
    report = tmp_path / "report.json"
    assert evaluate.main([*map(str, arguments), f"--json={report}"]) == 0
    report_content: dict[str, Any] = json.loads(report.read_text())
    return report_content


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_one_table_holds_all_networks_and_folders(
    photos: pathlib.Path, interpolator: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    rgb.write_photo(other / "c.png", rgb.read_photo(photos / "HR" / "a.png"))
    content = measured(tmp_path, interpolator, interpolator / "1", f"--data={photos}", f"--data={other}")
    printed = capsys.readouterr().out.splitlines()
    assert {"bicubic: the low-", "original: the ref"} <= {line[:17] for line in printed}
    heading, rule, *lines = [cells(line) for line in printed if line.startswith("|")]
    methods = ["bicubic", str(interpolator), str(interpolator / "1"), "original"]
    assert [line[:2] for line in lines] == [[name, method] for name in ("set", "other") for method in methods]
    assert {len(line) for line in (heading, rule, *lines)} == {len(heading)}
    assert heading[:6] == ["data", "method", "PSNR, dB", "SSIM", "colour error", "largest"]
    assert [row["photo"] for row in content["photos"]] == ["a.png"] * 4 + ["b.png"] * 4 + ["c.png"] * 4
    network, same_network = content["means"][1:3]
    assert network["psnr_db"] == same_network["psnr_db"]
    assert network["psnr_db"] == pytest.approx(np.mean([content["photos"][n]["psnr_db"] for n in (1, 5)]))
    assert network["largest_colour_error"] == max(content["photos"][n]["colour_error"] for n in (1, 5))
    assert f"{network['psnr_db']:.2f}" in lines[1]


def test_lines_of_photos_are_printed_on_request(
    photos: pathlib.Path, interpolator: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate.main([str(interpolator), f"--data={photos}", "--photos"]) == 0
    tables = capsys.readouterr().out.split("\n\n")
    assert [cells(line)[1] for line in tables[0].splitlines()[2:]] == ["a.png"] * 3 + ["b.png"] * 3
    assert "photo" not in tables[1].splitlines()[0]


def test_small_photos_are_as_given_or_made(photos: pathlib.Path, interpolator: pathlib.Path, tmp_path: pathlib.Path) -> None:
    hr_dir, lr_dir = photos / "HR", photos / "LR_x4"
    ways = (photos, hr_dir, f"{hr_dir},{lr_dir}")
    numbers = [measured(tmp_path, interpolator, f"--data={way}")["photos"] for way in ways]
    assert numbers[0] == numbers[1] == numbers[2]
    for name in ("a.png", "b.png"):
        rgb.write_photo(lr_dir / name, 255 - rgb.read_photo(lr_dir / name))
    assert measured(tmp_path, interpolator, f"--data={photos}")["photos"] != numbers[0]


def test_degraded_photos_are_measured_too(
    photos: pathlib.Path, interpolator: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the photos as they are, whose lines stay the same; and again with the same numbers."""
    arguments = [interpolator, f"--data={photos}"]
    clean = measured(tmp_path, *arguments)["photos"]
    capsys.readouterr()
    content = measured(tmp_path, *arguments, "--degrade=phone", "--degrade=cctv")
    heading, _, *lines = [cells(line) for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    names = [name for name in ("set", "set, phone", "set, cctv") for _ in range(3)]
    assert [line[0] for line in lines] == [row["data"] for row in content["means"]] == names
    assert content["photos"][:6] == clean
    assert content["photos"] == measured(tmp_path, *arguments, "--degrade=phone", "--degrade=cctv")["photos"]
    # What is measured of degraded photos alone.
    worn = [line[heading.index("of bicubic's")] for line in lines]
    assert worn[:3] == ["-"] * 3
    assert worn[3] == worn[6] == "1.00"
    assert "-" not in worn[3:]
    bicubic = [row for row in content["means"] if row["method"] == "bicubic"]
    assert [row["psnr_db"] for row in bicubic] == sorted((row["psnr_db"] for row in bicubic), reverse=True)
    assert bicubic[2]["flat_noise"] > bicubic[1]["flat_noise"] > 0
    assert bicubic[2]["blockiness"] > 1


def test_the_noise_left_is_a_share_of_bicubics() -> None:
    rows = [
        {"data": "a", "photo": photo, "method": method, "colour_error": 0, "flat_noise": noise}
        for photo, of_methods in {"1": {"bicubic": 2.0, "net": 1.0}, "2": {"bicubic": 6.0, "net": 3.0}}.items()
        for method, noise in of_methods.items()
    ]
    assert [row["noise_left"] for row in table.means(rows)] == [1, 0.5]


def test_networks_that_restore_are_compared_at_strengths(
    photos: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At 0 it is the network that only enlarges, and noise falls as the strength grows."""
    strengths = ("--denoise=0", "--denoise=0.5")
    content = measured(tmp_path, "edsr", "photo", f"--data={photos}", "--degrade=cctv", *strengths)
    means = {(row["data"], row["method"]): row for row in content["means"]}
    for data in ("set", "set, cctv"):
        assert means[data, "photo, denoise 0"]["psnr_db"] == means[data, "edsr"]["psnr_db"]
    noise = [means["set, cctv", f"photo{of}"]["flat_noise"] for of in (", denoise 0", ", denoise 0.5", "")]
    assert noise == sorted(noise, reverse=True)
    assert not any(method.startswith("edsr,") for _, method in means)
    capsys.readouterr()
    assert evaluate.main(["edsr", f"--data={photos}", *strengths]) == 2
    assert capsys.readouterr().err.endswith("denoise is for networks that restore; name one, such as photo\n")


def test_an_unknown_degradation_is_refused(
    photos: pathlib.Path, interpolator: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        evaluate.main([str(interpolator), f"--data={photos}", "--degrade=rain"])
    assert refusal.value.code == 2
    assert "invalid choice: 'rain'" in capsys.readouterr().err


def test_evaluation_knows_bicubic(tmp_path: pathlib.Path, interpolator: pathlib.Path) -> None:
    """The numbers are those of tests/evaluation/test_metrics.py."""
    (tmp_path / "HR").mkdir()
    rgb.write_photo(tmp_path / "HR" / "astronaut.png", rgb.read_photo(rgb.SAMPLE / "photos" / "astronaut.jpg"))
    bicubic, _, original = measured(tmp_path, interpolator, f"--data={tmp_path}")["means"]
    assert bicubic["psnr_db"] == pytest.approx(26.8231, abs=0.01)
    assert bicubic["ssim"] == pytest.approx(0.84427, abs=0.0005)
    assert bicubic["colour_error"] < 0.1
    assert 0.4 < bicubic["sharpness"] < 0.7
    assert (original["ssim"], original["colour_error"], original["sharpness"]) == (1, 0, 1)
    # JSON has no word for infinity.
    assert original["psnr_db"] is original["edge_db"] is original["seconds_per_megapixel"] is None


def test_seams_are_measured_at_the_tiles_borders(rng: np.random.Generator) -> None:
    hr = rng.integers(0, 100, (128, 128, 3), dtype=np.uint8)
    sr = hr.copy()
    sr[64:] += 100
    seams = [comparison.measure(hr, photo, scale=4, tile=16)["seam"] for photo in (hr, sr)]
    assert seams[0] == pytest.approx(1, abs=0.1)
    assert seams[1] > 1.5
    assert math.isnan(comparison.measure(hr, sr, scale=4, tile=32)["seam"])
    assert "seam" not in comparison.measure(hr, sr, scale=4, tile=None)


def test_a_reduced_precision_tells_what_it_costs(
    photos: pathlib.Path, interpolator: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    bicubic, network, _ = measured(tmp_path, interpolator, f"--data={photos}", "--precision=bfloat16")["means"]
    assert 0 < network["off_float32"] < network["most_off_float32"] < 10
    assert "off_float32" not in bicubic


def test_each_engine_finds_the_same(photos: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    by_engine = {}
    for engine in ("tensorflow", "openvino"):
        by_engine[engine] = measured(tmp_path, "espcn", f"--data={photos}", f"--engine={engine}")["means"][1]
        assert f"espcn: computed by {engine}, in float32\n" in capsys.readouterr().out
    assert by_engine["openvino"]["psnr_db"] == pytest.approx(by_engine["tensorflow"]["psnr_db"], abs=0.002)
    assert by_engine["openvino"]["psnr_db"] > measured(tmp_path, "espcn", f"--data={photos}")["means"][0]["psnr_db"]


def test_the_feature_distance_needs_weights(
    photos: pathlib.Path,
    interpolator: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    measured(tmp_path, interpolator, f"--data={photos}")
    assert "Left out: the SqueezeNet feature distance" in capsys.readouterr().out
    # A stand-in for the network: the features are the photo's colours.
    monkeypatch.setattr(perceptual, "squeezenet", lambda path: lambda photo, training: {"colours": photo})
    bicubic, _, original = measured(tmp_path, interpolator, f"--data={photos}", "--perceptual=weights.npz")["means"]
    assert "Left out: the SqueezeNet" not in capsys.readouterr().out
    assert original["feature_distance"] == 0 < bicubic["feature_distance"]


def test_piqe_needs_its_library(
    photos: pathlib.Path,
    interpolator: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(metrics, "has_piqe", lambda: False)
    assert "piqe" not in measured(tmp_path, interpolator, f"--data={photos}")["means"][0]
    assert "Left out: PIQE" in capsys.readouterr().out
    monkeypatch.setattr(metrics, "has_piqe", lambda: True)
    stand_in = types.SimpleNamespace(piqe=lambda photo: (photo[..., 0].mean(), None, None, None))
    monkeypatch.setitem(sys.modules, "pypiqe", stand_in)
    original = measured(tmp_path, interpolator, f"--data={photos / 'HR'}")["photos"][2]
    # Blue comes first there.
    assert original["piqe"] == pytest.approx(rgb.read_photo(photos / "HR" / "a.png")[:100, :120, 2].mean())


def test_spectra_show_each_method(photos: pathlib.Path, interpolator: pathlib.Path, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "spectra.png"
    assert evaluate.main([str(interpolator), f"--data={photos}", f"--spectra={file}"]) == 0
    drawn = rgb.read_photo(file)
    assert drawn.shape[:2] == (28 + 256, 3 * 256 + 2 * 8)
    # The original has quick waves, in the corners; the enlarged ones hardly any.
    corners = [drawn[28:38, left : left + 10].mean() for left in (0, 264, 528)]
    assert corners[2] > max(corners[:2])


def test_photos_too_small_for_a_spectrum_are_said(
    photos: pathlib.Path, interpolator: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    rgb.write_photo(small / "photo.png", rgb.read_photo(photos / "HR" / "a.png")[:48, :48])
    assert evaluate.main([str(interpolator), f"--data={small}", f"--spectra={tmp_path / 'spectra.png'}"]) == 2
    assert capsys.readouterr().err.startswith("python -m sr_keras.evaluate: no photo is large enough for ")
    assert not (tmp_path / "spectra.png").exists()


def test_crops_of_degraded_photos_are_named_so(photos: pathlib.Path, interpolator: pathlib.Path) -> None:
    methods = comparison.Methods(
        [str(interpolator)], engine="auto", precision="float32", tile=None, self_ensemble=False, denoise=(), peers={}
    )
    found = photo_sets.find(str(photos), 4)
    crops = comparison.compare(methods, [found, photo_sets.degraded(found, "web")], crops=True).crops
    assert [list(titles)[-1] for titles in crops] == [
        "original of a.png",
        "original of b.png",
        "original of a.png, web",
        "original of b.png, web",
    ]


def test_crops_show_each_method(photos: pathlib.Path, interpolator: pathlib.Path, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "crops.png"
    assert evaluate.main([str(interpolator), f"--data={photos}", f"--crops={file}"]) == 0
    height, width, _ = rgb.read_photo(file).shape
    assert height > 2 * 3 * 80
    assert width > 3 * 3 * 80


@pytest.mark.parametrize("missing", ["folder", "lr", "photos", "model", "weights"])
def test_what_is_missing_is_named_in_one_line(
    photos: pathlib.Path, interpolator: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    (tmp_path / "empty").mkdir()
    arguments = {
        "folder": ["--data=nowhere"],
        "lr": [f"--data={photos / 'HR'},{tmp_path / 'empty'}"],
        "photos": [f"--data={tmp_path / 'empty'}"],
        "model": ["nothing", f"--data={photos}"],
        "weights": [f"--data={photos}", "--perceptual=nowhere.npz"],
    }[missing]
    assert evaluate.main([str(interpolator), *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_networks_of_two_scales_are_not_compared(
    photos: pathlib.Path, interpolator: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved_model.save(saved_model.Servable(srgan.build_generator(1, 1, 4, 4)), tmp_path / "x2" / "1")
    assert evaluate.main([str(interpolator), str(tmp_path / "x2"), f"--data={photos}"]) == 2
    assert "one scale" in capsys.readouterr().err


def test_a_low_resolution_file_of_the_wrong_size_is_named(
    photos: pathlib.Path, interpolator: pathlib.Path, noise: Noise, capsys: pytest.CaptureFixture[str]
) -> None:
    rgb.write_photo(photos / "LR_x4" / "b.png", noise(20, 20))
    assert evaluate.main([str(interpolator), f"--data={photos}"]) == 2
    assert "b.png: its low-resolution file must have 35x30 pixels, has 20x20" in capsys.readouterr().err


@pytest.mark.parametrize("lr_dir, name", [("LR_bicubic/X4", "{}x4.png"), ("LR_bicubic/X4", "{}.png"), ("LR_x4", "{}x4.png")])
def test_small_photos_are_found_where_the_fields_sets_have_them(photos: pathlib.Path, lr_dir: str, name: str) -> None:
    whole = [pair.lr for pair in photo_sets.read_pairs(photo_sets.find(str(photos), 4), 4)]
    (photos / "LR_x4").rename(photos / "given")
    (photos / lr_dir).mkdir(parents=True)
    for letter in "ab":
        # Marked, to be told from what is made.
        marked = 255 - rgb.read_photo(photos / "given" / f"{letter}.png")
        rgb.write_photo(photos / lr_dir / name.format(letter), marked)
    found = photo_sets.find(str(photos), 4)
    assert found.origin == f"set: low-resolution photos from {photos / lr_dir}"
    for pair, made in zip(photo_sets.read_pairs(found, 4), whole, strict=True):
        np.testing.assert_array_equal(pair.lr, 255 - made)
    assert photo_sets.find(str(photos), 2).lr_dir is None


def test_div2k_has_its_small_photos_in_a_folder_beside(photos: pathlib.Path) -> None:
    (photos / "HR").rename(photos / "DIV2K_valid_HR")
    (photos / "DIV2K_valid_LR_bicubic").mkdir()
    (photos / "LR_x4").rename(photos / "DIV2K_valid_LR_bicubic" / "X4")
    found = photo_sets.find(str(photos / "DIV2K_valid_HR"), 4)
    assert (found.name, found.lr_dir) == ("DIV2K_valid_HR", photos / "DIV2K_valid_LR_bicubic" / "X4")


def test_folders_of_one_name_have_lines_of_their_own(
    photos: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        (tmp_path / name / "val").mkdir(parents=True)
        rgb.write_photo(tmp_path / name / "val" / "a.png", rgb.read_photo(photos / "HR" / "a.png"))
    assert [found.name for found in photo_sets.find_all(["one/val", "set", "two/val"], 4)] == ["one/val", "set", "two/val"]
    with pytest.raises(rgb.PhotoError, match=r"^set: named twice$"):
        photo_sets.find_all(["set", "one/val", "set"], 4)


def test_files_that_are_passed_over_are_counted(photos: pathlib.Path) -> None:
    (photos / "HR" / "notes.txt").write_text("none")
    assert photo_sets.find(str(photos / "HR"), 4).origin.endswith("bicubic downscaling; other files passed over: 1")
