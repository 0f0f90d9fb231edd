"""`upscale.py film.mp4` as a person runs it."""

import json
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

pytest.importorskip("av", minversion="18.1", exc_type=ImportError)

from sr_keras.films import formats
from sr_keras.photos import rgb
from sr_keras.upscaling import choice, command, film_order, films, plan
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.film_options import FilmOptions
from sr_keras.upscaling.target import Target
from tests.conftest import ROOT, take_interrupts
from tests.films import making
from tests.films.test_pipeline import QUARTER_TURN, Repeater

Run = Callable[..., int]


@pytest.fixture
def run(interpolator: pathlib.Path) -> Run:
    """Runs `upscale.py` with the interpolator; returns its exit code."""

    def run(*arguments: object, model: object = interpolator) -> int:
        try:
            return command.main([*map(str, arguments), f"--model={model}"])
        except SystemExit as stop:  # argparse
            return int(stop.code or 0)

    return run


def test_the_result_lies_beside_the_film(tmp_path: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    film = making.make(tmp_path / "film.mp4", sound=True)
    report = tmp_path / "report.jsonl"
    assert run(film, f"--report={report}") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{film} (32x24) -> {tmp_path / 'film_x4.mp4'} (128x96), ")
    assert second.startswith(f"{film}: 12 frames, ")
    before, after = making.content(film), making.content(tmp_path / "film_x4.mp4")
    assert (after.pts, after.packets) == (before.pts, before.packets)
    entry = json.loads(report.read_text())
    assert (entry["status"], entry["size"], entry["result_size"]) == ("done", [32, 24], [128, 96])
    assert run(film) == 1
    assert "exists already; --overwrite replaces it" in capsys.readouterr().err
    assert run(film, "--skip_existing") == 0
    assert run(film, "--overwrite") == 0


def test_frames_are_those_that_photos_would_be(tmp_path: pathlib.Path, run: Run) -> None:
    film = making.make(tmp_path / "film.mkv", making.moving(2), encoder="ffv1", pixel_format="bgr0")
    for index, frame in enumerate(making.moving(2)):
        rgb.write_photo(tmp_path / f"{index}.png", frame)
    assert run(film, tmp_path / "0.png", tmp_path / "1.png", "--crf=1", "--precision=float32") == 0
    for index, large in enumerate(making.content(tmp_path / "film_x4.mkv").frames):
        photo = rgb.read_photo(tmp_path / f"{index}_x4.png")
        luma = 16 + 219 / 255 * photo @ [0.2126, 0.7152, 0.0722]  # BT.709
        assert np.abs(making.planes(large)[0] - luma).mean() < 1


@pytest.mark.parametrize(
    "name, options, refused",
    [
        ("a.png", ["--frames=3"], "--frames is for films"),
        ("a.png", ["--quiet", "--start=0"], "--start is for films"),
        ("a.png", ["--deinterlace"], "--deinterlace is for films"),
        ("film.mp4", ["--all_frames"], "--all_frames is for pictures"),
        ("film.mp4", ["--depth=16"], "--depth is for pictures"),
    ],
)
def test_options_that_mean_nothing_to_any_file_are_refused(
    tmp_path: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str], name: str, options: list[str], refused: str
) -> None:
    (tmp_path / name).touch()
    assert run(tmp_path / name, *options) == 2
    assert capsys.readouterr().err == f"upscale.py: {refused}, and none of these files is one\n"


def test_options_of_pictures_beside_a_film_are_said(
    tmp_path: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    film = making.make(tmp_path / "film.mp4", making.moving(1))
    rgb.write_photo(tmp_path / "photo.jpg", making.moving(1)[0])
    for more in (["--dry_run"], []):
        assert run(tmp_path, "--quality=50", "--all_frames", *more) == 0
        [line] = [line for line in capsys.readouterr().out.splitlines() if "--quality" in line]
        assert line == f"{film}: --all_frames and --quality are for pictures; films have --crf"


@pytest.mark.parametrize("size, network", [("--scale=1", "photo"), ("--width=32", "none")])
def test_a_film_goes_through_the_network_where_it_is_restored_and_not_where_it_is_large_enough(
    tmp_path: pathlib.Path, run: Run, size: str, network: str
) -> None:
    noise = np.random.default_rng(0).normal(0, 20, (2, 24, 32, 1))
    frames = [np.clip(120 + each + np.zeros((1, 1, 3)), 0, 255).astype(np.uint8) for each in noise]
    film = making.make(tmp_path / "film.mkv", frames, encoder="ffv1", pixel_format="bgr0")
    assert run(film, size, "--crf=1", f"--report={tmp_path / 'report'}", model="photo") == 0
    entry = json.loads((tmp_path / "report").read_text())
    assert entry["network"] == network
    [result] = tmp_path.glob("film_*.mkv")
    planes = making.planes(making.content(result).frames[0])[0], frames[0][..., 0]
    rough, source_rough = (np.abs(np.diff(plane.astype(int))).mean() for plane in planes)
    assert (rough < source_rough / 2) == (network == "photo"), (rough, source_rough)


def test_a_film_is_not_passed_on_as_if_it_were_stripped(
    tmp_path: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(making.make(tmp_path / "film.mp4", making.moving(1)), "--strip") == 1
    assert "--strip is for pictures" in capsys.readouterr().err
    assert not (tmp_path / "film_x4.mp4").exists()


@pytest.mark.parametrize(
    "source, arguments, result",
    [
        ("film.avi", [], "film_x4.mkv"),
        ("film.mov", ["--codec=h265"], "film_x4.mov"),
        ("film.mp4", ["--scale=1.5"], "film_x1.5.mp4"),
        ("film.mp4", ["--width=51", "--codec=av1"], "film_51w.mp4"),
        ("film.mp4", ["--output=other.webm"], "other.webm"),
        ("film.MP4", ["--output_dir=large"], "large/film_x4.MP4"),
    ],
)
def test_other_files_and_sizes(
    tmp_path: pathlib.Path, run: Run, monkeypatch: pytest.MonkeyPatch, source: str, arguments: list[str], result: str
) -> None:
    monkeypatch.chdir(tmp_path)
    making.make(pathlib.Path(source), making.moving(2))
    assert run(source, *arguments) == 0
    frame = making.content(pathlib.Path(result)).frames[0]
    sizes = {"film_x1.5.mp4": (48, 36), "film_51w.mp4": (52, 38)}
    assert (frame.width, frame.height) == sizes.get(result, (128, 96))


def test_a_turned_film_has_the_width_that_is_seen(tmp_path: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    film = making.make(tmp_path / "film.mp4", making.moving(2), matrix=QUARTER_TURN)
    assert run(film, "--width=48") == 0
    assert "(24x32) -> " in (out := capsys.readouterr().out)
    assert "(48x64)" in out
    after = making.content(tmp_path / "film_48w.mp4")
    assert (after.frames[0].width, after.frames[0].height, after.rotation) == (64, 48, -90)


def test_a_preview_is_one_frame_upright(tmp_path: pathlib.Path, run: Run) -> None:
    frames = making.moving(12)
    film = making.make(tmp_path / "film.mp4", frames, matrix=QUARTER_TURN, options={"crf": "1"})
    assert run(film, "--preview=0.2") == 0
    preview = rgb.read_photo(tmp_path / "film_x4.png").astype(int)
    upright = np.rot90(frames[5], -1)
    assert preview.shape == (128, 96, 3)
    assert np.abs(preview[::4, ::4] - upright).mean() < 12
    assert np.abs(preview[::4, ::4] - upright[::-1, ::-1]).mean() > 24
    assert run(film, "--preview=0", "--format=jpg") == 0
    assert (tmp_path / "film_x4.jpg").exists()


def test_a_part(tmp_path: pathlib.Path, run: Run) -> None:
    film = making.make(tmp_path / "film.mp4")
    assert run(film, "--start=0:00.2", "--end=0:0:0.4") == 0
    assert len(making.content(tmp_path / "film_x4.mp4").pts) == 5
    assert run(film, "--frames=2", "--overwrite") == 0
    assert len(making.content(tmp_path / "film_x4.mp4").pts) == 2


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["--start=soon"], "must be a time such as 90, 1:30 or 0:01:30.5, got 'soon'"),
        (["--crf=64"], "must be a whole number from 0 to 63, got '64'"),
        (["--start=2", "--end=1"], "--end must be later than --start"),
        (["--output=film.png"], "a film's result must end in .mp4, .m4v, .mov, .mkv"),
        (["--output=film.xyz"], "the name must end in .png"),
        (["--output=-"], "a film's result must be a file, not standard output"),
        (["--comparison=both.png"], "--comparison takes one photo"),
    ],
)
def test_wrong_use(
    tmp_path: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    film = making.make(tmp_path / "film.mp4", making.moving(1))
    assert run(film, *arguments) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["--crf=60"], "film.mp4: --crf of h264 is at most 51, got 60"),
        (["--max_pixels=12287"], "film.mp4: its result would have 12,288 pixels, more than --max_pixels=12287 allows"),
        (["--codec=h265", "--output=large.webm"], "film.mp4: .webm files hold no h265; .mkv does"),
        (["--codec=av1", "--output=large.mov"], "film.mp4: .mov files hold no av1; .mkv does"),
        (
            ["--width=64", "--height=96", "--codec=av1", "--output=large.mkv"],
            "film.mp4: its pixels are not square, which .mkv files",
        ),
        (["--pixel_art"], "film.mp4: --alpha, --data, --limit, --pixel_art and --wrap are for pictures, not for films"),
        (["--scale=250"], "film.mp4: h264 holds at most 35,651,584 pixels a frame, not 8000x6000"),
        (["--scale=600", "--dry_run"], "film.mp4: h264 holds at most 16384 pixels a side, not 19200x14400"),
        (["--start=99"], "film.mp4: it has no frame from 99 s on"),
        (["--output=no.mp4/film.mp4"], "no.mp4 is no folder"),
    ],
)
def test_what_cannot_be_done_fails_in_a_line(
    tmp_path: pathlib.Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no.mp4").touch()
    making.make(pathlib.Path("film.mp4"), making.moving(1))
    assert run("film.mp4", *arguments) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert reason in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mp4", "no.mp4"]


def test_interlaced_films_are_refused_or_made_whole(
    tmp_path: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    film = making.make(tmp_path / "film.mp4", options={"flags": "+ildct+ilme"})
    assert run(film) == 1
    assert "film.mp4: interlaced: its frames are two fields" in capsys.readouterr().err
    assert run(film, "--deinterlace") == 0
    assert not any(frame.interlaced_frame for frame in making.content(tmp_path / "film_x4.mp4").frames)


def test_hdr_is_never_shown_washed_out(tmp_path: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    pq: dict[str, Any] = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}
    frames = making.flat([500, 512, 512], "yuv420p10le", count=3)
    film = making.make(
        tmp_path / "film.mp4",
        frames,
        encoder="libx265",
        pixel_format="yuv420p10le",
        options={"x265-params": "log-level=none"},
        **pq,
    )
    assert run(film, "--preview=0") == 1
    assert "HDR, which a picture would show washed out" in capsys.readouterr().err
    assert run(film) == 0
    after = making.content(tmp_path / "film_x4.mp4")
    assert after.frames[0].format.name == "yuv420p10le"
    assert after.colours == (9, 16, 9, 1)


def test_of_a_film_that_is_cut_off_the_rest_is_kept(
    tmp_path: pathlib.Path, run: Run, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = rng.integers(0, 256, (100, making.HEIGHT, making.WIDTH, 3), dtype=np.uint8)
    film = making.make(tmp_path / "film.mkv", list(noise))
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    assert run(film) == 1
    [line] = capsys.readouterr().err.splitlines()
    result = tmp_path / "film_x4.mkv"
    assert "film.mkv: cut off: it ends at 0:0" in line
    assert line.endswith(f" of 0:04.000; what could be read is in {result}")
    assert 20 < len(making.content(result).frames) < 80


class Named(Repeater):
    receptive_field = 0

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def test_the_first_frames_condition_chooses_the_network(
    clean_and_noisy: tuple[np.ndarray, np.ndarray], tmp_path: pathlib.Path
) -> None:
    """Once for the film and all devices, by its most worn frame: the first ones may be black."""
    clean, noisy = clean_and_noisy
    choosers = [choice.by_condition(Named) for _ in range(2)]
    for frames, network in (([clean, clean], "edsr"), ([np.zeros_like(clean), *12 * [noisy]], "photo")):
        film = making.make(tmp_path / f"{network}.mkv", frames, encoder="ffv1", pixel_format="bgr0")
        job = plan.Job(film, tmp_path / f"{network}_x4.mkv")
        [outcome] = films.run([job], choosers, BatchOptions(Target(scale=4)), FilmOptions())
        assert (outcome.status, outcome.network) == ("done", network)


def test_a_dry_run_says_what_would_be_done(tmp_path: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    film = making.make(tmp_path / "film.mp4", matrix=QUARTER_TURN)
    (tmp_path / "bad.mp4").touch()
    assert run(film, tmp_path / "bad.mp4", "--dry_run") == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == f"{film} (24x32) -> {tmp_path / 'film_x4.mp4'} (96x128)"
    assert "bad.mp4: is empty" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.mp4", "film.mp4"]


def test_films_and_photos_in_a_folder(tmp_path: pathlib.Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    making.make(tmp_path / "film.mp4", making.moving(2))
    (tmp_path / "code.ts").write_text("let x = 1")
    rgb.write_photo(tmp_path / "photo.png", making.moving(1)[0])
    assert run(tmp_path) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 done, 0 skipped, 0 failed"
    assert run(tmp_path, "--skip_existing") == 0
    names = {"code.ts", "film.mp4", "film_x4.mp4", "photo.png", "photo_x4.png"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_without_pyav_films_are_refused_in_a_line(
    tmp_path: pathlib.Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    film = making.make(tmp_path / "film.mp4", making.moving(1))
    monkeypatch.setattr(formats, "is_available", lambda: False)
    assert run(film) == 1
    assert "films need PyAV: pip install '.[video]' in the checkout" in capsys.readouterr().err


def test_two_runs_give_the_same_film(tmp_path: pathlib.Path, run: Run) -> None:
    film = making.make(tmp_path / "film.mkv")
    results = [tmp_path / "a.mkv", tmp_path / "b.mkv"]
    for result in results:
        assert run(film, f"--output={result}") == 0
    assert results[0].read_bytes() == results[1].read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_goes_on(
    tmp_path: pathlib.Path, run: Run, interpolator: pathlib.Path, capsys: pytest.CaptureFixture[str], stop: signal.Signals
) -> None:
    frames = making.moving(film_order._MOST + 60)
    film = making.make(tmp_path / "film.mp4", frames)
    child = subprocess.Popen(
        [sys.executable, "upscale.py", str(film), f"--model={interpolator}"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        preexec_fn=take_interrupts,
    )
    state = tmp_path / "film_x4.mp4.parts" / "state.json"
    while child.poll() is None and not state.exists():
        time.sleep(0.02)
    child.send_signal(stop)
    said = child.communicate()[1].decode()
    assert child.returncode == (130 if stop == signal.SIGINT else -stop)
    assert not (tmp_path / "film_x4.mp4").exists()
    if stop == signal.SIGINT:
        assert f"stopped; the same command goes on (what is done is in {state.parent})" in said
    assert run(film) == 0
    assert f"{len(frames)} frames, {film_order._MOST} of them by an earlier run, " in capsys.readouterr().out
    assert making.content(tmp_path / "film_x4.mp4").pts == [Fraction(index, 25) for index in range(len(frames))]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mp4", "film_x4.mp4"]
