import math
from collections.abc import Callable

import keras
import numpy as np
import pytest

from sr_keras.networks import back_projection, edsr, generators, lapsrn, receptive_field, rrdbnet, span, srgan, srvgg
from tests.small_networks import SMALL, last_picture, small


@pytest.mark.parametrize("num_blocks, num_upscales", [(0, 1), (2, 2), (1, 3)])
@pytest.mark.parametrize("name", generators.FAMILIES)
@pytest.mark.parametrize("corrected", [False, True])
def test_the_receptive_field_is_as_far_as_the_network_sees(
    rng: np.random.Generator, name: str, num_blocks: int, num_upscales: int, corrected: bool
) -> None:
    """One input pixel is changed; how far away does the output change?"""
    sizes = {"num_blocks": num_blocks} if "num_blocks" in SMALL[name] else {}
    network = small(name, num_upscales=num_upscales, **sizes)
    if corrected:
        network = back_projection.with_back_projection(network, scale=2**num_upscales)
    measured = receptive_field.measure(network)
    scale, reach = measured.output_scale, measured.output_receptive_field
    size, middle = 2 * reach + 5, reach + 2
    lr = rng.random((1, size, size, 3), dtype=np.float32)
    changed = lr.copy()
    changed[0, middle, middle] += 1
    difference = np.abs(np.array(last_picture(network, changed) - last_picture(network, lr)))[0].max(axis=2)
    assert difference.shape == (scale * size, scale * size)
    rows, columns = (indices // scale for indices in np.nonzero(difference))
    furthest = max(np.abs(rows - middle).max(), np.abs(columns - middle).max())
    # The outermost taps of two reductions are too small, multiplied, to be seen in float32.
    spare = 3 if corrected else 1
    assert reach - spare <= furthest <= reach


@pytest.mark.parametrize(
    "build, sizes, grid",
    [
        (rrdbnet.build, {"num_blocks": 1, "num_upscales": 0, "filters": 2, "growth": 1}, 1),
        (rrdbnet.build, {"num_blocks": 1, "num_upscales": 2, "filters": 2, "growth": 1}, 1),
        (rrdbnet.build, {"num_blocks": 1, "num_upscales": 1, "filters": 2, "growth": 1, "unshuffle": 2}, 2),
        (rrdbnet.build, {"num_blocks": 1, "num_upscales": 2, "filters": 2, "growth": 1, "unshuffle": 2}, 2),
        (rrdbnet.build, {"num_blocks": 1, "num_upscales": 2, "filters": 2, "growth": 1, "unshuffle": 4}, 4),
        (span.build, {"num_blocks": 2, "scale": 2, "filters": 3, "is_normalised": False}, 1),
        (srvgg.build, {"num_convs": 3, "scale": 3, "filters": 3}, 1),
    ],
)
def test_the_receptive_field_of_imported_networks_is_exact(
    build: Callable[..., keras.Model], sizes: dict[str, int], grid: int
) -> None:
    """Weights are positive, and all but one pixel are 0: so is what does not depend on it, and nothing else."""
    network = build(**sizes)
    network.set_weights([np.zeros(w.shape) if w.ndim == 1 else np.full(w.shape, 0.1) for w in network.get_weights()])
    measured = receptive_field.measure(network)
    scale, reach = measured.output_scale, measured.output_receptive_field
    size = math.ceil((2 * reach + 3) / grid) * grid + grid
    middle = size // 2 // grid * grid
    furthest = 0
    for offset in range(grid):
        lr = np.zeros((1, size, size, 3), np.float32)
        lr[0, middle + offset, middle + offset] = 1
        rows, columns = (places // scale for places in np.nonzero(last_picture(network, lr)[0].max(axis=2)))
        assert rows.min() > 0 and rows.max() < size - 1
        furthest = max(furthest, np.abs(rows - middle - offset).max(), np.abs(columns - middle - offset).max())
    assert (measured.grid, furthest) == (grid, reach)


@pytest.mark.parametrize(
    "build, sizes, parameters",
    [
        (rrdbnet.build, {}, 16_697_987),
        # Of 23 blocks, 22 less; the first convolution has 9 and 45 channels more to take.
        (rrdbnet.build, {"num_blocks": 1, "unshuffle": 2}, 16_697_987 - 22 * 719_424 + 9 * 9 * 64),
        (rrdbnet.build, {"num_blocks": 1, "unshuffle": 4}, 16_697_987 - 22 * 719_424 + 45 * 9 * 64),
        (srvgg.build, {}, 621_424),
        # "426K" in table 1 of the paper.
        (span.build, {}, 426_288),
    ],
)
def test_parameters_of_imported_networks(build: Callable[..., keras.Model], sizes: dict[str, int], parameters: int) -> None:
    assert build(**sizes).count_params() == parameters


def test_geometry_of_the_papers_generator() -> None:
    measured = receptive_field.measure(srgan.build_generator())
    assert (measured.output_scale, measured.output_receptive_field) == (4, 25)
    # The last PReLU: what it takes, what it makes and a half-way result, of 256 channels at 4 x 4 pixels each.
    assert (measured.peak_values, measured.peak_margin) == (3 * 256 * 16, 1)


def test_geometry_of_edsr() -> None:
    measured = receptive_field.measure(edsr.build())
    assert (measured.output_scale, measured.output_receptive_field) == (4, 36)


def test_geometry_of_espcn() -> None:
    measured = receptive_field.measure(generators.build("espcn"))
    assert (measured.output_scale, measured.output_receptive_field) == (4, 4)
    # More than a layer takes: the result, in float32.
    assert (measured.peak_values, measured.peak_margin) == (3 * 2 * 3 * 16, 0)


def test_geometry_of_lapsrn() -> None:
    """The 11 convolutions of the first level, then each layer counts for less."""
    measured = receptive_field.measure(lapsrn.build())
    assert (measured.output_scale, measured.output_receptive_field) == (4, math.ceil(11 + 1 + 10 / 2 + 1 / 2 + 1 / 4))


def test_unknown_layers_are_refused() -> None:
    photo = keras.Input((None, None, 3))
    model = keras.Model(photo, keras.layers.MaxPooling2D(name="pool")(photo))
    with pytest.raises(ValueError, match="pool"):
        receptive_field.measure(model)
