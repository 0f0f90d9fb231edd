"""Photos are found by what they show."""

import pathlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from sr_keras.data import near_duplicates, sources
from sr_keras.photos import rgb

Change = Callable[[Image.Image], Image.Image]

PHOTOS = rgb.SAMPLE / "photos"
CHANGES = {
    "the same file format": lambda photo: photo,
    "smaller": lambda photo: photo.resize((photo.width * 2 // 5, photo.height * 2 // 5), Image.Resampling.BICUBIC),
    "mirrored": lambda photo: photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "on its head": lambda photo: photo.transpose(Image.Transpose.ROTATE_180),
    "cropped": lambda photo: photo.crop((photo.width // 4, photo.height // 8, photo.width, photo.height * 7 // 8)),
    "a corner of it": lambda photo: photo.crop((0, 0, photo.width // 2, photo.height // 2)),
    "grey and darker": lambda photo: photo.convert("L").point(lambda level: level * 3 // 5).convert("RGB"),
}


@pytest.fixture
def tests_of(tmp_path: pathlib.Path) -> Callable[[Change], pathlib.Path]:
    """Makes a folder with a changed astronaut among others, under a name that tells nothing."""

    def make(change: Change) -> pathlib.Path:
        folder = tmp_path / "tests"
        folder.mkdir()
        change(Image.open(PHOTOS / "astronaut.jpg").convert("RGB")).save(folder / "0.jpg", quality=60)
        Image.fromarray(np.full((99, 99, 3), 90, np.uint8)).save(folder / "1.png")
        return folder

    return make


@pytest.fixture(scope="module")
def photos() -> sources.Photos:
    return sources.open_photos(PHOTOS)


@pytest.fixture(scope="module")
def astronaut(photos: sources.Photos) -> set[int]:
    return {photos.names.index("astronaut.jpg")}


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_photo_is_found_and_no_other(
    photos: sources.Photos, astronaut: set[int], tests_of: Callable[[Change], pathlib.Path], change: str
) -> None:
    assert near_duplicates.find(photos, [tests_of(CHANGES[change])]) == astronaut


def test_it_is_found_in_either_direction(tests_of: Callable[[Change], pathlib.Path]) -> None:
    crops = sources.open_photos(tests_of(CHANGES["a corner of it"]))
    assert near_duplicates.find(crops, [PHOTOS]) == {0}


def test_photos_differ_by_far(photos: sources.Photos) -> None:
    """No photo is like another; each is like itself."""
    similarity = np.zeros((len(photos), len(photos)))
    places = [photos.where(number) for number in range(len(photos))]
    for match in near_duplicates.matches(photos, [photos], least=0.01):
        similarity[match.number, places.index(match.test)] = match.similarity
    assert np.all(np.diag(similarity) > 0.99)
    np.fill_diagonal(similarity, 0)
    assert similarity.max() < 0.5


def test_what_cannot_be_read_matches_nothing(tmp_path: pathlib.Path, photos: sources.Photos) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    assert near_duplicates.find(photos, [tmp_path]) == near_duplicates.find(sources.open_photos(tmp_path), [PHOTOS]) == set()
