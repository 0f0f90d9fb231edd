"""Where the small files of a folder's photos lie, and what they are called, in the layouts that the field's sets have."""

import pathlib
from typing import NamedTuple


class PairFolders(NamedTuple):
    """A folder of high-resolution photos, and that of their low-resolution files, or None where there is none."""

    hr: pathlib.Path
    lr: pathlib.Path | None


def find(folder: pathlib.Path, scale: int) -> PairFolders:
    """The folders of a set, at one scale. Of a folder that has no layout, its own photos are the large ones.

    Layouts are `HR` beside `LR_x4` or `LR_bicubic/X4`, both in `folder`; and DIV2K's, where `folder` is `DIV2K_valid_HR` and
    beside it lies `DIV2K_valid_LR_bicubic/X4`.
    """
    if (folder / "HR").is_dir():
        return PairFolders(folder / "HR", _first_folder(folder / f"LR_x{scale}", folder / "LR_bicubic" / f"X{scale}"))
    # The name on the disk, where the path is "." or ends in "..".
    path = folder.resolve()
    if not path.name.endswith("_HR"):
        return PairFolders(folder, None)
    return PairFolders(folder, _first_folder(path.with_name(f"{path.name[:-2]}LR_bicubic") / f"X{scale}"))


def low_resolution_file(name: str, lr: pathlib.Path, scale: int) -> pathlib.Path:
    """The small file of the photo `name`: of the same name, or with the scale in it, as DIV2K has `0801x4.png` of `0801.png`.

    Where neither is there, the file of the same name is returned.
    """
    same = lr / name
    with_scale = same.with_name(f"{same.stem}x{scale}{same.suffix}")
    return with_scale if with_scale.is_file() and not same.is_file() else same


def _first_folder(*folders: pathlib.Path) -> pathlib.Path | None:
    return next((folder for folder in folders if folder.is_dir()), None)
