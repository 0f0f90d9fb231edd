from collections.abc import Callable, Iterator

import keras
import pytest


@pytest.fixture
def policy() -> Iterator[Callable[[str], None]]:
    yield keras.mixed_precision.set_global_policy
    keras.mixed_precision.set_global_policy("float32")
