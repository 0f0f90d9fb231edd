"""A picture to enlarge."""

import pytest
from PIL import Image

from tests.types import Noise


@pytest.fixture
def rgba(noise: Noise) -> Image.Image:
    picture = Image.fromarray(noise(12, 17)).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    return picture
