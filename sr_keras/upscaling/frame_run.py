"""Takes one frame through the network, pass by pass, with what is corrected before and after."""

import dataclasses
import itertools
import math
import operator
from typing import Literal, Protocol

import numpy as np
from PIL import Image

from sr_keras.inference import model_info
from sr_keras.inference.tiling import Progress, Put
from sr_keras.photos import raster
from sr_keras.photos.picture import Frame, has_alpha
from sr_keras.photos.raster import Raster
from sr_keras.upscaling import corrections, hints, row_reducer
from sr_keras.upscaling.target import Size

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
class EnlargingOptions:
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


@dataclasses.dataclass(frozen=True)
class FrameRun:
    """The way of one frame to its result.

    Attributes:
        plan: its size, and those that it is reduced to after each pass.
        size: of the result.
    """

    upscaler: PhotoUpscaler
    options: EnlargingOptions
    wrap: Wrap
    plan: list[Size]
    size: Size

    def enlarged(self, frame: Frame, progress: Progress) -> Frame:
        """The result of a frame; raises what `enlarge` does."""
        if self.options.pixel_art:
            return corrections.repeated(frame, self.size)
        if self.options.normals:
            frame = corrections.with_third_axis(frame)
        result = self.through_passes(frame, progress)
        if self.options.limit and isinstance(frame, Image.Image) and isinstance(result, Image.Image):
            result = Image.fromarray(corrections.limited(np.asarray(frame), np.array(result)))
        if all(map(operator.ge, self.size, frame.size)):
            result = self._without_flecks(frame, result)
        return corrections.unit_vectors(result) if self.options.normals else result

    def through_passes(self, frame: Frame, progress: Progress) -> Frame:
        """What the passes make of it, without what is corrected afterwards."""
        if len(self.plan) == 1 and frame.size == self.size:
            return frame
        return self._raster(frame, progress) if isinstance(frame, Raster) else self._picture(frame, progress)

    def _without_flecks(self, frame: Frame, result: Frame) -> Frame:
        """The result of transparency, and that of line art, without flecks."""
        is_coverage = self.options.alpha == "coverage" and has_alpha(frame)
        if isinstance(frame, Raster) and isinstance(result, Raster) and is_coverage:
            samples = result.samples.copy()
            corrections.coverage(frame.samples[..., -1], samples[..., -1])
            return dataclasses.replace(result, samples=samples)
        if isinstance(frame, Image.Image) and isinstance(result, Image.Image) and is_coverage:
            alphas = [np.array(picture.getchannel("A")) for picture in (frame, result)]
            result.putalpha(Image.fromarray(corrections.coverage(*alphas)))
        elif hints.is_line_art(frame):
            return Image.fromarray(corrections.without_flecks(np.asarray(frame), np.array(result)))
        return result

    def _picture(self, frame: Image.Image, progress: Progress) -> Image.Image:
        """Of 8 bits."""
        for (size, following), share in zip(itertools.pairwise(self.plan), self._parts(progress), strict=True):
            assert frame.size == size
            frame = self._resized(self._upscaled(frame, share), following)
        return self._resized(frame, self.size)

    def _parts(self, progress: Progress) -> list[Progress]:
        """The progress of each pass."""
        pixels = [width * height for width, height in self.plan[:-1]]
        begins = [sum(pixels[:index]) / sum(pixels) for index in range(len(pixels))]
        return [part(progress, begin, share / sum(pixels)) for begin, share in zip(begins, pixels, strict=True)]

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
        sr = self._opaque_upscaled(colour, part(progress, 0, 0.5))
        sr.putalpha(self._opaque_upscaled(alpha, part(progress, 0.5, 0.5)))
        return sr

    def _opaque_upscaled(self, frame: Image.Image, progress: Progress) -> Image.Image:
        sr = Image.new(frame.mode, (self.upscaler.scale * frame.width, self.upscaler.scale * frame.height))

        # Into the picture at once: a copy of a large result would take as much memory again.
        def put(y: int, x: int, tile: np.ndarray) -> None:
            sr.paste(Image.fromarray(tile if frame.mode == "RGB" else tile[..., 0]), (x, y))

        self.through_network(np.atleast_3d(np.asarray(frame)), put, progress)
        return sr

    def _raster(self, frame: Raster, progress: Progress) -> Raster:
        """Each group of bands by itself, as levels."""
        bands = []
        for index, group in enumerate(frame.groups):
            share = part(progress, index / len(frame.groups), 1 / len(frame.groups))
            bands.append(self._group(frame, group, share))
        return dataclasses.replace(frame, samples=np.concatenate(bands, axis=2))

    def _group(self, frame: Raster, group: slice, progress: Progress) -> np.ndarray:
        source = raster.levels(frame, group)
        photo = source.photo
        if frame.alpha and group == frame.groups[-1] and photo.min() == photo.max():
            # Nothing to compute: the same value everywhere.
            return np.full((self.size[1], self.size[0], 1), photo[0, 0], photo.dtype)
        if frame.alpha and group.start == 0 and self.options.alpha == "coverage" and not hints.is_invisible(frame):
            photo = corrections.without_hidden_colours(photo, raster.levels(frame, frame.groups[-1]).photo[..., 0])
        small = photo
        scale = self.upscaler.scale
        for (_, following), share in zip(itertools.pairwise(self.plan), self._parts(progress), strict=True):
            sr = np.empty((scale * photo.shape[0], scale * photo.shape[1], photo.shape[2]), photo.dtype)

            def put(y: int, x: int, tile: np.ndarray, sr: np.ndarray = sr) -> None:
                sr[y : y + tile.shape[0], x : x + tile.shape[1]] = tile

            self.through_network(photo, put, share)
            photo = self._resized_levels(sr, following)
        photo = self._resized_levels(photo, self.size)
        if self.options.limit:
            photo = corrections.limited(small, photo)
        return raster.values(photo, source, frame.samples.dtype, frame.missing)

    def through_network(self, photo: np.ndarray, put: Put, progress: Progress) -> None:
        """One pass of `[H, W, 1 or 3]`, each part of which, `[h, w, 1 or 3]`, is put in its place."""
        scale = self.upscaler.scale
        (top, left), (height, width) = self._margins(), photo.shape[:2]
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
                tile = raster.rounded(tile.mean(axis=2, keepdims=True), tile.dtype)
            put(y + rows.start, x + columns.start, tile)

        if photo.shape[2] == 1:
            padded = np.broadcast_to(padded, (*padded.shape[:2], 3))
        self.upscaler.upscale_to(put_inside, padded, self_ensemble=self.options.self_ensemble, progress=progress)
        if ends != [scale * padded.shape[0], scale * padded.shape[1]]:
            raise model_info.ModelError(f"the network does not enlarge {scale} times, as its model info says")

    def _margins(self) -> tuple[int, int]:
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
        if self.wrap == "none":
            return frame.resize(size, row_reducer.METHOD)
        # What the filter sees beyond the edges.
        x, y = (
            math.ceil(row_reducer.SUPPORT * max(1, own / new)) if axis in self.wrap else 0
            for axis, own, new in zip("xy", frame.size, size, strict=True)
        )
        samples = np.asarray(frame)
        padded = np.pad(samples, [(y, y), (x, x), (0, 0)][: samples.ndim], mode="wrap")
        box = (x, y, x + frame.width, y + frame.height)
        return Image.fromarray(padded).resize(size, row_reducer.METHOD, box=box)

    def _resized_levels(self, photo: np.ndarray, size: Size) -> np.ndarray:
        if photo.shape[1::-1] == size:
            return photo
        bands = [
            np.asarray(self._resized(Image.fromarray(photo[..., band].astype(np.float32)), size))
            for band in range(photo.shape[2])
        ]
        return raster.rounded(np.clip(np.stack(bands, axis=2), 0, raster.white(photo.dtype)), photo.dtype)


def part(progress: Progress, begin: float, share: float) -> Progress:
    """The progress of a part of the work."""
    return lambda done: progress(begin + share * done)
