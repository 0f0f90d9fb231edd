"""Samples that Pillow has no mode for: more than 8 bits, further bands, signed or floating-point values, missing values.

A network sees tones from black to white. Those of 8 and 16 bits it is given as they are; everything else (heights, counts, 12
bits in 16) as shares of the range that the values have, in float32.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from PIL import Image

# Of unsigned values of 16 bits: where the brightest is darker than this share of white, they hold fewer bits, or are no tones.
_LEAST_BRIGHTEST = 0.25
_TONES = ("uint8", "uint16")
# How rows and columns of each EXIF orientation become upright: transposed, then flipped vertically and horizontally.
_UPRIGHT = {
    **{2: (False, False, True), 3: (False, True, True), 4: (False, True, False), 5: (True, False, False)},
    **{6: (True, False, True), 7: (True, True, True), 8: (True, True, False)},
}


@dataclasses.dataclass(frozen=True)
class Raster:
    """A frame of any number of bands.

    Attributes:
        samples: `[H, W, bands]`, whole or floating-point numbers.
        colours: 3 if the first three bands are red, green and blue; 1 if every band stands for itself.
        alpha: whether the last band is transparency, unsigned or floating-point in [0, 1].
        missing: the value that marks pixels without a value, besides those that are not finite.
    """

    samples: np.ndarray
    colours: int = 1
    alpha: bool = False
    missing: float | None = None

    @property
    def width(self) -> int:
        return int(self.samples.shape[1])

    @property
    def height(self) -> int:
        return int(self.samples.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, as Pillow's pictures have it."""
        return self.width, self.height

    @property
    def bands(self) -> int:
        return int(self.samples.shape[2])

    @property
    def bits(self) -> int:
        """Of each sample."""
        return 8 * self.samples.dtype.itemsize

    @property
    def groups(self) -> list[slice]:
        """The bands that a network sees together: three colours, or one band."""
        first = [slice(0, 3)] if self.colours == 3 else []
        return first + [slice(band, band + 1) for band in range(3 * len(first), self.bands)]


class Range(NamedTuple):
    """The values that become black and white."""

    lowest: float
    highest: float

    @property
    def extent(self) -> float:
        return self.highest - self.lowest


class Levels(NamedTuple):
    """A group of bands as a network sees it.

    Attributes:
        photo: uint8, uint16, or float32 in [0, 1]: `[H, W, 1 or 3]`; missing values are filled from around them.
        range: what black and white stand for.
        missing: `[H, W, 1 or 3]`, whether a value is missing; None if none is.
    """

    photo: np.ndarray
    range: Range
    missing: np.ndarray | None


def upright(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Samples `[H, W, ...]` turned as an EXIF orientation, 1 to 8, says."""
    transposed, flip_y, flip_x = _UPRIGHT.get(orientation, (False, False, False))
    samples = samples.swapaxes(0, 1) if transposed else samples
    return np.ascontiguousarray(samples[:: -1 if flip_y else 1, :: -1 if flip_x else 1])


def white(dtype: np.dtype) -> float:
    """The value of white among those of a type: 1 of floating-point numbers, the largest one of whole numbers."""
    return 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)


def rounded(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Values as those of a type."""
    return np.asarray((x if dtype.kind == "f" else np.rint(x)).astype(dtype))


def are_shares(band: np.ndarray) -> bool:
    """Whether values can be transparency: unsigned, or floating-point in [0, 1]."""
    return band.dtype.kind == "u" or (band.dtype.kind == "f" and bool(band.min() >= 0 and band.max() <= 1))


def is_missing(raster: Raster, group: slice) -> np.ndarray | None:
    """Which samples of a group have no value, `[H, W, bands of the group]`; None where all have."""
    samples = raster.samples[..., group]
    missing = ~np.isfinite(samples) if samples.dtype.kind == "f" else np.zeros(samples.shape, bool)
    if raster.missing is not None and not _is_alpha(raster, group):
        missing |= samples == raster.missing
    return missing if missing.any() else None


def value_range(raster: Raster, group: slice) -> Range:
    """The range of a group's values: that of its type for tones, [0, 1] for floats within it, else the one that they have."""
    samples, missing = raster.samples[..., group], is_missing(raster, group)
    tones = Range(0.0, white(samples.dtype))
    if _is_alpha(raster, group) or samples.dtype == np.uint8:
        return tones
    known = samples if missing is None else samples[~missing]
    if not known.size:
        return tones
    lowest, highest = float(known.min()), float(known.max())
    if samples.dtype == np.uint16 and highest >= _LEAST_BRIGHTEST * tones.highest:
        return tones
    if samples.dtype.kind == "f" and lowest >= 0 and _LEAST_BRIGHTEST <= highest <= 1:
        return tones
    return Range(lowest, highest)


def is_tones(raster: Raster, group: slice) -> bool:
    """Whether the levels of a group of bands are its samples as they are."""
    dtype = raster.samples.dtype
    if dtype.name not in _TONES or is_missing(raster, group) is not None:
        return False
    return value_range(raster, group) == (0, white(dtype))


def levels(raster: Raster, group: slice) -> Levels:
    """A group of bands as levels."""
    samples, missing = raster.samples[..., group], is_missing(raster, group)
    extent = value_range(raster, group)
    if is_tones(raster, group):
        return Levels(samples, extent, None)
    shares = (samples.astype(np.float64) - extent.lowest) / (extent.extent or 1.0)
    if missing is not None:
        shares = _filled(shares, missing)
    return Levels(np.clip(shares, 0, 1).astype(np.float32), extent, missing)


def values(photo: np.ndarray, of: Levels, dtype: np.dtype, missing_value: float | None) -> np.ndarray:
    """Levels as values again, in another size than `of` has; what was missing there is missing here.

    Args:
        photo: `[H, W, 1 or 3]` of the type of `of.photo`.
        of: what the levels were made as.
        dtype: of the values.
        missing_value: None is NaN.
    """
    if of.missing is None and photo.dtype == dtype and of.range == (0, white(dtype)):
        return photo
    result = of.range.lowest + photo.astype(np.float64) * (of.range.extent / white(photo.dtype))
    if of.missing is not None:
        result[nearest(of.missing, photo.shape[1], photo.shape[0])] = np.nan if missing_value is None else missing_value
    return rounded(result, dtype)


def nearest(x: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resized without interpolation: `[h, w, ...]` to `[height, width, ...]`."""
    rows, columns = (
        np.minimum((np.arange(length) + 0.5) * own / length, own - 1).astype(int)
        for length, own in ((height, x.shape[0]), (width, x.shape[1]))
    )
    return np.asarray(x[rows[:, np.newaxis], columns])


def to_image(raster: Raster) -> Image.Image:
    """The nearest picture of 8 bits: "L", "LA", "RGB" or "RGBA"; bands without a meaning of their own are left out."""
    groups = [raster.groups[0], *([raster.groups[-1]] if raster.alpha else [])]
    colours = [_whole_tones(raster, group, np.dtype(np.uint8)) for group in groups]
    samples = np.concatenate(colours, axis=2)
    return Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else np.ascontiguousarray(samples))


def of_image(frame: Image.Image, *, sixteen_bit: bool = True) -> Raster:
    """A picture of 8 bits as a raster: of 16 bits, unless told otherwise."""
    samples = np.asarray(frame)
    samples = samples if samples.ndim == 3 else samples[..., np.newaxis]
    if sixteen_bit:
        samples = samples.astype(np.uint16) * np.uint16(257)
    return Raster(samples, colours=3 if samples.shape[2] >= 3 else 1, alpha=samples.shape[2] in (2, 4))


def tones(raster: Raster) -> Raster:
    """As unsigned 16 bits, for formats that hold nothing finer; missing values become black."""
    parts = [_whole_tones(raster, group, np.dtype(np.uint16)) for group in raster.groups]
    return Raster(np.concatenate(parts, axis=2), raster.colours, raster.alpha)


def _whole_tones(raster: Raster, group: slice, dtype: np.dtype) -> np.ndarray:
    """As uint8 or uint16; missing values become black."""
    part = levels(raster, group)
    photo = part.photo
    if photo.dtype != dtype:
        photo = rounded(photo * (white(dtype) / white(photo.dtype)), dtype)
    return photo if part.missing is None else np.where(part.missing, dtype.type(0), photo)


def _is_alpha(raster: Raster, group: slice) -> bool:
    return raster.alpha and group.start == raster.bands - 1


def _filled(x: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Gives values that are missing those around them."""
    known = ~missing
    return spread(np.where(known, np.nan_to_num(x, nan=0, posinf=0, neginf=0), 0.0), known.astype(np.float64))


def spread(total: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """`total / weight`, and where there is no weight, that of larger and larger surroundings: `[H, W, C]` each."""
    mean: np.ndarray = total / np.maximum(weight, 1e-6)
    if weight.all() or weight.shape[0] * weight.shape[1] == 1:
        return mean
    coarse = spread(_halved(total), _halved(weight))
    return np.where(weight > 0, mean, coarse.repeat(2, axis=0).repeat(2, axis=1)[: mean.shape[0], : mean.shape[1]])


def _halved(x: np.ndarray) -> np.ndarray:
    """Sums over 2x2 pixels; zeros lie beyond the edges."""
    x = np.pad(x, [(0, x.shape[0] % 2), (0, x.shape[1] % 2), (0, 0)])
    return np.asarray(x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2])
