"""Results that are passed on row by row, while they are computed."""

from typing import Literal

import numpy as np
import pytest
from PIL import Image

from sr_keras.inference.tiling import Progress, Put
from sr_keras.photos.picture import Frame, Picture
from sr_keras.photos.raster import Raster, of_image
from sr_keras.upscaling import enlarge, row_reducer
from sr_keras.upscaling.frame_run import EnlargingOptions, Wrap
from sr_keras.upscaling.target import Target
from tests.types import Noise
from tests.upscaling.making import Repeater, Speckler


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
