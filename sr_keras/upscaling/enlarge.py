"""Enlarges a picture to any size: by the network, in as many passes as it takes, and one reduction."""

import dataclasses
from collections.abc import Iterator

from sr_keras.inference.tiling import Progress
from sr_keras.photos import metadata
from sr_keras.photos.picture import Frame, Picture
from sr_keras.photos.rows import Layout, PutRows
from sr_keras.upscaling import hints, row_run
from sr_keras.upscaling.frame_run import EnlargingOptions, FrameRun, PhotoUpscaler, Wrap, part
from sr_keras.upscaling.row_run import RowRun
from sr_keras.upscaling.target import Size, Target, passes


def enlarge(
    picture: Picture,
    upscaler: PhotoUpscaler,
    target: Target,
    *,
    options: EnlargingOptions | None = None,
    progress: Progress = lambda share: None,
) -> Picture:
    """Enlarges each frame of a picture; greyscale stays greyscale, and transparency and further bands are enlarged too.

    Args:
        picture: of any size.
        upscaler: the network.
        target: the size of the result. Up to `upscaler.scale` times the size of the picture one pass of the network and one
            reduction lead there, beyond that several passes. What gets smaller is only reduced.
        options: how; the default suits photos.
        progress: called with the share that is done, from 0 to 1, again and again. What it raises ends the work.

    Raises:
        ValueError: the network returned a value that is not finite.
        MemoryError: there is too little.
        ModelError: the network enlarges by another factor than `upscaler.scale`.
    """
    options = options or EnlargingOptions()
    frames = tuple(enlarged_frames(picture, upscaler, target, options, progress))
    return dataclasses.replace(described(picture, frames[0].size, options), frames=frames)


def enlarged_frames(
    picture: Picture, upscaler: PhotoUpscaler, target: Target, options: EnlargingOptions, progress: Progress
) -> Iterator[Frame]:
    """Yields the frames that `enlarge` makes, each as soon as it is made; see there for arguments and errors."""
    runs = [_run(picture, frame, upscaler, target, options) for frame in picture.frames]
    work = sum(width * height for run in runs for width, height in run.plan[:-1]) or 1
    done = 0.0
    for frame, run in zip(picture.frames, runs, strict=True):
        share = sum(width * height for width, height in run.plan[:-1]) / work
        yield run.enlarged(frame, part(progress, done, share))
        done += share


def row_layout(picture: Picture, upscaler: PhotoUpscaler, target: Target, options: EnlargingOptions) -> Layout | None:
    """The result's layout, if `enlarge_to_rows` can compute it: of one frame, and without what needs all of the result."""
    if len(picture.frames) > 1:
        return None
    return row_run.layout(_run(picture, picture.frames[0], upscaler, target, options), picture.frames[0])


def enlarge_to_rows(
    picture: Picture,
    upscaler: PhotoUpscaler,
    target: Target,
    put_rows: PutRows,
    options: EnlargingOptions,
    progress: Progress = lambda share: None,
) -> None:
    """`enlarge` for results that are kept elsewhere, where `row_layout` says that it can be done.

    Args:
        put_rows: takes the rows of the result, from the top on: `[n, W, C]`, uint8 or uint16.
        picture, upscaler, target, options, progress: as in `enlarge`.

    Raises:
        ValueError, MemoryError, ModelError: as `enlarge` does.
    """
    frame = picture.frames[0]
    RowRun(_run(picture, frame, upscaler, target, options), put_rows).through(frame, progress)


def described(picture: Picture, size: Size, options: EnlargingOptions) -> Picture:
    """The picture with what belongs to its result of a size, and notes; its frames are those of `picture`."""
    factors = [new / old for new, old in zip(size, picture.frames[0].size, strict=True)]
    kept = metadata.scaled(picture.metadata, *factors)
    return dataclasses.replace(picture, metadata=kept, notes=(*picture.notes, *_notes(picture, options)))


def _run(picture: Picture, frame: Frame, upscaler: PhotoUpscaler, target: Target, options: EnlargingOptions) -> FrameRun:
    plan = [frame.size, *passes(frame.size, target, upscaler.scale)]
    return FrameRun(upscaler, options, _wrap(picture, options), plan, target.size(*frame.size))


def _wrap(picture: Picture, options: EnlargingOptions) -> Wrap:
    return options.wrap or ("x" if picture.is_panorama else "none")


def _notes(picture: Picture, options: EnlargingOptions) -> list[str]:
    notes = []
    if options.wrap is None and picture.is_panorama:
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
