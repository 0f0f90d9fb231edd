"""Sizes that are asked for, and the passes that lead to them."""

import pytest

from sr_keras.upscaling.target import Target, passes


@pytest.mark.parametrize(
    "target, size, label",
    [
        (Target(scale=4), (400, 200), "x4"),
        (Target(scale=1.5), (150, 75), "x1.5"),
        (Target(width=250), (250, 125), "250w"),
        (Target(height=60), (120, 60), "60h"),
        (Target(width=300, height=99), (300, 99), "300x99"),
    ],
)
def test_targets(target: Target, size: tuple[int, int], label: str) -> None:
    assert target.size(100, 50) == size
    assert target.label == label


def test_no_side_becomes_nothing() -> None:
    assert Target(width=10).size(1000, 1) == (10, 1)


@pytest.mark.parametrize(
    "size, target, scale, sizes",
    [
        ((100, 50), (400, 200), 4, [(400, 200)]),
        ((100, 50), (150, 75), 4, [(150, 75)]),
        ((100, 50), (100, 50), 4, []),
        ((100, 50), (50, 25), 4, []),
        ((100, 50), (500, 250), 4, [(125, 63), (500, 250)]),
        ((100, 50), (1600, 800), 4, [(400, 200), (1600, 800)]),
        ((100, 50), (300, 150), 2, [(150, 75), (300, 150)]),
        ((100, 50), (90, 60), 4, [(90, 60)]),
        ((400, 400), (100, 2000), 4, [(100, 500), (100, 2000)]),
        ((100, 50), (100, 50), 1, [(100, 50)]),
        ((100, 50), (200, 100), 1, [(200, 100)]),
    ],
)
def test_passes(size: tuple[int, int], target: tuple[int, int], scale: int, sizes: list[tuple[int, int]]) -> None:
    assert passes(size, Target(width=target[0], height=target[1]), scale) == sizes
