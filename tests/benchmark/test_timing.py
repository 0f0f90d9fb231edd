import pytest

from sr_keras.benchmark import timing


def test_the_fastest_turn_counts_but_not_the_first() -> None:
    left, right = iter([1.0, 5.0, 3.0, 4.0]), iter([9.0, 6.0, 7.0, 8.0])
    assert timing.fastest({"left": lambda: next(left), "right": lambda: next(right)}, repeats=3) == {"left": 3.0, "right": 6.0}


@pytest.mark.skipif(len(timing.cores()) < 2, reason="needs two cores that can be told apart")
def test_a_process_is_kept_on_one_core_for_a_while() -> None:
    before = timing.cores()
    with timing.on_cores(before[1:2]):
        assert timing.cores() == before[1:2]
    assert timing.cores() == before
