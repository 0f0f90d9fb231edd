"""Writes and loads a generator as a SavedModel. Its functions share the weights, each of which is stored once:

- `serve`, also the default signature, for any program: float32 `[B, h, w, 3]` in [0, 1] to `[B, s h, s w, 3]`, any h and w.
  `Upscaler` takes it for photos of floating-point values.
- `tile_<type>_<precision>` for `Upscaler`: a tile of a window, uint8 or uint16 in and out (see `tile_function.py`).

Beside the SavedModel's own files lie, in `assets.extra`, its metadata (see `model_info.py`) and its layers (`layer_graph.py`).
"""

import contextlib
import gc
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sr_keras.inference import layer_graph, model_info
from sr_keras.inference.tensorflow_engine import TensorFlowEngine
from sr_keras.inference.tile_function import TileFunction, tile_function
from sr_keras.networks import back_projection, flops, receptive_field

# What TensorFlow raises over files that are damaged, depending on where it notices.
_DAMAGE = (OSError, ValueError, IndexError, KeyError, AttributeError, tf.errors.OpError)

# 16-bit levels are finer than what the reduced precisions can tell apart.
_TILE_FUNCTIONS = (*(("uint8", precision) for precision in model_info.PRECISIONS), ("uint16", "float32"))


class _Computed:
    """What TensorFlow computes: see `engine.Network`."""

    info: model_info.ModelInfo
    serve: Any  # a `tf.function`

    def __call__(self, lr: np.ndarray) -> np.ndarray:
        """`serve` for arrays."""
        return np.asarray(self.serve(tf.constant(lr, tf.float32)).numpy())

    def tile_function(self, dtype: str, precision: str) -> TileFunction:
        """See `tile_function.tile_function`; all but uint8 is computed in float32, whatever the precision."""
        if dtype == "float32":
            return _tile_of_floats(self.serve, self.info.scale)
        return self._optimised(dtype, precision if dtype == "uint8" else "float32")

    def _optimised(self, dtype: str, precision: str) -> TileFunction:
        """One of `_TILE_FUNCTIONS`."""
        raise NotImplementedError

    def engine(self, *, precision: str, memory_mb: int | None, tile: int | None, device: str | None) -> TensorFlowEngine:
        """See `engine.Network`."""
        return TensorFlowEngine(self, precision=precision, memory_mb=memory_mb, tile=tile, device=device)


class Servable(tf.Module, _Computed):
    """What is exported of a generator: functions and their weights, each once. Make one and save it as often as needed.

    Attributes:
        info: the generator's metadata.
        serve: `[B, h, w, 3]` in [0, 1] to `[B, s h, s w, 3]`, the last of the generator's outputs, corrected by
            `back_projection` if that was asked for; values may leave [0, 1] a little.
    """

    def __init__(self, generator: keras.Model, *, is_back_projected: bool = True) -> None:
        """Wraps a generator.

        Args:
            generator: it must compute in float32. It is not copied: the functions see later changes of its weights.
            is_back_projected: whether back-projection keeps the result consistent with the photo.

        Raises:
            ValueError: the generator has an unknown layer.
        """
        super().__init__()
        if is_back_projected:
            network = back_projection.with_back_projection(generator, receptive_field.measure(generator).output_scale)
        else:
            network = keras.Model(generator.input, generator.outputs[-1], name=generator.name)
        measured = receptive_field.measure(network)
        self.info = model_info.ModelInfo(
            scale=measured.output_scale,
            receptive_field=measured.output_receptive_field,
            peak_values=measured.peak_values,
            peak_margin=measured.peak_margin,
            operations=flops.count(generator, measured.grid, measured.grid).forward // measured.grid**2,
            back_projection=is_back_projected,
            grid=measured.grid,
        )
        # What computes layers elsewhere has back-projection at the photo's own size.
        self._layers = _layers_of(generator) if measured.grid == 1 or not is_back_projected else None
        # In this order `load_weights` finds them again.
        self.weights = [variable.value for variable in generator.weights]
        # The generator itself stays out of the module: Keras would write its layers too, each with functions of its own.
        self.serve = tf.function(
            lambda lr: network(lr, training=False),
            input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, name="lr")],
        )
        for dtype, precision in _TILE_FUNCTIONS:
            place = tf.TensorSpec([2], tf.int32)
            function = tf.function(
                tile_function(network, tf.as_dtype(dtype), precision),
                input_signature=[tf.TensorSpec([None, None, 3], dtype), place, place],
                autograph=False,
            )
            setattr(self, _tile_name(dtype, precision), function)

    @property
    def layers(self) -> str | None:
        """Of the generator, as `layer_graph.write` takes them; None where one is of a kind that TensorFlow alone computes."""
        return self._layers

    def _optimised(self, dtype: str, precision: str) -> TileFunction:
        function: TileFunction = getattr(self, _tile_name(dtype, precision))
        return function

    def take_weights(self, generator: keras.Model) -> None:
        """Copies the weights of a generator of the same structure, whatever its precision."""
        for mine, other in zip(self.weights, generator.weights, strict=True):
            mine.assign(other.value)


class ExportedNetwork(_Computed):
    """An exported network, loaded.

    Attributes:
        info: the network's metadata.
        serve: float32 `[B, h, w, 3]` in [0, 1] to `[B, s h, s w, 3]`, a `tf.function`; values may leave [0, 1] a little.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Loads from a SavedModel's folder, or from the newest of its numbered versions.

        Raises:
            ModelError: nothing is there, it is damaged, or it is not ours.
        """
        folder = model_info.newest_version(pathlib.Path(path))
        self.info = model_info.read_info(folder)
        try:
            # The loaded object owns the variables; holding only a function would let them go.
            self._loaded = tf.saved_model.load(str(folder))
            self.serve = self._loaded.serve
            self._tile_functions: dict[tuple[str, str], TileFunction] = {
                key: getattr(self._loaded, _tile_name(*key)) for key in _TILE_FUNCTIONS
            }
        except _DAMAGE as error:
            raise model_info.ModelError(f"{folder}: damaged ({type(error).__name__})") from None

    def _optimised(self, dtype: str, precision: str) -> TileFunction:
        return self._tile_functions[dtype, precision]


def save(servable: Servable, path: pathlib.Path) -> None:
    """Writes a SavedModel to the folder `path`, which appears whole or not at all; an older one there is replaced."""
    with _replaced(path) as part:
        tf.saved_model.save(servable, str(part), signatures=servable.serve)
        model_info.write_info(servable.info, part)
        if servable.layers:
            layer_graph.write(servable.layers, part)
    # TensorFlow leaves megabytes of objects that point at each other; left to itself, Python would wait for some 15 exports.
    gc.collect()


def copy(source: pathlib.Path, path: pathlib.Path) -> None:
    """Like `save`, of what is in the folder `source`."""
    with _replaced(path) as part:
        shutil.copytree(source, part)


def save_version(servable: Servable, folder: pathlib.Path, version: int, keep: int) -> None:
    """Writes `folder/version` and removes all others but the newest `keep` versions."""
    save(servable, folder / str(version))
    for old in model_info.versions(folder)[:-keep]:
        if old.name != str(version):
            shutil.rmtree(old)


@contextlib.contextmanager
def _replaced(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A name to write a folder under, which then gets the name `path`; an older one there is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part, old = (path.with_name(f".{path.name}.{ending}") for ending in ("part", "old"))
    for left_over in (part, old):
        shutil.rmtree(left_over, ignore_errors=True)
    yield part
    if path.exists():
        path.rename(old)
    part.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def load_weights(path: str | os.PathLike[str]) -> list[np.ndarray]:
    """The weights of an exported network, in the order in which `set_weights` of its generator takes them.

    Raises:
        ModelError: nothing is there, it is damaged, or it is not ours.
    """
    folder = model_info.newest_version(pathlib.Path(path))
    try:
        reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
        names = [name for name in reader.get_variable_to_shape_map() if name.startswith("weights/")]
        weights = [reader.get_tensor(name) for name in sorted(names, key=lambda name: int(name.split("/")[1]))]
    except _DAMAGE as error:
        raise model_info.ModelError(f"{folder}: damaged ({type(error).__name__})") from None
    if not weights:
        raise model_info.ModelError(f"{folder}: a SavedModel, but not one of sr_keras")
    return weights


def _layers_of(generator: keras.Model) -> str | None:
    # A text, for TensorFlow would track and write a list.
    try:
        return layer_graph.to_json(layer_graph.describe(generator))
    except layer_graph.UnknownLayerError:
        return None


def _tile_of_floats(serve: Callable[[tf.Tensor], tf.Tensor], scale: int) -> TileFunction:
    """A tile function of float32 in [0, 1]."""

    def upscale(window: tf.Tensor, start: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        sr = tf.slice(serve(window[tf.newaxis])[0], tf.concat([scale * start, [0]], 0), tf.concat([scale * size, [3]], 0))
        return tf.clip_by_value(tf.debugging.check_numerics(sr, model_info.NOT_FINITE), 0.0, 1.0)

    return upscale


def _tile_name(dtype: str, precision: str) -> str:
    return f"tile_{dtype}_{precision}"
