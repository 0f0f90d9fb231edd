"""Photos in Parquet files, as Hugging Face's datasets have them: a column of `{bytes, path}`, or of bytes.

A row can't be read without its row group, so the groups in use are kept. What is larger than memory is better packed into
shards once: data_prep/make_shards.py takes Parquet too.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from sr_keras.photos import rgb
from sr_keras.runtime import extras
from sr_keras.runtime.files import reason

# Row groups are some hundred rows each.
_GROUPS_KEPT = 32


@dataclasses.dataclass(frozen=True)
class Parquet:
    """Photos in Parquet files; each is known by its number, its place in `places`.

    Attributes:
        files: the Parquet files.
        column: the one that holds the photos.
        places: int64 `[N, 3]`: of each photo its file's number, its row group and its row in that.
    """

    files: Sequence[pathlib.Path]
    column: str
    places: np.ndarray

    @property
    def names(self) -> list[str]:
        """The file's name, the row group and the row."""
        return [f"{self.files[file].name}/{group}/{row}" for file, group, row in self.places.tolist()]

    def __len__(self) -> int:
        return len(self.places)

    def where(self, number: int) -> str:
        """What a message calls a photo."""
        file, group, row = self.places[number]
        return f"{self.files[file]}: row {row} of row group {group}"

    def content(self, number: int) -> bytes:
        """What the photo's file holds; raises PhotoError if it can't be read."""
        file, group, row = self.places[number].tolist()
        try:
            value = _group(self.files[file], group, self.column)[row].as_py()
        except (OSError, ValueError) as error:  # pyarrow's errors are of these kinds
            raise rgb.PhotoError(f"{self.where(number)}: {reason(error)}") from None
        content = value.get("bytes") if isinstance(value, dict) else value
        if not content:
            raise rgb.PhotoError(f"{self.where(number)}: holds no photo, only a path perhaps")
        return bytes(content)

    def photo(self, number: int) -> np.ndarray:
        """uint8 `[H, W, 3]`; raises PhotoError if it can't be read."""
        return rgb.decode_photo(self.content(number), self.where(number))

    def reader(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """A function, for a graph, from a photo's number to the content of its file."""
        return lambda number: tf.ensure_shape(tf.numpy_function(self.content, [number], tf.string), [])

    def choose(self, numbers: Sequence[int]) -> "Parquet":
        return Parquet(self.files, self.column, self.places[np.asarray(numbers, dtype=np.int64)])


def load(files: Sequence[pathlib.Path]) -> Parquet:
    """The photos in Parquet files; of them only the metadata is read.

    Raises:
        ImportError: pyarrow is not installed.
        FileNotFoundError: there is no row in them.
        ValueError: a file is no Parquet file, or has no column of images.
    """
    try:
        import pyarrow.parquet
    except ImportError:
        raise ImportError(f"{files[0]}: Parquet files need pyarrow: {extras.install('datasets')}") from None
    places: list[np.ndarray] = [np.zeros((0, 3), np.int64)]
    columns = []
    for number, file in enumerate(files):
        try:
            with pyarrow.parquet.ParquetFile(file) as opened:
                columns.append(_image_column(file, opened.schema_arrow))
                sizes = [opened.metadata.row_group(group).num_rows for group in range(opened.metadata.num_row_groups)]
        except (pyarrow.ArrowException, OSError) as error:
            raise ValueError(f"{file}: not a Parquet file, or damaged ({reason(error)})") from None
        places += [np.column_stack([np.full((n, 2), (number, group)), np.arange(n)]) for group, n in enumerate(sizes)]
    if len(set(columns)) > 1:
        raise ValueError(f"{files[0]}: not all files there have the same column of images: {', '.join(sorted(set(columns)))}")
    rows = np.concatenate(places).astype(np.int64)
    if not len(rows):
        raise FileNotFoundError(f"{files[0]}: holds no photo")
    return Parquet(files, columns[0], rows)


@functools.lru_cache(_GROUPS_KEPT)
def _group(file: pathlib.Path, group: int, column: str) -> Any:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(file) as opened:
        return opened.read_row_group(group, columns=[column]).column(0)


def _image_column(file: pathlib.Path, schema: Any) -> str:
    """The column of images: the first one of bytes, or of a struct with bytes in it."""
    import pyarrow

    def holds_bytes(kind: Any) -> bool:
        if pyarrow.types.is_struct(kind):
            return any(field.name == "bytes" and holds_bytes(field.type) for field in kind)
        return bool(pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind))

    for field in schema:
        if holds_bytes(field.type):
            return str(field.name)
    raise ValueError(f"{file}: has no column of images, only {', '.join(schema.names)}")
