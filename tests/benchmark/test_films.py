import pathlib

import pytest

pytest.importorskip("av", minversion="18.1", exc_type=ImportError)

from sr_keras.benchmark import __main__ as benchmark
from sr_keras.benchmark import films
from sr_keras.inference.upscaler import Upscaler


def test_a_film_is_measured_beside_its_files_alone(interpolator: pathlib.Path) -> None:
    speed = films.measure(Upscaler.load(interpolator), num_frames=6, repeats=1, width=32, height=24)
    assert speed.whole > 0
    assert speed.share == pytest.approx(speed.whole / speed.files)


def test_the_speed_is_printed(
    interpolator: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(films, "measure", lambda upscaler, **_: films.FilmSpeed(24.0, 40.0))
    assert benchmark.main(["upscale", "--video", f"--model={interpolator}", "--frames=6"]) == 0
    out = capsys.readouterr().out
    assert "6 frames of 320x180" in out
    assert out.endswith("frames a second: 24.0; decoding and encoding alone: 40.0; share: 0.60\n")
