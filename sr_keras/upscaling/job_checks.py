"""What stands against a job, told before its work: a result in its place, a folder that can't be written, too many pixels."""

import contextlib
import os
from collections.abc import Sequence

from sr_keras.photos import file_kind, picture_reader, rgb
from sr_keras.photos.errors import PhotoError
from sr_keras.runtime import store
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.outcome import JobOutcome, ResultExistsError, unfinished
from sr_keras.upscaling.plan import Job
from sr_keras.upscaling.target import Size, Target

# Files whose heads have the size that the picture will have. Icons and camera raw may have another one once they are decoded.
_SURE_OF_SIZE = frozenset({"PNG", "JPEG", "GIF", "TIFF", "WEBP"})


def require_size(job: Job, options: BatchOptions, sizes: Sequence[Size]) -> None:
    """Tells before the work that a picture is too large, or its result.

    Args:
        job: of the picture.
        options: the size of the result, and the most pixels that the frames may have together, and those of the result.
        sizes: of the picture's frames, the last of which has not been looked at yet.

    Raises:
        PhotoError: they have more, or the result's format can't hold so large a picture.
    """
    results = [options.target.size(*size) for size in sizes]
    for name, found in (("it has", sizes), ("its result would have", results)):
        if (pixels := sum(width * height for width, height in found)) > options.max_pixels:
            raise PhotoError(f"{job.name}: {name} {pixels:,} pixels, more than --max_pixels={options.max_pixels} allows")
    if job.output is not None:
        width, height = results[-1]
        rgb.require_size(job.output, height, width)


def settled(job: Job, options: BatchOptions, *, is_there: bool) -> JobOutcome | None:
    """What becomes of a job that needs no work: it can't be done, or its result is there and stays.

    Args:
        is_there: whether there is a result already.
    """
    if job.problem:
        return unfinished(job, PhotoError(job.problem))
    if is_there and options.existing != "overwrite":
        return unfinished(job, exists_error(job, options))
    return None


def require_place(job: Job, options: BatchOptions) -> None:
    """Tells before the work that a result can't be where it should; what it raises, `unfinished` takes."""
    output = job.output
    if output is None:
        return
    if store.is_there(output) and options.existing != "overwrite":
        raise exists_error(job, options)
    if isinstance(output, store.StorePath):
        return  # only writing shows whether it can be
    folder = output.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise PhotoError(f"{output}: {folder} is no folder")
    if not os.access(folder, os.W_OK):
        raise PhotoError(f"{output}: its folder can't be written")


def exists_error(job: Job, options: BatchOptions) -> Exception:
    """What a result that is there means for its job; `unfinished` takes it."""
    if options.existing != "skip":
        return PhotoError(f"{job.output} exists already; --overwrite replaces it, --skip_existing leaves it")
    if sizes := _other_sizes(job, options.target):
        found, wanted = (f"{width}x{height}" for width, height in sizes)
        return PhotoError(f"{job.name}: {job.output} is there already, but of another picture: {found} pixels, not {wanted}")
    return ResultExistsError(f"{job.output} is there already")


def _other_sizes(job: Job, target: Target) -> tuple[Size, Size] | None:
    """The size of what is in the place of a picture's result, and that of the result, where they are known and differ."""
    if job.is_film or not (job.source and job.output) or any(isinstance(path, store.StorePath) for path in job[:2]):
        return None
    if file_kind.of_file(job.source) not in _SURE_OF_SIZE or job.source.suffix.lower() in file_kind.RAW_SUFFIXES:
        return None
    with contextlib.suppress(PhotoError):
        found, wanted = picture_reader.read_size(job.output), target.size(*picture_reader.read_size(job.source))
        return None if found == wanted else (found, wanted)
    return None
