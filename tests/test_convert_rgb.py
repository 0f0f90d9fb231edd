import errno
import os
import pathlib
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from data_prep import convert_rgb
from sr_keras.photos import rgb
from tests.folders import contents

SCRIPT = pathlib.Path(convert_rgb.__file__)
HEIGHT, WIDTH = 24, 40


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "photos"
    path.mkdir()
    return path


def gradient(mode: str = "RGB") -> Image.Image:
    """A smooth picture, darkest at the top left, that every format keeps well."""
    down, right = np.mgrid[:HEIGHT, :WIDTH]
    tones = (down * 4 + right * 3).astype(np.uint8)
    if mode == "I;16":
        return Image.fromarray(tones.astype(np.uint16) * 257)
    picture = Image.fromarray(np.stack([tones, tones // 2, 255 - tones], axis=-1))
    if mode in ("LA", "RGBA"):
        picture.putalpha(Image.fromarray(255 - tones))
    return picture.convert("P").convert("PA") if mode == "PA" else picture.convert(mode)


def truncated(path: pathlib.Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def convert(*arguments: object, jobs: object = 1) -> int:
    return convert_rgb.main([*map(str, arguments), f"--jobs={jobs}"])


def assert_rgb_jpeg(path: pathlib.Path) -> None:
    with Image.open(path) as picture:
        assert (picture.format, picture.mode) == ("JPEG", "RGB")
        assert not set(picture.info) & {"exif", "icc_profile", "comment", "xmp"}
        picture.load()


def test_rgb_photos_stay_as_they_are_byte_for_byte(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    gradient().save(folder / "turned.jpg", exif=turned)
    for suffix in (".jpeg", ".png", ".bmp", ".webp", ".tiff"):
        gradient().save(folder / f"photo{suffix}")
    before = contents(folder)
    assert convert(folder) == 0
    assert contents(folder) == before
    assert capsys.readouterr().out == "6 photos: 0 converted, 6 already RGB, 0 left alone, 0 failed\n"


@pytest.mark.parametrize(
    "mode, suffix",
    [
        ("1", ".png"),
        ("1", ".bmp"),
        ("L", ".jpg"),
        ("L", ".tif"),
        ("P", ".png"),
        ("P", ".gif"),
        ("P", ".bmp"),
        ("LA", ".png"),
        ("PA", ".tiff"),
        ("RGBA", ".png"),
        ("RGBA", ".webp"),
        ("CMYK", ".jpg"),
        ("CMYK", ".tif"),
        ("I;16", ".png"),
        ("I;16", ".tif"),
    ],
)
def test_every_other_mode_becomes_an_rgb_jpeg(folder: pathlib.Path, mode: str, suffix: str) -> None:
    source = folder / f"photo{suffix}"
    gradient(mode).save(source)
    expected = rgb.read_photo(source)
    assert convert(folder, "--lossy") == 0
    assert [path.name for path in folder.iterdir()] == ["photo.jpg"]
    assert_rgb_jpeg(folder / "photo.jpg")
    difference = np.abs(rgb.read_photo(folder / "photo.jpg").astype(float) - expected)
    assert difference.mean() < 4


def test_in_place_what_loses_more_than_a_jpeg_loses_is_left_alone(
    folder: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = [Image.new("L", (WIDTH, HEIGHT), tone) for tone in (0, 90)]
    gradient("L").save(folder / "pages.tif", save_all=True, append_images=others)
    gradient("P").save(folder / "film.gif", save_all=True, append_images=[other.convert("P") for other in others])
    gradient("RGBA").save(folder / "hole.png")
    gradient("I;16").save(folder / "deep.png")
    gradient("L").save(folder / "grey.png")
    before = contents(folder)
    assert convert(folder) == 0
    after = contents(folder)
    assert set(after) == {"pages.tif", "film.gif", "hole.png", "deep.png", "grey.jpg"}
    assert all(after[name] == content for name, content in before.items() if name in after)
    *lines, summary = capsys.readouterr().out.splitlines()
    why = {"deep.png": "16-bit tones", "film.gif": "other frames or pages", "hole.png": "transparency"}
    why["pages.tif"] = "other frames or pages"
    assert lines == [
        f"{folder / name}: left alone, a JPEG would lose {loss}; --lossy converts it" for name, loss in sorted(why.items())
    ]
    assert summary == "5 photos: 1 converted, 0 already RGB, 4 left alone, 0 failed"
    assert convert(folder, f"--output_dir={tmp_path / 'rgb'}") == 0
    assert set(contents(tmp_path / "rgb")) == {"pages.jpg", "film.jpg", "hole.jpg", "deep.jpg", "grey.jpg"}


def test_files_of_other_kinds_are_counted(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    gradient().save(folder / "photo.png")
    for name in ("one.heic", "two.HEIC", "notes.txt"):
        (folder / name).touch()
    assert convert(folder) == 0
    expected = f"{folder}: files passed over (no photos by their names): 2 .heic, 1 .txt\n"
    assert capsys.readouterr().err == expected


def test_a_transparent_colour_of_an_rgb_png_becomes_white(folder: pathlib.Path) -> None:
    Image.new("RGB", (8, 8), "red").save(folder / "photo.png", transparency=(255, 0, 0))
    assert convert(folder, "--lossy") == 0
    assert rgb.read_photo(folder / "photo.jpg").min() == 255


def test_a_jpeg_keeps_its_name(folder: pathlib.Path) -> None:
    for name in ("one.JPG", "two.jpeg"):
        gradient("L").save(folder / name)
    assert convert(folder) == 0
    assert set(contents(folder)) == {"one.JPG", "two.jpeg"}


def test_permissions_stay(folder: pathlib.Path) -> None:
    gradient("L").save(folder / "photo.png")
    (folder / "photo.png").chmod(0o600)
    convert(folder)
    assert (folder / "photo.jpg").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(folder: pathlib.Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    gradient("L").save(folder / "photo.jpg", exif=exif, quality=95)
    expected = rgb.read_photo(folder / "photo.jpg")
    assert convert(folder) == 0
    assert_rgb_jpeg(folder / "photo.jpg")
    np.testing.assert_allclose(rgb.read_photo(folder / "photo.jpg").astype(int), expected, atol=4)


def test_metadata_is_not_carried_over(folder: pathlib.Path) -> None:
    gradient("CMYK").save(folder / "photo.jpg", icc_profile=b"no profile", comment=b"made for print")
    assert convert(folder) == 0
    assert_rgb_jpeg(folder / "photo.jpg")


def test_cmyk_takes_the_colours_of_its_profile(folder: pathlib.Path) -> None:
    Image.new("CMYK", (8, 8), (255, 0, 0, 0)).save(folder / "photo.jpg", icc_profile=_profile_of_invisible_colours())
    assert convert(folder) == 0
    np.testing.assert_allclose(rgb.read_photo(folder / "photo.jpg"), 255, atol=1)


def _profile_of_invisible_colours() -> bytes:
    """The smallest CMYK profile: on this paper black ink shows, and no other."""
    identity = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    paper, ink = bytes([255, 128, 128]), bytes([0, 128, 128])
    ramp = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + ramp * 4 + (paper + ink) * 2**3 + ramp * 3
    tags = struct.pack(">I4sII", 1, b"A2B0", 144, len(table))
    size, version = 144 + len(table), 0x02400000
    header = struct.pack(">I4xI4s4s4s12x4s28x", size, version, b"prtr", b"CMYK", b"Lab ", b"acsp")
    d50 = struct.pack(">3i", 63190, 65536, 54061)
    return (header + d50).ljust(128, b"\0") + tags + table


@pytest.mark.parametrize("jobs", [1, 2])
def test_broken_photos_are_named_counted_and_left_alone(
    folder: pathlib.Path, capsys: pytest.CaptureFixture[str], jobs: int
) -> None:
    gradient("L").save(folder / "grey.jpg")
    gradient().save(folder / "rgb.jpg")
    gradient().save(folder / "rgb.png")
    gradient("RGBA").save(folder / "alpha.png")
    broken = ["alpha.png", "empty.jpg", "grey.jpg", "rgb.jpg", "rgb.png", "text.gif"]
    for name in ("grey.jpg", "rgb.jpg", "rgb.png", "alpha.png"):
        truncated(folder / name)
    (folder / "empty.jpg").touch()
    (folder / "text.gif").write_text("no picture")
    before = contents(folder)
    gradient("L").save(folder / "sound.jpg")
    assert convert(folder, jobs=jobs) == 1
    assert_rgb_jpeg(folder / "sound.jpg")
    assert before.items() <= contents(folder).items()
    captured = capsys.readouterr()
    assert captured.out == "7 photos: 1 converted, 0 already RGB, 0 left alone, 6 failed\n"
    assert [line.split(": ")[0] for line in captured.err.splitlines()] == [str(folder / name) for name in broken]


def test_greyscale_of_unknown_range_is_refused(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("F", (8, 8), 1.0).save(folder / "photo.tif")
    before = contents(folder)
    assert convert(folder) == 1
    assert contents(folder) == before
    assert "float32" in capsys.readouterr().err


def test_a_picture_that_no_jpeg_can_hold_is_refused(folder: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (65501, 1)).save(folder / "photo.png")
    assert convert(folder) == 1
    assert capfd.readouterr().err == (
        f"{folder / 'photo.jpg'}: .jpg holds at most 65500 pixels a side, not 65501x1; .png and .tif hold more\n"
    )


def test_only_absurdly_large_pictures_fail(
    folder: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (40, 30)).save(folder / "large.png")
    Image.new("L", (80, 60)).save(folder / "absurd.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert convert(folder) == 1
    assert set(contents(folder)) == {"large.jpg", "absurd.png"}
    assert capsys.readouterr().err.startswith(f"{folder / 'absurd.png'}: ")


def test_a_second_run_finds_nothing_to_do(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "deep" / "er").mkdir(parents=True)
    gradient("L").save(folder / "grey.jpg")
    gradient("P").save(folder / "deep" / "er" / "alpha.png")
    assert convert(folder) == 0
    after = contents(folder)
    assert set(after) == {"grey.jpg", "deep/er/alpha.jpg"}
    capsys.readouterr()
    assert convert(folder) == 0
    assert contents(folder) == after
    assert capsys.readouterr().out == "2 photos: 0 converted, 2 already RGB, 0 left alone, 0 failed\n"


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_dry_run_changes_nothing_and_says_what_would_happen(
    folder: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], elsewhere: bool
) -> None:
    gradient("L").save(folder / "grey.png")
    gradient().save(folder / "rgb.png")
    before = contents(tmp_path)
    output_dir = tmp_path / "rgb" if elsewhere else folder
    assert convert(folder, "--dry_run", *([f"--output_dir={output_dir}"] if elsewhere else [])) == 0
    assert contents(tmp_path) == before
    assert not (tmp_path / "rgb").exists()
    assert capsys.readouterr().out.splitlines() == [
        f"{folder / 'grey.png'}: would become {output_dir / 'grey.jpg'}",
        f"2 photos: 1 converted, 1 already RGB, {'' if elsewhere else '0 left alone, '}0 failed (dry run: nothing was changed)",
    ]


def test_a_name_that_is_no_text_does_not_matter(folder: pathlib.Path) -> None:
    try:
        gradient("L").save(folder / os.fsdecode(b"caf\xe9.jpg"))
    except OSError:
        pytest.skip("this file system has no such names")
    command = [sys.executable, str(SCRIPT), str(folder), "--jobs=1"]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parent.parent)}
    for option in ["--dry_run"], []:
        assert b"1 converted" in subprocess.check_output(command + option, env=environment)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_output_folder_gets_all_photos_and_the_source_stays(
    folder: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], jobs: int
) -> None:
    (folder / "deep" / "er").mkdir(parents=True)
    gradient("L").save(folder / "grey.jpg")
    gradient("P").save(folder / "deep" / "er" / "palette.gif")
    gradient().save(folder / "deep" / "rgb.png")
    (folder / "notes.txt").write_text("no photo")
    before = contents(folder)
    output_dir = tmp_path / "rgb"
    assert convert(folder, "--output_dir", output_dir, jobs=jobs) == 0
    assert contents(folder) == before
    written = contents(output_dir)
    assert set(written) == {"grey.jpg", "deep/er/palette.jpg", "deep/rgb.png"}
    assert written["deep/rgb.png"] == before["deep/rgb.png"]
    assert_rgb_jpeg(output_dir / "deep" / "er" / "palette.jpg")
    capsys.readouterr()
    times = [path.stat().st_mtime_ns for path in output_dir.rglob("*")]
    assert convert(folder, "--output_dir", output_dir, jobs=jobs) == 0
    assert [path.stat().st_mtime_ns for path in output_dir.rglob("*")] == times
    assert capsys.readouterr().out == "3 photos: 0 converted, 0 already RGB, 3 done before, 0 failed\n"


def test_nothing_in_the_output_folder_is_overwritten(
    folder: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gradient("L").save(folder / "grey.png")
    gradient().save(folder / "rgb.png")
    output_dir = tmp_path / "rgb"
    output_dir.mkdir()
    for name in ("grey.jpg", "rgb.png"):
        Image.new("RGB", (8, 8)).save(output_dir / name)
    before = contents(tmp_path)
    assert convert(folder, f"--output_dir={output_dir}") == 1
    assert contents(tmp_path) == before
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("names", [("b.jpg", "b.png"), ("B.JPEG", "b.png"), ("b.gif", "b.png"), ("b.gif", "B.png")])
def test_two_photos_never_get_one_name(
    folder: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], names: tuple[str, str], elsewhere: bool
) -> None:
    for name in names:
        gradient("L").save(folder / name)
    before = contents(folder)
    root = tmp_path / "rgb" if elsewhere else folder
    assert convert(folder, *([f"--output_dir={root}"] if elsewhere else [])) == 1
    refused = [name for name in names if pathlib.Path(name).suffix.lower() not in (".jpg", ".jpeg")]
    assert {name: before[name] for name in refused}.items() <= contents(folder).items()
    assert set(contents(root)) - set(refused) == set(names) - set(refused)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in lines] == [str(folder / name) for name in sorted(refused)]


def test_two_photos_never_get_one_name_whichever_process_is_first(folder: pathlib.Path) -> None:
    for number in range(20):
        gradient("L").save(folder / f"{number}.png")
        gradient("P").save(folder / f"{number}.gif")
    before = contents(folder)
    assert convert(folder, jobs=2) == 1
    assert contents(folder) == before


def test_a_folder_that_has_the_new_name_is_a_conflict(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    gradient("L").save(folder / "b.png")
    (folder / "b.jpg").mkdir()
    assert convert(folder) == 1
    assert set(contents(folder)) == {"b.png"}
    assert capsys.readouterr().err == f"{folder / 'b.png'}: not made b.jpg, for that exists\n"


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png"])
@pytest.mark.parametrize("owner, call", [(os, "fsync"), (pathlib.Path, "replace")])
def test_a_failed_write_leaves_the_photo(
    folder: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    owner: object,
    call: str,
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    gradient("L").save(folder / name)
    before = contents(folder)
    monkeypatch.setattr(owner, call, fail)
    assert convert(folder) == 1
    assert contents(folder) == before
    assert capsys.readouterr().err == f"{folder / name}: No space left on device\n"


def test_a_photo_that_cannot_be_removed_keeps_its_place_alone(
    folder: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = pathlib.Path.unlink

    def refuse_png(path: pathlib.Path, missing_ok: bool = False) -> None:
        if path.suffix == ".png":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        unlink(path, missing_ok)

    gradient("L").save(folder / "photo.png")
    before = contents(folder)
    monkeypatch.setattr(pathlib.Path, "unlink", refuse_png)
    assert convert(folder) == 1
    assert contents(folder) == before
    assert capsys.readouterr().err == f"{folder / 'photo.png'}: Permission denied\n"


def test_two_processes_do_what_one_does(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for number, mode in enumerate(["L", "P", "RGB", "RGBA", "LA", "1"] * 8):
        gradient(mode).save(folder / f"{number}.png")
    outputs = []
    for jobs in (1, 2):
        assert convert(folder, f"--output_dir={tmp_path / str(jobs)}", jobs=jobs) == 0
        outputs.append(contents(tmp_path / str(jobs)))
    assert len(outputs[0]) == 48
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_the_run_without_half_files(folder: pathlib.Path, jobs: int) -> None:
    original = folder / "0.png"
    Image.effect_noise((500, 500), 50).save(original)
    for number in range(1, 500):
        (folder / f"{number}.png").write_bytes(original.read_bytes())
    process = subprocess.Popen(
        [sys.executable, SCRIPT, folder, f"--jobs={jobs}"],
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parent.parent)},
        stderr=subprocess.PIPE,
        # A terminal sends Ctrl-C to the whole group, this process must not be in it.
        start_new_session=True,
    )
    while process.poll() is None and not any(folder.glob("*.jpg")):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=30)[1] == b""
    assert process.returncode == 130
    assert sorted({path.suffix for path in folder.iterdir()}) == [".jpg", ".png"]
    assert len(list(folder.iterdir())) == 500
    for converted in folder.glob("*.jpg"):
        assert_rgb_jpeg(converted)


@pytest.mark.parametrize(
    "arguments", [["nowhere"], [".", "--output_dir=rgb"], ["deep", "--output_dir=."], [".", "--output_dir=file"]]
)
def test_wrong_use_is_one_line_and_exit_code_2(
    folder: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(folder)
    (folder / "deep").mkdir()
    (folder / "file").touch()
    gradient("L").save(folder / "photo.png")
    before = contents(folder)
    assert convert(*arguments) == 2
    assert contents(folder) == before
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1


@pytest.mark.parametrize("jobs", ["0", "-1", "two"])
def test_jobs_must_be_a_positive_number(folder: pathlib.Path, capsys: pytest.CaptureFixture[str], jobs: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        convert(folder, jobs=jobs)
    assert jobs in capsys.readouterr().err
