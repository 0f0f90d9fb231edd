"""What `upscale.py` makes of photos, and what it says of them."""

import json
import pathlib
import re
import shutil

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageSequence

from sr_keras.photos import condition, rgb
from sr_keras.upscaling import command
from tests.types import Noise
from tests.upscaling.command.conftest import Run


def test_the_result_lies_beside_the_photo(photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    before = photo.read_bytes()
    assert run(photo) == 0
    result = photo.with_name("photo_x4.jpg")
    assert rgb.read_photo(result).shape == (84, 136, 3)
    assert photo.read_bytes() == before
    [line] = capsys.readouterr().out.splitlines()
    assert f"{photo} (34x21) -> {result} (136x84)" in line


def test_the_photos_condition_chooses_the_network(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("small.png", "web.jpg"):
        shutil.copy(rgb.SAMPLE / name, tmp_path)
    report = tmp_path / "report.json"
    assert command.main([str(tmp_path / "small.png"), str(tmp_path / "web.jpg"), f"--report={report}"]) == 0
    clean, worn, _ = capsys.readouterr().out.splitlines()
    assert clean.endswith(" s, edsr (clean)")
    assert worn.endswith(
        f" s, photo (JPEG of quality {condition.examine(rgb.read_photo(rgb.SAMPLE / 'web.jpg')).jpeg_quality})"
    )
    assert [json.loads(line)["network"] for line in report.read_text().splitlines()] == ["edsr", "photo"]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (33, 16), (130, 129)])
def test_any_size(tmp_path: pathlib.Path, noise: Noise, run: Run, size: tuple[int, int]) -> None:
    rgb.write_photo(tmp_path / "photo.png", noise(*size))
    assert run(tmp_path / "photo.png", "--tile=16") == 0
    assert rgb.read_photo(tmp_path / "photo_x4.png").shape == (4 * size[0], 4 * size[1], 3)


@pytest.mark.parametrize(
    "arguments, name, size",
    [
        (["--scale=2"], "photo_x2.jpg", (68, 42)),
        (["--scale=1.5"], "photo_x1.5.jpg", (51, 32)),
        (["--scale=9"], "photo_x9.jpg", (306, 189)),
        (["--width=100"], "photo_100w.jpg", (100, 62)),
        (["--width=100", "--height=50"], "photo_100x50.jpg", (100, 50)),
        (["--format=webp", "--quality=50"], "photo_x4.webp", (136, 84)),
        (["--format=avif", "--self_ensemble"], "photo_x4.avif", (136, 84)),
    ],
)
def test_other_sizes_and_formats(photo: pathlib.Path, run: Run, arguments: list[str], name: str, size: tuple[int, int]) -> None:
    assert run(photo, *arguments) == 0
    with Image.open(photo.with_name(name)) as result:
        assert result.size == size


def test_what_is_lost_is_said(tmp_path: pathlib.Path, noise: Noise, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    picture = Image.fromarray(noise(9, 12))
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    picture.save(tmp_path / "a.png", save_all=True, append_images=[picture.rotate(180)])
    assert run(tmp_path / "a.png", "--format=jpg") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"{tmp_path / 'a.png'}: the first of 2 frames (--all_frames takes each)"
    assert "what was transparent became white" in lines[2]


def test_all_frames(tmp_path: pathlib.Path, noise: Noise, run: Run) -> None:
    frames = [Image.fromarray(noise(9, 12)) for _ in range(3)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=70)
    assert run(tmp_path / "a.webp", "--all_frames") == 0
    with Image.open(tmp_path / "a_x4.webp") as result:
        assert [frame.size for frame in ImageSequence.Iterator(result)] == 3 * [(48, 36)]
    assert run(tmp_path / "a.webp", "--all_frames", "--format=jpg") == 1


def test_many_photos(
    tmp_path: pathlib.Path, photo: pathlib.Path, noise: Noise, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deep").mkdir()
    rgb.write_photo(tmp_path / "deep" / "b.png", noise(5, 6))
    (tmp_path / "bad.png").write_bytes(b"")
    arguments = [tmp_path, "--recursive", f"--output_dir={tmp_path / 'large'}", f"--report={tmp_path / 'report.jsonl'}"]
    assert run(*arguments) == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == "2 done, 0 skipped, 1 failed"
    assert err.splitlines() == [f"failed: {tmp_path / 'bad.png'}: is empty"]
    large = [path.relative_to(tmp_path / "large") for path in sorted((tmp_path / "large").rglob("*.*"))]
    assert list(map(str, large)) == ["deep/b_x4.png", "photo_x4.jpg"]
    report = {entry["source"]: entry for entry in map(json.loads, (tmp_path / "report.jsonl").read_text().splitlines())}
    assert {name: entry["status"] for name, entry in report.items()} == {
        str(photo): "done",
        str(tmp_path / "deep" / "b.png"): "done",
        str(tmp_path / "bad.png"): "failed",
    }
    assert report[str(photo)]["result_size"] == [136, 84]

    # Again: what is there is skipped, and the report goes on.
    (tmp_path / "bad.png").unlink()
    assert run(*arguments, "--skip_existing") == 0
    assert "0 done, 2 skipped, 0 failed" in capsys.readouterr().out
    assert len((tmp_path / "report.jsonl").read_text().splitlines()) == 5


def test_what_matches_nothing_stops_nothing(
    photo: pathlib.Path, run: Run, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert run(photo, tmp_path / "*.bmp", tmp_path / "empty") == 1
    out, err = capsys.readouterr()
    assert "1 done, 0 skipped, 2 failed" in out
    assert "nothing that it describes" in err
    assert "empty: holds no picture" in err


def test_quiet_and_verbose(photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(photo, "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert run(photo, "--verbose", "--overwrite", "--precision=float32", "--tile=12") == 0
    assert ", float32, tiles of 12 pixels" in capsys.readouterr().out


@pytest.mark.parametrize("model", ["auto", "espcn"])
def test_what_only_gets_smaller_names_no_network(
    photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str], model: str
) -> None:
    report = photo.with_name("report")
    for more in (["--dry_run"], []):
        assert run(photo, "--width=5", f"--model={model}", f"--report={report}", *more) == 0
        assert capsys.readouterr().out.splitlines()[0].endswith(", none (it only gets smaller)")
        assert json.loads(report.read_text().splitlines()[-1])["network"] == "none"


def test_pixel_art_names_no_network(photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(photo, "--pixel_art", "--model=auto") == 0
    assert re.fullmatch(r".* s", capsys.readouterr().out.splitlines()[0])


def test_the_comparison_shows_both(photo: pathlib.Path, tmp_path: pathlib.Path, run: Run) -> None:
    assert run(photo, "--format=png", "--comparison", tmp_path / "both.png") == 0
    both = rgb.read_photo(tmp_path / "both.png")
    bicubic = rgb.resize_bicubic(rgb.read_photo(photo), 84, 136)
    np.testing.assert_array_equal(both[-84:, 7:143], bicubic)
    np.testing.assert_array_equal(both[-84:, 165:301], rgb.read_photo(tmp_path / "photo_x4.png"))


def test_a_png_that_is_called_a_jpeg_keeps_its_values(
    tmp_path: pathlib.Path, noise: Noise, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(noise(9, 12)).save(tmp_path / "photo.jpg", "PNG")
    assert run(tmp_path / "photo.jpg", f"--report={tmp_path / 'report.jsonl'}") == 0
    with Image.open(tmp_path / "photo_x4.png") as result:
        assert result.format == "PNG"
    assert "photo.jpg: PNG by its content, whatever its name ends in" in capsys.readouterr().out


def test_the_report_names_the_network(photo: pathlib.Path, run: Run, interpolator: pathlib.Path) -> None:
    for model, name in ((interpolator, str(interpolator)), ("espcn", "espcn")):
        report = photo.with_name(f"{pathlib.Path(model).name}.jsonl")
        assert run(photo, f"--model={model}", f"--report={report}", "--overwrite") == 0
        entry = json.loads(report.read_text())
        assert (entry["network"], entry["why"]) == (name, "")


def test_strip_leaves_out_where_a_photo_was_taken(tmp_path: pathlib.Path, noise: Noise, run: Run) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    Image.fromarray(noise(8, 9)).save(tmp_path / "a.jpg", exif=exif.tobytes(), comment=b"mine", xmp=b"<x/>")
    assert run(tmp_path / "a.jpg", "--strip", "--name={stem}-plain{ext}") == 0
    with Image.open(tmp_path / "a-plain.jpg") as result:
        assert not {"exif", "comment", "xmp"} & result.info.keys()


@pytest.mark.parametrize("options", [["--strip"], ["--format=bmp"], []])
def test_a_panorama_wraps_whatever_of_its_metadata_is_left(
    tmp_path: pathlib.Path, noise: Noise, run: Run, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    xmp = b'<x GPano:ProjectionType="equirectangular" GPano:FullPanoWidthPixels="12" GPano:FullPanoHeightPixels="6"/>'
    Image.fromarray(noise(6, 12)).save(tmp_path / "a.webp", xmp=xmp, lossless=True)
    results = []
    for wrap in ("auto", "x", "none"):
        assert run(tmp_path / "a.webp", *options, f"--wrap={wrap}", f"--output_dir={tmp_path / wrap}") == 0
        [result] = (tmp_path / wrap).iterdir()
        results.append(rgb.read_photo(result))
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0] != results[2]).any()
    assert capsys.readouterr().out.count("a panorama: its left and right edges meet") == 1


def test_what_a_file_is_does_not_depend_on_the_one_before_it(tmp_path: pathlib.Path, noise: Noise, run: Run) -> None:
    for name in ("a.tga", "b.ico"):
        Image.fromarray(noise(16, 16)).save(tmp_path / name)
    assert run(tmp_path / "a.tga", tmp_path / "b.ico") == 0


def test_names_never_steer_the_terminal(
    tmp_path: pathlib.Path, noise: Noise, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    rgb.write_photo(tmp_path / "a\x1b[2Jb.png", noise(3, 4))
    (tmp_path / "c\x1b]0;.png").write_bytes(b"")
    assert run(tmp_path) == 1
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "a\\x1b[2Jb_x4.png" in out
    assert "c\\x1b]0;.png" in err
