import inspect

import numpy as np
import pytest

from sr_keras import edsr, generators


def conv(inputs, outputs):
    return 9 * inputs * outputs + outputs


def test_edsr_has_the_parameters_of_its_paper():
    """1.5 million (table 1)."""
    expected = conv(3, 64) + 16 * 2 * conv(64, 64) + conv(64, 64) + 2 * conv(64, 256) + conv(64, 3)
    assert expected == 1_517_571
    assert edsr.build().count_params() == expected


@pytest.mark.parametrize("name", generators.FAMILIES)
def test_a_new_generator_takes_any_size(name):
    network = generators.build(name, num_blocks=1, filters=4)
    assert network(np.zeros((2, 5, 8, 3), np.float32)).shape == (2, 20, 32, 3)
    assert len({layer.name for layer in network.layers}) == len(network.layers)


@pytest.mark.parametrize("name", generators.FAMILIES)
def test_an_interpolator_keeps_ramps_and_colours(name):
    network = generators.build(name, num_blocks=1, filters=4)
    generators.FAMILIES[name].init_as_interpolator(network)
    ramp = np.arange(16, dtype=np.float32)[:, np.newaxis, np.newaxis] / 16 * np.float32([1, 0.5, 0.2])
    sr = np.array(network(np.broadcast_to(ramp[:, np.newaxis, 0], (16, 12, 3))[np.newaxis]))[0]
    places = (np.arange(64) + 0.5) / 4 - 0.5
    expected = places[:, np.newaxis, np.newaxis] / 16 * np.float32([1, 0.5, 0.2])
    inside = slice(16, -16)
    np.testing.assert_allclose(sr[inside, inside], np.broadcast_to(expected, sr.shape)[inside, inside], atol=1e-5)


def test_a_size_that_a_family_lacks_is_refused():
    with pytest.raises(ValueError, match="the generator edsr has no upscale_filters"):
        generators.build("edsr", upscale_filters=8)


@pytest.mark.parametrize("name", generators.FAMILIES)
@pytest.mark.parametrize("size, value", [("num_blocks", -1), ("num_upscales", 0), ("filters", 2)])
def test_sizes_that_make_no_network_are_refused(name, size, value):
    assert size in inspect.signature(generators.FAMILIES[name].build).parameters
    with pytest.raises(ValueError, match=f"{size} must be at least {value + 1}, got {value}"):
        generators.build(name, **{size: value})
