"""What would be done to files, without doing it: all that is known of each before its network computes, and its time."""

import time
from collections.abc import Generator, Sequence

import numpy as np

from sr_keras.inference import model_info
from sr_keras.photos.picture import Picture, has_alpha
from sr_keras.photos.raster import Raster
from sr_keras.runtime import store
from sr_keras.upscaling import film_order, source_reader
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.choice import Choose, for_sizes
from sr_keras.upscaling.enlarge import described
from sr_keras.upscaling.film_options import FilmOptions, ignored
from sr_keras.upscaling.frame_run import PhotoUpscaler
from sr_keras.upscaling.outcome import JobOutcome, unfinished
from sr_keras.upscaling.plan import Job
from sr_keras.upscaling.target import Target, work

# Of the small photo that a network is timed on.
_SIDE = 96


class Estimate:
    """How long networks will compute, by what they are given to do."""

    def __init__(self, *, self_ensemble: bool) -> None:
        self._self_ensemble = self_ensemble
        self._work: dict[int, tuple[PhotoUpscaler, float]] = {}

    def add(self, upscaler: PhotoUpscaler, pixels: float) -> None:
        """More pixels for a network."""
        _, before = self._work.get(id(upscaler), (upscaler, 0.0))
        self._work[id(upscaler)] = upscaler, before + pixels

    def seconds(self) -> float:
        """By the speed of each network on this machine, which is measured; without work, 0."""
        return sum(pixels * self._seconds_per_pixel(upscaler) for upscaler, pixels in self._work.values())

    def _seconds_per_pixel(self, upscaler: PhotoUpscaler) -> float:
        """Of a small photo, once the network has computed one of its size."""
        seconds = 0.0
        for photo in np.random.default_rng(0).integers(0, 256, (2, _SIDE, _SIDE, 3), np.uint8):
            begun = time.monotonic()
            upscaler.upscale_to(lambda y, x, tile: None, photo, self_ensemble=self._self_ensemble, progress=lambda share: None)
            seconds = time.monotonic() - begun
        return seconds / _SIDE**2


def run(
    jobs: Sequence[Job], choosers: Sequence[Choose], options: BatchOptions, film_options: FilmOptions, estimate: Estimate
) -> Generator[JobOutcome, None, None]:
    """What would become of jobs, as far as it is known before the work: planned, skipped or failed.

    Args:
        jobs, choosers, options, film_options: as in `batch.run` and `films.run`.
        estimate: is given the work.
    """
    for job in jobs:
        try:
            if job.is_film:
                yield _film(job, choosers, options, film_options, estimate)
            else:
                yield _picture(job, choosers, options, estimate)
        except (KeyboardInterrupt, model_info.ModelError):
            raise
        except Exception as error:
            yield unfinished(job, error)


def _picture(job: Job, choosers: Sequence[Choose], options: BatchOptions, estimate: Estimate) -> JobOutcome:
    picture, _ = source_reader.read(job, options)
    choice = for_sizes(choosers[0](picture), [frame.size for frame in picture.frames], options.target)
    size = options.target.size(*picture.frames[0].size)
    if not options.enlarging.pixel_art:
        estimate.add(choice.upscaler, _work(picture, options.target, choice.upscaler.scale))
    notes = (*_of_place(job), *described(picture, size, options.enlarging).notes)
    return JobOutcome(job, "planned", "", notes, picture.frames[0].size, size, None, choice.network, choice.why)


def _film(
    job: Job, choosers: Sequence[Choose], options: BatchOptions, film_options: FilmOptions, estimate: Estimate
) -> JobOutcome:
    order = film_order.order(job, options, film_options)
    [choice, *_] = film_order.choices(choosers, order, options.target)
    frames = 1 if order.encoding is None else order.info.num_frames or 1
    estimate.add(choice.upscaler, frames * work(order.size, options.target, choice.upscaler.scale))
    notes = (*_of_place(job), *order.info.lost, *ignored(options))
    return JobOutcome(job, "planned", "", notes, order.size, order.result_size, None, choice.network, choice.why)


def _work(picture: Picture, target: Target, scale: int) -> int:
    """The pixels that a network computes for a picture: for each group of bands, and for transparency, once."""
    groups = [len(frame.groups) if isinstance(frame, Raster) else 1 + has_alpha(frame) for frame in picture.frames]
    return sum(each * work(frame.size, target, scale) for each, frame in zip(groups, picture.frames, strict=True))


def _of_place(job: Job) -> tuple[str, ...]:
    """A note of a result that is there, and would be replaced."""
    return (f"{job.output} is there already, and would be replaced",) if job.output and store.is_there(job.output) else ()
