"""GeoTIFF: the place of a picture on a map."""

import contextlib
from typing import Any

from sr_keras.photos.metadata_parts.tagged_file import TaggedFile

# GeoTIFF: pixel scale, tie points, transformation, keys and their values, GDAL's metadata.
_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _KEYS = 33550, 33922, 34264, 34735
_TAGS = (_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _KEYS, 34736, 34737, 42112)
_RASTER_TYPE_KEY, _PIXEL_IS_POINT = 1025, 2


def read(file: TaggedFile) -> dict[int, Any]:
    """Its tags."""
    if file.format != "TIFF":
        return {}
    with contextlib.suppress(Exception):
        tags = file.getexif()
        return {tag: tags[tag] for tag in _TAGS if tag in tags}
    return {}


def scaled(geo: dict[int, Any], horizontal: float, vertical: float) -> dict[int, Any]:
    """For a picture that has become so many times wider and higher.

    Its pixels get smaller on the map; places in the picture move.
    """
    geo = dict(geo)
    keys = tuple(geo.get(_KEYS, ()))
    entries = [keys[start : start + 4] for start in range(4, len(keys), 4)]
    # Counted from the first pixel's middle, or from its corner.
    middle = 0.5 if (_RASTER_TYPE_KEY, 0, 1, _PIXEL_IS_POINT) in entries else 0.0
    factors = horizontal, vertical
    if _PIXEL_SCALE in geo:
        x, y, *rest = map(float, geo[_PIXEL_SCALE])
        geo[_PIXEL_SCALE] = (x / horizontal, y / vertical, *rest)
    if _TIE_POINTS in geo:
        points = list(map(float, geo[_TIE_POINTS]))
        for start in range(0, len(points), 6):
            for axis in (0, 1):
                points[start + axis] = (points[start + axis] + middle) * factors[axis] - middle
        geo[_TIE_POINTS] = tuple(points)
    if _TRANSFORMATION in geo:
        matrix = list(map(float, geo[_TRANSFORMATION]))
        for row in (0, 4, 8):
            for axis in (0, 1):
                old = matrix[row + axis]
                matrix[row + axis] = old / factors[axis]
                matrix[row + 3] += middle * (old / factors[axis] - old)
        geo[_TRANSFORMATION] = tuple(matrix)
    return geo
