import numpy as np

from sr_keras.evaluation import drawing
from tests.types import Noise


def test_no_pixel_is_resampled(noise: Noise) -> None:
    small, large = noise(40, 30), noise(90, 200)
    figure = drawing.side_by_side({"small": small, "large": large})
    assert figure.shape == (90 + 28, 150 + 8 + 200, 3)
    np.testing.assert_array_equal(figure[28:, 158:], large)
    np.testing.assert_array_equal(figure[28:68, 60:90], small)


def test_titles_are_drawn_above(noise: Noise) -> None:
    figure = drawing.side_by_side({"a title": noise(20, 150)})
    assert figure[:28].min() < 100


def test_a_grid_is_filled_row_by_row(noise: Noise) -> None:
    pictures = [noise(20, 30), noise(10, 10), noise(20, 30)]
    sheet = drawing.grid(pictures, columns=2)
    assert sheet.shape == (20 + 8 + 20, 30 + 8 + 30, 3)
    np.testing.assert_array_equal(sheet[:20, :30], pictures[0])
    np.testing.assert_array_equal(sheet[:10, 38:48], pictures[1])
    np.testing.assert_array_equal(sheet[28:, :30], pictures[2])
    assert (sheet[28:, 30:] == 255).all()


def test_a_pixel_becomes_a_square_below_its_title(noise: Noise) -> None:
    lines = [{"left": noise(10, 60), "right": noise(10, 60)}, {"alone": noise(20, 60)}]
    sheet = drawing.crop_sheet(lines)
    assert sheet.shape == (28 + 30 + 8 + 28 + 60 + 8, 180 + 8 + 180, 3)
    np.testing.assert_array_equal(sheet[28:58:3, 1:180:3], lines[0]["left"])
    np.testing.assert_array_equal(sheet[96 : 96 - 2 + 60 : 3, 0:180:3], lines[1]["alone"][:20])
    assert np.all(sheet[70:, 190:] == 255)
