import keras
import numpy as np
import pytest

from sr_keras import edsr, geometry, models


def networks():
    for num_blocks, num_upscales in [(0, 1), (2, 2), (1, 3)]:
        yield models.build_generator(num_blocks, num_upscales, 4, 4)
        yield edsr.build(num_blocks, num_upscales, 4)


@pytest.mark.parametrize("network", list(networks()), ids=lambda network: network.name)
def test_reach_is_as_far_as_the_network_sees(rng, network):
    """One input pixel is changed; how far away does the output change?"""
    measured = geometry.measure(network)
    scale, reach = measured.scale_of_output, measured.reach_of_output
    size, middle = 2 * reach + 5, reach + 2
    lr = rng.random((1, size, size, 3), dtype=np.float32)
    changed = lr.copy()
    changed[0, middle, middle] += 1
    difference = np.abs(np.array(network(changed) - network(lr)))[0].max(axis=2)
    assert difference.shape == (scale * size, scale * size)
    rows, columns = (indices // scale for indices in np.nonzero(difference))
    furthest = max(np.abs(rows - middle).max(), np.abs(columns - middle).max())
    assert reach - 1 <= furthest <= reach


def test_geometry_of_the_papers_generator():
    measured = geometry.measure(models.build_generator())
    assert (measured.scale_of_output, measured.reach_of_output) == (4, 25)
    # The last PReLU: what it takes, what it makes and a half-way result, of 256 channels at 4 x 4 pixels each.
    assert (measured.peak_values, measured.peak_margin) == (3 * 256 * 16, 1)
    trunk = 9 * 9 * 3 * 64 + 17 * 9 * 64 * 64
    upscaling = 9 * 64 * 256 + 9 * 256 * 256 + 4 * 2 * 9 * 256 * 256
    assert measured.operations == 2 * (trunk + upscaling + 16 * 9 * 9 * 256 * 3)


def test_geometry_of_edsr():
    measured = geometry.measure(edsr.build())
    assert (measured.scale_of_output, measured.reach_of_output) == (4, 36)


def test_unknown_layers_are_refused():
    photo = keras.Input((None, None, 3))
    model = keras.Model(photo, keras.layers.MaxPooling2D(name="pool")(photo))
    with pytest.raises(ValueError, match="pool"):
        geometry.measure(model)
