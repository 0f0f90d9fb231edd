"""Writes and loads a generator as a SavedModel: float32 `[B, h, w, 3]` in [0, 1] to `[B, s h, s w, 3]`, any h and w.

Beside the SavedModel's own files lies `assets.extra/sr_keras.json` with what a user of the network must know.
"""

import dataclasses
import gc
import json
import os
import pathlib
import shutil

import keras
import numpy as np
import tensorflow as tf

# What TensorFlow raises over files that are damaged, depending on where it notices.
_DAMAGE = (OSError, ValueError, IndexError, KeyError, AttributeError, tf.errors.OpError)

_FACTS = pathlib.PurePath("assets.extra", "sr_keras.json")


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of an exported network without loading it.

    Attributes:
        scale: how many times larger the output is, along each axis.
        reach: how far it sees: no output pixel depends on an input pixel further away, in input pixels.
    """

    scale: int
    reach: int


class ModelError(Exception):
    """A folder holds no network that can be used; the message is one line that names the folder and the reason."""


class Servable(tf.Module):
    """What is exported of a generator: one function and its weights, each once. Make one and save it as often as needed.

    Attributes:
        serve: `[B, h, w, 3]` in [0, 1] to `[B, s h, s w, 3]`; values may leave [0, 1] a little.
    """

    def __init__(self, generator: keras.Model, facts: Facts) -> None:
        """The generator must compute in float32. It is not copied: later changes of its weights show."""
        super().__init__()
        self.facts = facts
        # In this order `load_weights` finds them again.
        self.weights = [variable.value for variable in generator.weights]
        # The generator itself stays out of the module: Keras would write its layers too, each with functions of its own.
        self.serve = tf.function(
            lambda lr: generator(lr, training=False),
            input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, name="lr")],
        )

    def __call__(self, lr: np.ndarray) -> np.ndarray:
        """`serve` for arrays."""
        return self.serve(tf.constant(lr, tf.float32)).numpy()

    def take_weights(self, generator: keras.Model) -> None:
        """Copies the weights of a generator of the same structure, whatever it computes in."""
        for mine, other in zip(self.weights, generator.weights, strict=True):
            mine.assign(other.value)


class Network:
    """An exported network, loaded."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Loads from a SavedModel's folder, or from the newest of its numbered versions.

        Raises:
            ModelError: nothing is there, it is damaged, or it is not ours.
        """
        folder = _newest_version(pathlib.Path(path))
        self.facts = _read_facts(folder)
        try:
            # The loaded object owns the variables; holding only `serve` would let them go.
            self._loaded = tf.saved_model.load(str(folder))
            self._serve = self._loaded.serve
        except _DAMAGE as error:
            raise ModelError(f"{folder}: damaged ({type(error).__name__})") from None

    def __call__(self, lr: np.ndarray) -> np.ndarray:
        """`[B, h, w, 3]` in [0, 1] to `[B, s h, s w, 3]`; values may leave [0, 1] a little."""
        return self._serve(tf.constant(lr, tf.float32)).numpy()


def save(servable: Servable, path: pathlib.Path) -> None:
    """Writes a SavedModel to the folder `path`, which appears whole or not at all; an older one there is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part, old = (path.with_name(f".{path.name}.{ending}") for ending in ("part", "old"))
    for left_over in (part, old):
        shutil.rmtree(left_over, ignore_errors=True)
    tf.saved_model.save(servable, str(part), signatures=servable.serve)
    facts = part / _FACTS
    facts.parent.mkdir()
    facts.write_text(json.dumps(dataclasses.asdict(servable.facts), indent=2) + "\n", encoding="utf-8")
    if path.exists():
        path.rename(old)
    part.rename(path)
    shutil.rmtree(old, ignore_errors=True)
    # TensorFlow leaves megabytes of objects that point at each other; left to itself, Python would wait for some 15 exports.
    gc.collect()


def save_version(servable: Servable, folder: pathlib.Path, version: int, keep: int) -> None:
    """Writes `folder/version` and removes all but the newest `keep` versions."""
    save(servable, folder / str(version))
    for old in versions(folder)[:-keep]:
        shutil.rmtree(old)


def load_weights(path: str | os.PathLike[str]) -> list[np.ndarray]:
    """The weights of an exported network, in the order in which `set_weights` of its generator takes them.

    Raises:
        ModelError: nothing is there, it is damaged, or it is not ours.
    """
    folder = _newest_version(pathlib.Path(path))
    _read_facts(folder)
    try:
        reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
        names = [name for name in reader.get_variable_to_shape_map() if name.startswith("weights/")]
        return [reader.get_tensor(name) for name in sorted(names, key=lambda name: int(name.split("/")[1]))]
    except _DAMAGE as error:
        raise ModelError(f"{folder}: damaged ({type(error).__name__})") from None


def versions(folder: pathlib.Path) -> list[pathlib.Path]:
    """The numbered folders of a run, oldest first, as TensorFlow Serving reads them."""
    return sorted((p for p in folder.glob("*") if p.name.isdecimal() and p.is_dir()), key=lambda p: int(p.name))


def _newest_version(path: pathlib.Path) -> pathlib.Path:
    if not path.is_dir():
        raise ModelError(f"{path}: no such model folder")
    folder = path if (path / "saved_model.pb").is_file() else (versions(path) or [path])[-1]
    if not (folder / "saved_model.pb").is_file():
        raise ModelError(f"{path}: holds no SavedModel")
    return folder


def _read_facts(folder: pathlib.Path) -> Facts:
    try:
        return Facts(**json.loads((folder / _FACTS).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ModelError(f"{folder}: a SavedModel, but not one of sr_keras ({_FACTS} is missing)") from None
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{folder}: {_FACTS} is damaged ({error})") from None
