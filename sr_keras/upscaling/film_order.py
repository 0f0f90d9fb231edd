"""What is to be made of a film, all of which can be made: the reasons not to are told before the work."""

import dataclasses
import math
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image

from sr_keras.films import formats
from sr_keras.films.formats import FilmError
from sr_keras.photos import condition
from sr_keras.photos.picture import Picture
from sr_keras.runtime import extras, store
from sr_keras.upscaling import job_checks
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.choice import Choice, Choose, for_sizes
from sr_keras.upscaling.film_options import FilmOptions
from sr_keras.upscaling.frame_run import EnlargingOptions
from sr_keras.upscaling.plan import Job
from sr_keras.upscaling.target import Size, Target

if TYPE_CHECKING:  # PyAV takes a moment to import, and may not be there
    from sr_keras.films.encoder import Encoding
    from sr_keras.films.film_info import FilmInfo

# A film is made in segments of so many frames as have these pixels, within bounds: where an interrupted run goes on.
_PIXELS, _FEWEST, _MOST = 20_000_000, 24, 240


@dataclasses.dataclass(frozen=True)
class Order:
    """What is to be made of a film, all of which can be made.

    Attributes:
        encoding: None is a preview, a picture.
        size, result_size: width and height as they are shown.
    """

    info: "FilmInfo"
    encoding: "Encoding | None"
    size: Size
    result_size: Size


def order(job: Job, options: BatchOptions, film_options: FilmOptions) -> Order:
    """What is to be made of a film; first come all the reasons not to.

    Raises:
        Exception: what `outcome.unfinished` takes.
    """
    if job.problem:
        raise FilmError(job.problem)
    assert job.source is not None and job.output is not None  # `plan` saw to that
    for path in (job.source, job.output):
        if isinstance(path, store.StorePath):
            raise FilmError(f"{path}: films and their results lie in folders, not in stores")
    job_checks.require_place(job, options)
    if options.enlarging != EnlargingOptions(self_ensemble=options.enlarging.self_ensemble):
        raise FilmError("--alpha, --data, --limit, --pixel_art and --wrap are for pictures, not for films")
    if options.strip:
        raise FilmError("--strip is for pictures: a film's title, and the place where it was made, would stay")
    info = _probe(job.source, film_options)
    size = info.shown_size
    result_size = options.target.size(*size)
    pixels = math.prod(result_size)
    if pixels > options.max_pixels:
        raise FilmError(f"its result would have {pixels:,} pixels, more than --max_pixels={options.max_pixels} allows")
    if info.interlaced and not film_options.deinterlace:
        raise FilmError("interlaced: its frames are two fields, of two moments; --deinterlace makes whole frames of them")
    if film_options.preview is None:
        return Order(info, _encoding(job, info, options.target, film_options), size, _even(result_size))
    if info.colour.is_hdr:
        raise FilmError("HDR, which a picture would show washed out; --start and --frames=1 give a film of one frame")
    return Order(info, None, size, result_size)


def choices(choosers: Sequence[Choose], order: Order, target: Target) -> list[Choice]:
    """The network that the most worn of a few frames asks for, once for each device."""
    samples = order.info.samples
    worn = [sample for sample in samples if condition.examine(sample).wear]
    picture = Picture((Image.fromarray([*worn, *samples][0]),))
    return [for_sizes(choose(picture), [order.size], target) for choose in choosers]


def _probe(film: pathlib.Path, film_options: FilmOptions) -> "FilmInfo":
    if not formats.is_available():
        raise FilmError(f"{film}: films need PyAV: {extras.install('video')} (Python 3.11 or later)")
    from sr_keras.films import film_info  # PyAV takes a moment to import
    from sr_keras.films.reader import Clip

    if film_options.preview is not None:
        return film_info.probe(film, Clip(start=film_options.preview, frames=1))
    return film_info.probe(film, Clip(film_options.start, film_options.end, film_options.frames))


def _encoding(job: Job, info: "FilmInfo", target: Target, film_options: FilmOptions) -> "Encoding":
    """How the result is compressed.

    Raises:
        FilmError: so it can't be.
    """
    from sr_keras.films.encoder import Encoding

    assert job.output is not None
    size = _even(target.size(*info.shown_size))
    width, height = size[::-1] if info.is_turned else size
    codec = formats.codec_of(
        job.output.suffix,
        film_options.codec,
        depth=info.colour.depth,
        has_square_pixels=info.sample_aspect_of(width, height) == 1,
    )
    crf = formats.CODECS[codec].crf if film_options.crf is None else film_options.crf
    if crf > formats.CODECS[codec].largest_crf:
        raise FilmError(f"--crf of {codec} is at most {formats.CODECS[codec].largest_crf}, got {crf}")
    formats.require_size(codec, width, height)
    return Encoding(codec, crf, width, height, min(_MOST, max(_FEWEST, _PIXELS // (info.width * info.height))))


def _even(size: Size) -> Size:
    """Chroma has half the size of luma."""
    return size[0] + size[0] % 2, size[1] + size[1] % 2
