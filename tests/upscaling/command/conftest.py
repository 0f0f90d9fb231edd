"""`upscale.py` as a person runs it, in this process."""

import pathlib
from collections.abc import Callable

import pytest

from sr_keras.photos import rgb
from sr_keras.upscaling import command
from tests.types import Noise

Run = Callable[..., int | str | None]


@pytest.fixture
def photo(tmp_path: pathlib.Path, noise: Noise) -> pathlib.Path:
    path = tmp_path / "photo.jpg"
    rgb.write_photo(path, noise(21, 34))
    return path


@pytest.fixture
def run(interpolator: pathlib.Path) -> Run:
    """Runs `upscale.py` with the interpolator; returns its exit code."""

    def run(*arguments: object) -> int | str | None:
        model = [] if any(str(argument).startswith("--model") for argument in arguments) else [f"--model={interpolator}"]
        try:
            return command.main([*map(str, arguments), *model])
        except SystemExit as stop:  # argparse
            return stop.code

    return run
