"""Pictures to write and read."""

import numpy as np
import pytest
from PIL import Image

from tests.types import Noise


@pytest.fixture
def coloured(noise: Noise) -> Image.Image:
    return Image.fromarray(noise(8, 12))


@pytest.fixture
def grey(coloured: Image.Image) -> Image.Image:
    return coloured.convert("L")


@pytest.fixture
def values(rng: np.random.Generator) -> np.ndarray:
    """Colours of 16 bits."""
    return rng.integers(0, 65536, (8, 12, 3), dtype=np.uint16)
