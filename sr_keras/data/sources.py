"""Where photos come from: a folder, a list file, or shards. A source knows its photos by number, and splits by their names."""

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from sr_keras.data import shards
from sr_keras.photos import rgb


@dataclasses.dataclass(frozen=True)
class Files:
    """Photos that are files; each is known by its number, its place in `paths`.

    Attributes:
        paths: the files.
        source: the folder or list file that they were found by.
    """

    paths: Sequence[str]
    source: pathlib.Path

    @property
    def names(self) -> list[str]:
        """The paths below the source's folder, which stay the same when the folder moves."""
        root = self.source if self.source.is_dir() else self.source.parent
        return [pathlib.PurePath(os.path.relpath(path, root)).as_posix() for path in self.paths]

    def __len__(self) -> int:
        return len(self.paths)

    def where(self, number: int) -> str:
        """A photo's name in messages."""
        return self.paths[number]

    def photo(self, number: int) -> np.ndarray:
        """uint8 `[H, W, 3]`; raises PhotoError if it can't be read."""
        return rgb.read_photo(self.paths[number])

    def reader(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """A function, for a graph, from a photo's number to the content of its file."""
        # File names need not be valid text.
        paths = tf.constant([os.fsencode(path) for path in self.paths], tf.string)
        return lambda number: tf.io.read_file(paths[number])

    def choose(self, numbers: Sequence[int]) -> "Files":
        return Files([self.paths[number] for number in numbers], self.source)


Photos = Files | shards.Shards


def open_photos(source: pathlib.Path) -> Photos:
    """The photos of a folder, of a list file, or of a folder of shards.

    Raises:
        FileNotFoundError: nothing is there, or there is no photo in it.
        OSError: a shard is missing.
        ValueError: the file is no text, or the shards are unfinished or damaged.
    """
    return shards.load(source) if shards.is_in(source) else Files(list_photos(source), source)


def list_photos(source: pathlib.Path) -> list[str]:
    """The photos of a folder (recursive; JPEG, PNG, BMP) or of a list file (a path a line, relative to the file's folder).

    Raises:
        FileNotFoundError: nothing is there, or there is no photo in it.
        ValueError: the file is no text.
    """
    if source.is_dir():
        paths = [str(p) for p in source.rglob("*") if p.suffix.lower() in rgb.PHOTO_SUFFIXES and p.is_file()]
    elif source.is_file():
        paths = [str(source.parent / line) for line in _lines(source)]
    else:
        raise FileNotFoundError(f"{source}: no such folder or list file")
    if not paths:
        raise FileNotFoundError(f"{source}: holds no JPEG, PNG or BMP photo")
    return sorted(set(paths))


def split(photos: Photos, validation_fraction: float) -> tuple[Photos, Photos]:
    """Divides photos into `(train, validation)` by a hash of their name.

    A photo's side depends on its name alone: it never changes when photos are added, or when the folder moves.
    """

    def is_validation(name: str) -> bool:
        digest = hashlib.blake2b(os.fsencode(name), digest_size=8).digest()
        return int.from_bytes(digest, "big") < validation_fraction * 2**64

    train: list[int] = []
    validation: list[int] = []
    for number, name in enumerate(photos.names):
        (validation if is_validation(name) else train).append(number)
    return photos.choose(train), photos.choose(validation)


def why_unreadable(photos: Photos, number: int) -> str:
    """The reason why a photo can't be read, in one line; TensorFlow's own is lost where it skips one."""
    try:
        photos.photo(number)
    except rgb.PhotoError as error:
        return str(error)
    return f"{photos.where(number)}: TensorFlow can't decode it"


def _lines(list_file: pathlib.Path) -> list[str]:
    try:
        # Some editors begin a text with a byte order mark.
        lines = list_file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{list_file}: neither a folder of photos nor a list of them, a path a line") from None
    return [line.strip() for line in lines if line.strip()]
