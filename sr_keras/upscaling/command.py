"""The command that upscales: its options, and what is done with them."""

import argparse
import contextlib
import pathlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from PIL import Image

from sr_keras.inference import engine, model_info
from sr_keras.photos import picture, rgb
from sr_keras.runtime import argument_types, command_line
from sr_keras.upscaling import batch, choice, enlarge, plan
from sr_keras.upscaling.console import Console, report, speak_plainly

if TYPE_CHECKING:
    from sr_keras.inference.upscaler import Upscaler

_ABOUT = """Makes photos four times as large: {call} photo.jpg

The result lies beside the photo as photo_x4.jpg, in the same format, with its EXIF, colour profile and transparency. Photos,
folders and patterns can be named, as many as you like; what fails is said at the end, and does not stop the others.
"""

FORMATS = sorted({suffix[1:] for suffix in picture.FORMATS})


def main(argv: Sequence[str] | None = None, prog: str = "upscale.py") -> int:
    options = _parse(argv, prog)
    speak_plainly()
    return command_line.run(prog, lambda: _run(options))


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
        skip_results=options.skip_existing,
    )
    _refuse_side_files(options, todo)
    console = Console(options, todo)
    if options.dry_run:
        console.tell_plan(todo)
        return 0
    batch_options = batch.BatchOptions(
        target,
        suffix,
        options.quality,
        all_frames=options.all_frames,
        self_ensemble=options.self_ensemble,
        max_pixels=options.max_pixels,
        existing=_existing(options),
        standard_input=b"" if all(job.source for job in todo) else sys.stdin.buffer.read(),
    )
    return _upscale(todo, batch_options, options, console)


def _upscale(todo: Sequence[plan.Job], batch_options: batch.BatchOptions, options: argparse.Namespace, console: Console) -> int:
    # Each picture's size and its result's are held against --max_pixels before anything is decoded; this one is Pillow's own.
    Image.MAX_IMAGE_PIXELS = None
    choosers = [_chooser(options, device, console) for device in engine.devices(options.engine)]
    running = batch.run(todo, choosers, batch_options, console.within)
    with report(options.report) as add, console, contextlib.closing(running):
        for outcome in running:
            console.after(outcome)
            add(outcome)
    console.tell_end()
    if options.comparison and not console.failed:
        console.tell(_write_comparison(options, todo[0]))
    return 1 if console.failed else 0


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
        if len(todo) != 1 or todo[0].source is None or todo[0].output is None:
            raise plan.UsageError("--comparison takes one photo and one result, both of them files")
        rgb.require_writable(options.comparison, height=1, width=1)
        if options.comparison.exists() and not options.overwrite:
            raise plan.UsageError(f"{options.comparison}: exists already; --overwrite replaces it")
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
        help="a picture of any kind, a folder, a pattern, or - (standard input)",
    )
    parser.add_argument(
        "--list", type=argument_types.path, metavar="FILE", help="more of them, one a line, relative to FILE's folder"
    )
    parser.add_argument("--recursive", action="store_true", help="also the folders in a folder")

    size = parser.add_argument_group("size of the result")
    size.add_argument(
        "--scale",
        type=argument_types.scale,
        metavar="X",
        help="times larger, any number above 1 (default: the network's own, 4)",
    )
    size.add_argument("--width", type=argument_types.positive_int, metavar="PIXELS", help="alone, it keeps the aspect")
    size.add_argument("--height", type=argument_types.positive_int, metavar="PIXELS", help="alone, it keeps the aspect")
    size.add_argument("--all_frames", action="store_true", help="each frame of an animation, not just the first one")

    result = parser.add_argument_group("where the result goes")
    result.add_argument(
        "-o",
        "--output",
        type=argument_types.path,
        metavar="FILE",
        help="of one photo; its ending is the format; - is standard output",
    )
    result.add_argument(
        "--output_dir", type=argument_types.path, metavar="DIR", help="of many, in the folders that they come from"
    )
    result.add_argument("--format", choices=FORMATS, help="default: the photo's own, or PNG where that can't be written")
    result.add_argument(
        "--quality", type=argument_types.percent, default=95, metavar="1-100", help="of JPEG, WebP and AVIF (%(default)s)"
    )
    there = result.add_mutually_exclusive_group()
    there.add_argument("--overwrite", action="store_true", help="replace results that are there already")
    there.add_argument("--skip_existing", action="store_true", help="leave them, and go on where an earlier run ended")
    result.add_argument("--dry_run", action="store_true", help="only say what would be done")
    result.add_argument(
        "--report",
        type=argument_types.output_file,
        metavar="FILE",
        help="add what became of each photo to FILE, as lines of JSON",
    )
    result.add_argument(
        "--comparison", type=argument_types.output_file, metavar="FILE", help="also draw bicubic | ours, of one photo"
    )

    network = parser.add_argument_group("the network")
    network.add_argument(
        "-m",
        "--model",
        type=_model,
        default=model_info.AUTO,
        metavar="MODEL",
        help=f"{model_info.AUTO}: {model_info.ENLARGING} for clean photos, {model_info.RESTORING} for those with noise or "
        f"traces of JPEG. Or one of {', '.join(model_info.shipped())}; or the folder of a run of train.py, or of one of its "
        "SavedModels; only load what you trust: it is a program (%(default)s)",
    )
    network.add_argument(
        "--denoise",
        type=argument_types.share,
        default=1.0,
        metavar="0-1",
        help=f"how much {model_info.RESTORING} and other networks that restore take out of a photo: 1 all that they can; "
        f"0 nothing, {model_info.ENLARGING} only enlarges it; between the two, both compute (%(default)s)",
    )
    network.add_argument(
        "--self_ensemble", action="store_true", help="the mean of 8 flips and turns: a little better, 8 times slower"
    )
    network.add_argument(
        "--precision",
        choices=["auto", *model_info.PRECISIONS],
        default="auto",
        help="of the numbers (auto: the fastest here)",
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
        help="for the work on a tile (default: 384, on a GPU 4096)",
    )
    network.add_argument(
        "--tile", type=argument_types.positive_int, metavar="PIXELS", help="tile size instead; it never shows in the result"
    )
    network.add_argument(
        "--max_pixels",
        type=argument_types.pixel_count,
        default=400_000_000,
        metavar="N",
        help="refuse photos or results with more (%(default)s)",
    )

    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("--quiet", action="store_true", help="say only what failed")
    talk.add_argument("--verbose", action="store_true", help="say also how it is computed")
    options = parser.parse_args(argv)
    if not options.photos and not options.list:
        parser.error("name a photo, a folder, or --list=FILE")
    if options.scale and (options.width or options.height):
        parser.error("--scale and --width or --height exclude each other")
    if options.output and options.format and options.output.suffix not in ("", f".{options.format}"):
        parser.error("the ending of --output is its format; leave --format out")
    if options.output and options.output_dir:
        parser.error("--output and --output_dir exclude each other")
    return options
