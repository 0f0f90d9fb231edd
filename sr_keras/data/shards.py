"""Photos packed into TFRecord shards: few large files, for network storage, that are read one photo at a time.

A folder of shards holds `00000.tfrecord` and so on; beside each an index, `00000.json`, which says where in it each photo lies;
and `shards.json`, written last, which lists the shards. A record is a `tf.train.Example` with the photo's name and its file,
byte for byte, so that other programs can read the shards too.
"""

import contextlib
import dataclasses
import itertools
import json
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from sr_keras.photos import rgb
from sr_keras.runtime.files import reason, written_beside

INDEX = "shards.json"

_NAME, _PHOTO = "name", "photo"

# Around what a record holds: its length and two checksums.
_FRAME_BYTES = 16


@dataclasses.dataclass
class Index:
    """What a shard holds.

    Attributes:
        names: of its photos, in their order: the paths below the source that they come from.
        offsets: where each record begins, in bytes; and last, where the shard ends.
        left_out: the names of photos that can't be read, each with a line that says why.
    """

    names: list[str] = dataclasses.field(default_factory=list)
    offsets: list[int] = dataclasses.field(default_factory=lambda: [0])
    left_out: list[tuple[str, str]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Shards:
    """Photos in shards; each is known by its number, its place in `names`.

    Attributes:
        names: the paths below the source that the photos come from.
        files: the shards.
        places: int64 `[N, 3]`: of each photo its shard's number, and its record's offset and size in bytes.
    """

    names: Sequence[str]
    files: Sequence[pathlib.Path]
    places: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def where(self, number: int) -> str:
        """A photo's name in messages."""
        return f"{self.files[self.places[number, 0]]}: {self.names[number]}"

    def content(self, number: int) -> bytes:
        """The content of a photo's file; raises PhotoError if it can't be read."""
        shard, offset, size = self.places[number]
        try:
            content: bytes = _read(os.fsencode(self.files[shard]), offset, size).numpy()
        except tf.errors.OpError as error:
            raise rgb.PhotoError(f"{self.where(number)}: its record can't be read ({type(error).__name__})") from None
        return content

    def photo(self, number: int) -> np.ndarray:
        """uint8 `[H, W, 3]`; raises PhotoError if it can't be read."""
        return rgb.decode_photo(self.content(number), self.where(number))

    def reader(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """A function, for a graph, from a photo's number to what its file holds."""
        # File names need not be valid text.
        files = tf.constant([os.fsencode(file) for file in self.files], tf.string)
        places = tf.constant(self.places)

        def read(number: tf.Tensor) -> tf.Tensor:
            shard, offset, size = tf.unstack(places[number])
            return _read(files[shard], offset, size)

        return read

    def choose(self, numbers: Sequence[int]) -> "Shards":
        return Shards([self.names[number] for number in numbers], self.files, self.places[np.asarray(numbers, dtype=np.int64)])


def is_in(folder: pathlib.Path) -> bool:
    """Whether a folder is one of shards, finished or not."""
    return (folder / INDEX).is_file() or shard_path(folder, 0).is_file()


def load(folder: pathlib.Path) -> Shards:
    """The photos of a folder of shards; of the shards only the indices are read.

    Raises:
        FileNotFoundError: there is no photo in them.
        OSError: a file is missing or can't be read.
        ValueError: the shards are unfinished, an index is none, or it doesn't fit its shard.
    """
    names: list[str] = []
    files: list[pathlib.Path] = []
    places: list[np.ndarray] = [np.zeros((0, 3), np.int64)]
    for name, num_photos in _listed(folder).items():
        file = folder / name
        index = read_index(file)
        if len(index.names) != num_photos:
            raise ValueError(f"{file}: holds {len(index.names)} photos, and {folder / INDEX} says {num_photos}")
        offsets = np.array(index.offsets, dtype=np.int64)
        places.append(np.column_stack([np.full(num_photos, len(files)), offsets[:-1], np.diff(offsets)]))
        names.extend(index.names)
        files.append(file)
    if not names:
        raise FileNotFoundError(f"{folder}: holds no photo")
    return Shards(names, files, np.concatenate(places))


class ShardWriter:
    """Takes the photos of a shard.

    Attributes:
        index: of what was taken so far.
    """

    def __init__(self, records: tf.io.TFRecordWriter) -> None:
        self.index = Index()
        self._records = records

    def add(self, name: str, content: bytes) -> None:
        """Adds a photo: its name, and what its file holds."""
        record = _record(name, content)
        self._records.write(record)
        self.index.names.append(name)
        self.index.offsets.append(self.index.offsets[-1] + len(record) + _FRAME_BYTES)

    def leave_out(self, name: str, reason: str) -> None:
        """Notes in the index that a photo can't be read, and why, in one line."""
        self.index.left_out.append((name, reason))


@contextlib.contextmanager
def shard_writer(file: pathlib.Path) -> Iterator[ShardWriter]:
    """Writes a shard and its index, which both appear at the end, or not at all if there is an error before.

    Raises:
        OSError: writing failed.
    """
    with written_beside(file) as part:
        try:
            with tf.io.TFRecordWriter(os.fsencode(part)) as records:
                yield (shard := ShardWriter(records))
        except tf.errors.OpError as error:
            # TensorFlow names the file beside, which is gone by now.
            raise OSError(f"{file}: {error.message.rpartition('; ')[-1]}") from None
    # Last: where it is, the shard is whole.
    _write_json(index_path(file), dataclasses.asdict(shard.index))


def finish(folder: pathlib.Path, num_photos: dict[str, int]) -> None:
    """Lists the shards by name, each with its number of photos; from now on the folder is one of shards."""
    _write_json(folder / INDEX, {"shards": num_photos})


def read_index(file: pathlib.Path) -> Index:
    """The index of a shard.

    Raises:
        OSError: one of the two is missing or can't be read.
        ValueError: the index is none, or doesn't fit the shard.
    """
    path = index_path(file)
    content = _read_json(path)
    try:
        index = Index(**content)
        is_sound = _is_sound(index)
    except TypeError:
        is_sound = False
    if not is_sound:
        raise ValueError(f"{path}: not the index of a shard")
    num_bytes = _stat_size(file)
    if num_bytes != index.offsets[-1]:
        raise ValueError(f"{file}: has {num_bytes} bytes, and by {path.name} it should have {index.offsets[-1]}")
    return index


def _is_sound(index: Index) -> bool:
    """Whether each name has a place behind the one before; raises TypeError if they are of other types."""
    names_and_reasons = [*index.names, *(text for left_out in index.left_out for text in left_out)]
    return (
        all(isinstance(text, str) for text in names_and_reasons)
        and all(type(offset) is int and 0 <= offset < 2**63 for offset in index.offsets)
        and len(index.offsets) == len(index.names) + 1
        and index.offsets[0] == 0
        and all(after - before > _FRAME_BYTES for before, after in itertools.pairwise(index.offsets))
    )


def shard_path(folder: pathlib.Path, number: int) -> pathlib.Path:
    """Where a shard is; they are counted from 0."""
    return folder / f"{number:05d}.tfrecord"


def index_path(file: pathlib.Path) -> pathlib.Path:
    """Where the index of a shard is."""
    return file.with_suffix(".json")


def _listed(folder: pathlib.Path) -> dict[str, int]:
    if not (folder / INDEX).is_file():
        raise ValueError(f"{folder}: has no {INDEX}, its shards are unfinished; make_shards.py goes on with them")
    content = _read_json(folder / INDEX)
    listed = content.get("shards") if isinstance(content, dict) else None
    if not isinstance(listed, dict) or not all(
        pathlib.PurePath(name).name == name and type(num_photos) is int for name, num_photos in listed.items()
    ):
        raise ValueError(f"{folder / INDEX}: not a list of shards")
    return listed


def _record(name: str, content: bytes) -> bytes:
    features = {_NAME: os.fsencode(name), _PHOTO: content}
    lists = {key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in features.items()}
    return bytes(tf.train.Example(features=tf.train.Features(feature=lists)).SerializeToString())


def _read(file: tf.Tensor | bytes, offset: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """The photo's file in the record that lies there. It is an error if a checksum is wrong.

    `tf.data.TFRecordDataset` begins at the beginning; the operation under it does not have to. With a buffer as large as the
    record it makes one read of it, after one of the byte before.
    """
    records = tf.raw_ops.TFRecordDatasetV2(filenames=[file], compression_type="", buffer_size=size, byte_offsets=[offset])
    kind: dict[str, Any] = {"output_types": [tf.string], "output_shapes": [[]]}
    first = tf.raw_ops.TakeDataset(input_dataset=records, count=tf.constant(1, tf.int64), **kind)
    [record] = tf.raw_ops.DatasetToSingleElement(dataset=first, **kind)
    return tf.io.parse_single_example(record, {_PHOTO: tf.io.FixedLenFeature([], tf.string)})[_PHOTO]


def _stat_size(file: pathlib.Path) -> int:
    try:
        return file.stat().st_size
    except OSError as error:
        raise OSError(f"{file}: {reason(error)}") from None


def _read_json(path: pathlib.Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise OSError(f"{path}: {reason(error)}") from None
    except ValueError:
        raise ValueError(f"{path}: is damaged, it holds no JSON") from None


def _write_json(path: pathlib.Path, content: dict[str, Any]) -> None:
    try:
        with written_beside(path) as part:
            part.write_text(json.dumps(content), encoding="utf-8")
    except OSError as error:
        raise OSError(f"{path}: {reason(error)}") from None
