import pathlib
from typing import Any

import pytest

from sr_keras.upscaling import plan


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    for name in ("a.jpg", "b.PNG", "c.gif", "notes.txt", "deep/a.jpg", "deep/er/d.webp"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return pathlib.Path("photos")


def names(found: list[plan.Found]) -> list[str]:
    return [str(each.path) for each in found]


def results(found: list[plan.Found], **options: Any) -> dict[str, str]:
    return {str(job.source): str(job.output) for job in plan.plan(found, label="x4", **options)}


def test_folders_hold_pictures(folder: pathlib.Path) -> None:
    assert names(plan.find(["photos"])) == ["photos/a.jpg", "photos/b.PNG", "photos/c.gif"]
    assert names(plan.find(["photos"], recursive=True))[-2:] == ["photos/deep/a.jpg", "photos/deep/er/d.webp"]


def test_patterns_that_the_shell_left(folder: pathlib.Path) -> None:
    assert names(plan.find(["photos/*.jpg"])) == ["photos/a.jpg"]
    assert names(plan.find(["photos/**/*.jpg"])) == ["photos/a.jpg", "photos/deep/a.jpg"]


def test_a_name_that_looks_like_a_pattern_is_a_name(folder: pathlib.Path) -> None:
    (folder / "[a].jpg").touch()
    assert names(plan.find(["photos/[a].jpg"])) == ["photos/[a].jpg"]


def test_lists_are_relative_to_themselves(folder: pathlib.Path) -> None:
    (folder / "list.txt").write_text("\ufeffa.jpg\n\n  deep/a.jpg \ndeep/er\n")
    assert names(plan.find([], list_file=folder / "list.txt")) == ["photos/a.jpg", "photos/deep/a.jpg", "photos/deep/er/d.webp"]


def test_a_photo_named_twice_is_done_once(folder: pathlib.Path) -> None:
    assert names(plan.find(["photos/a.jpg", "photos", str(folder.resolve() / "a.jpg")]))[1:] == ["photos/b.PNG", "photos/c.gif"]


def test_a_missing_photo_is_found_to_fail_later(folder: pathlib.Path) -> None:
    assert names(plan.find(["gone.jpg"])) == ["gone.jpg"]


@pytest.mark.parametrize(
    "arguments, options, reason",
    [
        (["photos/*.bmp"], {}, "nothing that it describes"),
        (["empty"], {}, "holds no picture"),
        ([], {"list_file": pathlib.Path("gone.txt")}, "gone.txt: No such file"),
    ],
)
def test_nothing_found_is_wrong_use(folder: pathlib.Path, arguments: list[str], options: dict[str, Any], reason: str) -> None:
    pathlib.Path("empty").mkdir()
    with pytest.raises(plan.UsageError, match=reason):
        plan.find(arguments, **options)


def test_results_lie_beside_their_photos(folder: pathlib.Path) -> None:
    found = plan.find(["photos"], recursive=True)
    assert results(found) == {
        "photos/a.jpg": "photos/a_x4.jpg",
        "photos/b.PNG": "photos/b_x4.PNG",
        "photos/c.gif": "photos/c_x4.png",
        "photos/deep/a.jpg": "photos/deep/a_x4.jpg",
        "photos/deep/er/d.webp": "photos/deep/er/d_x4.webp",
    }
    assert results(found, suffix=".webp")["photos/deep/a.jpg"] == "photos/deep/a_x4.webp"


@pytest.mark.parametrize("arguments", [["photos"], ["photos/**/*"]])
def test_the_output_folder_has_the_same_structure(folder: pathlib.Path, arguments: list[str]) -> None:
    found = plan.find(arguments, recursive=True)
    large = results([each for each in found if each.path and each.path.suffix != ".txt"], output_dir=pathlib.Path("large"))
    assert large["photos/a.jpg"] == "large/a_x4.jpg"
    assert large["photos/deep/er/d.webp"] == "large/deep/er/d_x4.webp"


def test_lists_keep_their_structure(folder: pathlib.Path) -> None:
    (folder / "list.txt").write_text(f"deep/a.jpg\n{folder.resolve() / 'b.PNG'}\n../elsewhere/e.jpg\n")
    found = plan.find([], list_file=folder / "list.txt")
    assert sorted(results(found, output_dir=pathlib.Path("large")).values()) == [
        "large/b_x4.PNG",
        "large/deep/a_x4.jpg",
        "large/e_x4.jpg",
    ]


def test_results_of_an_earlier_run_are_no_photos(folder: pathlib.Path) -> None:
    (folder / "a_x4.jpg").touch()
    assert "photos/a_x4.jpg" not in results(plan.find(["photos"]))
    assert results(plan.find(["photos/a_x4.jpg"])) == {"photos/a_x4.jpg": "photos/a_x4_x4.jpg"}


def test_standard_streams(folder: pathlib.Path) -> None:
    [job] = plan.plan(plan.find(["-"]), label="x4")
    assert job == plan.Job(None, None)
    [job] = plan.plan(plan.find(["photos/a.jpg"]), label="x4", output=pathlib.Path("-"))
    assert job == plan.Job(folder / "a.jpg", None)
    assert (job.name, job.result_name) == ("photos/a.jpg", "standard output")


@pytest.mark.parametrize(
    "arguments, options, reason",
    [
        (
            ["photos/a.jpg", "photos/deep/a.jpg"],
            {"output_dir": pathlib.Path("x")},
            "x/a_x4.jpg: would be the result of both photos/a.jpg and",
        ),
        (["photos/a.jpg", "photos/a.gif", "photos/c.gif"], {"suffix": ".jpg"}, "would be the result of both"),
        (["photos/a.jpg"], {"output": pathlib.Path("photos/a.jpg")}, "would replace the photo itself"),
        (["photos/a.jpg"], {"output": pathlib.Path("photos/deep/../a.jpg")}, "would replace the photo itself"),
        (["photos/a.jpg", "photos/a_x4.jpg"], {}, "would replace another photo"),
        (["photos/a.jpg", "photos/c.gif"], {"output": pathlib.Path("x.png")}, "--output names one result, but there are 2"),
    ],
)
def test_clashes_are_refused_before_any_work(
    folder: pathlib.Path, arguments: list[str], options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(plan.UsageError, match=reason):
        plan.plan(plan.find(arguments), label="x4", **options)
