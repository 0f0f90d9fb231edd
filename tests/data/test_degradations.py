"""Each degradation against another program's: SciPy's kernels and filters, Pillow's JPEG and resizing. Then all together."""

import io
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import scipy.special
import scipy.stats
import tensorflow as tf
from PIL import Image

from sr_keras.data import degradations
from sr_keras.photos import rgb
from tests.types import Noise

RADIUS = 10
Y, X = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
DISTANCE = np.hypot(Y, X)
WINDOW = 128


def test_a_gaussian_kernel_is_scipys() -> None:
    expected = scipy.ndimage.gaussian_filter((DISTANCE == 0) * 1.0, (1.3, 2.4), radius=RADIUS, mode="constant")
    np.testing.assert_allclose(degradations.gaussian_kernel(1.3, 2.4, 0.0), expected, atol=1e-6)


@pytest.mark.parametrize("angle", [0.4, 2.0])
def test_a_rotated_gaussian_kernel_is_scipys(angle: float) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    density = scipy.stats.multivariate_normal(cov=turn @ np.diag([2.4**2, 1.3**2]) @ turn.T).pdf(np.dstack([X, Y]))
    np.testing.assert_allclose(degradations.gaussian_kernel(1.3, 2.4, angle), density / density.sum(), atol=1e-6)


@pytest.mark.parametrize("shape", [0.5, 1.0, 4.0])
def test_a_generalised_kernel_is_scipys_generalised_normal(shape: float) -> None:
    density = scipy.stats.gennorm(2 * shape, scale=2.0 * 2 ** (0.5 / shape)).pdf(DISTANCE)
    np.testing.assert_allclose(degradations.generalised_kernel(2.0, 2.0, 0.3, shape), density / density.sum(), atol=1e-6)


@pytest.mark.parametrize("shape", [1.0, 2.0])
def test_a_plateau_kernel_is_half_as_high_at_its_width(shape: float) -> None:
    expected = 1 / (1 + (DISTANCE / 3) ** (2 * shape))
    kernel = np.array(degradations.plateau_kernel(3.0, 3.0, 0.3, shape))
    np.testing.assert_allclose(kernel, expected / expected.sum(), atol=1e-6)
    assert kernel[RADIUS, RADIUS + 3] == pytest.approx(kernel[RADIUS, RADIUS] / 2)


@pytest.mark.parametrize("cutoff", [1.1, 2.5])
def test_a_sinc_kernel_keeps_waves_below_its_cutoff_alone(cutoff: float) -> None:
    distance = np.where(DISTANCE, DISTANCE, 1e-9)  # J1 has its limit there
    expected = cutoff * scipy.special.j1(cutoff * distance) / (2 * np.pi * distance)
    kernel = degradations.sinc_kernel(tf.constant(cutoff))
    np.testing.assert_allclose(kernel, expected / expected.sum(), atol=1e-6)
    waves = 2 * np.pi * np.fft.fftfreq(128)
    radians, left = np.hypot(waves[:, np.newaxis], waves), np.abs(np.fft.fft2(kernel, (128, 128)))
    assert left[radians < 0.8 * cutoff].min() > 0.9
    assert left[radians > 1.3 * cutoff].max() < 0.15


@pytest.mark.parametrize("height, width, side", [(13, 17, 3), (16, 11, 21), (24, 32, 21)])
def test_convolution_is_scipys(rng: np.random.Generator, height: int, width: int, side: int) -> None:
    photo, kernel = rng.random((height, width, 3), dtype=np.float32), rng.random((side, side), dtype=np.float32)
    kernel /= kernel.sum()
    expected = scipy.ndimage.convolve(photo, kernel[..., np.newaxis], mode="mirror")
    np.testing.assert_allclose(degradations.convolved(tf.constant(photo), tf.constant(kernel)), expected, atol=1e-5)


def pillows_jpeg(photo: np.ndarray, quality: int, subsampling: str) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file))


def jpeg(photo: np.ndarray, quality: int, half_colour: bool) -> np.ndarray:
    levels = degradations.compressed(rgb.to_float(photo), tf.constant(quality), tf.constant(half_colour))
    return rgb.to_uint8(levels.numpy())


@pytest.mark.parametrize("quality", [30, 50, 75, 95])
@pytest.mark.parametrize("half_colour, subsampling", [(True, "4:2:0"), (False, "4:4:4")])
def test_jpeg_is_pillows_to_the_bit(noise: Noise, quality: int, half_colour: bool, subsampling: str) -> None:
    for photo in (noise(37, 45), rgb.read_photo(rgb.SAMPLE / "photos" / "cat.jpg")[:101, 150:287]):
        np.testing.assert_array_equal(jpeg(photo, quality, half_colour), pillows_jpeg(photo, quality, subsampling))


def test_jpeg_with_whole_colour_has_every_fifth_quality(noise: Noise) -> None:
    photo = noise(24, 24)
    np.testing.assert_array_equal(jpeg(photo, 79, half_colour=False), pillows_jpeg(photo, 75, "4:4:4"))
    np.testing.assert_array_equal(jpeg(photo, 79, half_colour=True), pillows_jpeg(photo, 79, "4:2:0"))


def noise_of(add: Callable[..., tf.Tensor], light: float, levels: float, grey: float) -> np.ndarray:
    """`[H, W, 3]` in levels of 255: what is added to a photo of one colour."""
    photo = tf.fill([200, 200, 3], light)
    return 255 * np.array(add(photo, levels, grey, [1, 2]) - photo)


def correlations(noise: np.ndarray) -> np.ndarray:
    """Of red with green, red with blue, and green with blue."""
    return np.asarray(np.corrcoef(noise.reshape(-1, 3).T)[np.triu_indices(3, 1)])


@pytest.mark.parametrize("grey", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("add", [degradations.with_gaussian_noise, degradations.with_poisson_noise])
def test_noise_has_its_power_and_its_share_of_grey(add: Callable[..., tf.Tensor], grey: float) -> None:
    noise = noise_of(add, 1.0, 12.0, grey)
    np.testing.assert_allclose(noise.std((0, 1)), 12, rtol=0.02)
    np.testing.assert_allclose(noise.mean((0, 1)), 0, atol=0.2)
    np.testing.assert_allclose(correlations(noise), grey, atol=0.02)


@pytest.mark.parametrize("add, of_power", [(degradations.with_gaussian_noise, 1), (degradations.with_poisson_noise, 0.25)])
def test_the_power_of_poisson_noise_grows_with_the_light(add: Callable[..., tf.Tensor], of_power: float) -> None:
    for grey in (0.0, 1.0):
        assert noise_of(add, 0.25, 12.0, grey).var() == pytest.approx(of_power * 12**2, rel=0.04)


def test_poisson_noise_has_quanta_and_leaves_black_alone() -> None:
    """White is 255 / 16 squared quanta, of which 5 are left in the dark: lopsided."""
    quanta = 0.02 * (255 / 16) ** 2
    noise = noise_of(degradations.with_poisson_noise, 0.02, 16.0, 0.0)
    assert scipy.stats.skew(noise, axis=None) == pytest.approx(scipy.stats.poisson(quanta).stats("s"), rel=0.1)
    counts = (noise / 255 + 0.02) * (255 / 16) ** 2
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-3)
    assert not noise_of(degradations.with_poisson_noise, 0.0, 16.0, 0.5).any()


@pytest.mark.parametrize("add", [degradations.with_gaussian_noise, degradations.with_poisson_noise])
def test_noise_is_a_function_of_its_seed(add: Callable[..., tf.Tensor]) -> None:
    photo = tf.fill([8, 8, 3], 0.5)
    first, again, other = (np.array(add(photo, 12.0, 0.5, seed)) for seed in ([1, 2], [1, 2], [1, 3]))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.9


def test_sharpening_is_unsharp_masking_by_scipys_blur() -> None:
    photo = rgb.to_float(rgb.read_photo(rgb.SAMPLE / "photos" / "cat.jpg")[:90, 150:260])

    def blurred(numbers: np.ndarray) -> np.ndarray:
        return np.asarray(scipy.ndimage.gaussian_filter(numbers, (8, 8, 0), radius=(25, 25, 0), mode="mirror"))

    rest = photo - blurred(photo)
    mask = blurred((np.abs(rest) > 10 / 255).astype(np.float32))
    expected = mask * np.clip(photo + rest / 2, 0, 1) + (1 - mask) * photo
    np.testing.assert_allclose(degradations.sharpened(tf.constant(photo)), expected, atol=1e-4)


def test_sharpening_makes_edges_steeper_and_leaves_the_rest() -> None:
    photo = np.full((64, 64, 3), 0.3, np.float32)
    np.testing.assert_allclose(degradations.sharpened(tf.constant(photo)), photo, atol=1e-5)
    photo[:, 32:] = 0.9
    sharp = np.array(degradations.sharpened(tf.constant(photo)))
    assert (sharp[:, 32] - sharp[:, 31]).min() > 0.7
    assert -1e-6 < sharp.min() < sharp.max() < 1 + 1e-6


def seeds(count: int, first: int = 7) -> list[list[int]]:
    return [[first, number] for number in range(count)]


def degraded(hr: tf.Tensor, seeds: list[list[int]]) -> tuple[np.ndarray, ...]:
    """What `degrade` makes of a photo at a quarter of its size, in a dataset: `(lr, hr)`, two arrays `[N, ...]`."""
    pairs = tf.data.Dataset.from_tensor_slices(np.array(seeds, np.int64)).map(
        # Not the `tf.function` itself: it would keep the chances that it was traced with.
        lambda seed: degradations.degrade.python_function(hr, 4, seed),
        num_parallel_calls=2,
    )
    return tuple(photos.numpy() for photos in next(iter(pairs.batch(len(seeds)))))


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives some steps of all photos' history the chance of 1, the others that of 0."""

    def set_history(*steps: str, quality: tuple[float, float] = (30, 95)) -> None:
        chances: dict[str, Any] = dict.fromkeys(steps, 1.0)
        history = degradations.History(share=1.0, quality=quality, **chances)
        monkeypatch.setattr(degradations, "HISTORIES", {"only": history})

    monkeypatch.setattr(degradations, "_JPEG_FIRST", 0.0)
    return set_history


@pytest.fixture(scope="module")
def cat() -> tf.Tensor:
    whole = rgb.read_photo(rgb.SAMPLE / "photos" / "cat.jpg")
    return tf.constant(rgb.to_float(whole[60 : 60 + WINDOW, 150 : 150 + WINDOW]))


@pytest.fixture(scope="module")
def cats(cat: tf.Tensor) -> tuple[np.ndarray, ...]:
    return degraded(cat, seeds(300))


def windows(photo: np.ndarray, side: int) -> set[bytes]:
    """All squares of a photo, as bytes."""
    return {
        photo[y : y + side, x : x + side].tobytes()
        for y, x in itertools.product(range(0, photo.shape[0] - side + 1, 4), repeat=2)
    }


def test_pairs_have_their_shape_and_range(cat: tf.Tensor, cats: tuple[np.ndarray, ...]) -> None:
    lr, hr = cats
    side = WINDOW // 4 - degradations.MARGIN
    assert lr.shape == (300, side, side, 3)
    assert hr.shape == (300, 4 * side, 4 * side, 3)
    assert 0 <= lr.min() < lr.max() <= 1
    np.testing.assert_allclose(lr * 255, np.rint(lr * 255), atol=1e-4)
    places = {photo.tobytes() for photo in hr}
    assert places <= windows(cat.numpy(), 4 * side)
    assert len(places) > 60


def test_the_seed_alone_decides(cat: tf.Tensor, cats: tuple[np.ndarray, ...]) -> None:
    again = degraded(cat, seeds(10, first=8) + seeds(10))
    for first, photos in zip(cats, again, strict=True):
        np.testing.assert_array_equal(first[:10], photos[10:])
    assert len(np.unique(again[0], axis=0)) == 20


def reductions(hr: np.ndarray) -> np.ndarray:
    """What Pillow makes of a photo at a quarter of its size, and the cubic of the four nearest pixels: `[4, h, w, 3]`."""
    height, width = (length // 4 for length in hr.shape[:2])

    def by(method: Image.Resampling) -> np.ndarray:
        return np.dstack([np.asarray(Image.fromarray(hr[..., c]).resize((width, height), method)) for c in range(3)])

    of_four = np.array([-1, 9, 9, -1]) / 16
    plain = np.einsum("yaxbc,a,b->yxc", hr.reshape(height, 4, width, 4, 3), of_four, of_four)
    return np.stack([*map(by, (Image.Resampling.BICUBIC, Image.Resampling.BOX, Image.Resampling.LANCZOS)), plain]).clip(0, 1)


def test_a_tenth_is_only_made_small_in_one_of_four_ways(cats: tuple[np.ndarray, ...]) -> None:
    """So they show the same place, to the pixel. Beyond 3 small pixels from the sides nothing else is seen."""
    inside = np.s_[..., 3:-3, 3:-3, :]
    off = np.stack([np.abs(lr - reductions(hr))[inside].max((1, 2, 3)) for lr, hr in zip(*cats, strict=True)])
    is_clean = off.min(axis=1) < 0.51 / 255
    assert 0.06 < is_clean.mean() < 0.15
    by_method = np.bincount(off[is_clean].argmin(axis=1), minlength=4)
    assert by_method.min() > 0
    assert by_method.argmax() == 0


def test_shares_of_histories_make_a_whole() -> None:
    assert sum(history.share for history in degradations.HISTORIES.values()) == pytest.approx(1)


def test_ranges_are_those_that_the_functions_are_made_for() -> None:
    for history in degradations.HISTORIES.values():
        assert 0 < history.sigma[0] < history.sigma[1] <= 3
        assert 0 < history.levels[0] < history.levels[1]
        assert 30 <= history.quality[0] < history.quality[1] <= 95


def ramp(slopes: Sequence[tuple[float, float]]) -> tf.Tensor:
    """A photo of 192x192 pixels; each channel grows by so many levels a pixel, along the height and along the width."""
    y, x = np.mgrid[:192, :192]
    return tf.constant((128 + np.dstack([dy * (y - 96) + dx * (x - 96) for dy, dx in slopes])) / 255, tf.float32)


def test_no_blur_or_resizing_moves_a_photo(only: Callable[..., None]) -> None:
    only("first_round", "blur", "unusual_blur", "ringing")
    lr, hr = degraded(ramp([(0.8, 0), (0, 0.8), (-0.6, -0.6)]), seeds(150))
    small = hr.reshape(150, 40, 4, 40, 4, 3).mean((2, 4))
    # Blurs reflect what lies at the sides.
    np.testing.assert_allclose(lr[:, 10:-10, 10:-10], small[:, 10:-10, 10:-10], atol=1 / 255)


def test_all_together_leave_the_mean_colour() -> None:
    lr, hr = degraded(ramp([(0.8, 0), (0, 0.8), (-0.6, -0.6)]), seeds(150))
    off = 255 * (lr.mean((1, 2)) - hr.mean((1, 2)))
    assert np.abs(off).max() < 2.5
    np.testing.assert_allclose(off.mean(axis=0), 0, atol=0.2)


@pytest.mark.parametrize("when, margin", [("jpeg", 8), ("jpeg_again", 0)])
def test_the_blocks_of_jpeg_begin_anywhere(
    only: Callable[..., None], monkeypatch: pytest.MonkeyPatch, when: str, margin: int
) -> None:
    """So little grows within a block that JPEG makes it flat: all steps are between blocks."""
    only(when, quality=(30, 30))
    monkeypatch.setattr(degradations, "MARGIN", margin)
    lr, _ = degraded(ramp([(0.09, 0.09)] * 3), seeds(60))
    for axis in (1, 2):
        steps = np.abs(np.diff(lr[..., 0], axis=axis)).max(axis=3 - axis)
        begins = [set((1 + np.flatnonzero(of_photo)) % 8) for of_photo in steps]
        assert all(len(begin) == 1 for begin in begins)
        assert set.union(*begins) == set(range(8))


def test_a_graph_and_python_make_the_same_photos(rng: np.random.Generator) -> None:
    """The photos that a run validates on are made outside of its pipeline."""
    hr = tf.constant(rng.random((64, 64, 3), dtype=np.float32))
    dataset = tf.data.Dataset.range(8).map(lambda i: degradations.degrade(hr, 4, tf.stack([tf.constant(0, tf.int64), i])))
    for number, (lr, _) in enumerate(dataset):
        np.testing.assert_allclose(lr, degradations.degrade(hr, 4, tf.constant([0, number], tf.int64))[0], atol=1e-6)
