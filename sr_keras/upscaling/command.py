"""The command that upscales: its options, and what is done with them."""

import argparse
import contextlib
import os
import pathlib
import sys
import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from sr_keras.inference import engine, model_info
from sr_keras.photos import picture, picture_file, rgb
from sr_keras.runtime import argument_types, command_line
from sr_keras.runtime.errors import UserError
from sr_keras.upscaling import batch, choice, enlarge, films, numbered, plan
from sr_keras.upscaling.console import Console, report, speak_plainly

if TYPE_CHECKING:
    from sr_keras.inference.upscaler import Upscaler

_ABOUT = """Makes photos and films four times as large: {call} photo.jpg

The result lies beside the photo as photo_x4.jpg, in the same format, with its EXIF, colour profile and transparency. Photos,
folders and patterns can be named, as many as you like; what fails is said at the end, and does not stop the others.
"""

FORMATS = sorted({suffix[1:] for suffix in picture.FORMATS})


def main(argv: Sequence[str] | None = None, prog: str = "upscale.py") -> int:
    command_line.open_closed_streams()
    options = _parse(argv, prog)
    speak_plainly()
    code = command_line.run(prog, lambda: _run(options))
    if batch.is_stuck():
        os._exit(code)  # Python would wait for it
    return code


def _run(options: argparse.Namespace) -> int:
    target = _target(options)
    found = plan.find(options.photos, list_file=options.list, recursive=options.recursive)
    suffix = f".{options.format}" if options.format else None
    todo = plan.plan(
        found,
        label=target.label,
        output=options.output,
        output_dir=options.output_dir,
        suffix=suffix,
        name=plan.Template(options.name) if options.name else None,
        film_suffix=films.suffix_of(options),
        skip_results=options.skip_existing,
    )
    _refuse_side_files(options, todo)
    console = Console(options, todo)
    if options.dry_run:
        return _tell_plan(todo, target, options, console)
    batch_options = batch.BatchOptions(
        target,
        suffix,
        options.quality,
        None if options.depth == "auto" else int(options.depth),
        all_frames=options.all_frames,
        enlarging=enlarge.Options(
            self_ensemble=options.self_ensemble,
            alpha=options.alpha,
            wrap=None if options.wrap == "auto" else options.wrap,
            limit=options.limit,
            pixel_art=options.pixel_art,
            normals=options.data == "normals",
        ),
        strip=options.strip,
        max_pixels=options.max_pixels,
        existing=_existing(options),
        standard_input=b"" if all(job.source for job in todo) else _standard_input(),
    )
    return _upscale(todo, batch_options, options, console)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise plan.UsageError("standard input is closed")
    return sys.stdin.buffer.read()


def _upscale(todo: Sequence[plan.Job], batch_options: batch.BatchOptions, options: argparse.Namespace, console: Console) -> int:
    # Each picture's size and its result's are held against --max_pixels before anything is decoded; this one is Pillow's own.
    Image.MAX_IMAGE_PIXELS = None
    choosers = [_chooser(options, device, console) for device in engine.devices(options.engine)]
    running = _outcomes(todo, choosers, batch_options, films.options_of(options), console)
    with report(options.report) as add, console, contextlib.closing(running):
        for outcome in running:
            console.after(outcome)
            add(outcome)
    console.tell_end()
    if options.comparison and not console.failed:
        console.tell(_write_comparison(options, todo[0]))
    return 1 if console.failed else 0


def _outcomes(
    todo: Sequence[plan.Job],
    choosers: Sequence[choice.Choose],
    options: batch.BatchOptions,
    film_options: films.FilmOptions,
    console: Console,
) -> Generator[batch.JobOutcome, None, None]:
    """First photos, then folders of numbered frames, then films."""
    pictures = [job for job in todo if not job.is_film]
    apart = {job.numbered: [each for each in pictures if each.numbered == job.numbered] for job in pictures}
    for folder, jobs in sorted(apart.items(), key=lambda item: item[0] is not None):
        if folder is not None:
            _tell_numbered(folder, jobs, console)
        yield from batch.run(jobs, numbered.decided_once(choosers) if folder else choosers, options, console.within)
    yield from films.run([job for job in todo if job.is_film], choosers, options, film_options, console.within)


def _tell_numbered(folder: pathlib.Path, jobs: Sequence[plan.Job], console: Console) -> None:
    frames = [job.source for job in jobs if job.source]
    result = jobs[0].output
    assert result is not None  # standard output takes one picture
    for line in numbered.describe(folder, frames, result.parent).splitlines():
        console.tell(line)


def _tell_plan(todo: Sequence[plan.Job], target: enlarge.Target, options: argparse.Namespace, console: Console) -> int:
    """A dry run: what would be done, how long it would take about, and what can't be read."""
    for folder in dict.fromkeys(job.numbered for job in todo if job.numbered):
        _tell_numbered(folder, [job for job in todo if job.numbered == folder], console)
    sizes: dict[plan.Job, enlarge.Size] = {}
    frames: dict[plan.Job, int] = {}
    problems: dict[plan.Job, str] = {}
    for job in todo:
        try:
            if job.problem:
                raise rgb.PhotoError(job.problem)
            if job.is_film:
                sizes[job], frames[job] = films.read_size(job, films.options_of(options))
            elif job.source:
                sizes[job] = picture_file.read_size(job.source)
        except UserError as error:
            problems[job] = str(error)
    console.tell_plan(todo, {job: (size, target.size(*size)) for job, size in sizes.items()}, problems)
    if sizes and not options.pixel_art:
        upscaler = _chooser(options, None, console)(picture.Picture((Image.new("RGB", (8, 8)),))).upscaler
        pixels = sum(frames.get(job, 1) * enlarge.work(size, target, upscaler.scale) for job, size in sizes.items())
        console.tell(f"about {_duration(pixels * _seconds_per_pixel(upscaler, options.self_ensemble))} on this machine")
    return 1 if problems else 0


def _seconds_per_pixel(upscaler: enlarge.PhotoUpscaler, self_ensemble: bool) -> float:
    """Of a small photo, once the network has computed one of its size."""
    photo = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    seconds = 0.0
    for _ in range(2):
        begun = time.monotonic()
        upscaler.upscale_to(lambda y, x, tile: None, photo, self_ensemble=self_ensemble, progress=lambda share: None)
        seconds = time.monotonic() - begun
    return seconds / photo[..., 0].size


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def _chooser(options: argparse.Namespace, device: str | None, console: Console) -> choice.Choose:
    from sr_keras.inference.upscaler import Upscaler

    def load(path: pathlib.Path, denoise: float) -> "Upscaler":
        upscaler = Upscaler.load(
            path,
            denoise=denoise,
            precision=options.precision,
            memory_mb=options.memory_mb,
            tile=options.tile,
            device=device,
            engine=options.engine,
        )
        console.tell_upscaler(upscaler)
        return upscaler

    if options.model != model_info.AUTO:
        return choice.always(load(options.model, options.denoise))
    if options.pixel_art:  # there is nothing to choose
        return choice.always(load(model_info.find_model(model_info.ENLARGING), 1.0))
    strengths = {model_info.ENLARGING: 1.0, model_info.RESTORING: options.denoise}
    return choice.by_condition(lambda name: load(model_info.find_model(name), strengths[name]))


def _refuse_side_files(options: argparse.Namespace, todo: Sequence[plan.Job]) -> None:
    """Nothing of a user's may be lost to what is written beside the results."""
    taken = {plan.place(path) for job in todo for path in (job.source, job.output) if path}
    taken |= {plan.place(options.list)} if options.list else set()
    for path in filter(None, (options.report, options.comparison)):
        if plan.place(path) in taken:
            raise plan.UsageError(f"{path}: is a photo, a result or the list")
    if options.comparison:
        if len(todo) != 1 or todo[0].source is None or todo[0].output is None or todo[0].is_film:
            raise plan.UsageError("--comparison takes one photo and one result, both of them files")
        rgb.require_writable(options.comparison, height=1, width=1)
        if options.comparison.exists() and not options.overwrite:
            raise plan.UsageError(f"{options.comparison}: exists already; --overwrite replaces it")
    if any(job.output is None and job.is_film for job in todo):
        raise plan.UsageError("a film's result must be a file, not standard output")
    if any(job.output is None for job in todo) and sys.stdout.isatty():
        raise plan.UsageError("standard output is a terminal, which shows no pictures; --output=FILE")


def _target(options: argparse.Namespace) -> enlarge.Target:
    if options.width or options.height:
        return enlarge.Target(width=options.width, height=options.height)
    model = model_info.find_model(model_info.ENLARGING) if options.model == model_info.AUTO else options.model
    return enlarge.Target(scale=options.scale or model_info.read_info(model_info.newest_version(model)).scale)


def _existing(options: argparse.Namespace) -> Literal["fail", "skip", "overwrite"]:
    if options.overwrite:
        return "overwrite"
    return "skip" if options.skip_existing else "fail"


def _write_comparison(options: argparse.Namespace, job: plan.Job) -> str:
    from sr_keras.evaluation import drawing  # matplotlib takes a while to import

    assert job.source is not None and job.output is not None  # `_refuse_side_files` saw to that
    photo, sr = rgb.read_photo(job.source), rgb.read_photo(job.output)
    bicubic = rgb.resize_bicubic(photo, *sr.shape[:2])
    rgb.write_photo(options.comparison, drawing.side_by_side({"bicubic": bicubic, "ours": sr}))
    return f"side by side: {options.comparison}"


def _model(text: str) -> str | pathlib.Path:
    return text if text == model_info.AUTO else model_info.find_model(argument_types.name(text))


def _parse(argv: Sequence[str] | None, prog: str) -> argparse.Namespace:
    parser = command_line.Parser(
        prog=prog,
        description=_ABOUT.format(call=command_line.typed(prog)),
        epilog="Exit code: 0 all done or skipped, 1 some failed (each is named), 2 wrong use, 130 stopped by Ctrl-C.",
    )
    parser.set_defaults(prog=prog)
    parser.add_argument(
        "photos",
        nargs="*",
        type=argument_types.name,
        metavar="PHOTO",
        help="a picture of any kind, a film, a folder, a pattern, or - for standard input",
    )
    parser.add_argument(
        "--list",
        type=argument_types.path,
        metavar="FILE",
        help="a text file with more of them, one per line, relative to its folder",
    )
    parser.add_argument("--recursive", action="store_true", help="search folders within folders too")

    size = parser.add_argument_group("size of the result")
    size.add_argument(
        "--scale",
        type=argument_types.scale,
        metavar="X",
        help="how many times larger: any number from 1 on; 1 restores without enlarging (default: the network's own, 4)",
    )
    size.add_argument("--width", type=argument_types.positive_int, metavar="PIXELS", help="alone, it keeps the aspect ratio")
    size.add_argument("--height", type=argument_types.positive_int, metavar="PIXELS", help="alone, it keeps the aspect ratio")
    size.add_argument("--all_frames", action="store_true", help="upscale all frames of an animation, not only the first")

    result = parser.add_argument_group("where the result goes")
    result.add_argument(
        "-o",
        "--output",
        type=argument_types.path,
        metavar="FILE",
        help="file of the result, for one photo; its suffix sets the format; - is standard output",
    )
    result.add_argument(
        "--output_dir",
        type=argument_types.path,
        metavar="DIR",
        help="folder of the results; subfolders are those of the photos",
    )
    result.add_argument(
        "--format", choices=FORMATS, help="file format (default: the photo's own, or PNG where that can't be written)"
    )
    result.add_argument(
        "--quality",
        type=argument_types.percent,
        metavar="1-100",
        help="quality of JPEG, WebP, AVIF, HEIC and JPEG XL (95). WebP with loss halves the resolution of colours. It and "
        "JPEG XL are without loss at 100, and for sources without loss where this is not given",
    )
    result.add_argument(
        "--depth",
        choices=["auto", "8", "16"],
        default="auto",
        help="bits a channel: auto is as the photo has them; PNG and TIFF hold 16 (%(default)s)",
    )
    result.add_argument(
        "--strip",
        action="store_true",
        help="leave out EXIF, GPS, captions and all else but the colours",
    )
    result.add_argument(
        "--name",
        type=argument_types.name,
        metavar="TEMPLATE",
        help="file names of results, of {stem}, {scale}, {label} (x4, 1920w) and {ext} (default: {stem}_{label}{ext})",
    )
    there = result.add_mutually_exclusive_group()
    there.add_argument("--overwrite", action="store_true", help="replace results that exist already")
    there.add_argument(
        "--skip_existing", action="store_true", help="keep results that exist, and go on where an earlier run ended"
    )
    result.add_argument("--dry_run", action="store_true", help="print what would be done, and do nothing")
    result.add_argument(
        "--report",
        type=argument_types.output_file,
        metavar="FILE",
        help="append what became of each photo to FILE, as lines of JSON",
    )
    result.add_argument(
        "--comparison",
        type=argument_types.output_file,
        metavar="FILE",
        help="for one photo: also write bicubic and the result side by side",
    )

    films.add_options(parser)

    data = parser.add_argument_group("pictures that are no photos")
    data.add_argument(
        "--alpha",
        choices=["coverage", "data"],
        default="coverage",
        help="data: alpha is a map, such as gloss or height, and colours under it stay as they are (%(default)s)",
    )
    data.add_argument(
        "--wrap",
        choices=["auto", "none", "x", "y", "xy"],
        default="auto",
        help="axes along which opposite edges meet, as in textures; auto: x for whole 360-degree panoramas (%(default)s)",
    )
    data.add_argument(
        "--data",
        choices=["tones", "normals"],
        default="tones",
        help="normals: colours are unit vectors, and are of length 1 in the result too (%(default)s)",
    )
    data.add_argument("--limit", action="store_true", help="no value beyond those around it: no halos, for measuring")
    data.add_argument("--pixel_art", action="store_true", help="pixels become squares, without a network")

    network = parser.add_argument_group("the network")
    network.add_argument(
        "-m",
        "--model",
        type=_model,
        default=model_info.AUTO,
        metavar="MODEL",
        help=f"{model_info.AUTO}: {model_info.ENLARGING} for clean photos, {model_info.RESTORING} for those with noise or "
        f"traces of JPEG. Or one of {', '.join(model_info.shipped())}; or the folder of a run, or of one of its SavedModels. "
        "Only load models that you trust: a model is a program (%(default)s)",
    )
    network.add_argument(
        "--denoise",
        type=argument_types.share,
        default=1.0,
        metavar="0-1",
        help=f"how strongly {model_info.RESTORING}, or another network that restores, cleans a photo: 1 fully; 0 not at all, "
        f"as {model_info.ENLARGING} does; in between, the results of both are mixed (%(default)s)",
    )
    network.add_argument(
        "--self_ensemble", action="store_true", help="take the mean over 8 flips and rotations: a little better, 8 times slower"
    )
    network.add_argument(
        "--precision",
        choices=["auto", *model_info.PRECISIONS],
        default="auto",
        help="number format of the arithmetic (auto: the fastest on this hardware)",
    )
    network.add_argument(
        "--engine",
        choices=engine.NAMES,
        default="auto",
        help="what computes: openvino is faster on processors (pip install 'sr-keras[cpu]'), and auto takes it where it is "
        "installed and there is no GPU (%(default)s)",
    )
    network.add_argument(
        "--memory_mb",
        type=argument_types.positive_int,
        metavar="MB",
        help="memory for the work on a tile or strip, whose size follows (TensorFlow 384, on a GPU 4096; OpenVINO up to 900)",
    )
    network.add_argument(
        "--tile",
        type=argument_types.positive_int,
        metavar="PIXELS",
        help="tile size instead; it never shows in the result",
    )
    network.add_argument(
        "--max_pixels",
        type=argument_types.pixel_count,
        default=400_000_000,
        metavar="N",
        help="refuse photos and results with more pixels (%(default)s)",
    )

    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("--quiet", action="store_true", help="print only what failed")
    talk.add_argument("--verbose", action="store_true", help="also print how it is computed")
    options = parser.parse_args(argv)
    if not options.photos and not options.list:
        parser.error("name a photo, a folder, or --list=FILE")
    if options.scale and (options.width or options.height):
        parser.error("--scale and --width or --height exclude each other")
    if options.output and options.format and options.output.suffix not in ("", f".{options.format}"):
        parser.error("the suffix of --output is its format; leave --format out")
    if options.start is not None and options.end is not None and options.end <= options.start:
        parser.error("--end must be later than --start")
    if options.output and options.output_dir:
        parser.error("--output and --output_dir exclude each other")
    return options
