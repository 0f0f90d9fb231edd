"""Where photos come from: a folder, a list file, or files that hold many. A source knows its photos by number."""

import dataclasses
import hashlib
import logging
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from sr_keras.data import parquet, shards, tars
from sr_keras.photos import folder, pair_folders, rgb
from sr_keras.runtime.files import reason

logger = logging.getLogger(__name__)


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

    def content(self, number: int) -> bytes:
        """The content of a photo's file; raises PhotoError if it can't be read."""
        try:
            return pathlib.Path(self.paths[number]).read_bytes()
        except OSError as error:
            raise rgb.PhotoError(f"{self.where(number)}: {reason(error)}") from None

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


@dataclasses.dataclass(frozen=True)
class PairedFiles(Files):
    """HR photos that are files, each with a low-resolution file of its own.

    Attributes:
        lr_paths: the low-resolution files, in the order of `paths`.
        scale: how many times larger the HR photos are.
    """

    lr_paths: Sequence[str]
    scale: int

    def pair(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """`(lr, hr)`, uint8 `[h, w, 3]` and `[scale h, scale w, 3]`: the HR photo is cut to a multiple of the scale.

        Raises:
            PhotoError: one of the two can't be read, or their sizes do not fit.
        """
        lr, hr = rgb.read_photo(self.lr_paths[number]), rgb.read_photo(self.paths[number])
        height, width = (length // self.scale for length in hr.shape[:2])
        if lr.shape[:2] != (height, width):
            raise rgb.PhotoError(
                f"{self.lr_paths[number]}: must have {width}x{height} pixels for {self.paths[number]}, "
                f"has {lr.shape[1]}x{lr.shape[0]}"
            )
        return lr, hr[: self.scale * height, : self.scale * width]

    def lr_reader(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """As `reader`, of the low-resolution file."""
        return Files(self.lr_paths, self.source).reader()

    def choose(self, numbers: Sequence[int]) -> "PairedFiles":
        hr = super().choose(numbers)
        return PairedFiles(hr.paths, self.source, [self.lr_paths[number] for number in numbers], self.scale)


class Photos(Protocol):
    """Photos that are known by their number, from 0."""

    @property
    def names(self) -> Sequence[str]:
        """What each is called below its source, wherever that lies."""

    def __len__(self) -> int: ...

    def where(self, number: int) -> str:
        """What a message calls a photo."""

    def content(self, number: int) -> bytes:
        """The content of a photo's file; raises PhotoError if it can't be read."""

    def photo(self, number: int) -> np.ndarray:
        """uint8 `[H, W, 3]`; raises PhotoError if it can't be read."""

    def reader(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """A function, for a graph, from a photo's number to the content of its file."""

    def choose(self, numbers: Sequence[int]) -> "Photos":
        """Some of them, numbered anew."""


def open_photos(source: pathlib.Path) -> Photos:
    """The photos of a folder, a list file, shards, Parquet files with an image column, or WebDataset tars.

    Raises:
        FileNotFoundError: nothing is there, or there is no photo in it.
        OSError: a file is missing or can't be read.
        ValueError: the file is no text, or what holds the photos is unfinished or damaged.
        ImportError: Parquet without pyarrow.
    """
    if shards.is_in(source):
        return shards.load(source)
    for suffix, load in ((".parquet", parquet.load), (".tar", tars.load)):
        if files := archives(source, suffix):
            return load(files)
    return Files(list_photos(source), source)


def open_training_photos(source: pathlib.Path, lr: pathlib.Path | None, scale: int) -> Photos:
    """As `open_photos`, but pairs where there are low-resolution files.

    Args:
        lr: the folder of the low-resolution files; None looks for the layouts of `pair_folders`.
        scale: how many times larger the HR photos are.

    Raises:
        FileNotFoundError, OSError, ImportError: as `open_photos` has them.
        ValueError: also if a photo's low-resolution file is missing.
    """
    folders = pair_folders.PairFolders(source, lr) if lr else pair_folders.find(source, scale)
    photos = open_photos(folders.hr)
    if folders.lr is None:
        return photos
    if not folders.lr.is_dir():
        raise ValueError(f"{folders.lr}: no such folder")
    if not isinstance(photos, Files):
        raise ValueError(f"{source}: only photos that are files can have low-resolution files")
    lr_paths = [pair_folders.low_resolution_file(name, folders.lr, scale) for name in photos.names]
    if missing := [path for path in lr_paths if not path.is_file()]:
        raise ValueError(f"{missing[0]}: no such file; {len(missing)} of {len(lr_paths)} photos lack a low-resolution file")
    return PairedFiles(photos.paths, photos.source, [str(path) for path in lr_paths], scale)


def high_resolution(source: pathlib.Path) -> pathlib.Path:
    """Where a set's photos lie: in its `HR`, if it has one; the low-resolution files beside it are nothing to learn from."""
    return source / "HR" if (source / "HR").is_dir() else source


def archives(source: pathlib.Path, suffix: str) -> list[pathlib.Path]:
    """The files of that suffix: `source` itself, or those in it, also in subfolders, in the order of their names."""
    if source.is_file():
        return [source] if source.suffix.lower() == suffix else []
    return sorted(path for path in source.rglob(f"*{suffix}") if path.is_file())


def list_photos(source: pathlib.Path) -> list[str]:
    """The photos of a folder (recursive; `rgb.PHOTO_SUFFIXES`) or of a list file (a path a line, relative to its folder).

    Files of a folder that are no photo by their suffix are counted in a warning.

    Raises:
        FileNotFoundError: nothing is there, or there is no photo in it.
        ValueError: the file is no text.
    """
    if source.is_dir():
        found = folder.find(source)
        paths = [str(path) for path in found.photos]
        if paths and found.passed_over:
            logger.warning("%s: %s", source, found)
    elif source.is_file():
        paths = [str(source.parent / line) for line in _lines(source)]
    else:
        raise FileNotFoundError(f"{source}: no such folder or list file")
    if not paths:
        raise FileNotFoundError(f"{source}: holds no photo ({', '.join(sorted(rgb.PHOTO_SUFFIXES))})")
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
        photos.pair(number) if isinstance(photos, PairedFiles) else photos.photo(number)
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
