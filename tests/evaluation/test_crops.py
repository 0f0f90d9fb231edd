import numpy as np

from sr_keras.evaluation import crops
from tests.types import Noise


def test_a_pixel_becomes_a_square_below_its_title(noise: Noise) -> None:
    lines = [{"left": noise(10, 60), "right": noise(10, 60)}, {"alone": noise(20, 60)}]
    sheet = crops.sheet(lines)
    assert sheet.shape == (28 + 30 + 8 + 28 + 60 + 8, 180 + 8 + 180, 3)
    np.testing.assert_array_equal(sheet[28:58:3, 1:180:3], lines[0]["left"])
    np.testing.assert_array_equal(sheet[96 : 96 - 2 + 60 : 3, 0:180:3], lines[1]["alone"][:20])
    assert np.all(sheet[70:, 190:] == 255)


def test_the_busiest_place_is_where_the_error_is(noise: Noise) -> None:
    hr = noise(200, 300) // 2
    sr = hr.copy()
    sr[100:180, 210:290] += 60
    assert crops.busiest_place(hr, sr) == (slice(100, 180), slice(210, 290))
    assert crops.busiest_place(hr[:50, :60], sr[:50, :60]) == (slice(0, 50), slice(0, 60))
