"""What is done to a picture's samples around the network: colours that can't be seen, limits, squares, unit vectors."""

import dataclasses

import numpy as np
from PIL import Image

from sr_keras.photos import raster
from sr_keras.photos.picture import Frame
from sr_keras.photos.raster import Raster


def without_hidden_colours(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Replaces colours that cannot be seen by those around them: their own would bleed into what can be seen.

    Args:
        colour: `[H, W]` or `[H, W, C]`.
        alpha: `[H, W]`.
    """
    weight = alpha.astype(np.float32)[..., np.newaxis] / np.float32(raster.white(alpha.dtype))
    values = np.atleast_3d(colour).astype(np.float32)
    around = raster.rounded(raster.spread(values * weight, weight), colour.dtype)
    return np.where(weight > 0, np.atleast_3d(colour), around).reshape(colour.shape)


def limited(small: np.ndarray, large: np.ndarray) -> np.ndarray:
    """Clips `large` to the range of the 3x3 pixels around each place in `small`; strip by strip, for it may be large."""
    lowest, highest = _extremes(small, np.minimum), _extremes(small, np.maximum)
    height, width = large.shape[:2]
    columns = np.minimum((np.arange(width) + 0.5) * small.shape[1] / width, small.shape[1] - 1).astype(int)
    rows = np.minimum((np.arange(height) + 0.5) * small.shape[0] / height, small.shape[0] - 1).astype(int)
    for start in range(0, height, 64):
        part = slice(start, start + 64)
        place = rows[part][:, np.newaxis], columns
        np.clip(large[part], lowest[place], highest[place], out=large[part])
    return large


def coverage(small: np.ndarray, large: np.ndarray) -> np.ndarray:
    """The transparency of a result, of which a network knows nothing: no flecks, and no rim of what is half transparent.

    Args:
        small: `[h, w]`.
        large: the same, not smaller along any axis; it is changed.
    """
    return without_flecks(small, limited(small, large))


def without_flecks(small: np.ndarray, large: np.ndarray) -> np.ndarray:
    """`large`, with the value of `small` wherever the four pixels around a place have one; strip by strip, for it may be large.

    Beside an edge a network overshoots, and then swings: of a mask that would be flecks, of a scan of 1 bit grey halos.

    Args:
        small: `[h, w]` or `[h, w, C]`.
        large: the same, not smaller along any axis; it is changed.
    """
    padded = np.pad(small, [(1, 1), (1, 1), (0, 0)][: small.ndim], mode="edge")
    corners = [padded[y : y + small.shape[0] + 1, x : x + small.shape[1] + 1] for y in (0, 1) for x in (0, 1)]
    is_flat = np.logical_and.reduce([np.atleast_3d(corner == corners[0]).all(axis=2) for corner in corners])
    rows, columns = (
        np.floor((np.arange(length) + 0.5) * own / length + 0.5).astype(int)
        for length, own in zip(large.shape[:2], small.shape[:2], strict=True)
    )
    for start in range(0, large.shape[0], 64):
        place = rows[start : start + 64, np.newaxis], columns
        strip, is_flat_here = large[start : start + 64], is_flat[place]
        strip[is_flat_here] = corners[0][place][is_flat_here]
    return large


def _extremes(x: np.ndarray, extreme: np.ufunc) -> np.ndarray:
    """Over 3x3 pixels."""
    for axis in (0, 1):
        padded = np.pad(x, [(1, 1) if each == axis else (0, 0) for each in range(x.ndim)], mode="edge")
        length = x.shape[axis]
        parts = [np.take(padded, range(start, start + length), axis) for start in range(3)]
        x = extreme(extreme(parts[0], parts[1]), parts[2])
    return x


def repeated(frame: Frame, size: tuple[int, int]) -> Frame:
    """Pixels as squares, in a size (width, height)."""
    if isinstance(frame, Raster):
        return dataclasses.replace(frame, samples=raster.nearest(frame.samples, *size))
    return frame.resize(size, Image.Resampling.NEAREST)


def with_third_axis(frame: Frame) -> Frame:
    """Normals of a format of two channels, such as BC5, with the third one, which it leaves out as it follows from length 1."""
    samples = _samples(frame)
    if not _holds_vectors(samples) or samples[..., 2].any():
        return frame
    vectors = _vectors(samples)
    vectors[..., 2] = np.sqrt(np.maximum(0, 1 - np.square(vectors[..., :2]).sum(axis=2)))
    return _with_vectors(frame, samples, vectors)


def unit_vectors(frame: Frame) -> Frame:
    """Colours as vectors of length 1, of which 0 is -1 and white is 1 along each axis."""
    samples = _samples(frame)
    if not _holds_vectors(samples):
        return frame
    vectors = _vectors(samples)
    return _with_vectors(frame, samples, vectors / np.maximum(np.linalg.norm(vectors, axis=2, keepdims=True), 1e-6))


def _samples(frame: Frame) -> np.ndarray:
    return frame.samples if isinstance(frame, Raster) else np.asarray(frame)


def _holds_vectors(samples: np.ndarray) -> bool:
    return samples.ndim == 3 and samples.shape[2] >= 3 and samples.dtype.kind == "u"


def _vectors(samples: np.ndarray) -> np.ndarray:
    return samples[..., :3] * np.float32(2 / np.iinfo(samples.dtype).max) - 1


def _with_vectors(frame: Frame, samples: np.ndarray, vectors: np.ndarray) -> Frame:
    samples = samples.copy()
    samples[..., :3] = np.rint((vectors + 1) * np.float32(np.iinfo(samples.dtype).max / 2)).astype(samples.dtype)
    return dataclasses.replace(frame, samples=samples) if isinstance(frame, Raster) else Image.fromarray(samples)
