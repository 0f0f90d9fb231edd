"""What `upscale.py --dry_run` says."""

import json
import pathlib
import re
import shutil

import pytest
from PIL import Image

from sr_keras.photos import rgb
from sr_keras.upscaling import command
from tests.upscaling.command.conftest import Run


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
        f"failed: {photo}: {photo.with_name('photo_x4.jpg')} exists already; "
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


# As in every process that is no test.
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_dry_run_names_what_is_too_large(photo: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(photo, "--dry_run", "--format=webp", "--scale=500") == 1
    assert "photo_x500.webp: .webp holds at most 16383 pixels a side, not 17000x10500" in capsys.readouterr().err
    assert run(photo, "--dry_run", "--max_pixels=713") == 1
    assert f"{photo}: it has 714 pixels, more than --max_pixels=713 allows" in capsys.readouterr().err
