import pathlib
from typing import Any

import pytest

from sr_keras.runtime.errors import UserError
from sr_keras.upscaling import plan, result_names, search


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    for name in ("a.jpg", "b.PNG", "c.gif", "notes.txt", "deep/a.jpg", "deep/er/d.webp"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return pathlib.Path("photos")


def names(found: list[search.Found]) -> list[str]:
    return [str(each.path) for each in found]


def results(found: list[search.Found], **options: Any) -> dict[str, str]:
    return {str(job.source): str(job.output) for job in plan.plan(found, label="x4", **options)}


def test_folders_hold_pictures(folder: pathlib.Path) -> None:
    assert names(search.find(["photos"])) == ["photos/a.jpg", "photos/b.PNG", "photos/c.gif"]
    assert names(search.find(["photos"], recursive=True))[-2:] == ["photos/deep/a.jpg", "photos/deep/er/d.webp"]


def test_patterns_that_the_shell_left(folder: pathlib.Path) -> None:
    assert names(search.find(["photos/*.jpg"])) == ["photos/a.jpg"]
    assert names(search.find(["photos/**/*.jpg"])) == ["photos/a.jpg", "photos/deep/a.jpg"]


def test_a_name_that_looks_like_a_pattern_is_a_name(folder: pathlib.Path) -> None:
    (folder / "[a].jpg").touch()
    assert names(search.find(["photos/[a].jpg"])) == ["photos/[a].jpg"]


def test_lists_are_relative_to_themselves(folder: pathlib.Path) -> None:
    (folder / "list.txt").write_text("\ufeffa.jpg\n\n  deep/a.jpg \ndeep/er\n")
    assert names(search.find([], list_file=folder / "list.txt")) == [
        "photos/a.jpg",
        "photos/deep/a.jpg",
        "photos/deep/er/d.webp",
    ]


def test_comments_in_lists_are_no_names_unless_they_are_files(folder: pathlib.Path) -> None:
    (folder / "#1.jpg").touch()
    (folder / "list.txt").write_text("# of the summer\n#1.jpg\n#2.jpg\na.jpg\n")
    assert names(search.find([], list_file=folder / "list.txt")) == ["photos/#1.jpg", "photos/a.jpg"]


def test_a_photo_named_twice_is_done_once(folder: pathlib.Path) -> None:
    assert names(search.find(["photos/a.jpg", "photos", str(folder.resolve() / "a.jpg")]))[1:] == [
        "photos/b.PNG",
        "photos/c.gif",
    ]


def test_a_missing_photo_is_found_to_fail_later(folder: pathlib.Path) -> None:
    assert names(search.find(["gone.jpg"])) == ["gone.jpg"]


@pytest.mark.parametrize(
    "name, reason",
    [
        ("gone.txt", "gone.txt: No such file"),
        ("empty.txt", "empty.txt: names nothing"),
    ],
)
def test_a_list_of_nothing_is_wrong_use(folder: pathlib.Path, name: str, reason: str) -> None:
    pathlib.Path("empty.txt").write_text("# nothing yet\n\n")
    with pytest.raises(UserError, match=reason):
        search.find([], list_file=pathlib.Path(name))


@pytest.mark.parametrize(
    "argument, reason", [("photos/*.bmp", "nothing that it describes"), ("empty", "holds no picture"), ("gone.jpg", "")]
)
def test_nothing_found_is_a_failed_file(folder: pathlib.Path, argument: str, reason: str) -> None:
    pathlib.Path("empty").mkdir()
    [found] = search.find([argument])
    assert str(found.path) == argument
    assert reason in found.problem
    for output_dir in (None, pathlib.Path("large")):
        [job] = plan.plan([found], label="x4", output_dir=output_dir)
        assert job.problem == found.problem


def test_results_lie_beside_their_photos(folder: pathlib.Path) -> None:
    found = search.find(["photos"], recursive=True)
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
    found = search.find(arguments, recursive=True)
    large = results([each for each in found if each.path and each.path.suffix != ".txt"], output_dir=pathlib.Path("large"))
    assert large["photos/a.jpg"] == "large/a_x4.jpg"
    assert large["photos/deep/er/d.webp"] == "large/deep/er/d_x4.webp"


def test_lists_keep_their_structure(folder: pathlib.Path) -> None:
    (folder / "list.txt").write_text(f"deep/a.jpg\n{folder.resolve() / 'b.PNG'}\n../elsewhere/e.jpg\n")
    found = search.find([], list_file=folder / "list.txt")
    assert sorted(results(found, output_dir=pathlib.Path("large")).values()) == [
        "large/b_x4.PNG",
        "large/deep/a_x4.jpg",
        "large/e_x4.jpg",
    ]


def test_results_of_an_earlier_run_are_no_photos(folder: pathlib.Path) -> None:
    (folder / "a_x4.jpg").touch()
    assert "photos/a_x4.jpg" not in results(search.find(["photos"]))
    assert results(search.find(["photos/a_x4.jpg"])) == {"photos/a_x4.jpg": "photos/a_x4_x4.jpg"}


def test_standard_streams(folder: pathlib.Path) -> None:
    [job] = plan.plan(search.find(["-"]), label="x4")
    assert job == plan.Job(None, None)
    [job] = plan.plan(search.find(["photos/a.jpg"]), label="x4", output=pathlib.Path("-"))
    assert job == plan.Job(folder / "a.jpg", None)
    assert (job.name, job.result_name) == ("photos/a.jpg", "standard output")


def problems(arguments: list[str], **options: Any) -> dict[str, str]:
    jobs = plan.plan(search.find(arguments), label="x4", **options)
    return {job.name: job.problem for job in jobs if job.problem}


@pytest.mark.parametrize(
    "arguments, options, failing, reason",
    [
        (
            ["photos/a.jpg", "photos/deep/a.jpg", "photos/b.PNG"],
            {"output_dir": pathlib.Path("x")},
            ["photos/a.jpg", "photos/deep/a.jpg"],
            "x/a_x4.jpg would also be the result of photos/",
        ),
        (["photos/a.jpg", "photos/a_x4.jpg"], {}, ["photos/a.jpg"], "would replace another photo"),
        (
            ["photos/a.jpg", "photos/b.PNG"],
            {"name": result_names.Template("{stem}{ext}")},
            None,
            "would replace the photo itself",
        ),
    ],
)
def test_of_a_clash_only_those_fail(
    folder: pathlib.Path, arguments: list[str], options: dict[str, Any], failing: list[str] | None, reason: str
) -> None:
    found = problems(arguments, **options)
    assert list(found) == (failing or arguments)
    assert all(reason in problem for problem in found.values())


def test_photos_of_a_folder_that_results_would_replace_are_not_taken_for_results(folder: pathlib.Path) -> None:
    found = problems(["photos"], name=result_names.Template("{stem}{ext}"))
    assert found["photos/a.jpg"] == "photos/a.jpg: would replace the photo itself"
    assert set(found) >= {"photos/a.jpg", "photos/b.PNG"}


def test_two_formats_of_one_name_have_two_results(folder: pathlib.Path) -> None:
    (folder / "a.gif").touch()
    assert results(search.find(["photos/a.jpg", "photos/a.gif", "photos/c.gif"]), suffix=".jpg") == {
        "photos/a.jpg": "photos/a_jpg_x4.jpg",
        "photos/a.gif": "photos/a_gif_x4.jpg",
        "photos/c.gif": "photos/c_x4.jpg",
    }
    assert results(search.find(["photos/a.jpg", "photos/a.gif"])) == {
        "photos/a.jpg": "photos/a_x4.jpg",
        "photos/a.gif": "photos/a_x4.png",
    }


def test_a_picture_that_is_done_alone_is_not_taken_for_the_one_beside_it(folder: pathlib.Path) -> None:
    """Or its result would be skipped for that of the other."""
    (folder / "b.gif").touch()
    (folder / "b.PNG").rename(folder / "b.png")
    alone = [results(search.find([f"photos/b.{suffix}"])) for suffix in ("gif", "png")]
    assert alone == [{"photos/b.gif": "photos/b_gif_x4.png"}, {"photos/b.png": "photos/b_png_x4.png"}]
    (folder / "b_gif_x4.png").touch()
    assert "photos/b_gif_x4.png" not in results(search.find(["photos"]), suffix=".webp")


@pytest.mark.parametrize(
    "name, result",
    [("a.jfif", "a_x4.jpg"), ("a.MPO", "a_x4.jpg"), ("a.heif", "a_x4.heic"), ("a.JPG", "a_x4.JPG"), ("a.tga", "a_x4.png")],
)
def test_a_format_is_kept_whatever_its_suffix(name: str, result: str) -> None:
    assert results(search.find([name])) == {name: result}


@pytest.mark.parametrize("output", ["photos/a.jpg", "photos/deep/../a.jpg"])
def test_one_result_that_would_replace_the_photo_is_wrong_use(folder: pathlib.Path, output: str) -> None:
    with pytest.raises(UserError, match="would replace the photo itself"):
        plan.plan(search.find(["photos/a.jpg"]), label="x4", output=pathlib.Path(output))


def test_one_result_of_two_photos_is_wrong_use(folder: pathlib.Path) -> None:
    with pytest.raises(UserError, match="--output names one result, but there are 2"):
        plan.plan(search.find(["photos/a.jpg", "photos/c.gif"]), label="x4", output=pathlib.Path("x.png"))


@pytest.mark.parametrize(
    "template, label, name",
    [
        ("{stem}{ext}", "x4", "photo.png"),
        ("{stem}_x{scale}{ext}", "x1.5", "photo_x1.5.png"),
        ("{label}-{stem}{ext}", "1920w", "1920w-photo.png"),
    ],
)
def test_names_by_a_template(template: str, label: str, name: str) -> None:
    assert result_names.Template(template).fill("photo", label, ".png") == name


@pytest.mark.parametrize(
    "template, reason",
    [
        ("{stem}", "end in {ext}"),
        ("x{ext}", "must have {stem}"),
        ("../{stem}{ext}", "not a path"),
        ("a\\{stem}{ext}", "not a path"),
        ("-{stem}{ext}", "or an option"),
        ("{stem.__class__}{ext}", "{stem.__class__} is unknown"),
        ("{stem!r}{ext}", "without : or !"),
        ("{stem:>99999999}{ext}", "without : or !"),
        ("{stem{ext}", "--name="),
        ("{}{stem}{ext}", "{} is unknown"),
    ],
)
def test_unsafe_templates_are_refused(template: str, reason: str) -> None:
    with pytest.raises(UserError) as error:
        result_names.Template(template)
    assert reason in str(error.value)


def test_a_template_without_a_scale_to_name_is_refused() -> None:
    with pytest.raises(UserError, match="with --width and --height"):
        result_names.Template("{stem}_x{scale}{ext}").fill("photo", "1920w", ".png")


@pytest.mark.parametrize("letter", ["a", "é", "猫"])
def test_a_name_of_255_bytes_is_shortened_and_stays_one_of_a_kind(tmp_path: pathlib.Path, letter: str) -> None:
    stems = [(letter * 255).encode()[:250].decode(errors="ignore") + last for last in "xy"]
    names = [result_names.Template("{stem}_{label}{ext}").fill(stem, "x4", ".png") for stem in stems]
    assert len(set(names)) == 2
    for name in names:
        assert name.endswith("_x4.png")
        (tmp_path / name).touch()


def test_a_result_of_a_shortened_name_is_no_photo(folder: pathlib.Path) -> None:
    """Whatever size it is of."""
    stem = 250 * "n"
    (folder / f"{stem}.png").touch()
    (folder / result_names.Template("{stem}_{label}{ext}").fill(stem, "x2", ".png")).touch()
    other = f"{200 * 'n'}~12345678_x2.png"  # by its looks alone
    (folder / other).touch()
    found = {path for path in results(search.find(["photos"])) if "nn" in path}
    assert found == {f"photos/{stem}.png", f"photos/{other}"}


def test_a_picture_with_another_ending_is_not_passed_over(folder: pathlib.Path) -> None:
    (folder / "mislabelled.bin").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    (folder / "phone.HEIC").touch()
    assert {"photos/mislabelled.bin", "photos/phone.HEIC"} <= set(names(search.find(["photos"])))


def test_what_is_passed_over_is_counted(folder: pathlib.Path) -> None:
    for name in ("a.svg", "b.SVG", "c.pdf", "README"):
        (folder / name).touch()
    (folder / "link.png").symlink_to("gone.png")
    told: list[str] = []
    search.find(["photos"], tell=told.append)
    assert told == [
        "photos: passed over 1 folder (--recursive looks into them), 2 .svg, 1 .pdf, 1 .txt, 1 broken link, "
        "1 file without a suffix"
    ]
    search.find(["photos"], recursive=True, tell=told.append)
    assert told[1] == "photos: passed over 2 .svg, 1 .pdf, 1 .txt, 1 broken link, 1 file without a suffix"
    search.find(["photos/deep"], recursive=True, tell=told.append)
    assert len(told) == 2


PNG, JPEG, TIFF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0"


@pytest.mark.parametrize(
    "name, content, result",
    [
        ("photo", JPEG, "photo_x4.jpg"),
        ("photo.jpg", PNG, "photo_x4.png"),
        ("photo.PNG", JPEG, "photo_x4.jpg"),
        ("photo.JPG", JPEG, "photo_x4.JPG"),
        ("photo.tif", TIFF, "photo_x4.tif"),
        ("photo.dng", TIFF, "photo_x4.png"),
        ("photo.bin", TIFF, "photo_x4.tif"),
        ("photo.jpg", b"GIF89a", "photo_x4.png"),
        ("photo.jpg", b"who knows", "photo_x4.jpg"),
    ],
)
def test_the_content_decides_what_a_result_is(folder: pathlib.Path, name: str, content: bytes, result: str) -> None:
    (folder / name).write_bytes(content + bytes(64))
    assert results(search.find([f"photos/{name}"])) == {f"photos/{name}": f"photos/{result}"}
