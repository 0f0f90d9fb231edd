"""The photos that networks are measured on: folders of them, drawn ones, and what they are downscaled by."""

import collections
import functools
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from sr_keras.evaluation import degradations
from sr_keras.photos import pair_folders, rgb
from sr_keras.photos.drawn_pictures import drawn

# What `--data` calls pictures that we draw.
DRAWN = "drawn"


class PhotoSet(NamedTuple):
    """High-resolution photos, and the folder of their low-resolution files if there is one; or how they are degraded.

    Attributes:
        name: what the table calls them.
        references: by its file's name, what reads or draws each: uint8 `[H, W, 3]`.
        lr_dir: holds the low-resolution files.
        degradation: one of `degradations.KINDS`.
        passed_over: files of the folder that are no photos to measure on.
    """

    name: str
    references: Mapping[str, Callable[[], np.ndarray]]
    lr_dir: pathlib.Path | None = None
    degradation: str | None = None
    passed_over: int = 0

    @property
    def origin(self) -> str:
        """Where the low-resolution photos come from, in a line."""
        passed_over = f"; other files passed over: {self.passed_over}" if self.passed_over else ""
        if self.lr_dir:
            return f"{self.name}: low-resolution photos from {self.lr_dir}{passed_over}"
        return f"{self.name}: low-resolution photos made of the references by bicubic downscaling{passed_over}"


class Pair(NamedTuple):
    """A photo's file name, and uint8 `[h, w, 3]` and `[s h, s w, 3]`."""

    name: str
    lr: np.ndarray
    hr: np.ndarray


def find_all(texts: Sequence[str], scale: int) -> list[PhotoSet]:
    """The sets that each `--data` means, each with a name of its own.

    Raises:
        PhotoError: a folder is missing, holds no photo, or is named twice.
    """
    for text, count in collections.Counter(texts).items():
        if count > 1:
            raise rgb.PhotoError(f"{text}: named twice")
    found = [find(text, scale) for text in texts]
    names = collections.Counter(photos.name for photos in found)
    return [
        photos if names[photos.name] == 1 else photos._replace(name=text) for text, photos in zip(texts, found, strict=True)
    ]


def find(text: str, scale: int) -> PhotoSet:
    """What `--data` means: `drawn`, `HR_DIR,LR_DIR`, a folder in one of the layouts of `pair_folders`, or a folder of photos.

    Raises:
        PhotoError: a folder of references is missing, or holds no photo.
    """
    if text == DRAWN:
        return PhotoSet(text, {drawn.file_name(n): functools.partial(drawn.picture, n) for n in drawn.MEASURED})
    hr_dir, _, lr_dir = text.partition(",")
    if lr_dir:
        return _of_folders(pair_folders.PairFolders(pathlib.Path(hr_dir), pathlib.Path(lr_dir)))
    return _of_folders(pair_folders.find(pathlib.Path(text), scale))


def degraded(photos: PhotoSet, kind: str) -> PhotoSet:
    """The same references, whose low-resolution photos are made by one of `degradations.KINDS`."""
    return photos._replace(name=f"{photos.name}, {kind}", degradation=kind)


def read_pairs(photos: PhotoSet, scale: int) -> Iterator[Pair]:
    """Yields the pairs in the order of their names; references are cut to a multiple of `scale`, as the field does.

    Raises:
        PhotoError: a photo can't be read, is missing in `lr_dir`, or has the wrong size there.
    """
    for name, reference in photos.references.items():
        hr = reference()
        height, width = (length // scale for length in hr.shape[:2])
        if not height or not width:
            raise rgb.PhotoError(f"{name}: must have at least {scale}x{scale} pixels, has {hr.shape[1]}x{hr.shape[0]}")
        hr = hr[: scale * height, : scale * width]
        lr = _low_resolution(photos, name, hr, scale)
        if lr.shape[:2] != (height, width):
            raise rgb.PhotoError(
                f"{name}: its low-resolution file must have {width}x{height} pixels, has {lr.shape[1]}x{lr.shape[0]}"
            )
        yield Pair(name, lr, hr)


def _low_resolution(photos: PhotoSet, name: str, hr: np.ndarray, scale: int) -> np.ndarray:
    if photos.degradation:
        return degradations.degrade(hr, photos.degradation, name, scale)
    if photos.lr_dir:
        return rgb.read_photo(pair_folders.low_resolution_file(name, photos.lr_dir, scale))
    return rgb.resize_bicubic(hr, *(length // scale for length in hr.shape[:2]))


def _of_folders(folders: pair_folders.PairFolders) -> PhotoSet:
    if not folders.hr.is_dir():
        raise rgb.PhotoError(f"{folders.hr}: no such folder")
    if folders.lr and not folders.lr.is_dir():
        raise rgb.PhotoError(f"{folders.lr}: no such folder")
    files = sorted(path for path in folders.hr.iterdir() if path.is_file() and not path.name.startswith("."))
    paths = [path for path in files if path.suffix.lower() in rgb.PHOTO_SUFFIXES]
    if not paths:
        raise rgb.PhotoError(f"{folders.hr}: holds no photo ({', '.join(sorted(rgb.PHOTO_SUFFIXES))})")
    place = folders.hr.resolve()
    return PhotoSet(
        place.parent.name if place.name == "HR" else place.name,
        {path.name: functools.partial(rgb.read_photo, path) for path in paths},
        folders.lr,
        passed_over=len(files) - len(paths),
    )
