"""What `upscale.py` finds in the place of what it would write."""

import pathlib

import pytest

from sr_keras.photos import rgb
from tests.types import Noise
from tests.upscaling.command.conftest import Run


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


def test_a_result_of_another_size_is_that_of_another_picture(
    photo: pathlib.Path, noise: Noise, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    result = photo.with_name("photo_x4.jpg")
    rgb.write_photo(result, noise(84, 135))
    assert run(photo, "--skip_existing") == 1
    line = f"upscale.py: {photo}: {result} is there already, but of another picture: 135x84 pixels, not 136x84\n"
    assert capsys.readouterr().err == line
