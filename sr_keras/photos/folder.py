"""The photos of a folder, by one list of formats, and what was passed over."""

import collections
import os
import pathlib
from typing import NamedTuple

from sr_keras.photos import rgb


class Found(NamedTuple):
    """What a folder holds, subfolders too; hidden files are left out.

    Attributes:
        photos: those of `rgb.PHOTO_SUFFIXES`, in the order of their paths.
        passed_over: how many other files there are, by suffix.
    """

    photos: list[pathlib.Path]
    passed_over: collections.Counter[str]

    def __str__(self) -> str:
        """What was passed over, in words."""
        kinds = ", ".join(f"{count} {suffix or 'without a suffix'}" for suffix, count in self.passed_over.most_common())
        return f"files passed over (no photos by their names): {kinds}"


def find(folder: pathlib.Path) -> Found:
    """Looks through a folder.

    Raises:
        OSError: a folder can't be read.
    """

    def refuse(error: OSError) -> None:
        raise error

    names = (pathlib.Path(place, name) for place, _, names in os.walk(folder, onerror=refuse) for name in names)
    files = sorted(path for path in names if not path.name.startswith(".") and path.is_file())
    photos = [path for path in files if path.suffix.lower() in rgb.PHOTO_SUFFIXES]
    others = collections.Counter(path.suffix.lower() for path in files)
    return Found(photos, collections.Counter({suffix: n for suffix, n in others.items() if suffix not in rgb.PHOTO_SUFFIXES}))
