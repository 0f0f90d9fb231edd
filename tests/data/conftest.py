"""Photos to train on."""

import pathlib

import pytest
from PIL import Image

from tests.types import Noise


@pytest.fixture
def folder(tmp_path: pathlib.Path, noise: Noise) -> pathlib.Path:
    """Twelve photos of several sizes and kinds."""
    for index, (height, width) in enumerate(3 * [(40, 60), (70, 50), (33, 33), (32, 90)]):
        suffix, mode = [(".jpg", "RGB"), (".png", "RGB"), (".bmp", "L"), (".JPEG", "L")][index // 3]
        sub = tmp_path / "sub" if index % 2 else tmp_path
        sub.mkdir(exist_ok=True)
        Image.fromarray(noise(height, width)).convert(mode).save(sub / f"{index}{suffix}")
    return tmp_path
