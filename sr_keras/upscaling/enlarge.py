"""Enlarges a picture to any size: by the network, in as many passes as it takes, and one reduction."""

import dataclasses
import itertools
import math
from typing import Literal, Protocol

import numpy as np
from PIL import Image

from sr_keras.inference import model_info
from sr_keras.inference.tiling import Progress, Put
from sr_keras.photos import metadata, raster
from sr_keras.photos.picture import Frame, Picture, has_alpha
from sr_keras.photos.raster import Raster
from sr_keras.photos.row_writer import Layout, PutRows
from sr_keras.upscaling import corrections, hints

Size = tuple[int, int]  # width and height, as Pillow has them
Wrap = Literal["none", "x", "y", "xy"]


class PhotoUpscaler(Protocol):
    """What enlarges a photo by a whole factor. `inference.upscaler.Upscaler` is one, which needs TensorFlow.

    Attributes:
        scale: the factor.
        receptive_field: how many pixels of the photo on each side of a pixel its result depends on.
    """

    scale: int
    receptive_field: int

    def upscale_to(self, put: Put, photo: np.ndarray, *, self_ensemble: bool, progress: Progress) -> None:
        """See `Upscaler.upscale_to`."""


@dataclasses.dataclass(frozen=True)
class Target:
    """The size that is asked for: a factor, or a width or height, or both of them.

    Attributes:
        scale: how many times larger along each axis; 1 restores alone.
        width, height: in pixels; one alone keeps the aspect.
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None

    def size(self, width: int, height: int) -> Size:
        """The size of the result for a picture of such a size."""
        if self.width and self.height:
            return self.width, self.height
        factor = self.scale or (self.width / width if self.width else (self.height or 0) / height)
        return self.width or max(1, round(factor * width)), self.height or max(1, round(factor * height))

    @property
    def label(self) -> str:
        """What a result's name says of its size: "x4", "x1.5", "1920w", "1080h", "1920x1080"."""
        if self.scale:
            return f"x{self.scale:g}"
        if self.width and self.height:
            return f"{self.width}x{self.height}"
        return f"{self.width}w" if self.width else f"{self.height}h"


@dataclasses.dataclass(frozen=True)
class Options:
    """How a picture is enlarged.

    Attributes:
        self_ensemble: see `Upscaler.upscale`.
        alpha: "coverage" is transparency: colours that can't be seen are replaced by those around them. "data" is a map of its
            own, such as gloss or height: colours stay.
        wrap: the axes along which opposite edges meet; None is "x" for whole equirectangular panoramas, and "none" for others.
        limit: whether no value may leave the range of the 3x3 pixels around its place in the small picture.
        pixel_art: whether pixels become squares, without a network.
        normals: whether colours are unit vectors, which they are again in the result.
    """

    self_ensemble: bool = False
    alpha: Literal["coverage", "data"] = "coverage"
    wrap: Wrap | None = None
    limit: bool = False
    pixel_art: bool = False
    normals: bool = False


def enlarge(
    picture: Picture,
    upscaler: PhotoUpscaler,
    target: Target,
    *,
    self_ensemble: bool = False,
    options: Options | None = None,
    progress: Progress = lambda share: None,
) -> Picture:
    """Enlarges each frame of a picture; greyscale stays greyscale, and transparency and further bands are enlarged too.

    Args:
        picture: of any size.
        upscaler: the network.
        target: the size of the result. Up to `upscaler.scale` times the size of the picture one pass of the network and one
            reduction lead there, beyond that several passes. What gets smaller is only reduced.
        self_ensemble: the same as in `options`.
        options: how; the default suits photos.
        progress: called with the share that is done, from 0 to 1, again and again. What it raises ends the work.

    Raises:
        ValueError: the network returned a value that is not finite.
        MemoryError: there is too little.
        ModelError: the network enlarges by another factor than `upscaler.scale`.
    """
    options = options or Options(self_ensemble=self_ensemble)
    plans = [[frame.size, *_passes(frame.size, target, upscaler.scale)] for frame in picture.frames]
    work = sum(width * height for plan in plans for width, height in plan[:-1]) or 1
    done = 0.0
    frames = []
    for frame, plan in zip(picture.frames, plans, strict=True):
        share = sum(width * height for width, height in plan[:-1]) / work
        run = _Run(upscaler, options, _wrap(picture, options), plan, target.size(*plan[0]))
        frames.append(run.enlarged(frame, _part(progress, done, share)))
        done += share
    return dataclasses.replace(described(picture, frames[0].size, options), frames=tuple(frames))


def row_layout(picture: Picture, target: Target, scale: int, options: Options) -> Layout | None:
    """The result's layout, if `enlarge_to_rows` can compute it: one opaque picture of 8 bits, by one pass and no reduction."""
    frame = picture.frames[0]
    changed_after = options.limit or options.pixel_art or options.normals
    if len(picture.frames) > 1 or not isinstance(frame, Image.Image) or has_alpha(frame) or changed_after:
        return None
    size = target.size(*frame.size)
    is_one_pass = size == (scale * frame.width, scale * frame.height) and _passes(frame.size, target, scale) == [size]
    return Layout(frame.mode, *size) if is_one_pass else None


def enlarge_to_rows(
    picture: Picture, upscaler: PhotoUpscaler, put_rows: PutRows, options: Options, progress: Progress = lambda share: None
) -> None:
    """`enlarge` for results that are kept elsewhere, where `row_layout` says that it can be done.

    Args:
        put_rows: takes the rows of the result, from the top on: uint8 `[n, W]` or `[n, W, 3]`.
        picture, upscaler, options, progress: as in `enlarge`.

    Raises:
        ValueError, MemoryError, ModelError: as `enlarge` does.
    """
    frame = picture.frames[0]
    assert isinstance(frame, Image.Image)  # `row_layout` saw to that
    size = (upscaler.scale * frame.width, upscaler.scale * frame.height)
    run = _Run(upscaler, options, _wrap(picture, options), [frame.size, size], size)
    run.through_network(frame, _RowOrder(put_rows, frame.width * upscaler.scale).put, progress)


def described(picture: Picture, size: Size, options: Options) -> Picture:
    """The picture with what belongs to its result of a size, and notes; its frames are those of `picture`."""
    factors = [new / old for new, old in zip(size, picture.frames[0].size, strict=True)]
    kept = metadata.scaled(picture.metadata, *factors)
    return dataclasses.replace(picture, metadata=kept, notes=(*picture.notes, *_notes(picture, options)))


def _wrap(picture: Picture, options: Options) -> Wrap:
    return options.wrap or ("x" if picture.metadata.is_panorama else "none")


def _notes(picture: Picture, options: Options) -> list[str]:
    notes = []
    if options.wrap is None and picture.metadata.is_panorama:
        notes.append("a panorama: its left and right edges meet (--wrap=none treats them as edges)")
    if options.alpha == "coverage" and not options.pixel_art and any(hints.hides_detail(frame) for frame in picture.frames):
        notes.append("colours under full transparency are replaced; where alpha is no transparency, --alpha=data keeps them")
    if any(hints.is_invisible(frame) for frame in picture.frames):
        notes.append("nothing of it can be seen, for all of it is transparent; its colours are kept")
    if not options.pixel_art and any(hints.is_pixel_art(frame) for frame in picture.frames):
        notes.append("few colours and hard edges, as pixel art has: --pixel_art keeps them as they are")
    if not options.normals and not options.pixel_art and hints.is_normal_map(picture.frames[0]):
        notes.append("its colours are unit vectors, as in a normal map: --data=normals keeps their length")
    return notes


def work(size: Size, target: Target, scale: int) -> int:
    """The pixels that a network of a scale computes for a picture of a size."""
    plan = [size, *_passes(size, target, scale)]
    return sum(width * height for width, height in plan[:-1])


def _part(progress: Progress, begin: float, share: float) -> Progress:
    """The progress of a part of the work."""
    return lambda done: progress(begin + share * done)


def _passes(size: Size, target: Target, scale: int) -> list[Size]:
    """The sizes to which the picture is reduced after each pass of the network; the last is the target's.

    Before the last pass the picture is reduced so far that the pass leads to the target: more pixels would cost much and bring
    nothing that can be seen. It never gets smaller than it was, unless the target is. A network of scale 1 restores once.
    """
    wanted = target.size(*size)
    if target.scale == 1 or scale == 1:
        return [wanted]
    sizes: list[Size] = []
    needed = wanted
    while needed[0] > size[0] or needed[1] > size[1]:
        sizes.insert(0, needed)
        width, height = (
            max(math.ceil(length / scale), min(own, most)) for length, own, most in zip(needed, size, wanted, strict=True)
        )
        needed = width, height
    return sizes


@dataclasses.dataclass(frozen=True)
class _Run:
    """The way of one frame.

    Attributes:
        plan: its size, and those that it is reduced to after each pass.
        size: of the result.
    """

    upscaler: PhotoUpscaler
    options: Options
    wrap: Wrap
    plan: list[Size]
    size: Size

    def enlarged(self, frame: Frame, progress: Progress) -> Frame:
        if self.options.pixel_art:
            return corrections.repeated(frame, self.size)
        result = self._raster(frame, progress) if isinstance(frame, Raster) else self._picture(frame, progress)
        if self.options.limit and isinstance(frame, Image.Image) and isinstance(result, Image.Image):
            result = Image.fromarray(corrections.limited(np.asarray(frame), np.array(result)))
        return corrections.unit_vectors(result) if self.options.normals else result

    def _picture(self, frame: Image.Image, progress: Progress) -> Image.Image:
        """Of 8 bits."""
        for (size, following), part in zip(itertools.pairwise(self.plan), self._parts(progress), strict=True):
            assert frame.size == size
            frame = self._resized(self._upscaled(frame, part), following)
        return self._resized(frame, self.size)

    def _parts(self, progress: Progress) -> list[Progress]:
        """The progress of each pass."""
        pixels = [width * height for width, height in self.plan[:-1]]
        begins = [sum(pixels[:index]) / sum(pixels) for index in range(len(pixels))]
        return [_part(progress, begin, share / sum(pixels)) for begin, share in zip(begins, pixels, strict=True)]

    def _upscaled(self, frame: Image.Image, progress: Progress) -> Image.Image:
        """One pass of the network."""
        if not has_alpha(frame):
            return self._opaque_upscaled(frame, progress)
        alpha = frame.getchannel("A")
        colour = frame.convert(frame.mode[:-1])
        if alpha.getextrema() in ((0, 0), (255, 255)):
            # Nothing to compute: the same value everywhere.
            sr = self._opaque_upscaled(colour, progress)
            sr.putalpha(alpha.resize(sr.size, Image.Resampling.NEAREST))
            return sr
        if self.options.alpha == "coverage":
            colour = Image.fromarray(corrections.without_hidden_colours(np.asarray(colour), np.asarray(alpha)))
        sr = self._opaque_upscaled(colour, _part(progress, 0, 0.5))
        sr.putalpha(self._opaque_upscaled(alpha, _part(progress, 0.5, 0.5)))
        return sr

    def _opaque_upscaled(self, frame: Image.Image, progress: Progress) -> Image.Image:
        sr = Image.new(frame.mode, (self.upscaler.scale * frame.width, self.upscaler.scale * frame.height))

        # Into the picture at once: a copy of a large result would take as much memory again.
        def put(y: int, x: int, tile: np.ndarray) -> None:
            sr.paste(Image.fromarray(tile if frame.mode == "RGB" else tile[..., 0]), (x, y))

        self.through_network(frame, put, progress)
        return sr

    def through_network(self, frame: Image.Image, put: Put, progress: Progress) -> None:
        """One pass of an opaque picture; each part of it, `[h, w, 1 or 3]`, is put in its place."""
        photo = np.asarray(frame)
        self._through_network(photo if photo.ndim == 3 else photo[..., np.newaxis], put, progress)

    def _raster(self, frame: Raster, progress: Progress) -> Raster:
        """Each group of bands by itself, as levels."""
        bands = []
        for index, group in enumerate(frame.groups):
            part = _part(progress, index / len(frame.groups), 1 / len(frame.groups))
            bands.append(self._group(frame, group, part))
        return dataclasses.replace(frame, samples=np.concatenate(bands, axis=2))

    def _group(self, frame: Raster, group: slice, progress: Progress) -> np.ndarray:
        source = raster.levels(frame, group)
        photo = source.photo
        if frame.alpha and group.start == 0 and self.options.alpha == "coverage" and not hints.is_invisible(frame):
            photo = corrections.without_hidden_colours(photo, raster.levels(frame, frame.groups[-1]).photo[..., 0])
        small = photo
        scale = self.upscaler.scale
        for (_, following), part in zip(itertools.pairwise(self.plan), self._parts(progress), strict=True):
            sr = np.empty((scale * photo.shape[0], scale * photo.shape[1], photo.shape[2]), photo.dtype)

            def put(y: int, x: int, tile: np.ndarray, sr: np.ndarray = sr) -> None:
                sr[y : y + tile.shape[0], x : x + tile.shape[1]] = tile

            self._through_network(photo, put, part)
            photo = self._resized_levels(sr, following)
        photo = self._resized_levels(photo, self.size)
        if self.options.limit:
            photo = corrections.limited(small, photo)
        return raster.values(photo, source, frame.samples.dtype, frame.missing)

    def _through_network(self, photo: np.ndarray, put: Put, progress: Progress) -> None:
        """One pass of `[H, W, 1 or 3]`; grey is put as `[h, w, 1]`."""
        scale = self.upscaler.scale
        (top, left), (height, width) = self._margins(photo), photo.shape[:2]
        padded = np.pad(photo, [(top, top), (left, left), (0, 0)], mode="wrap") if top or left else photo
        ends = [0, 0]

        def put_inside(y: int, x: int, tile: np.ndarray) -> None:
            ends[:] = max(ends[0], y + tile.shape[0]), max(ends[1], x + tile.shape[1])
            y, x = y - scale * top, x - scale * left
            rows = slice(max(0, -y), min(tile.shape[0], scale * height - y))
            columns = slice(max(0, -x), min(tile.shape[1], scale * width - x))
            if rows.start >= rows.stop or columns.start >= columns.stop:
                return
            tile = tile[rows, columns]
            if photo.shape[2] == 1:
                tile = np.rint(tile.mean(axis=2, keepdims=True)).astype(tile.dtype)
            put(y + rows.start, x + columns.start, tile)

        if photo.shape[2] == 1:
            padded = np.broadcast_to(padded, (*padded.shape[:2], 3))
        self.upscaler.upscale_to(put_inside, padded, self_ensemble=self.options.self_ensemble, progress=progress)
        if ends != [scale * padded.shape[0], scale * padded.shape[1]]:
            raise model_info.ModelError(f"the network does not enlarge {scale} times, as its model info says")

    def _margins(self, photo: np.ndarray) -> tuple[int, int]:
        """What the network sees beyond the edges of a picture that wraps around, in rows and columns."""
        if self.wrap == "none":
            return 0, 0
        field = self.upscaler.receptive_field
        return field * ("y" in self.wrap), field * ("x" in self.wrap)

    def _resized(self, frame: Image.Image, size: Size) -> Image.Image:
        if frame.size == size:
            return frame
        if has_alpha(frame) and (self.options.alpha == "data" or hints.is_invisible(frame)):
            # Pillow weighs colours by alpha.
            resized = self._resized(frame.convert(frame.mode[:-1]), size)
            resized.putalpha(self._resized(frame.getchannel("A"), size))
            return resized
        # It cuts off the frequencies that the smaller picture can't hold, more sharply than others; between passes too.
        method = Image.Resampling.LANCZOS
        if self.wrap == "none":
            return frame.resize(size, method)
        # What the filter sees beyond the edges: three pixels of the smaller picture.
        x, y = (
            math.ceil(3 * max(1, own / new)) if axis in self.wrap else 0
            for axis, own, new in zip("xy", frame.size, size, strict=True)
        )
        samples = np.asarray(frame)
        padded = np.pad(samples, [(y, y), (x, x), (0, 0)][: samples.ndim], mode="wrap")
        box = (x, y, x + frame.width, y + frame.height)
        return Image.fromarray(padded).resize(size, method, box=box)

    def _resized_levels(self, photo: np.ndarray, size: Size) -> np.ndarray:
        if photo.shape[1::-1] == size:
            return photo
        bands = [
            np.asarray(self._resized(Image.fromarray(photo[..., band].astype(np.float32)), size))
            for band in range(photo.shape[2])
        ]
        return np.asarray(np.rint(np.clip(np.stack(bands, axis=2), 0, np.iinfo(photo.dtype).max)).astype(photo.dtype))


class _RowOrder:
    """Puts tiles together to whole rows, and passes on those that are complete, from the top."""

    def __init__(self, put_rows: PutRows, width: int) -> None:
        self._put_rows, self._width = put_rows, width
        self._top = 0
        self._rows: np.ndarray | None = None
        # How much of each row from `_top` on is there, in pixels.
        self._filled = np.zeros(0, np.int64)

    def put(self, y: int, x: int, tile: np.ndarray) -> None:
        """Takes a tile `[h, w, C]`; tiles may overlap those of rows that are complete, and no others."""
        tile, y = tile[max(0, self._top - y) :], max(0, y - self._top)
        if y == 0 and self._rows is None and tile.shape[1] == self._width:
            self._pass_on(tile)
            return
        self._grow(y + len(tile), tile)
        assert self._rows is not None
        self._rows[y : y + len(tile), x : x + tile.shape[1]] = tile
        self._filled[y : y + len(tile)] = np.maximum(self._filled[y : y + len(tile)], x + tile.shape[1])
        complete = int(np.argmin(np.append(self._filled, 0) == self._width))
        if complete:
            self._pass_on(self._rows[:complete])
            self._rows, self._filled = self._rows[complete:].copy(), self._filled[complete:]
            self._rows = self._rows if len(self._rows) else None

    def _pass_on(self, rows: np.ndarray) -> None:
        if len(rows):
            self._put_rows(rows if rows.shape[2] > 1 else rows[..., 0])
            self._top += len(rows)

    def _grow(self, height: int, like: np.ndarray) -> None:
        """Makes room for rows."""
        missing = height - len(self._filled)
        if missing > 0:
            # Twice as many as there are, or large photos in several columns would be copied again and again.
            more = np.empty((max(missing, len(self._filled)), self._width, like.shape[2]), like.dtype)
            self._rows = more if self._rows is None else np.concatenate([self._rows, more])
            self._filled = np.append(self._filled, np.zeros(len(more), np.int64))
