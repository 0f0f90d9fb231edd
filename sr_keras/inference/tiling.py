"""Upscaling by tiles with any callable: pure arithmetic, NumPy only."""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

logger = logging.getLogger(__name__)

# Below that, nearly all of a window is overlap.
SMALLEST_TILE = 8

UpscaleTile = Callable[[np.ndarray, tuple[int, int], tuple[int, int]], np.ndarray]
# Takes `(y, x, tile)`.
Put = Callable[[int, int, np.ndarray], None]
# Takes the share that is done, up to 1.
Progress = Callable[[float], None]


class Span(NamedTuple):
    """One tile along one axis, in input pixels: `[window_start, window_stop)` is read to upscale `[start, stop)`."""

    window_start: int
    window_stop: int
    start: int
    stop: int


def split(length: int, tile: int, overlap: int, begin: int = 0, *, grid: int = 1) -> list[Span]:
    """Divides `[begin, length)` of an axis into the fewest tiles of at most `tile` pixels.

    All tiles have one size, and all windows have one. Windows reach `overlap` pixels beyond their tiles; at the ends of the
    axis, where there is nothing beyond, they slide inward. The last tile slides inward too, over the one before it.

    Args:
        length, begin: multiples of `grid`.
        tile: may be exceeded where it is below `grid`.
        grid: all spans are of multiples of so many pixels.

    Raises:
        ValueError: an argument is below its smallest value.
    """
    if length - begin < 1 or tile < 1 or overlap < 0:
        raise ValueError(f"length and tile must be at least 1 and overlap at least 0, got {length - begin}, {tile}, {overlap}")
    if grid > 1:
        spans = split(length // grid, max(1, tile // grid), math.ceil(overlap / grid), begin // grid)
        return [Span(*(grid * place for place in span)) for span in spans]
    count = math.ceil((length - begin) / tile)
    size = math.ceil((length - begin) / count)
    window = min(length, size + 2 * overlap)
    spans = []
    for start in range(begin, length, size):
        start = min(start, length - size)
        window_start = min(max(start - overlap, 0), length - window)
        spans.append(Span(window_start, window_start + window, start, start + size))
    return spans


def largest_tile(memory: int, *, bytes_per_pixel: int, margin: int) -> int:
    """The largest tile whose work fits into a number of bytes, at least `SMALLEST_TILE`.

    Args:
        memory: bytes.
        bytes_per_pixel: of the work, for each pixel of the tile and of a margin around it.
        margin: in pixels.
    """
    return max(SMALLEST_TILE, math.isqrt(memory // bytes_per_pixel) - 2 * margin)


def upscale_tiled(
    upscale: UpscaleTile,
    photo: np.ndarray,
    put: Put,
    *,
    scale: int,
    tile: int,
    overlap: int,
    grid: int = 1,
    progress: Progress = lambda share: None,
) -> None:
    """Upscales a photo tile by tile. Where `overlap` is at least the receptive field of `upscale`, the tile size does not show.

    Each window is read, and each upscaled tile put in its place, while the next tile is computed. Where a tile needs more
    memory than there is, smaller tiles go on from the start of its row.

    Args:
        upscale: from a window `[h, w, C]` and the place of a tile in it, `(y, x)` and `(height, width)`, to the upscaled tile;
            called with windows and tiles of one shape. It may raise MemoryError.
        photo: `[H, W, C]`.
        put: accepts y and x in the result, and the upscaled tile that begins there.
        scale: a whole number.
        tile: height and width of a tile, at most, in input pixels.
        overlap: how far windows reach beyond their tiles, in input pixels.
        grid: windows and tiles begin and end at multiples of so many input pixels; at its lower and right edges the photo is
            reflected until it does.
        progress: called with the share that is done, from 0 to 1, after each tile. What it raises ends the work.

    Raises:
        MemoryError: there is too little even for the smallest tile.
    """
    photo, put = on_grid(photo, put, scale, grid)
    height, width = photo.shape[:2]
    begin = 0
    with ThreadPoolExecutor(1, thread_name_prefix="tile") as executor:
        while begin < height:
            columns = split(width, tile, overlap, grid=grid)
            try:
                for row in split(height, tile, overlap, begin, grid=grid):
                    for column, upscaled in _upscale_row(executor, upscale, photo, row, columns):
                        put(scale * row.start, scale * column.start, upscaled)
                        progress((begin + (row.stop - begin) * column.stop / width) / height)
                    begin = row.stop
            except MemoryError:
                if tile <= SMALLEST_TILE:
                    raise
                tile = max(SMALLEST_TILE, min(tile, max(height, width)) // 2)
                logger.warning("out of memory: goes on from row %d with tiles of %d pixels", begin, tile)


def reflected(photo: np.ndarray, grid: int) -> np.ndarray:
    """Continues a photo `[H, W, C]` below and to the right, up to multiples of `grid`.

    It is reflected there, as before a pixel unshuffle; where it is smaller than what it lacks, its first pixels are repeated.
    """
    for axis in (0, 1):
        length = photo.shape[axis]
        place = np.arange(math.ceil(length / grid) * grid)
        photo = photo.take(np.minimum(place, np.maximum(2 * (length - 1) - place, 0)), axis)
    return photo


def on_grid(photo: np.ndarray, put: Put, scale: int, grid: int) -> tuple[np.ndarray, Put]:
    """The photo up to multiples of `grid`, reflected, and what puts the part of a tile that is the photo's."""
    if grid == 1:
        return photo, put
    height, width = (scale * length for length in photo.shape[:2])

    def put_inside(y: int, x: int, tile: np.ndarray) -> None:
        tile = tile[: max(0, height - y), : max(0, width - x)]
        if tile.size:
            put(y, x, tile)

    return reflected(photo, grid), put_inside


def _upscale_row(
    executor: Executor, upscale: UpscaleTile, photo: np.ndarray, row: Span, columns: Sequence[Span]
) -> Iterator[tuple[Span, np.ndarray]]:
    """Yields the upscaled tiles of a row, each while the next one is computed."""

    def submit(column: Span) -> Future[np.ndarray]:
        window = photo[row.window_start : row.window_stop, column.window_start : column.window_stop]
        start = (row.start - row.window_start, column.start - column.window_start)
        return executor.submit(upscale, window, start, (row.stop - row.start, column.stop - column.start))

    ahead = submit(columns[0])
    for column, following in zip(columns, [*columns[1:], None], strict=True):
        current = ahead
        if following is not None:
            ahead = submit(following)
        yield column, current.result()
