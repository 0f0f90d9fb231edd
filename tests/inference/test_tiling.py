import itertools
import threading
from typing import Any

import numpy as np
import pytest

from sr_keras.inference import tiling

BLUR_RADIUS = 3
SIZES = [(1, 1, 4), (1, 7, 4), (33, 16, 16), (50, 41, 64), (40, 40, 1), (23, 64, 9)]


def blur_x4(photo: np.ndarray) -> np.ndarray:
    """Enlarges by repetition after a mean over 7x7 pixels, with zeros around the photo, as convolutions have."""
    padded = np.pad(photo, [(BLUR_RADIUS, BLUR_RADIUS)] * 2 + [(0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * BLUR_RADIUS + 1,) * 2, axis=(0, 1))
    return np.asarray(windows.mean(axis=(-1, -2))).repeat(4, axis=0).repeat(4, axis=1)


def tiled(upscale: tiling.UpscaleTile, photo: np.ndarray, *, scale: int, **options: Any) -> np.ndarray:
    result = np.full((scale * photo.shape[0], scale * photo.shape[1], 3), np.nan)

    def put(y: int, x: int, tile: np.ndarray) -> None:
        result[y : y + tile.shape[0], x : x + tile.shape[1]] = tile

    tiling.upscale_tiled(upscale, photo, put, scale=scale, **options)
    return result


def blur_tile_x4(window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    return blur_x4(window)[4 * start[0] : 4 * (start[0] + size[0]), 4 * start[1] : 4 * (start[1] + size[1])]


@pytest.mark.parametrize("height, width, tile", SIZES)
def test_tiles_equal_the_whole(rng: np.random.Generator, height: int, width: int, tile: int) -> None:
    photo = rng.random((height, width, 3), dtype=np.float32)
    sr = tiled(blur_tile_x4, photo, scale=4, tile=tile, overlap=BLUR_RADIUS)
    np.testing.assert_array_equal(sr, blur_x4(photo))


GRID = 4


def cells(photo: np.ndarray) -> np.ndarray:
    """The mean of each 4x4 pixels and of those around them, at 4x4 times the place: it matters where the first cell begins."""
    height, width = (length // GRID for length in photo.shape[:2])
    means = photo.reshape(height, GRID, width, GRID, 3).mean(axis=(1, 3))
    padded = np.pad(means, [(1, 1), (1, 1), (0, 0)])
    sums = sum(padded[y : y + height, x : x + width] for y in range(3) for x in range(3))
    return np.asarray(sums).repeat(GRID, axis=0).repeat(GRID, axis=1)


def cells_of_tile(window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    return cells(window)[start[0] : start[0] + size[0], start[1] : start[1] + size[1]]


@pytest.mark.parametrize("height, width, tile", [*SIZES, (2, 3, 1), (41, 39, 5)])
def test_tiles_on_a_grid_equal_the_whole(rng: np.random.Generator, height: int, width: int, tile: int) -> None:
    photo = rng.random((height, width, 3), dtype=np.float32)
    sr = tiled(cells_of_tile, photo, scale=1, tile=tile, overlap=2 * GRID - 1, grid=GRID)
    np.testing.assert_array_equal(sr, cells(tiling.reflected(photo, GRID))[:height, :width])


def test_a_photo_is_continued_by_its_reflection(rng: np.random.Generator) -> None:
    photo = rng.random((6, 5, 3))
    continued = tiling.reflected(photo, GRID)
    np.testing.assert_array_equal(continued, np.pad(photo, [(0, 2), (0, 3), (0, 0)], mode="reflect"))
    pixel = rng.random((1, 1, 3))
    np.testing.assert_array_equal(tiling.reflected(pixel, GRID), np.broadcast_to(pixel, (4, 4, 3)))
    assert tiling.reflected(continued, GRID).shape == continued.shape


def test_too_little_overlap_shows(rng: np.random.Generator) -> None:
    """The property above can fail."""
    photo = rng.random((40, 40, 3), dtype=np.float32)
    sr = tiled(blur_tile_x4, photo, scale=4, tile=16, overlap=BLUR_RADIUS - 1)
    assert not np.array_equal(sr, blur_x4(photo))


@pytest.mark.parametrize("height, width, tile", SIZES)
def test_all_windows_and_all_tiles_have_one_shape(height: int, width: int, tile: int) -> None:
    shapes = set()

    def record(window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
        shapes.add((window.shape, size))
        return np.zeros((*size, 3))

    tiled(record, np.zeros((height, width, 3)), scale=1, tile=tile, overlap=2)
    assert len(shapes) == 1


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 64, 100])
@pytest.mark.parametrize("tile", [1, 3, 16, 64])
@pytest.mark.parametrize("overlap", [0, 5, 30])
@pytest.mark.parametrize("begin", [0, 10])
def test_spans_cover_an_axis_with_context(length: int, tile: int, overlap: int, begin: int) -> None:
    if begin >= length:
        return
    spans = tiling.split(length, tile, overlap, begin)
    assert spans[0].start == begin
    assert spans[-1].stop == length
    assert all(before.stop >= after.start > before.start for before, after in itertools.pairwise(spans))
    for span in spans:
        assert 0 < span.stop - span.start <= tile
        assert 0 <= span.window_start <= max(span.start - overlap, 0)
        assert length >= span.window_stop >= min(span.stop + overlap, length)


def test_tiles_are_evened_out() -> None:
    assert [span.stop - span.start for span in tiling.split(100, 64, 5)] == [50, 50]


@pytest.mark.parametrize("length, tile, overlap", [(0, 4, 1), (4, 0, 1), (4, 4, -1)])
def test_impossible_splits_are_refused(length: int, tile: int, overlap: int) -> None:
    with pytest.raises(ValueError, match=f"got {length}, {tile}, {overlap}"):
        tiling.split(length, tile, overlap)


@pytest.mark.parametrize("memory, tile", [(10**6, 92), (4 * 10**6, 192), (1, tiling.SMALLEST_TILE)])
def test_the_tile_follows_from_the_memory(memory: int, tile: int) -> None:
    assert tiling.largest_tile(memory, bytes_per_pixel=100, margin=4) == tile


@pytest.mark.parametrize("fails_at", [0, 1, 2, 5])
def test_out_of_memory_goes_on_with_smaller_tiles_from_the_start_of_the_row(
    rng: np.random.Generator, caplog: pytest.LogCaptureFixture, fails_at: int
) -> None:
    photo = rng.random((40, 52, 3), dtype=np.float32)
    calls = 0

    def scarce(window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
        nonlocal calls
        calls += 1
        if size[0] > 10 and calls > fails_at:
            raise MemoryError
        return blur_tile_x4(window, start, size)

    sr = tiled(scarce, photo, scale=4, tile=20, overlap=BLUR_RADIUS)
    np.testing.assert_array_equal(sr, blur_x4(photo))
    row = 20 if fails_at > 2 else 0
    assert caplog.messages == [f"out of memory: goes on from row {row} with tiles of 10 pixels"]


def test_out_of_memory_at_the_smallest_tile_is_an_error(rng: np.random.Generator) -> None:
    def scarce(window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
        raise MemoryError

    with pytest.raises(MemoryError):
        tiled(scarce, rng.random((40, 40, 3)), scale=4, tile=20, overlap=2)


def test_progress_grows_to_one(rng: np.random.Generator) -> None:
    shares: list[float] = []
    tiled(blur_tile_x4, rng.random((40, 52, 3)), scale=4, tile=20, overlap=BLUR_RADIUS, progress=shares.append)
    assert shares == sorted(set(shares))
    assert shares[-1] == 1


def test_the_next_tile_is_computed_while_one_is_put(rng: np.random.Generator) -> None:
    """Each `put` but a row's last waits here until the next tile has begun."""
    begun = threading.Semaphore(0)

    def upscale(window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
        begun.release()
        return blur_tile_x4(window, start, size)

    def put(y: int, x: int, tile: np.ndarray) -> None:
        assert begun.acquire(timeout=10)

    begun_ahead = threading.Thread(target=begun.release)  # the last tile of the only row has no other after it
    begun_ahead.start()
    assert begun.acquire(timeout=10)
    tiling.upscale_tiled(upscale, rng.random((8, 80, 3)), put, scale=4, tile=8, overlap=2)
