import numpy as np

from sr_keras import drawing


def test_no_pixel_is_resampled(noise):
    small, large = noise(40, 30), noise(90, 200)
    figure = drawing.side_by_side({"small": small, "large": large})
    assert figure.shape == (90 + 28, 150 + 8 + 200, 3)
    np.testing.assert_array_equal(figure[28:, 158:], large)
    np.testing.assert_array_equal(figure[28:68, 60:90], small)


def test_titles_are_drawn_above(noise):
    figure = drawing.side_by_side({"a title": noise(20, 150)})
    assert figure[:28].min() < 100
