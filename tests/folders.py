"""What lies in a folder."""

import pathlib


def listing(folder: pathlib.Path) -> list[str]:
    """The names in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())


def contents(root: pathlib.Path) -> dict[str, bytes]:
    """Of all files below a folder, by their path from there."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
