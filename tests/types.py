"""Types of what the shared fixtures are."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

# `(height, width)` to uint8 `[height, width, 3]`.
Noise = Callable[[int, int], np.ndarray]
# `(num_upscales=2, num_blocks=1)` to a generator.
TinyGenerator = Callable[..., "keras.Model"]
