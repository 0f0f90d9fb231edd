from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

from sr_keras.evaluation import metrics
from sr_keras.inference import model_info
from sr_keras.inference.tiling import Progress, Put
from sr_keras.photos import rgb
from sr_keras.photos.metadata import Metadata
from sr_keras.photos.picture import Frame, Picture
from sr_keras.photos.raster import Raster, of_image
from sr_keras.upscaling import corrections, enlarge, hints, row_reducer
from sr_keras.upscaling.frame_run import EnlargingOptions, Wrap
from sr_keras.upscaling.target import Target, passes
from tests.types import Noise


class Repeater:
    """Enlarges by repetition, in tiles of 5 rows, and counts the pixels that it was given."""

    def __init__(self, scale: int = 4) -> None:
        self.scale = scale
        self.receptive_field = 3
        self.pixels = 0

    def upscale_to(self, put: Put, photo: np.ndarray, *, self_ensemble: bool = False, progress: Progress) -> None:
        self.pixels += photo.shape[0] * photo.shape[1]
        for y in range(0, photo.shape[0], 5):
            put(self.scale * y, 0, photo[y : y + 5].repeat(self.scale, axis=0).repeat(self.scale, axis=1))
            progress(min(1, (y + 5) / photo.shape[0]))


def enlarged(frame: Image.Image, target: Target, **options: Any) -> Image.Image:
    [result] = enlarge.enlarge(Picture((frame,)), options.pop("upscaler", Repeater()), target, **options).frames
    assert isinstance(result, Image.Image)
    return result


@pytest.fixture
def rgba(noise: Noise) -> Image.Image:
    picture = Image.fromarray(noise(12, 17)).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    return picture


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


@pytest.mark.parametrize("mode", ["L", "RGB", "LA", "RGBA"])
@pytest.mark.parametrize(
    "target", [Target(scale=s) for s in (1.3, 2, 3, 4, 5, 17)] + [Target(width=5), Target(width=100, height=9)]
)
def test_any_mode_to_any_size(rgba: Image.Image, mode: str, target: Target) -> None:
    frame = rgba.convert(mode)
    result = enlarged(frame, target)
    assert result.mode == mode
    assert result.size == target.size(*frame.size)
    tones = [np.asarray(picture, np.float64).mean() for picture in (frame, result)]
    assert tones[1] == pytest.approx(tones[0], rel=0.15)


def test_the_networks_own_scale_is_the_networks_own_picture(rgba: Image.Image) -> None:
    rgb = rgba.convert("RGB")
    np.testing.assert_array_equal(enlarged(rgb, Target(scale=4)), np.asarray(rgb).repeat(4, 0).repeat(4, 1))


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


def test_colours_under_an_alpha_that_is_data_stay(rgba: Image.Image) -> None:
    rgba.putalpha(rgba.getchannel("A").point(lambda level: 255 * (level > 128)))
    kept = enlarged(rgba, Target(scale=4), options=EnlargingOptions(alpha="data"))
    np.testing.assert_array_equal(np.asarray(kept), np.asarray(rgba).repeat(4, 0).repeat(4, 1))
    reduced = enlarged(rgba, Target(scale=3), options=EnlargingOptions(alpha="data"))
    colours = enlarged(rgba.convert("RGB"), Target(scale=3))
    np.testing.assert_array_equal(np.asarray(reduced)[..., :3], np.asarray(colours))


@pytest.mark.parametrize("level, said", [(0, "nothing of it can be seen"), (None, "--alpha=data keeps them"), (255, "")])
def test_colours_that_cannot_be_seen_are_said(rgba: Image.Image, level: int | None, said: str) -> None:
    rgba.putalpha(rgba.getchannel("R").point(lambda red: 255 * (red > 128)) if level is None else level)
    notes = enlarge.enlarge(Picture((rgba,)), Repeater(), Target(scale=2)).notes
    assert (said in notes[0]) if said else notes == ()


class Smoothing(Repeater):
    """Sees two pixels to each side; what lies beyond the edges is the edge."""

    def __init__(self) -> None:
        super().__init__(2)
        self.receptive_field = 2

    def upscale_to(self, put: Put, photo: np.ndarray, *, self_ensemble: bool = False, progress: Progress) -> None:
        padded = np.pad(photo.astype(float), [(2, 2), (2, 2), (0, 0)], mode="edge")
        shifted = [padded[y : y + photo.shape[0], x : x + photo.shape[1]] for y in range(5) for x in range(5)]
        mean = np.rint(sum(shifted) / np.float64(25)).astype(photo.dtype)
        put(0, 0, mean.repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("wrap, axes", [("x", (1,)), ("y", (0,)), ("xy", (0, 1))])
@pytest.mark.parametrize("scale", [2, 1.5])
def test_a_texture_that_wraps_has_no_edges(noise: Noise, wrap: str, axes: tuple[int, ...], scale: float) -> None:
    """Moved around before, or after: it is the same."""
    texture = noise(8, 12)

    def upscaled(photo: np.ndarray) -> np.ndarray:
        options = EnlargingOptions(wrap=wrap)  # type: ignore[arg-type]
        return np.asarray(enlarged(Image.fromarray(photo), Target(scale=scale), upscaler=Smoothing(), options=options))

    moved = upscaled(np.roll(texture, 4, axes))
    np.testing.assert_allclose(moved.astype(int), np.roll(upscaled(texture), int(4 * scale), axes), atol=1)


@pytest.mark.parametrize("claimed", [2, 3, 8])
def test_a_network_of_another_scale_than_it_says_is_refused(noise: Noise, claimed: int) -> None:
    class Lying(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            put(0, 0, photo.repeat(4, 0).repeat(4, 1))

    with pytest.raises(model_info.ModelError, match=f"does not enlarge {claimed} times"):
        enlarged(Image.fromarray(noise(6, 7)), Target(scale=claimed), upscaler=Lying(claimed))


def test_a_panorama_wraps_by_itself(noise: Noise) -> None:
    xmp = b'<x GPano:ProjectionType="equirectangular" GPano:FullPanoWidthPixels="12" GPano:FullPanoHeightPixels="6"/>'
    picture = Picture((Image.fromarray(noise(6, 12)),), metadata=Metadata(xmp=xmp), is_panorama=True)
    by_itself = enlarge.enlarge(picture, Smoothing(), Target(scale=2))
    told = enlarge.enlarge(picture, Smoothing(), Target(scale=2), options=EnlargingOptions(wrap="x"))
    np.testing.assert_array_equal(np.asarray(by_itself.frames[0]), np.asarray(told.frames[0]))
    assert "panorama" in by_itself.notes[0]
    assert by_itself.metadata.xmp is not None
    assert b'FullPanoWidthPixels="24" GPano:FullPanoHeightPixels="12"' in by_itself.metadata.xmp


@pytest.mark.parametrize("scale", [4, 3])
def test_a_limit_keeps_values_in_the_range_around_them(noise: Noise, scale: int) -> None:
    class Overshooting(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            put(0, 0, np.where(photo > 127, 255, 0).astype(photo.dtype).repeat(4, 0).repeat(4, 1))

    photo = np.clip(noise(9, 10), 60, 200)
    options = EnlargingOptions(limit=True)
    result = np.asarray(enlarged(Image.fromarray(photo), Target(scale=scale), upscaler=Overshooting(), options=options))
    padded = np.pad(photo, [(1, 1), (1, 1), (0, 0)], mode="edge")
    around = [padded[y : y + 9, x : x + 10] for y in range(3) for x in range(3)]
    for pixel in range(scale):
        assert (result[pixel::scale, pixel::scale] <= np.max(around, axis=0)).all()
        assert (result[pixel::scale, pixel::scale] >= np.min(around, axis=0)).all()


def test_pixel_art_is_told_and_can_be_kept(rng: np.random.Generator) -> None:
    art = Image.fromarray(rng.integers(0, 3, (8, 8, 1)).repeat(3, 2).astype(np.uint8).repeat(4, 0).repeat(4, 1) * 100)
    assert "--pixel_art" in enlarge.enlarge(Picture((art,)), Repeater(), Target(scale=2)).notes[0]
    kept = enlarge.enlarge(Picture((art,)), Repeater(), Target(scale=3), options=EnlargingOptions(pixel_art=True))
    np.testing.assert_array_equal(np.asarray(kept.frames[0]), np.asarray(art).repeat(3, 0).repeat(3, 1))
    assert kept.notes == ()


def test_normals_are_of_length_one(noise: Noise) -> None:
    result = np.asarray(
        enlarged(Image.fromarray(noise(9, 7) // 2 + 100), Target(scale=3), options=EnlargingOptions(normals=True))
    )
    np.testing.assert_allclose(np.linalg.norm(result / 127.5 - 1, axis=2), 1, atol=0.01)


def test_normals_of_two_channels_get_their_third(rng: np.random.Generator) -> None:
    vectors = rng.normal((0, 0, 1), 0.3, (9, 7, 3))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    samples = np.rint((vectors + 1) * 127.5).astype(np.uint8)
    result = corrections.unit_vectors(Image.fromarray(samples * np.array([1, 1, 0], np.uint8)))
    up = vectors[..., 2] > 0.3
    np.testing.assert_allclose(np.asarray(result)[up].astype(int), samples[up], atol=4)


@pytest.mark.parametrize("sixteen", [False, True])
def test_a_normal_map_is_told(rng: np.random.Generator, noise: Noise, sixteen: bool) -> None:
    vectors = rng.normal((0, 0, 1), 0.3, (40, 40, 3))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    samples = np.rint((vectors + 1) * 127.5).astype(np.uint8)
    for each, expected in ((samples, True), (noise(40, 40), False), (np.full_like(samples, (128, 128, 255)), False)):
        frame = of_image(Image.fromarray(each)) if sixteen else Image.fromarray(each)
        assert hints.is_normal_map(frame) == expected
        notes = enlarge.enlarge(Picture((frame,)), Repeater(), Target(scale=2)).notes
        assert any("--data=normals" in note for note in notes) == expected


def test_photos_are_no_normal_maps() -> None:
    photos = [path for path in sorted(rgb.SAMPLE.rglob("*.*")) if path.suffix in (".jpg", ".png")]
    assert len(photos) > 3
    assert not any(hints.is_normal_map(Image.fromarray(rgb.read_photo(path))) for path in photos)


def test_scale_1_goes_through_the_network(rgba: Image.Image) -> None:
    upscaler = Repeater()
    assert enlarged(rgba.convert("RGB"), Target(scale=1), upscaler=upscaler).size == rgba.size
    assert upscaler.pixels == rgba.width * rgba.height


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


def test_what_gets_smaller_needs_no_network(rgba: Image.Image) -> None:
    upscaler = Repeater()
    assert enlarged(rgba, Target(width=9), upscaler=upscaler).width == 9
    assert upscaler.pixels == 0


def test_constant_transparency_needs_no_network(rgba: Image.Image) -> None:
    upscaler = Repeater()
    rgba.putalpha(255)
    assert enlarged(rgba, Target(scale=4), upscaler=upscaler).getchannel("A").getextrema() == (255, 255)
    assert upscaler.pixels == rgba.width * rgba.height


def test_hidden_colours_do_not_bleed() -> None:
    """A green disc on transparent red: what is seen of a picture between pixels is green."""
    y, x = np.mgrid[:40, :40]
    disc = np.hypot(y - 19.5, x - 19.5) < 12
    rgba = np.where(disc[..., np.newaxis], (0, 200, 0, 255), (255, 0, 0, 0)).astype(np.uint8)

    class Blurring(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            blurred = Image.fromarray(photo).resize((4 * photo.shape[1], 4 * photo.shape[0]), Image.Resampling.BICUBIC)
            put(0, 0, np.asarray(blurred))

    result = np.asarray(enlarged(Image.fromarray(rgba), Target(scale=4), upscaler=Blurring()))
    seen = result[result[..., 3] > 0]
    assert len(seen) > disc.sum() * 16
    assert seen[:, 0].max() <= 1
    assert seen[:, 1].min() >= 199


def test_a_picture_that_is_all_transparent_stays_so(rgba: Image.Image) -> None:
    rgba.putalpha(0)
    assert enlarged(rgba, Target(scale=4)).getchannel("A").getextrema() == (0, 0)
    expected = np.asarray(enlarged(rgba, Target(scale=4))).astype(np.uint16) * 257
    deep = enlarge.enlarge(Picture((of_image(rgba),)), Repeater(), Target(scale=4))
    assert isinstance(deep.frames[0], Raster)
    np.testing.assert_array_equal(deep.frames[0].samples, expected)
    assert "all of it is transparent" in deep.notes[0]


def test_all_frames_are_enlarged(noise: Noise) -> None:
    frames = tuple(Image.fromarray(noise(6, 7)) for _ in range(3))
    shares: list[float] = []
    result = enlarge.enlarge(Picture(frames, durations_ms=(1, 2, 3)), Repeater(), Target(scale=4), progress=shares.append)
    assert [frame.size for frame in result.frames] == [(28, 24)] * 3
    assert result.durations_ms == (1, 2, 3)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_progress_counts_all_passes_and_transparency(rgba: Image.Image) -> None:
    shares: list[float] = []
    enlarged(rgba, Target(scale=10), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    # The first pass, six tiles, is on 17x12 pixels, the second on 43x30.
    assert shares[5] == pytest.approx(17 * 12 / (17 * 12 + 43 * 30))


def test_a_reduction_has_no_aliases() -> None:
    """Stripes too fine for the smaller picture become grey, not other stripes."""
    stripes = Image.fromarray(np.tile(np.array([[0, 255]], np.uint8), (64, 32)))
    result = np.asarray(enlarged(stripes, Target(width=20, height=64)))
    assert np.abs(result[8:-8, 4:-4].astype(int) - 128).max() < 32


def test_a_smaller_scale_keeps_what_the_network_found() -> None:
    """Reduced from x4 the picture is the original again, better than interpolated."""
    hr = np.asarray(Image.radial_gradient("L").resize((128, 128)).convert("RGB"))

    class Knowing(Repeater):
        def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
            put(0, 0, hr)

    lr = Image.fromarray(hr).resize((32, 32), Image.Resampling.BICUBIC)
    expected = np.asarray(Image.fromarray(hr).resize((64, 64), Image.Resampling.LANCZOS))
    result = np.asarray(enlarged(lr, Target(scale=2), upscaler=Knowing()))
    assert metrics.psnr_ssim(expected, result, border=2)[0] > 50


class Tiler(Repeater):
    """The same in tiles of 3x4 pixels, row by row or column by column; the last ones overlap those before them."""

    def __init__(self, *, by_columns: bool) -> None:
        super().__init__()
        self._by_columns = by_columns

    def upscale_to(self, put: Put, photo: np.ndarray, *, self_ensemble: bool = False, progress: Progress) -> None:
        rows, columns = (
            [*range(0, length - tile, tile), length - tile] for length, tile in zip(photo.shape, (3, 4), strict=False)
        )
        places = [(y, x) for y in rows for x in columns]
        for y, x in sorted(places, key=lambda place: place[::-1]) if self._by_columns else places:
            put(4 * y, 4 * x, photo[y : y + 3, x : x + 4].repeat(4, axis=0).repeat(4, axis=1))


def by_rows(frame: Frame, upscaler: Repeater, target: Target, options: EnlargingOptions) -> np.ndarray:
    """All rows of a result that are passed on, `[H, W, C]`."""
    rows: list[np.ndarray] = []
    enlarge.enlarge_to_rows(Picture((frame,)), upscaler, target, lambda part: rows.append(part.copy()), options)
    return np.concatenate(rows)


@pytest.mark.parametrize("by_columns", [False, True])
@pytest.mark.parametrize("wrap", ["none", "xy"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_tiles_become_rows_from_the_top_on(noise: Noise, mode: str, wrap: Wrap, by_columns: bool) -> None:
    frame = Image.fromarray(noise(17, 10)).convert(mode)
    upscaler, options = Tiler(by_columns=by_columns), EnlargingOptions(wrap=wrap)
    rows = by_rows(frame, upscaler, Target(scale=4), options).squeeze()
    np.testing.assert_array_equal(rows, np.asarray(frame.resize((40, 68), Image.Resampling.NEAREST)))
    assert enlarge.row_layout(Picture((frame,)), upscaler, Target(scale=4), options) == (mode, 40, 68, 8)


ALPHAS = {
    "mixed": np.tile(np.linspace(0, 255, 17).round().astype(np.uint8), (31, 1)),
    "half clear": np.repeat(np.array([0, 255], np.uint8), [16, 15])[:, np.newaxis].repeat(17, axis=1),
    "clear": np.zeros((31, 17), np.uint8),
    "opaque": np.full((31, 17), 255, np.uint8),
}


@pytest.mark.parametrize("target", [Target(scale=4), Target(scale=2), Target(scale=1), Target(width=50), Target(scale=6)])
@pytest.mark.parametrize("alpha", [None, *ALPHAS])
@pytest.mark.parametrize("meaning", ["coverage", "data"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_rows_are_those_of_the_whole_result(
    noise: Noise, mode: str, bits: int, meaning: Literal["coverage", "data"], alpha: str | None, target: Target
) -> None:
    """Of a network that leaves flecks; a reduction of a part may round otherwise."""
    picture = Image.fromarray(noise(31, 17)).convert(mode)
    if alpha:
        picture.putalpha(Image.fromarray(ALPHAS[alpha]))
    frame = picture if bits == 8 else of_image(picture)
    options, upscaler = EnlargingOptions(alpha=meaning), Speckler()
    whole = enlarge.enlarge(Picture((frame,)), upscaler, target, options=options).frames[0]
    layout = enlarge.row_layout(Picture((frame,)), upscaler, target, options)
    assert layout == (picture.mode, *whole.size, bits)
    expected = np.atleast_3d(whole.samples if isinstance(whole, Raster) else np.asarray(whole))
    rows = by_rows(frame, upscaler, target, options)
    assert rows.dtype == expected.dtype
    difference = np.abs(rows.astype(int) - expected)
    if alpha:  # what is almost clear has few levels of colour
        difference[..., :-1] = difference[..., :-1] * expected[..., -1:] // (2**bits - 1)
    assert difference.max() <= 1
    assert bits == 16 or np.count_nonzero(difference) <= expected.size / 200


@pytest.mark.parametrize(
    "size, smaller", [((40, 200), (20, 100)), ((40, 200), (13, 67)), ((9, 150), (9, 149)), ((30, 90), (7, 1))]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("pieces", [1, 7, 500])
def test_rows_are_reduced_as_the_whole_is(
    rng: np.random.Generator,
    size: tuple[int, int],
    smaller: tuple[int, int],
    dtype: type[np.uint8] | type[np.uint16],
    pieces: int,
) -> None:
    photo = rng.integers(0, np.iinfo(dtype).max, (*size[::-1], 3), dtype, endpoint=True)
    found: list[np.ndarray] = []
    reducer = row_reducer.RowReducer(found.append, size, smaller)
    for top in range(0, len(photo), pieces):
        rows = photo[top : top + pieces].copy()
        reducer.put(rows)
        rows[:] = 0  # the memory of rows that were taken is free for others
    whole: list[np.ndarray] = []
    row_reducer.RowReducer(whole.append, size, smaller).put(photo)
    assert len(whole) == 1
    difference = np.abs(np.concatenate(found).astype(int) - whole[0])
    assert difference.max() <= 1
    assert dtype is np.uint16 or np.count_nonzero(difference) <= difference.size / 200


@pytest.mark.parametrize(
    "mode, target, options",
    [
        ("RGB", Target(scale=3), EnlargingOptions(wrap="x")),
        ("RGB", Target(scale=0.5), EnlargingOptions()),
        ("RGB", Target(scale=4), EnlargingOptions(limit=True)),
        ("RGB", Target(scale=4), EnlargingOptions(pixel_art=True)),
        ("RGB", Target(scale=4), EnlargingOptions(normals=True)),
    ],
)
def test_what_needs_all_of_the_result_does_not_go_by_rows(mode: str, target: Target, options: EnlargingOptions) -> None:
    assert enlarge.row_layout(Picture((Image.new(mode, (9, 9)),)), Repeater(), target, options) is None


@pytest.mark.parametrize(
    "raster",
    [
        Raster(np.full((9, 9, 1), 100, np.uint16)),  # 12 bits, or no tones
        Raster(np.full((9, 9, 4), 65535, np.uint16)),
        Raster(np.linspace(0, 1, 81, dtype=np.float32).reshape(9, 9, 1)),
        Raster(np.full((9, 9, 1), 65535, np.uint16), missing=65535),
    ],
    ids=["of less than its range", "of four bands", "of floats", "with missing values"],
)
def test_measurements_do_not_go_by_rows(raster: Raster) -> None:
    assert enlarge.row_layout(Picture((raster,)), Repeater(), Target(scale=4), EnlargingOptions()) is None


class Speckler(Repeater):
    """Leaves a fleck in each pixel's square, whatever the pixel."""

    def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
        def speckled(y: int, x: int, tile: np.ndarray) -> None:
            tile = tile.copy()
            tile[1 :: self.scale, 2 :: self.scale] = 77
            put(y, x, tile)

        super().upscale_to(speckled, photo, **options)


def square(side: int, *, bits: int = 8) -> np.ndarray:
    """A mask: a square of 6x6 in the middle."""
    mask = np.zeros((side, side), np.uint8 if bits == 8 else np.uint16)
    mask[side // 2 - 3 : side // 2 + 3, side // 2 - 3 : side // 2 + 3] = 2**bits - 1
    return mask


@pytest.mark.parametrize("scale", [2, 4, 7])
def test_a_mask_has_no_flecks_outside_nor_holes_inside(noise: Noise, scale: int) -> None:
    frame = Image.fromarray(noise(20, 20))
    frame.putalpha(Image.fromarray(square(20)))
    alpha = np.asarray(enlarged(frame, Target(scale=scale), upscaler=Speckler()).getchannel("A"))
    inside, around = slice(int(7.5 * scale), int(12.5 * scale)), int(6.5 * scale)
    assert (alpha[inside, inside] == 255).all()
    assert alpha.sum() == alpha[around:-around, around:-around].sum()
    # A map is no mask.
    options = EnlargingOptions(alpha="data")
    assert np.asarray(enlarged(frame, Target(scale=scale), upscaler=Speckler(), options=options))[:around, :, 3].any()


def test_a_mask_of_16_bits_has_none_either(noise: Noise) -> None:
    samples = np.concatenate([noise(20, 20).astype(np.uint16) * 257, square(20, bits=16)[..., np.newaxis]], axis=2)
    frame = Raster(samples, colours=3, alpha=True)
    [large] = enlarge.enlarge(Picture((frame,)), Speckler(), Target(scale=4)).frames
    assert isinstance(large, Raster)
    assert not large.samples[:26, :, 3].any()
    assert (large.samples[30:50, 30:50, 3] == 65535).all()


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_line_art_has_no_halos(mode: str) -> None:
    frame = Image.fromarray(255 - square(40)).convert(mode)
    assert enlarge.row_layout(Picture((frame,)), Repeater(), Target(scale=4), EnlargingOptions()) is None
    large = np.asarray(enlarged(frame, Target(scale=4), upscaler=Speckler()))
    assert (large[:66] == 255).all()
    assert (large[70:90, 70:90] == 0).all()
    # What is made smaller has tones in between.
    assert enlarged(frame, Target(width=9)) == frame.resize((9, 9), Image.Resampling.LANCZOS)


def test_what_is_line_art(noise: Noise) -> None:
    page = Image.fromarray(255 - square(40))
    dithered = Image.linear_gradient("L").convert("1").convert("L")
    grey = page.copy()
    grey.putpixel((0, 0), 254)
    others = [
        dithered,
        grey,
        Image.new("L", (9, 9)),
        Image.new("L", (1, 1)),
        page.convert("RGBA"),
        Image.fromarray(noise(9, 9)),
    ]
    assert hints.is_line_art(page)
    assert not any(map(hints.is_line_art, others))


def test_pictures_without_upright_edges_are_no_pixel_art() -> None:
    assert not hints.is_pixel_art(Image.linear_gradient("L").resize((20, 16), Image.Resampling.NEAREST).convert("RGB"))
