"""Reads the weights of a SavedModel without TensorFlow, which takes seconds to import and hundreds of megabytes.

TensorFlow keeps variables in a "tensor bundle" (tensorflow/core/util/tensor_bundle): one file of raw values, and an index. That
is a table as LevelDB has them (leveldb/doc/table_format.md) from names to entries of protocol buffers (`BundleEntryProto`).
"""

import pathlib
import struct
from collections.abc import Iterator

import numpy as np

from sr_keras.inference import model_info

_MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
# Of `tensorflow/core/framework/types.proto`; our weights are of no other type.
_FLOAT = 1
_PREFIX, _SUFFIX = b"weights/", b"/.ATTRIBUTES/VARIABLE_VALUE"


def read_weights(folder: pathlib.Path) -> list[np.ndarray]:
    """The weights of an exported network in a SavedModel's folder, in the order of its generator's `weights`; float32.

    Raises:
        ModelError: they are missing, damaged, or not ours.
    """
    base = folder / "variables" / "variables"
    try:
        index = base.with_suffix(".index").read_bytes()
        values = base.with_suffix(".data-00000-of-00001").read_bytes()
        entries = {
            int(name[len(_PREFIX) : -len(_SUFFIX)]): entry
            for name, entry in _entries(index)
            if name.startswith(_PREFIX) and name.endswith(_SUFFIX)
        }
        weights = [_weight(entries[place], values) for place in range(len(entries))]
    except (OSError, ValueError, IndexError, KeyError, struct.error) as error:
        raise model_info.ModelError(f"{folder}: damaged ({type(error).__name__})") from None
    if not weights:
        raise model_info.ModelError(f"{folder}: a SavedModel, but not one of sr_keras")
    return weights


def _entries(index: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The table's names and entries."""
    footer = index[-_FOOTER_BYTES:]
    if struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise ValueError("no table")
    _, place = _handle(footer, 0)
    (begin, size), _ = _handle(footer, place)
    for _, handle in _block(index, begin, size):
        (begin, size), _ = _handle(handle, 0)
        yield from _block(index, begin, size)


def _block(index: bytes, begin: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a block; each key leaves out what it shares with the one before it."""
    if index[begin + size] != 0:
        raise ValueError("a compressed table")
    block = index[begin : begin + size]
    [restarts] = struct.unpack("<I", block[-4:])
    end = size - 4 * (restarts + 1)
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        own, place = _varint(block, place)
        length, place = _varint(block, place)
        key = key[:shared] + block[place : place + own]
        yield key, block[place + own : place + own + length]
        place += own + length


def _weight(entry: bytes, values: bytes) -> np.ndarray:
    """The weight of a `BundleEntryProto`: type is its field 1, shape 2, offset 4, size 5."""
    numbers, contents = _fields(entry)
    _, dimensions = _fields(dict(contents).get(2, b""))
    shape = [dict(_fields(dimension)[0])[1] for _, dimension in dimensions]
    fields = dict(numbers)
    offset, size = fields.get(4, 0), fields[5]
    if fields[1] != _FLOAT or offset + size > len(values):
        raise ValueError("not a weight")
    return np.frombuffer(values, "<f4", size // 4, offset).reshape(shape)


def _fields(message: bytes) -> tuple[list[tuple[int, int]], list[tuple[int, bytes]]]:
    """The fields of a protocol buffer that are whole numbers, and those that hold more; each with its number."""
    numbers, contents = [], []
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        if tag & 7 == 0:
            value, place = _varint(message, place)
            numbers.append((tag >> 3, value))
        elif tag & 7 == 2:
            length, place = _varint(message, place)
            contents.append((tag >> 3, message[place : place + length]))
            place += length
        elif tag & 7 == 5:
            place += 4
        else:
            raise ValueError("an unknown field")
    return numbers, contents


def _handle(data: bytes, place: int) -> tuple[tuple[int, int], int]:
    """Where a block begins and its size."""
    begin, place = _varint(data, place)
    size, place = _varint(data, place)
    return (begin, size), place


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A whole number of 7 bits a byte, and the place after it."""
    number = shift = 0
    while True:
        byte = data[place]
        number |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return number, place
