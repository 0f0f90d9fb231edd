"""Pictures of more than 8 bits, of any bands and of values that are no tones."""

from typing import Any

import numpy as np
import pytest

from sr_keras.inference.tiling import Put
from sr_keras.photos.picture import Picture
from sr_keras.photos.raster import Raster
from sr_keras.upscaling import enlarge
from sr_keras.upscaling.frame_run import EnlargingOptions
from sr_keras.upscaling.target import Target
from tests.upscaling.making import Repeater


def samples_of(raster: Raster, target: Target, **options: Any) -> np.ndarray:
    [result] = enlarge.enlarge(Picture((raster,)), Repeater(), target, options=EnlargingOptions(**options)).frames
    assert isinstance(result, Raster)
    assert result.samples.dtype == raster.samples.dtype
    return result.samples


@pytest.mark.parametrize("bands, colours", [(1, 1), (3, 3), (4, 3), (7, 1)])
def test_16_bits_and_any_number_of_bands_stay(rng: np.random.Generator, bands: int, colours: int) -> None:
    samples = rng.integers(0, 65536, (9, 11, bands), dtype=np.uint16)
    np.testing.assert_array_equal(samples_of(Raster(samples, colours), Target(scale=4)), samples.repeat(4, 0).repeat(4, 1))


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint32", "float32", "float64"])
@pytest.mark.parametrize("lowest, highest", [(-500, 2500), (100, 500)])
def test_values_that_are_no_tones_keep_their_range(rng: np.random.Generator, dtype: str, lowest: float, highest: float) -> None:
    if dtype == "uint32":
        lowest = max(0, lowest)
    samples = rng.uniform(lowest, highest, (9, 11, 1)).astype(dtype)
    result = samples_of(Raster(samples), Target(scale=4))
    expected = samples.repeat(4, 0).repeat(4, 1).astype(float)
    np.testing.assert_allclose(result.astype(float), expected, atol=0 if dtype[0] != "f" else 1e-6 * (highest - lowest))
    smaller = samples_of(Raster(samples), Target(scale=3))
    assert samples.min() <= smaller.min()
    assert smaller.max() <= samples.max()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_a_peak_leaves_the_rest_its_steps(rng: np.random.Generator, dtype: str) -> None:
    """One of 65,536 steps up to it would be 76 high."""
    samples = rng.integers(0, 500, (9, 11, 1)).astype(dtype)
    samples[4, 5] = 5_000_000
    result = samples_of(Raster(samples), Target(scale=4))
    np.testing.assert_allclose(result.astype(float), samples.repeat(4, 0).repeat(4, 1), atol=0.5, rtol=1e-6)


def test_one_value_everywhere_stays() -> None:
    """Whatever a network makes of black."""

    class Lighter(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            super().upscale_to(lambda y, x, tile: put(y, x, tile + np.float32(0.001)), photo, **options)

    [result] = enlarge.enlarge(Picture((Raster(np.full((5, 6, 1), 273.15, np.float32)),)), Lighter(), Target(scale=4)).frames
    assert isinstance(result, Raster)
    np.testing.assert_array_equal(result.samples, np.float32(273.15))


@pytest.mark.parametrize("missing", [-9999.0, None])
def test_missing_values_do_not_ring_and_come_back(missing: float | None) -> None:
    heights = np.full((12, 12, 1), 1300, np.float32)
    heights[3:6, 4:9] = np.nan if missing is None else missing
    result = samples_of(Raster(heights, missing=missing), Target(scale=2))
    where = np.isnan(result) if missing is None else result == missing
    rows, columns = np.arange(24)[:, np.newaxis] // 2, np.arange(24) // 2
    np.testing.assert_array_equal(where[..., 0], (rows >= 3) & (rows < 6) & (columns >= 4) & (columns < 9))
    np.testing.assert_allclose(result[~where], 1300, atol=0.01)
