"""data_prep/degrade_photos.py: pairs as `evaluate --degrade` makes them, which training finds by itself."""

import pathlib

import numpy as np
import pytest

from data_prep import degrade_photos
from sr_keras.data import sources
from sr_keras.data.pairs import are_reductions
from sr_keras.evaluation import degradations
from sr_keras.photos import rgb
from tests.types import Noise


def run(*arguments: pathlib.Path) -> int:
    return degrade_photos.main([*map(str, arguments)])


def test_pairs_are_what_is_measured_on_and_what_training_takes(tmp_path: pathlib.Path, noise: Noise) -> None:
    (tmp_path / "photos").mkdir()
    for name, width in [("a.png", 40), ("b.jpg", 43), ("c.png", 44), ("d.png", 48)]:
        rgb.write_photo(tmp_path / "photos" / name, noise(32, width))
    assert run(tmp_path / "photos", tmp_path / "pairs") == 0
    pairs = sources.open_training_photos(tmp_path / "pairs", None, 4)
    assert isinstance(pairs, sources.PairedFiles)
    assert pairs.names == ["0000_phone.png", "0001_web.png", "0002_cctv.png", "0003_phone.png"]
    for number, name in enumerate(pairs.names):
        lr, hr = pairs.pair(number)
        np.testing.assert_array_equal(lr, degradations.degrade(hr, name[5:-4], name, 4))
    assert not are_reductions(pairs)


def test_wrong_use_is_one_line_and_a_bad_photo_stops_no_other(
    tmp_path: pathlib.Path, noise: Noise, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "bad.png").write_bytes(b"no picture")
    rgb.write_photo(photos / "good.png", noise(32, 32))
    assert run(photos, tmp_path / "pairs") == 1
    assert "bad.png" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "pairs" / "HR").iterdir()] == ["0001_web.png"]
    assert run(photos, tmp_path / "pairs") == 2
    assert (
        capsys.readouterr().err
        == f"degrade_photos.py: {tmp_path / 'pairs' / 'HR'}: exists; take another folder, or remove it\n"
    )
    assert run(tmp_path / "none", tmp_path / "other") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "other").exists()
