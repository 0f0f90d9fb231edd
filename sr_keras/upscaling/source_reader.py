"""Reads the picture of a job, as the format of its result can hold it."""

import dataclasses
import io
import pathlib

from sr_keras.photos import file_kind, metadata, picture_reader, rgb
from sr_keras.photos.errors import PhotoError
from sr_keras.photos.picture import FORMATS, Format, Picture, fitted, suffix_of
from sr_keras.upscaling import job_checks
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.plan import Job
from sr_keras.upscaling.target import Size


def read(job: Job, options: BatchOptions) -> tuple[Picture, Format]:
    """The picture, and the format of its result; first come all the reasons not to read it.

    Raises:
        Exception: what `outcome.unfinished` takes.
    """
    if job.problem:
        raise PhotoError(job.problem)
    job_checks.require_place(job, options)
    sizes: list[Size] = []

    def check_size(width: int, height: int) -> None:
        sizes.append((width, height))
        job_checks.require_size(job, options, sizes)

    source = job.source or io.BytesIO(options.standard_input)
    picture = picture_reader.read(source, all_frames=options.all_frames, raw_bits=options.depth or 8, check_size=check_size)
    suffix = _suffix(job, options, picture)
    named = FORMATS.get(job.source.suffix.lower()) if job.source else None
    if named and picture.file_format and named.name != picture.file_format:
        note = f"{picture.file_format} by its content, whatever its name ends in"
        picture = dataclasses.replace(picture, notes=(note, *picture.notes))
    if job.output is None:
        width, height = options.target.size(*picture.frames[0].size)
        rgb.require_size(pathlib.Path(f"{job.result_name}{suffix}"), height, width)
    file_format = FORMATS[suffix]
    file_kind.require_package(file_format.package)
    if options.strip:
        picture = dataclasses.replace(picture, metadata=metadata.stripped(picture.metadata))
    return fitted(picture, file_format, options.depth), file_format


def _suffix(job: Job, options: BatchOptions, picture: Picture) -> str:
    """What the result's format is named by."""
    if job.output is not None:
        return job.output.suffix.lower()
    if options.suffix is not None:
        return options.suffix
    return suffix_of(picture)
