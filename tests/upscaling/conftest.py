"""Pictures to enlarge."""

import numpy as np
import pytest
from PIL import Image

from sr_keras.photos import rgb
from tests.types import Noise


@pytest.fixture
def rgba(noise: Noise) -> Image.Image:
    picture = Image.fromarray(noise(12, 17)).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    return picture


@pytest.fixture
def clean_and_noisy(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    photo = rgb.read_photo(rgb.SAMPLE / "small.png")[:64, :64]
    return photo, np.clip(photo + rng.normal(0, 12, photo.shape), 0, 255).astype(np.uint8)
