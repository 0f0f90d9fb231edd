from sr_keras.evaluation import comparison
from tests.types import Noise


def test_the_busiest_place_is_where_the_error_is(noise: Noise) -> None:
    hr = noise(200, 300) // 2
    sr = hr.copy()
    sr[100:180, 210:290] += 60
    assert comparison.busiest_place(hr, sr) == (slice(100, 180), slice(210, 290))
    assert comparison.busiest_place(hr[:50, :60], sr[:50, :60]) == (slice(0, 50), slice(0, 60))
