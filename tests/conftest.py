import os
import pathlib
import signal

import numpy as np
import pytest
from PIL import Image

from tests.types import Noise, TinyGenerator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = pathlib.Path(__file__).parent.parent


def take_interrupts() -> None:
    """For a process that is started: a shell lets what it starts in the background ignore Ctrl-C, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def pillows_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands set Pillow's limit of pixels for their process; here, that is the next test's too."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def noise(rng: np.random.Generator) -> Noise:
    """Makes uint8 `[height, width, 3]` of random numbers."""
    return lambda height, width: rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def tiny_generator() -> TinyGenerator:
    """Makes the smallest generator of the paper's structure, with random weights."""
    from sr_keras.networks import srgan

    return lambda num_upscales=2, num_blocks=1: srgan.build_generator(num_blocks, num_upscales, 4, 4)


@pytest.fixture(scope="session")
def interpolator(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder of an exported network that interpolates: small, and easy to tell from noise."""
    from sr_keras.inference import saved_model
    from sr_keras.networks import srgan

    generator = srgan.build_generator(num_blocks=1, num_upscales=2, filters=4, upscale_filters=4)
    srgan.init_as_interpolator(generator)
    folder = tmp_path_factory.mktemp("interpolator")
    saved_model.save(saved_model.Servable(generator), folder / "1")
    return folder
