from typing import Any

import pytest
from PIL import Image

from sr_keras.inference import model_info
from sr_keras.photos import raster, rgb
from sr_keras.photos.picture import Picture
from sr_keras.upscaling import choice


@pytest.fixture
def loaded() -> list[str]:
    return []


def network(name: str) -> Any:
    """Stands for an upscaler."""
    return f"the network {name}"


@pytest.fixture
def choose(loaded: list[str]) -> choice.Choose:
    """Chooses between names instead of networks, and tells which were loaded."""

    def load(name: str) -> Any:
        loaded.append(name)
        return network(name)

    return choice.by_condition(load)


def picture(mode: str = "RGB", steps: tuple[int, ...] | None = None) -> Picture:
    frame = Image.fromarray(rgb.read_photo(rgb.SAMPLE / "small.png"))
    return Picture((raster.of_image(frame) if mode == "16 bits" else frame.convert(mode),), jpeg_steps=steps)


def worn(steps: tuple[int, ...] = tuple(range(10, 74))) -> Picture:
    return picture(steps=steps)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "16 bits"])
def test_clean_pictures_are_only_enlarged(choose: choice.Choose, mode: str) -> None:
    assert choose(picture(mode)) == choice.Choice(network(model_info.ENLARGING), model_info.ENLARGING, "clean")


def test_worn_ones_are_restored_and_it_is_said_why(choose: choice.Choose) -> None:
    chosen = choose(worn())
    assert (chosen.upscaler, chosen.network) == (network(model_info.RESTORING), model_info.RESTORING)
    assert chosen.why.startswith("JPEG of quality ")


def test_a_network_is_loaded_once_and_only_if_it_is_needed(choose: choice.Choose, loaded: list[str]) -> None:
    for _ in range(2):
        choose(worn())
    assert loaded == [model_info.RESTORING]
    choose(picture())
    choose(worn())
    assert loaded == [model_info.RESTORING, model_info.ENLARGING]


def test_where_there_is_no_choice_no_reason_is_said() -> None:
    assert choice.always(network("edsr"), "edsr")(worn()) == choice.Choice(network("edsr"), "edsr", "")
