"""Computes a job as the command `upscale` would, so that the pixels are the same; and what the page shows beside the result."""

import dataclasses
import functools
import pathlib
import re
import time
from typing import TYPE_CHECKING, Literal

from PIL import Image

from sr_keras.inference import model_info
from sr_keras.photos import picture_reader, picture_writer, rgb
from sr_keras.photos.picture import FORMATS, PNG, Picture, eight_bit, fitted, suffix_of
from sr_keras.upscaling import choice, enlarge
from sr_keras.web import networks
from sr_keras.web.jobs import Compute, Job, Progress, Result
from sr_keras.web.orders import Limits, Order, Reason, RefusalError, require_format

if TYPE_CHECKING:  # TensorFlow takes seconds to import
    from sr_keras.inference.upscaler import Upscaler

View = Literal["original", "bicubic", "result"]

# So many networks stay loaded on each device; a strength makes another one of each.
_LOADED = 6

# What browsers show.
_SHOWN = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp"})


def computer(device: str | None, limits: Limits) -> Compute:
    """What computes jobs on a device, as `inference.upscaler.devices` names it; a network is loaded when it is first needed."""

    @functools.lru_cache(_LOADED)
    def load(name: str, denoise: float) -> "Upscaler":
        from sr_keras.inference.upscaler import Upscaler

        return Upscaler.load(networks.folder_of(name), denoise=denoise, device=device)

    def choose(order: Order, picture: Picture) -> choice.Choice:
        if order.model != model_info.AUTO:
            return choice.Choice(load(order.model, order.denoise), order.model)
        strengths = {model_info.ENLARGING: 1.0, model_info.RESTORING: order.denoise}
        return choice.by_condition(lambda name: load(name, strengths[name]))(picture)

    def compute(job: Job, progress: Progress) -> Result:
        try:
            return _compute(job, progress)
        except MemoryError:
            raise RefusalError(Reason.TOO_LARGE, "too large for the memory of the server") from None
        except rgb.PhotoError as error:
            raise RefusalError(Reason.NO_PICTURE, str(error)) from None

    def _compute(job: Job, progress: Progress) -> Result:
        order = job.order
        picture = _read(job, limits)
        suffix = order.suffix or suffix_of(picture)
        require_format(suffix, job.result_size)
        picture = fitted(picture, FORMATS[suffix])
        chosen = choice.for_sizes(choose(order, picture), [frame.size for frame in picture.frames], order.target)
        begun = time.monotonic()
        larger = enlarge.enlarge(picture, chosen.upscaler, order.target, progress=progress)
        seconds = time.monotonic() - begun
        path = job.folder / f"result{suffix}"
        with path.open("w+b") as file:
            picture_writer.write(file, larger, FORMATS[suffix], order.quality)
        return Result(path, path.stat().st_size, larger.frames[0].size, chosen.network, chosen.why, _notes(larger), seconds)

    return compute


def view(job: Job, kind: View) -> pathlib.Path:
    """A file that any browser shows, in the job's folder: the picture, the picture enlarged by bicubic, or the result.

    Raises:
        RefusalError: the job is not done.
    """
    if job.result is None:
        raise RefusalError(Reason.WRONG_USE, "not done yet")
    if kind == "result" and job.result.path.suffix in _SHOWN:
        return job.result.path
    path = job.folder / f"{kind}.png"
    if not path.exists():
        picture = _shown(job.result.path if kind == "result" else job.source)
        if kind == "bicubic":
            [frame] = picture.frames
            larger = eight_bit(frame).resize(job.result.size, Image.Resampling.BICUBIC)
            picture = dataclasses.replace(picture, frames=(larger,))
        picture_writer.write(path, picture, PNG, overwrite=True)
    return path


def _read(job: Job, limits: Limits) -> Picture:
    def check_size(width: int, height: int) -> None:
        if (width, height) != job.size:
            limits.check((width, height), job.order.target.size(width, height))

    with job.source.open("rb") as file:
        return picture_reader.read(file, check_size=check_size)


def _shown(path: pathlib.Path) -> Picture:
    """The first frame of a file, in 8 bits."""
    with path.open("rb") as file:
        return fitted(picture_reader.read(file), FORMATS[".webp"])


def _notes(picture: Picture) -> tuple[str, ...]:
    """Options of the command, which some of them name, mean nothing here."""
    return tuple(re.sub(r" \(--[^)]*\)", "", note) for note in picture.notes)
