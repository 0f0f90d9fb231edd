"""`upscale.py` as a person runs it."""

import contextlib
import fcntl
import io
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageSequence

from sr_keras.photos import condition, rgb
from sr_keras.upscaling import command
from tests.conftest import ROOT, take_interrupts
from tests.types import Noise

Run = Callable[..., int | str | None]


@pytest.fixture
def photo(tmp_path: pathlib.Path, noise: Noise) -> pathlib.Path:
    path = tmp_path / "photo.jpg"
    rgb.write_photo(path, noise(21, 34))
    return path


@pytest.fixture
def run(interpolator: pathlib.Path) -> Run:
    """Runs `upscale.py` with the interpolator; returns its exit code."""

    def run(*arguments: object) -> int | str | None:
        model = [] if any(str(argument).startswith("--model") for argument in arguments) else [f"--model={interpolator}"]
        try:
            return command.main([*map(str, arguments), *model])
        except SystemExit as stop:  # argparse
            return stop.code

    return run


def start(*arguments: object, model: pathlib.Path, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "upscale.py", *map(str, arguments), f"--model={model}"]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **{"preexec_fn": take_interrupts, **options}
    )


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


def test_a_strength_is_for_networks_that_restore(photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(photo, "--denoise=0.5") == 2
    assert "only enlarges, so there is no strength to choose" in capsys.readouterr().err
    # Before any file is looked for.
    assert run("gone.jpg", "--list=gone.txt", "--denoise=0.5") == 2
    assert "only enlarges, so there is no strength to choose" in capsys.readouterr().err
    for denoise in ("-1", "1.5", "nan", "much"):
        assert run(photo, f"--denoise={denoise}") == 2


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


def test_an_existing_result_is_kept_unless_told(photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    result = photo.with_name("photo_x4.jpg")
    result.write_bytes(b"precious")
    assert run(photo) == 1
    assert "exists already; --overwrite replaces it" in capsys.readouterr().err
    assert run(photo, "--skip_existing") == 0
    assert result.read_bytes() == b"precious"
    assert run(photo, "--overwrite") == 0
    assert rgb.read_photo(result).shape == (84, 136, 3)


@pytest.mark.parametrize("flag", ["--report", "--comparison"])
@pytest.mark.parametrize("name", ["photo.jpg", "photo_x4.jpg"])
def test_nothing_is_written_over_photos_and_results(
    photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str], flag: str, name: str
) -> None:
    before = photo.read_bytes()
    assert run(photo, f"{flag}={photo.with_name(name)}") == 2
    assert "is a photo, a result or the list" in capsys.readouterr().err
    assert photo.read_bytes() == before
    assert list(photo.parent.iterdir()) == [photo]


def test_an_existing_comparison_is_kept_unless_told(photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    other = photo.with_name("both.png")
    other.write_bytes(b"precious")
    assert run(photo, f"--comparison={other}") == 2
    assert "exists already" in capsys.readouterr().err
    assert other.read_bytes() == b"precious"


def test_what_matches_nothing_stops_nothing(
    photo: pathlib.Path, run: Run, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert run(photo, tmp_path / "*.bmp", tmp_path / "empty") == 1
    out, err = capsys.readouterr()
    assert "1 done, 0 skipped, 2 failed" in out
    assert "nothing that it describes" in err
    assert "empty: holds no picture" in err


@pytest.mark.parametrize("how", ["named", "pattern", "folder"])
def test_resuming_takes_no_results_for_photos(
    photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    def again() -> list[pathlib.Path]:
        named = [*sorted(photo.parent.glob("*.jpg"))]
        return {"named": named, "pattern": [photo.parent / "*.jpg"], "folder": [photo.parent]}[how]

    assert run(*again()) == 0
    assert run(*again(), "--skip_existing") == 0
    assert run(photo.parent, "--scale=2") == 0
    assert sorted(path.name for path in photo.parent.iterdir()) == ["photo.jpg", "photo_x2.jpg", "photo_x4.jpg"]


def test_a_dry_run_says_what_the_run_would_and_does_nothing(
    photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    photo.with_name("photo_x4.jpg").touch()
    (photo.parent / "bad.png").write_bytes(b"")
    before = sorted(photo.parent.iterdir())
    assert run(photo, "--dry_run", "--output_dir=nowhere") == 0
    line, time = capsys.readouterr().out.splitlines()
    assert line == f"{photo} (34x21) -> nowhere/photo_x4.jpg (136x84)"
    assert re.fullmatch(r"about \d+ s on this machine", time)
    assert run(photo, photo.parent / "bad.png", "--dry_run") == 1
    out, err = capsys.readouterr()
    assert out == "0 planned, 0 skipped, 2 failed\n"
    assert err.splitlines() == [
        f"failed: {photo}: {photo.with_name('photo_x4.jpg')}: exists already; "
        "--overwrite replaces it, --skip_existing leaves it",
        f"failed: {photo.parent / 'bad.png'}: is empty",
    ]
    assert run(photo, "--dry_run", "--overwrite") == 0
    note = f"{photo}: {photo.with_name('photo_x4.jpg')} is there already, and would be replaced"
    assert capsys.readouterr().out.splitlines()[1] == note
    # What is skipped takes no time.
    assert run(photo, "--dry_run", "--skip_existing") == 0
    assert capsys.readouterr().out == f"{photo}: skipped, {photo.with_name('photo_x4.jpg')} is there already\n"
    assert sorted(photo.parent.iterdir()) == before


def test_a_dry_run_has_network_notes_and_report(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(rgb.SAMPLE / "web.jpg", tmp_path)
    Image.new("CMYK", (9, 7), (9, 90, 30, 0)).save(tmp_path / "ink.jpg", quality=95)
    report = tmp_path / "report.jsonl"
    assert command.main([str(tmp_path), "--dry_run", f"--report={report}"]) == 0
    ink, note, worn, *_ = capsys.readouterr().out.splitlines()
    assert ink.endswith("ink_x4.jpg (36x28), edsr (clean)")
    assert note == f"{tmp_path / 'ink.jpg'}: CMYK became RGB"
    assert ", photo (JPEG of quality " in worn
    entries = [json.loads(line) for line in report.read_text().splitlines()]
    assert [(entry["status"], entry["network"]) for entry in entries] == [("planned", "edsr"), ("planned", "photo")]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["ink.jpg", "report.jsonl", "web.jpg"]


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


def test_the_comparison_shows_both(photo: pathlib.Path, tmp_path: pathlib.Path, run: Run) -> None:
    assert run(photo, "--format=png", "--comparison", tmp_path / "both.png") == 0
    both = rgb.read_photo(tmp_path / "both.png")
    bicubic = rgb.resize_bicubic(rgb.read_photo(photo), 84, 136)
    np.testing.assert_array_equal(both[-84:, 7:143], bicubic)
    np.testing.assert_array_equal(both[-84:, 165:301], rgb.read_photo(tmp_path / "photo_x4.png"))


def test_help_needs_no_tensorflow() -> None:
    code = "import sys, upscale\ntry: upscale.main(['--help'])\nexcept SystemExit: print('tensorflow' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "False"


def test_nothing_but_the_result_line_is_printed(photo: pathlib.Path, interpolator: pathlib.Path) -> None:
    process = start(photo, model=interpolator)
    out, err = process.communicate()
    assert err == b""
    assert len(out.splitlines()) == 1


def test_standard_streams(photo: pathlib.Path, interpolator: pathlib.Path) -> None:
    process = start("-", model=interpolator, stdin=subprocess.PIPE)
    out, err = process.communicate(photo.read_bytes())
    assert process.returncode == 0
    with Image.open(io.BytesIO(out)) as result:
        assert (result.format, result.size) == ("JPEG", (136, 84))
    assert err.splitlines()[0].startswith(b"standard input (34x21) -> standard output (136x84)")


def test_a_terminal_shows_a_bar(photo: pathlib.Path, interpolator: pathlib.Path) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [sys.executable, "upscale.py", str(photo), f"--model={interpolator}", "--tile=8"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # the end of a terminal
            while piece := os.read(ours, 1000):
                shown += piece
        os.close(ours)
    assert process.returncode == 0
    assert b"%|" in shown
    assert b" of 1 [" in shown


@pytest.mark.parametrize(
    "number, engine",
    [(signal.SIGINT, "tensorflow"), *((each, "openvino") for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))],
)
def test_signals_leave_nothing_half_done(
    tmp_path: pathlib.Path, noise: Noise, interpolator: pathlib.Path, number: signal.Signals, engine: str
) -> None:
    for index in range(30):
        rgb.write_photo(tmp_path / f"{index}-noise.png", noise(90, 90))
    process = start(tmp_path, f"--output_dir={tmp_path / 'large'}", "--tile=8", f"--engine={engine}", model=interpolator)
    assert process.stdout
    process.stdout.readline()
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    results = list((tmp_path / "large").iterdir())
    line = f"upscale.py: stopped: {len(results)} of 30 done; with --skip_existing, the same command goes on"
    assert err.decode().splitlines() == [line]
    assert 0 < len(results) < 30
    assert all(rgb.read_photo(result).shape == (360, 360, 3) for result in results)


def test_a_photo_that_is_stopped_leaves_no_result(tmp_path: pathlib.Path, noise: Noise, interpolator: pathlib.Path) -> None:
    rgb.write_photo(tmp_path / "noise.png", noise(1200, 1200))
    process = start(tmp_path / "noise.png", "--tile=8", "--verbose", model=interpolator)
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"upscale.py: stopped: no result was written\n")
    assert [path.name for path in tmp_path.iterdir() if not path.is_dir()] == ["noise.png"]


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


def test_a_result_of_another_size_is_that_of_another_picture(
    photo: pathlib.Path, noise: Noise, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    result = photo.with_name("photo_x4.jpg")
    rgb.write_photo(result, noise(84, 135))
    assert run(photo, "--skip_existing") == 1
    line = f"upscale.py: {photo}: {result} is there already, but of another picture: 135x84 pixels, not 136x84\n"
    assert capsys.readouterr().err == line


# As in every process that is no test.
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_dry_run_names_what_is_too_large(photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(photo, "--dry_run", "--format=webp", "--scale=500") == 1
    assert "photo_x500.webp: .webp holds at most 16383 pixels a side, not 17000x10500" in capsys.readouterr().err
    assert run(photo, "--dry_run", "--max_pixels=713") == 1
    assert f"{photo}: it has 714 pixels, more than --max_pixels=713 allows" in capsys.readouterr().err


def test_ctrl_c_while_standard_input_is_awaited(interpolator: pathlib.Path) -> None:
    with start("-", model=interpolator, stdin=subprocess.PIPE) as process:
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert process.stderr and process.stderr.read() == b""


def test_a_reader_that_goes_away_stops_nothing(tmp_path: pathlib.Path, noise: Noise, interpolator: pathlib.Path) -> None:
    for index in range(3):
        rgb.write_photo(tmp_path / f"{index}.png", noise(20, 20))
    with start(tmp_path, f"--output_dir={tmp_path / 'large'}", model=interpolator) as process:
        assert process.stdout
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr and process.stderr.read() == b""
    assert len(list((tmp_path / "large").iterdir())) == 3


def test_names_that_are_no_text_or_none_in_this_terminal(
    tmp_path: pathlib.Path, noise: Noise, interpolator: pathlib.Path
) -> None:
    for name in ("é.png".encode(), b"\xff.png"):
        rgb.write_photo(tmp_path / os.fsdecode(name), noise(3, 4))
    process = start(tmp_path, model=interpolator, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == b""
    assert len(out.splitlines()) == 3


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


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_refused_at_once(
    tmp_path: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str], make: Callable[[pathlib.Path], None]
) -> None:
    make(tmp_path / "a.png")
    assert run(tmp_path / "a.png") in (1, 2)
    assert "a.png: " in capsys.readouterr().err


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


def test_closed_streams_are_no_traceback(photo: pathlib.Path, interpolator: pathlib.Path) -> None:
    command = f"{sys.executable} upscale.py {photo} --model={interpolator} <&- >&-"
    result = subprocess.run(command, shell=True, cwd=ROOT, stderr=subprocess.PIPE, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    assert rgb.read_photo(photo.with_name("photo_x4.jpg")).shape == (84, 136, 3)
