"""Photos in tar files, as WebDataset packs them: each is read where it lies, without its neighbours."""

import dataclasses
import pathlib
import tarfile
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from sr_keras.photos import rgb
from sr_keras.runtime.files import reason


@dataclasses.dataclass(frozen=True)
class Tars:
    """Photos in tar files; each is known by its number, its place in `names`.

    Attributes:
        names: the tar's name and the photo's in it.
        files: the tars.
        places: int64 `[N, 3]`: of each photo its tar's number, its offset and its size in bytes.
    """

    names: Sequence[str]
    files: Sequence[pathlib.Path]
    places: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def where(self, number: int) -> str:
        """What a message calls a photo."""
        return f"{self.files[self.places[number, 0]]}: {self.names[number].partition('/')[2]}"

    def content(self, number: int) -> bytes:
        """What the photo's file holds; raises PhotoError if it can't be read."""
        tar, offset, size = self.places[number].tolist()
        try:
            with self.files[tar].open("rb") as file:
                file.seek(offset)
                content: bytes = file.read(size)
        except OSError as error:
            raise rgb.PhotoError(f"{self.where(number)}: {reason(error)}") from None
        return content

    def photo(self, number: int) -> np.ndarray:
        """uint8 `[H, W, 3]`; raises PhotoError if it can't be read."""
        return rgb.decode_photo(self.content(number), self.where(number))

    def reader(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """A function, for a graph, from a photo's number to the content of its file."""
        return lambda number: tf.ensure_shape(tf.numpy_function(self.content, [number], tf.string), [])

    def choose(self, numbers: Sequence[int]) -> "Tars":
        return Tars([self.names[number] for number in numbers], self.files, self.places[np.asarray(numbers, dtype=np.int64)])


def load(files: Sequence[pathlib.Path]) -> Tars:
    """The photos in uncompressed tar files; of them only the headers are read.

    Raises:
        FileNotFoundError: there is no photo in them.
        ValueError: a file is no tar, or it is damaged.
    """
    names: list[str] = []
    places: list[tuple[int, int, int]] = []
    for number, file in enumerate(files):
        try:
            with tarfile.open(file, "r:") as tar:
                for member in tar:
                    if member.isfile() and pathlib.PurePath(member.name).suffix.lower() in rgb.PHOTO_SUFFIXES:
                        names.append(f"{file.name}/{member.name}")
                        places.append((number, member.offset_data, member.size))
        except (tarfile.TarError, OSError) as error:
            raise ValueError(f"{file}: not an uncompressed tar file, or damaged ({reason(error)})") from None
    if not names:
        raise FileNotFoundError(f"{files[0]}: holds no photo ({', '.join(sorted(rgb.PHOTO_SUFFIXES))})")
    return Tars(names, files, np.array(places, dtype=np.int64))
