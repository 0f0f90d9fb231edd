"""The metadata of exported networks, and where they are: bundled ones by name, the newest version of a run. No TensorFlow."""

import dataclasses
import json
import os
import pathlib
from typing import Any

from sr_keras.runtime.errors import UserError

# Number formats that an exported network can compute in.
PRECISIONS = ("float32", "bfloat16", "float16")

# What is said where a network computes such values. Part of every exported graph: another text would not be recognised there.
NOT_FINITE = "the network gave numbers that are not finite"

# The bundled networks that AUTO chooses between: for clean photos, and for all others.
ENLARGING, RESTORING = "edsr", "photo"
AUTO = "auto"

# What each of the bundled networks is for.
PURPOSES = {
    "edsr": "clean photos, nearest to the original",
    "espcn": "clean photos, the fast one",
    "lapsrn": "clean photos; between espcn and edsr in size",
    "photo": "photos with noise, blur or traces of JPEG",
    "photogan": "the same, with sharp texture that it makes up",
    "srgan": "clean photos, with sharp texture that it makes up",
    "srresnet": "the paper's generator, trained on pixels alone",
}

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]
# The wheel takes them into the package; in a checkout they lie beside it.
_INSTALLED = _PACKAGE / "saved_models"
SHIPPED_MODELS = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "saved_models"

_INFO = pathlib.PurePath("assets.extra", "sr_keras.json")
# Names of fields in files of earlier versions.
_EARLIER_NAMES = {"reach": "receptive_field"}


@dataclasses.dataclass(frozen=True)
class ModelInfo:
    """The metadata of an exported network, derived from its layers; written beside its SavedModel.

    Attributes:
        scale: how many times larger the output is, along each axis.
        receptive_field: its radius: no output pixel depends on an input pixel further away, in input pixels.
        peak_values: values in memory at the layer that needs most, per input pixel.
        peak_margin: how far around a tile that layer computes, in input pixels.
        operations: multiplications and additions of its convolutions, per input pixel.
        back_projection: whether it ends with back-projection, which keeps the result consistent with the photo. A network that
            removes noise and blocks must not have it: they would come back.
        grid: tiles, and what is read around them, must begin and end at multiples of so many input pixels.
        licence, origin: what whoever brought the network in said of it; "" for one that was trained here.
        training: what trained it, and on what, in a line; "" where that is not known.
    """

    scale: int
    receptive_field: int
    peak_values: int
    peak_margin: int
    operations: int
    # As all networks were that were exported before there was a choice.
    back_projection: bool = True
    grid: int = 1
    licence: str = ""
    origin: str = ""
    training: str = ""


class ModelError(UserError):
    """A folder holds no network that can be used; the message is one line that names the folder and the reason."""


def write_info(info: ModelInfo, folder: pathlib.Path) -> None:
    """Writes the model info into the folder of a SavedModel."""
    path = folder / _INFO
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(dataclasses.asdict(info), indent=2) + "\n", encoding="utf-8")


def shipped() -> list[str]:
    """The names of the bundled networks, which `Upscaler.load` and `--model` take."""
    # Runs lie there too.
    return [name for name in PURPOSES if versions(SHIPPED_MODELS / name)]


def find_model(text: str) -> pathlib.Path:
    """A folder of which `text` is the path, or the name of a network that is shipped."""
    folder = SHIPPED_MODELS / text
    is_name = text not in ("", os.curdir, os.pardir) and os.sep not in text and "\0" not in text
    return folder if is_name and folder.is_dir() else pathlib.Path(text)


def name_of(model: pathlib.Path) -> str:
    """What `find_model` knows a network by: its name if it is shipped, else its path."""
    return model.name if model.parent == SHIPPED_MODELS and model.name in shipped() else str(model)


def versions(folder: pathlib.Path) -> list[pathlib.Path]:
    """The numbered folders of a run, oldest first, as TensorFlow Serving reads them."""
    return sorted((p for p in folder.glob("*") if p.name.isdecimal() and p.is_dir()), key=lambda p: int(p.name))


def newest_version(path: pathlib.Path) -> pathlib.Path:
    """The folder of a SavedModel: `path` itself, or the newest of its numbered versions.

    Raises:
        ModelError: nothing is there.
    """
    if not os.path.isdir(path):
        named = f", nor a network of that name; there are {', '.join(shipped())}" if len(path.parts) == 1 else ""
        raise ModelError(f"{path}: no such model folder{named}")
    folder = path if os.path.isfile(path / "saved_model.pb") else (versions(path) or [path])[-1]
    if not os.path.isfile(folder / "saved_model.pb"):
        raise ModelError(f"{path}: holds no SavedModel")
    return folder


def read_info(folder: pathlib.Path) -> ModelInfo:
    """Reads the model info from a SavedModel's folder.

    Raises:
        ModelError: it is missing or damaged.
    """
    try:
        fields: dict[str, Any] = dict(json.loads((folder / _INFO).read_text(encoding="utf-8")))
        info = ModelInfo(**{_EARLIER_NAMES.get(name, name): value for name, value in fields.items()})
        _require_sane(info)
        return info
    except FileNotFoundError:
        raise ModelError(f"{folder}: a SavedModel, but not one of sr_keras ({_INFO} is missing)") from None
    except TypeError:
        raise ModelError(f"{folder}: exported by another version of sr_keras, or {_INFO} is damaged") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{folder}: {_INFO} is damaged ({error})") from None


def require_strength(info: ModelInfo, model: pathlib.Path) -> None:
    """Refuses a network that only enlarges where there is to be a strength of its restoring.

    Raises:
        ModelError: it does.
    """
    if info.back_projection:
        raise ModelError(f"{name_of(model)}: only enlarges, so there is no strength to choose")


def _require_sane(info: ModelInfo) -> None:
    """Refuses what no network is like: a wrong scale would make a wrong picture, or go on without end.

    Raises:
        ValueError: a value is of another type, or out of its range.
    """
    ranges = dict.fromkeys(("peak_margin", "operations"), (0, 10**12))
    ranges |= {"scale": (1, 64), "grid": (1, 64), "receptive_field": (0, 4096), "peak_values": (1, 10**9)}
    for name, (lowest, highest) in ranges.items():
        value = getattr(info, name)
        if type(value) is not int or not lowest <= value <= highest:
            raise ValueError(f"{name} must be a whole number from {lowest} to {highest}")
    if type(info.back_projection) is not bool:
        raise ValueError("back_projection must be true or false")
    if not all(type(text) is str for text in (info.licence, info.origin, info.training)):
        raise ValueError("licence, origin and training must be texts")
