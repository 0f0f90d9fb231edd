"""Enlarges a picture to any size: by the network, in as many passes as it takes, and one reduction."""

import dataclasses
import itertools
import math
from typing import Protocol

import numpy as np
from PIL import Image

from sr_keras.inference.tiling import Progress, Put
from sr_keras.photos.picture import Picture

Size = tuple[int, int]  # width and height, as Pillow has them


class PhotoUpscaler(Protocol):
    """What enlarges a photo by a whole factor. `inference.upscaler.Upscaler` is one, which needs TensorFlow."""

    scale: int

    def upscale_to(self, put: Put, photo: np.ndarray, *, self_ensemble: bool, progress: Progress) -> None:
        """See `Upscaler.upscale_to`."""


@dataclasses.dataclass(frozen=True)
class Target:
    """The size that is asked for: a factor, or a width or height, or both of them.

    Attributes:
        scale: how many times larger along each axis.
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


def enlarge(
    picture: Picture,
    upscaler: PhotoUpscaler,
    target: Target,
    *,
    self_ensemble: bool = False,
    progress: Progress = lambda share: None,
) -> Picture:
    """Enlarges each frame of a picture; greyscale stays greyscale, and transparency is enlarged too.

    Args:
        picture: of any size.
        upscaler: does the work.
        target: the size of the result. Up to `upscaler.scale` times the size of the picture one pass of the network and one
            reduction lead there, beyond that several passes. What gets smaller is only reduced.
        self_ensemble: see `Upscaler.upscale`.
        progress: told the share that is done, from 0 to 1, again and again. What it raises ends the work.

    Raises:
        ValueError: the network gave a number that is not finite.
        MemoryError: there is too little.
    """
    plans = [[frame.size, *_passes(frame.size, target.size(*frame.size), upscaler.scale)] for frame in picture.frames]
    work = sum(width * height for plan in plans for width, height in plan[:-1]) or 1
    done = 0.0
    frames = []
    for frame, plan in zip(picture.frames, plans, strict=True):
        for size, following in itertools.pairwise(plan):
            share = size[0] * size[1] / work
            frame = _upscaled(frame, upscaler, self_ensemble, _part(progress, done, share))
            done += share
            frame = _resized(frame, following)
        frames.append(_resized(frame, target.size(*plan[0])))
    return dataclasses.replace(picture, frames=tuple(frames))


def _part(progress: Progress, begin: float, share: float) -> Progress:
    """The progress of a part of the work."""
    return lambda done: progress(begin + share * done)


def _passes(size: Size, target: Size, scale: int) -> list[Size]:
    """The sizes to which the picture is reduced after each pass of the network; the last is the target's.

    Before the last pass the picture is made so small that the pass leads to the target: more pixels would cost much and bring
    nothing that is seen. It never gets smaller than it was, unless the target is.
    """
    sizes: list[Size] = []
    needed = target
    while needed[0] > size[0] or needed[1] > size[1]:
        sizes.insert(0, needed)
        width, height = (
            max(math.ceil(length / scale), min(own, wanted)) for length, own, wanted in zip(needed, size, target, strict=True)
        )
        needed = width, height
    return sizes


def _resized(frame: Image.Image, size: Size) -> Image.Image:
    if frame.size == size:
        return frame
    # It cuts frequencies off where the smaller picture ends to hold them, more sharply than others; between passes too.
    return frame.resize(size, Image.Resampling.LANCZOS)


def _upscaled(frame: Image.Image, upscaler: PhotoUpscaler, self_ensemble: bool, progress: Progress) -> Image.Image:
    """One pass of the network."""
    if frame.mode not in ("LA", "RGBA"):
        return _opaque_upscaled(frame, upscaler, self_ensemble, progress)
    alpha = frame.getchannel("A")
    if alpha.getextrema() in ((0, 0), (255, 255)):
        # Nothing to compute: the same value everywhere.
        sr = _opaque_upscaled(frame.convert(frame.mode[:-1]), upscaler, self_ensemble, progress)
        sr.putalpha(255 if alpha.getextrema() == (255, 255) else 0)
        return sr
    colour = _opaque_upscaled(_without_hidden_colours(frame, alpha), upscaler, self_ensemble, _part(progress, 0, 0.5))
    colour.putalpha(_opaque_upscaled(alpha, upscaler, self_ensemble, _part(progress, 0.5, 0.5)))
    return colour


def _opaque_upscaled(frame: Image.Image, upscaler: PhotoUpscaler, self_ensemble: bool, progress: Progress) -> Image.Image:
    sr = Image.new(frame.mode, (upscaler.scale * frame.width, upscaler.scale * frame.height))

    # Into the picture at once: a copy of a large result would take as much memory again.
    def put(y: int, x: int, tile: np.ndarray) -> None:
        if frame.mode != "RGB":
            tile = np.rint(tile.mean(axis=2)).astype(tile.dtype)
        sr.paste(Image.fromarray(tile), (x, y))

    photo = np.asarray(frame)
    if photo.ndim == 2:
        photo = np.broadcast_to(photo[..., np.newaxis], (*photo.shape, 3))
    upscaler.upscale_to(put, photo, self_ensemble=self_ensemble, progress=progress)
    return sr


def _without_hidden_colours(frame: Image.Image, alpha: Image.Image) -> Image.Image:
    """Gives pixels that cannot be seen the colours around them: their own would bleed into what can be seen."""
    opaque = frame.convert(frame.mode[:-1])
    weight = np.asarray(alpha, np.float32)[..., np.newaxis] / 255
    colour = np.atleast_3d(np.asarray(opaque)).astype(np.float32)
    around = np.rint(_spread(colour * weight, weight)).astype(np.uint8)
    hidden = alpha.point(lambda level: 255 * (level == 0), mode="L")
    opaque.paste(Image.fromarray(around if opaque.mode == "RGB" else around[..., 0]), mask=hidden)
    return opaque


def _spread(total: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """`total / weight`, and where there is no weight, that of larger and larger surroundings."""
    mean: np.ndarray = total / np.maximum(weight, 1e-6)
    if weight.all() or weight.size == 1:
        return mean
    coarse = _spread(_halved(total), _halved(weight))
    return np.where(weight > 0, mean, coarse.repeat(2, axis=0).repeat(2, axis=1)[: mean.shape[0], : mean.shape[1]])


def _halved(x: np.ndarray) -> np.ndarray:
    """Sums over 2x2 pixels; zeros lie beyond the edges."""
    x = np.pad(x, [(0, x.shape[0] % 2), (0, x.shape[1] % 2), (0, 0)])
    return np.asarray(x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2])
