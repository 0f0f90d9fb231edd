"""Folders of numbered frames: which they are, what their results are called, and their one network."""

import pathlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("av", minversion="18.1", exc_type=ImportError)

from sr_keras.photos import picture, rgb
from sr_keras.upscaling import batch, choice, command, numbered, plan, result_names, search
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.target import Target
from tests.films import making
from tests.upscaling.making import Repeater


def write_frames(folder: pathlib.Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        Image.fromarray(making.moving(index + 1)[index]).save(folder / name)


def test_numbered_frames_keep_their_names(
    tmp_path: pathlib.Path, interpolator: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, model = tmp_path / "shot", f"--model={interpolator}"
    write_frames(folder, [f"frame{number}.png" for number in (8, 9, 10, 12, 20)])
    assert command.main([str(folder), model]) == 0
    lines = capsys.readouterr().out.splitlines()
    large = tmp_path / "shot_x4"
    told = [
        f"{folder}: 5 numbered frames, 8 to 20; missing: 11, 13 to 19",
        f"{folder}: taken for frames of one film: results go to {large}; name {folder}/* to have them as photos",
    ]
    assert lines[:2] == told
    assert [line.split(" (")[0] for line in lines[2:-1]] == [f"{folder}/frame{number}.png" for number in (8, 9, 10, 12, 20)]
    assert sorted(path.name for path in large.iterdir()) == sorted(path.name for path in folder.iterdir())
    assert rgb.read_photo(large / "frame8.png").shape == (96, 128, 3)
    # Results are no frames to be made larger, and no frames are done twice.
    assert command.main([str(tmp_path), model, "--recursive", "--skip_existing"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 done, 5 skipped, 0 failed"
    assert command.main([str(folder), model, "--dry_run", "--skip_existing"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == told


def planned(*arguments: pathlib.Path, **options: Any) -> list[str]:
    """The names of the results."""
    jobs = plan.plan(search.find(map(str, arguments), recursive=True), label="x4", **options)
    return [str(job.output) for job in jobs]


def test_numbered_frames_that_are_named_are_photos(tmp_path: pathlib.Path) -> None:
    """The same, whether the shell or we look up what a pattern means."""
    names = ["1.png", "2.png", "3.png"]
    write_frames(tmp_path, names)
    results = [str(tmp_path / name).replace(".", "_x4.") for name in names]
    assert planned(*(tmp_path / name for name in names)) == planned(tmp_path / "*.png") == results


def test_a_file_that_is_named_beside_numbered_frames_is_none_of_them(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "shot"
    write_frames(folder, ["1.png", "2.png", "3.png"])
    found = search.find([str(folder / "gone.jpg"), str(folder)])
    jobs = plan.plan(found, label="x4")
    assert [job.numbered for job in jobs] == [None, folder, folder, folder]
    assert jobs[0].output == folder / "gone_x4.jpg"


def test_numbered_frames_are_called_as_asked(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "shot"
    write_frames(folder, ["1.png", "2.png", "3.png"])
    results = [str(tmp_path / "shot_x4" / f"{number}_large.png") for number in (1, 2, 3)]
    assert planned(folder, name=result_names.Template("{stem}_large{ext}")) == results


def test_numbered_frames_in_another_folder(tmp_path: pathlib.Path) -> None:
    write_frames(tmp_path / "in" / "shot", ["1.png", "2.png", "10.png"])
    out = tmp_path / "out"
    assert planned(tmp_path / "in", output_dir=out, suffix=".jpg") == [f"{out}/shot/{number}.jpg" for number in (1, 2, 10)]


@pytest.mark.parametrize(
    "names", [["1.jpg", "2.jpg", "3.jpg"], ["1.png", "2.png"], ["a1.png", "b2.png", "c3.png"], ["1.png", "2.png", "last.png"]]
)
def test_these_are_photos(tmp_path: pathlib.Path, names: list[str]) -> None:
    write_frames(tmp_path, names)
    assert planned(tmp_path) == [str(tmp_path / name).replace(".", "_x4.") for name in names]


def test_numbered_pictures_of_several_sizes_are_photos(tmp_path: pathlib.Path) -> None:
    """Such as scans; one that can't be read says nothing of the others."""
    write_frames(tmp_path, ["1.png", "2.png", "3.png"])
    (tmp_path / "2.png").write_bytes(b"damaged")
    assert planned(tmp_path)[0] == str(tmp_path.with_name(f"{tmp_path.name}_x4") / "1.png")
    Image.new("RGB", (33, 24)).save(tmp_path / "3.png")
    assert planned(tmp_path) == [str(tmp_path / f"{number}_x4.png") for number in (1, 2, 3)]


def test_numbered_frames_that_are_equal_are_computed_once(tmp_path: pathlib.Path) -> None:
    first, second = making.moving(2)
    jobs = [plan.Job(tmp_path / f"{number}.png", tmp_path / f"large{number}.png") for number in range(5)]
    for job, frame in zip(jobs, [first, first, second, second, first], strict=True):
        assert job.source is not None
        rgb.write_photo(job.source, frame)
    upscaler = Repeater()
    choosers = numbered.decided_once([choice.always(upscaler)])
    outcomes = list(batch.run(jobs, choosers, BatchOptions(Target(scale=4))))
    assert [outcome.status for outcome in outcomes] == 5 * ["done"]
    assert upscaler.pixels == 3 * first[..., 0].size
    for number, frame in enumerate([first, first, second, second, first]):
        np.testing.assert_array_equal(rgb.read_photo(tmp_path / f"large{number}.png")[::4, ::4], frame)


def test_numbered_frames_have_one_network(clean_and_noisy: tuple[np.ndarray, np.ndarray]) -> None:
    """That of the first one, on all devices."""
    clean, noisy = (picture.Picture((Image.fromarray(frame),)) for frame in clean_and_noisy)
    choosers = numbered.decided_once([choice.by_condition(lambda name: Repeater()) for _ in range(2)])
    assert [choose(frame).network for frame in (clean, noisy) for choose in choosers] == 4 * ["edsr"]
