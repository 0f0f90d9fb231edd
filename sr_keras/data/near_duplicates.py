"""Photos that show the same as test photos, found by what is in them.

A photo is found whatever its name, at another size, cropped, mirrored, rotated by 180 degrees, or compressed again. The middle
of one must lie in the other, and be no smaller there than a third of the shorter side.
"""

import itertools
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from sr_keras.photos import rgb
from sr_keras.runtime import parallel

if TYPE_CHECKING:
    from sr_keras.data import sources

# Looked for is the square in a photo's middle, this part of its shorter side. It is compared with squares of other photos,
# whose sides are these parts of their shorter side, close enough together that one of them fits.
_MIDDLE = 0.7
_PARTS = [1.13**-step for step in range(10)]

# Squares are compared twice, at these sides in pixels: everywhere, and then around where they are alike.
_COARSE, _FINE = 12, 32
_FINE_SCALES = np.linspace(0.92, 1.09, 7)
_FINE_SHIFT = 5

# Correlations of what is finer than a Gaussian of this many pixels: light and large shapes are alike in many photos.
_SIGMA = 1.5
_NOISE = 3  # levels of 255, which are no contrast
_LEAST_CONTRAST = 0.2
_WORTH_A_LOOK, SAME = 0.65, 0.57

_CHUNK = 32


class Match(NamedTuple):
    """A photo and a test photo that show the same.

    Attributes:
        number: of the photo.
        test: where the test photo is.
        similarity: the correlation of what both show; 1 where they are equal.
    """

    number: int
    test: str
    similarity: float


class _Sketch(NamedTuple):
    """What is kept of a photo while it is compared.

    Attributes:
        name: of the photo: its number, or where it is.
        grey: the photo, downscaled.
        middles: its middle in each of 4 mirrorings, `[4, 12 * 12]`.
        squares: everything in it, at all sizes: `[N, 12 * 12]`.
        places: `[N, 3]`, where the squares were cut: the photo's shorter side when they were, y and x.
    """

    name: Any
    grey: Image.Image
    middles: np.ndarray
    squares: np.ndarray
    places: np.ndarray


def find(photos: "sources.Photos", folders: Iterable[pathlib.Path]) -> set[int]:
    """The numbers of the photos that show the same as one in `folders` (each what `sources.open_photos` takes).

    Raises:
        FileNotFoundError, OSError, ValueError: as `sources.open_photos` has them.
    """
    from sr_keras.data import sources  # TensorFlow takes seconds to import

    return {match.number for match in matches(photos, [sources.open_photos(folder) for folder in folders])}


def matches(photos: "sources.Photos", tests: "Sequence[sources.Photos]", *, least: float = SAME) -> Iterator[Match]:
    """The pairs that show the same, in the order of the photos; what can't be read matches nothing.

    Args:
        photos: any number; they are read once, and nothing of them is kept.
        tests: some hundreds at most, of each of which 1 MB is kept.
        least: the similarity from which on a pair is reported.
    """
    wanted = [sketch for some in tests for sketch in _sketches(some, some.where)]
    if not wanted:
        return
    middles = np.concatenate([test.middles for test in wanted])
    squares = np.concatenate([test.squares for test in wanted])
    firsts = np.cumsum([0, *(len(test.squares) for test in wanted[:-1])])
    sketches = _sketches(photos, int)
    while chunk := list(itertools.islice(sketches, _CHUNK)):
        # All at once: what takes time is to fetch the squares from memory.
        in_tests = np.maximum.reduceat(squares @ np.concatenate([photo.middles for photo in chunk]).T, firsts)
        for index, photo in enumerate(chunk):
            in_photo = (photo.squares @ middles.T).max(axis=0).reshape(-1, 4)
            for test, test_in_photo, photo_in_test in zip(
                wanted, in_photo, in_tests[:, 4 * index : 4 * index + 4], strict=True
            ):
                similarity = max(_look(test, test_in_photo, photo), _look(photo, photo_in_test, test))
                if similarity >= least:
                    yield Match(photo.name, test.name, similarity)


def _sketches(photos: "sources.Photos", name: Callable[[int], Any]) -> Iterator[_Sketch]:
    def sketch(number: int) -> _Sketch | None:
        try:
            photo = Image.fromarray(photos.photo(number)).convert("L")
        except rgb.PhotoError:
            return None
        grey = _resized(photo, round(_FINE / _PARTS[-1] * _FINE_SCALES[-1]))
        middles = _normalised(np.stack([_middle(grey, mirroring, _COARSE) for mirroring in range(4)]))
        return _Sketch(name(number), grey, middles, *_squares(grey))

    num_threads = os.cpu_count() or 1
    with ThreadPoolExecutor(num_threads) as pool:
        numbers = tqdm(range(len(photos)), unit="photo", leave=False, disable=None)
        read = parallel.in_order(lambda number: pool.submit(sketch, number), numbers, ahead=4 * num_threads)
        yield from (known for known in read if known is not None)


def _squares(grey: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """All squares of a photo, and their places; see `_Sketch`."""
    squares, places = [], []
    for part in _PARTS:
        side = round(_COARSE / part)
        windows = np.lib.stride_tricks.sliding_window_view(_details(grey, side), (_COARSE, _COARSE))
        y, x = np.indices(windows.shape[:2]).reshape(2, -1)
        squares.append(_normalised(windows))
        places.append(np.stack([np.full_like(y, side), y, x], axis=1))
    return np.concatenate(squares), np.concatenate(places)


def _look(wanted: _Sketch, alike: np.ndarray, photo: _Sketch) -> float:
    """How alike a photo's middle and the square of another that is most like it are: other sizes and places nearby are tried.

    Args:
        alike: how much the middle is like any square, roughly, for each mirroring; 0 is returned if it is too little.
    """
    mirroring = int(alike.argmax())
    if alike[mirroring] < _WORTH_A_LOOK:
        return 0.0
    side, *corner = photo.places[(photo.squares @ wanted.middles[mirroring]).argmax()]
    middle = _normalised(_middle(wanted.grey, mirroring, _FINE)[np.newaxis])[0]
    similarity = 0.0
    for scale in _FINE_SCALES:
        fine_side = max(round(side * _FINE / _COARSE * scale), _FINE)
        windows = np.lib.stride_tricks.sliding_window_view(_details(photo.grey, fine_side), (_FINE, _FINE))
        starts = [round((begin + _COARSE / 2) * fine_side / side - _FINE / 2) for begin in corner]
        near = tuple(slice(max(start - _FINE_SHIFT, 0), max(start + _FINE_SHIFT + 1, 1)) for start in starts)
        if windows[near].size:
            similarity = max(similarity, float((_normalised(windows[near]) @ middle).max()))
    return similarity


def _middle(grey: Image.Image, mirroring: int, side: int) -> np.ndarray:
    """`[side, side]`; `mirroring` is 0 to 3."""
    details = _details(grey, round(side / _MIDDLE))
    y, x = ((length - side) // 2 for length in details.shape)
    middle = details[y : y + side, x : x + side]
    return middle[:: -1 if mirroring & 2 else 1, :: -1 if mirroring & 1 else 1]


def _details(grey: Image.Image, shorter_side: int) -> np.ndarray:
    """The photo at that size, less its blurred self, in units of the contrast nearby: float32 `[h, w]`.

    Without these units a single edge would make two photos alike.
    """
    photo = np.asarray(_resized(grey, shorter_side), np.float32)
    details = photo - _blurred(photo)
    return np.asarray(details / (np.sqrt(_blurred(np.square(details))) + _NOISE))


def _blurred(photo: np.ndarray) -> np.ndarray:
    radius = round(3 * _SIGMA)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1, dtype=np.float32) / np.float32(_SIGMA)) ** 2)
    photo = np.pad(photo, radius, mode="edge")
    for axis in (0, 1):
        photo = np.lib.stride_tricks.sliding_window_view(photo, len(weights), axis=axis) @ (weights / weights.sum())
    return photo


def _resized(photo: Image.Image, shorter_side: int) -> Image.Image:
    scale = shorter_side / min(photo.size)
    width, height = (max(round(length * scale), shorter_side) for length in photo.size)
    return photo.resize((width, height), Image.Resampling.BICUBIC)


def _normalised(squares: np.ndarray) -> np.ndarray:
    """`[..., s, s]` to `[N, s * s]`, such that a product of two is their correlation; near 0 for what is flat."""
    side = squares.shape[-1]
    flat = squares.reshape(-1, side * side)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), _LEAST_CONTRAST * side))
