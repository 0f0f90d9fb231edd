"""The networks that a server offers: the bundled ones, and those of folders that it is started with."""

import pathlib
from collections.abc import Iterable

from sr_keras.inference import model_info
from sr_keras.runtime.errors import UserError

# By name; a process is one server.
_added: dict[str, pathlib.Path] = {}


def add(folders: Iterable[pathlib.Path]) -> None:
    """Offers further networks, by the names of their folders.

    Raises:
        UserError: a name is taken, or a folder holds no network.
    """
    for folder in folders:
        name = folder.resolve().name
        if name in names():
            raise UserError(f"--model={folder}: there is a network called {name} already")
        model_info.read_info(model_info.newest_version(folder))
        _added[name] = folder


def names() -> list[str]:
    """What can be asked for."""
    return [model_info.AUTO, *model_info.shipped(), *_added]


def folder_of(name: str) -> pathlib.Path:
    """Where the network of that name lies."""
    return _added.get(name) or model_info.SHIPPED_MODELS / name


def scale_of(name: str) -> int:
    """How many times larger the network of that name makes pictures."""
    return _info(name).scale


def has_strength(name: str) -> bool:
    """Whether there is a strength to choose: the network restores pictures, or may be one that does, and can be mixed."""
    if name == model_info.AUTO:
        return True
    info = _info(name)
    return not info.back_projection and info.scale == _info(model_info.ENLARGING).scale


def words(name: str) -> tuple[str, str]:
    """Of a network that nothing more is said of: its name, and what it is for or whose it is."""
    info = _info(name)
    known = [f"{label}: {text}" for label, text in (("licence", info.licence), ("origin", info.origin)) if text]
    return name, model_info.PURPOSES.get(name) or "; ".join(known) or "A network of this server."


def _info(name: str) -> model_info.ModelInfo:
    return model_info.read_info(model_info.newest_version(folder_of(model_info.ENLARGING if name == model_info.AUTO else name)))
