"""Results of the bundled networks stay what they are while the code around them changes."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from sr_keras.photos import rgb
from sr_keras.upscaling import command

# Made on a processor with AVX-512; others add in another order, so results differ by a rounding here and there.
REFERENCES = pathlib.Path(__file__).parent / "references"


@pytest.mark.parametrize("model", ["edsr", "photo"])
def test_results_are_those_that_were_kept(tmp_path: pathlib.Path, model: str) -> None:
    with Image.open(rgb.SAMPLE / "small.png") as picture:
        picture.crop((60, 30, 84, 46)).save(tmp_path / "crop.png")
    assert command.main([str(tmp_path / "crop.png"), f"--model={model}", "--precision=float32", "--quiet"]) == 0
    expected = rgb.read_photo(REFERENCES / f"{model}.png").astype(int)
    difference = np.abs(rgb.read_photo(tmp_path / "crop_x4.png") - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3
