"""`python -m sr_keras.leaks` as a person runs it."""

import pathlib

import pytest
from PIL import Image

from sr_keras import leaks
from sr_keras.photos import rgb

PHOTOS = rgb.SAMPLE / "photos"


def test_it_names_pairs_as_a_person_runs_it(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    Image.open(PHOTOS / "astronaut.jpg").reduce(2).save(folder / "0.jpg", quality=60)
    Image.new("RGB", (99, 99)).save(folder / "1.png")
    assert leaks.main([str(PHOTOS), str(folder)]) == 1
    found, total = capsys.readouterr().out.splitlines()
    assert found.startswith(f"{PHOTOS / 'astronaut.jpg'} shows {folder / '0.jpg'} (similarity ")
    assert total.endswith("photos: 1 pair")
    (folder / "0.jpg").unlink()
    assert leaks.main([str(PHOTOS), str(folder)]) == 0
    assert leaks.main([str(PHOTOS), "nowhere"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
