"""The options of films on the command line, and what they mean beside those of pictures."""

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from fractions import Fraction

from sr_keras.films import formats
from sr_keras.runtime import argument_types
from sr_keras.runtime.errors import UserError
from sr_keras.upscaling.batch_options import BatchOptions
from sr_keras.upscaling.plan import Job

# Options that mean nothing to other files, and their values where they are not given.
_FOR_FILMS = {**dict.fromkeys(("codec", "crf", "start", "end", "frames", "preview")), "deinterlace": False}
_FOR_PICTURES = {"all_frames": False, "depth": "auto", "quality": None}


@dataclasses.dataclass(frozen=True)
class FilmOptions:
    """What is to be done to each film.

    Attributes:
        codec, crf: None are the defaults.
        start, end, preview: in seconds; a preview is one frame, as a picture.
        frames: the most of them.
        deinterlace: makes whole frames of fields.
        model: what decides the network, for an interrupted run to be told from another one.
        quiet: draws no bar.
    """

    codec: str | None = None
    crf: int | None = None
    start: Fraction | None = None
    end: Fraction | None = None
    frames: int | None = None
    preview: Fraction | None = None
    deinterlace: bool = False
    model: str = ""
    quiet: bool = False


def add_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("films")
    defaults = ", ".join(f"{name} {codec.crf}" for name, codec in formats.CODECS.items())
    group.add_argument(
        "--codec",
        choices=list(formats.CODECS),
        help=f"codec of the result (default: h264; {formats.DEEP_CODEC} for HDR and all of 10 bits, av1 in .webm)",
    )
    group.add_argument(
        "--crf",
        type=argument_types.crf,
        metavar="0-63",
        help=f"how strongly it is compressed: more makes a smaller file of lower quality (default: {defaults})",
    )
    group.add_argument("--start", type=argument_types.moment, metavar="TIME", help="begin there; 1:30 or 90.5, in seconds")
    group.add_argument("--end", type=argument_types.moment, metavar="TIME", help="end there")
    group.add_argument("--frames", type=argument_types.positive_int, metavar="N", help="only the first N frames of that")
    group.add_argument("--preview", type=argument_types.moment, metavar="TIME", help="only this frame, as a picture")
    group.add_argument("--deinterlace", action="store_true", help="make whole frames of an interlaced film")


def refuse_contradictions(options: argparse.Namespace, jobs: Sequence[Job]) -> None:
    """Refuses options that mean nothing to any of the files.

    Raises:
        UserError: one is for films alone, or for pictures alone, and there is none.
    """
    are_films = {job.is_film for job in jobs}
    for defaults, kind, is_film in ((_FOR_FILMS, "films", True), (_FOR_PICTURES, "pictures", False)):
        given = [name for name, default in defaults.items() if getattr(options, name) != default]
        if given and is_film not in are_films:
            raise UserError(f"--{given[0]} is for {kind}, and none of these files is one")


def suffix_of(options: argparse.Namespace) -> Callable[[str], str]:
    """Gives the ending of a film's result from that of the film."""
    if options.preview is not None:
        return lambda suffix: f".{options.format or 'png'}"
    return lambda suffix: formats.result_suffix(suffix, options.codec)


def options_of(options: argparse.Namespace) -> FilmOptions:
    values = {field.name: getattr(options, field.name) for field in dataclasses.fields(FilmOptions)}
    return FilmOptions(**{**values, "model": f"{options.model}, {options.denoise}, {options.precision}"})


def ignored(options: BatchOptions) -> tuple[str, ...]:
    """A note of the options that pictures among the files have a use for, and films don't."""
    given = [f"--{name}" for name in _FOR_PICTURES if getattr(options, name)]
    return (f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} for pictures; films have --crf",) if given else ()
