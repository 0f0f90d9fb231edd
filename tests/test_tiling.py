import numpy as np
import pytest

from sr_keras import tiling

BLUR_RADIUS = 3
SIZES = [(1, 1, 4), (1, 7, 4), (33, 16, 16), (50, 41, 64), (40, 40, 1), (23, 64, 9)]


def blur_x4(photo):
    """Enlarges by repetition after a mean over 7x7 pixels, with zeros around the photo, as convolutions have."""
    padded = np.pad(photo, [(BLUR_RADIUS, BLUR_RADIUS)] * 2 + [(0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * BLUR_RADIUS + 1,) * 2, axis=(0, 1))
    return windows.mean(axis=(-1, -2)).repeat(4, axis=0).repeat(4, axis=1)


@pytest.mark.parametrize("height, width, tile", SIZES)
def test_tiles_equal_the_whole(rng, height, width, tile):
    photo = rng.random((height, width, 3), dtype=np.float32)
    tiled = tiling.upscale_tiled(blur_x4, photo, scale=4, tile=tile, overlap=BLUR_RADIUS)
    np.testing.assert_array_equal(tiled, blur_x4(photo))


def test_too_little_overlap_shows():
    """The property above can fail."""
    photo = np.random.default_rng(0).random((40, 40, 3), dtype=np.float32)
    tiled = tiling.upscale_tiled(blur_x4, photo, scale=4, tile=16, overlap=BLUR_RADIUS - 1)
    assert not np.array_equal(tiled, blur_x4(photo))


@pytest.mark.parametrize("height, width, tile", SIZES)
def test_all_windows_have_one_shape(height, width, tile):
    shapes = set()

    def record(window):
        shapes.add(window.shape)
        return window

    tiling.upscale_tiled(record, np.zeros((height, width, 3)), scale=1, tile=tile, overlap=2)
    assert len(shapes) == 1


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 64, 100])
@pytest.mark.parametrize("tile", [1, 3, 16, 64])
@pytest.mark.parametrize("overlap", [0, 5, 30])
def test_spans_cover_an_axis_once_with_context(length, tile, overlap):
    spans = tiling.split(length, tile, overlap)
    assert [span.start for span in spans] == [0, *(span.stop for span in spans[:-1])]
    assert spans[-1].stop == length
    for span in spans:
        assert 0 < span.stop - span.start <= tile
        assert 0 <= span.window_start <= max(span.start - overlap, 0)
        assert length >= span.window_stop >= min(span.stop + overlap, length)


def test_tiles_are_evened_out():
    assert [span.stop - span.start for span in tiling.split(100, 64, 5)] == [50, 50]


@pytest.mark.parametrize("length, tile, overlap", [(0, 4, 1), (4, 0, 1), (4, 4, -1)])
def test_impossible_splits_are_refused(length, tile, overlap):
    with pytest.raises(ValueError, match=f"got {length}, {tile}, {overlap}"):
        tiling.split(length, tile, overlap)
