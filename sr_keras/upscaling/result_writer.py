"""Writes the result of a job to where it belongs: as a whole, or while it is computed."""

import contextlib
import io
import pathlib
import sys
from collections.abc import Iterator

from sr_keras.inference.tiling import Progress
from sr_keras.photos import picture_writer
from sr_keras.photos.frame_stream import FrameStream
from sr_keras.photos.picture import Format, Picture
from sr_keras.photos.rows import Layout
from sr_keras.runtime import store
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.enlarge import described, enlarge_to_rows, enlarged_frames
from sr_keras.upscaling.frame_run import PhotoUpscaler
from sr_keras.upscaling.plan import Job


def write(job: Job, larger: Picture, file_format: Format, options: BatchOptions, *, stream: FrameStream | None = None) -> None:
    """Writes a result to its file, or to standard output; see `picture_writer.write` for `stream` and what is raised."""
    if job.output is None:
        buffer = io.BytesIO()
        picture_writer.write(buffer, larger, file_format, options.quality, stream=stream)
        sys.stdout.buffer.write(buffer.getbuffer())
        sys.stdout.buffer.flush()
        return
    job.output.parent.mkdir(parents=True, exist_ok=True)
    overwrite = options.existing == "overwrite"
    picture_writer.write(job.output, larger, file_format, options.quality, overwrite=overwrite, stream=stream)


def write_rows(
    job: Job,
    picture: Picture,
    file_format: Format,
    layout: Layout,
    upscaler: PhotoUpscaler,
    options: BatchOptions,
    progress: Progress,
) -> Picture:
    """Writes the result of a picture to its file, row by row, while it is computed.

    Args:
        job: with a file for its result.
        picture, upscaler, progress: as `enlarge` takes them.
        file_format: one of `picture_writer.ROW_FORMATS`.
        layout: of the result, as `enlarge.row_layout` gave it.
        options: of the batch.

    Returns:
        What the result has beside its pixels.

    Raises:
        Exception: what `enlarge` or `picture_writer.rows_written` raises; nothing is left of the result.
    """
    assert job.output is not None
    larger = described(picture, layout.size, options.enlarging)
    overwrite = options.existing == "overwrite"
    with (
        _folder_made(job.output.parent),
        picture_writer.rows_written(job.output, larger, layout, file_format, options.quality, overwrite=overwrite) as put_rows,
    ):
        enlarge_to_rows(picture, upscaler, options.target, put_rows, options.enlarging, progress)
    return larger


def write_frames(
    job: Job, picture: Picture, file_format: Format, upscaler: PhotoUpscaler, options: BatchOptions, progress: Progress
) -> Picture:
    """Writes the result of an animation or a document, each frame as it is computed; see `write_rows`."""
    sizes = [options.target.size(*frame.size) for frame in picture.frames]
    larger = described(picture, sizes[0], options.enlarging)
    frames = enlarged_frames(picture, upscaler, options.target, options.enlarging, progress)
    with contextlib.nullcontext() if job.output is None else _folder_made(job.output.parent):
        write(job, larger, file_format, options, stream=FrameStream(picture.frames, sizes, frames))
    return larger


@contextlib.contextmanager
def _folder_made(folder: pathlib.Path) -> Iterator[None]:
    """Makes a folder; what was made of it vanishes where the work fails."""
    made = [] if isinstance(folder, store.StorePath) else [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # others have written there
            for each in made:
                each.rmdir()
        raise
