"""What is done to each file of a batch."""

import dataclasses
from typing import Literal

from sr_keras.upscaling.frame_run import EnlargingOptions
from sr_keras.upscaling.target import Target


@dataclasses.dataclass(frozen=True)
class BatchOptions:
    """What is done to each picture of a batch.

    Attributes:
        target: the size of the results.
        suffix: of results on standard output; None is as the source has it.
        quality: 1 to 100, of formats with loss; None is the best choice for each picture (see `picture_writer.write`).
        depth: 8 or 16 bits a channel; None is what each picture has.
        all_frames: see `picture_reader.read`.
        enlarging: how pictures are enlarged.
        strip: whether all that tells of persons and places is left out.
        max_pixels: the most that the frames of a picture, and those of its result, may have.
        existing: what to do where a result is there already.
        standard_input: the bytes of the picture whose job has no source.
    """

    target: Target
    suffix: str | None = None
    quality: int | None = None
    depth: int | None = None
    all_frames: bool = False
    enlarging: EnlargingOptions = EnlargingOptions()  # noqa: RUF009 - it never changes
    strip: bool = False
    max_pixels: int = 400_000_000
    existing: Literal["fail", "skip", "overwrite"] = "fail"
    standard_input: bytes = b""
