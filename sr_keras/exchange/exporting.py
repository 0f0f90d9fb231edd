"""Exports a network, and holds the file against the network before it gets its name."""

import contextlib
import dataclasses
import pathlib
import tempfile
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from sr_keras.exchange.formats import Format, Run, Weights
from sr_keras.exchange.portable import Layout, PhotoType, Portable
from sr_keras.inference import model_info, saved_model
from sr_keras.runtime.errors import UserError

# What a file may be off at most, in [0, 1].
TOLERANCE = {"float32": 1e-4, "float16": 4e-3, "int8": 8 / 255}

# Of the pictures that a file is tried on: height and width. A single pixel is where converters go wrong.
_SIZES = ((1, 1), (13, 22))


def export(folder: pathlib.Path, path: pathlib.Path, file_format: Format, *, photo_type: PhotoType, weights: Weights) -> float:
    """Writes a SavedModel's network to `path`; returns by how much the file is off at most, in [0, 1] or in levels.

    Raises:
        ModelError: the network can't be loaded.
        UserError: the file computes something else, or the format has no such network.
    """
    network = saved_model.ExportedNetwork(folder)
    portable = Portable(network, layout=file_format.layout, photo_type=photo_type)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".sr_keras_") as place:
        part = pathlib.Path(place) / path.name
        with _clear_errors(path):
            file_format.write(portable, part, metadata(network.info), weights)
            run = file_format.load(part)
            difference = max(_difference(run, file_format.layout, portable, size) for size in _SIZES)
        # Rounding may end a level apart.
        most = 1 + 255 * TOLERANCE[weights] if photo_type == "uint8" else TOLERANCE[weights]
        if not difference <= most:
            raise UserError(
                f"{path}: not written, for the file would be off the network by {difference:.2g}, more than {most:.2g}"
            )
        # The main file comes last: what belongs to it is there by then.
        for source, target in reversed(list(zip(file_format.file.files(part), file_format.file.files(path), strict=True))):
            source.replace(target)
    return difference


def metadata(info: model_info.ModelInfo) -> dict[str, str]:
    """What a file says of its network."""
    return {
        **{name: str(value) for name, value in dataclasses.asdict(info).items() if value not in (None, "")},
        "source": "sr_keras",
    }


@contextlib.contextmanager
def _clear_errors(path: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except (UserError, OSError, MemoryError):
        raise
    # Converters and runtimes raise whatever they stumble over, and say it in pages.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise UserError(f"{path}: not written, for the format can't hold it ({type(error).__name__}: {reason})") from None


def _difference(run: Run, layout: Layout, portable: Portable, size: tuple[int, int]) -> float:
    photo_type = portable.upscale.input_signature[0].dtype
    noise = np.random.default_rng(0).integers(0, 256, (1, *size, 3), np.uint8)
    lr = noise if photo_type == tf.uint8 else noise.astype(np.float32) / 255
    if layout == "NCHW":
        lr = np.ascontiguousarray(lr.transpose(0, 3, 1, 2))
    expected = portable.upscale(tf.constant(lr))["sr"].numpy()
    found = run(lr)
    if found.shape != expected.shape:
        raise UserError(f"the file would make {list(found.shape)} of {list(lr.shape)}")
    return float(np.abs(found.astype(np.float64) - expected).max())
