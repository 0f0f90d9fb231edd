"""The options of the command that upscales."""

import argparse
import pathlib
import sys
from collections.abc import Sequence

from sr_keras.inference import engine, model_info
from sr_keras.photos import picture
from sr_keras.runtime import argument_types, command_line, extras
from sr_keras.upscaling import film_options

_ABOUT = """Makes photos and films four times as large: {call} photo.jpg

The result lies beside the photo as photo_x4.jpg, in the same format, with its EXIF, colour profile and transparency. Photos,
folders and patterns can be named, as many as you like; what fails is said at the end, and does not stop the others.
"""

_FORMATS = sorted({suffix[1:] for suffix in picture.FORMATS})


def parse(argv: Sequence[str] | None, prog: str) -> argparse.Namespace:
    """The options of a call; wrong ones and --help end the process."""
    parser = command_line.Parser(
        prog=prog,
        description=_ABOUT.format(call=command_line.typed(prog)),
        epilog=command_line.EXIT_CODES_OF_MANY,
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
        help="a text file with more of them, one per line, relative to its folder; a line that begins with # is a comment, "
        "unless there is a file of that name",
    )
    parser.add_argument("--recursive", action="store_true", help="search folders within folders too")
    _add_size(parser)
    _add_result(parser)
    film_options.add_options(parser)
    _add_data(parser)
    _add_network(parser)
    _add_cluster(parser)
    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("--quiet", action="store_true", help="print only what failed")
    talk.add_argument("--verbose", action="store_true", help="also print how it is computed")
    options = parser.parse_args(_with_address(sys.argv[1:] if argv is None else argv))
    _refuse_contradictions(parser, options)
    return options


def _with_address(argv: Sequence[str]) -> list[str]:
    """The arguments; --cluster alone has an empty address, for it may not take the photo that follows as one."""
    end = argv.index("--") if "--" in argv else len(argv)
    return ["--cluster=" if argument == "--cluster" else argument for argument in argv[:end]] + list(argv[end:])


def _refuse_contradictions(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if not options.photos and not options.list:
        parser.error("name a photo, a folder, or --list=FILE")
    if options.scale and (options.width or options.height):
        parser.error("--scale and --width or --height exclude each other")
    if options.output and options.format and options.output.suffix not in ("", f".{options.format}"):
        parser.error("the suffix of --output is its format; leave --format out")
    if options.start is not None and options.end is not None and options.end <= options.start:
        parser.error("--end must be later than --start")
    if options.workers and options.cluster is None:
        parser.error("--workers is for --cluster")
    if options.output and options.output_dir:
        parser.error("--output and --output_dir exclude each other")


def _add_size(parser: argparse.ArgumentParser) -> None:
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


def _add_result(parser: argparse.ArgumentParser) -> None:
    result = parser.add_argument_group("where the result goes")
    result.add_argument(
        "-o",
        "--output",
        type=argument_types.place,
        metavar="FILE",
        help="file of the result, for one photo; its suffix sets the format; - is standard output",
    )
    result.add_argument(
        "--output_dir",
        type=argument_types.place,
        metavar="DIR",
        help="folder of the results; subfolders are those of the photos",
    )
    result.add_argument(
        "--format", choices=_FORMATS, help="file format (default: the photo's own, or PNG where that can't be written)"
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
        help="bits a channel: auto is as the photo has them, and 8 for camera raw; PNG, TIFF and JPEG XL hold 16, "
        "AVIF and HEIC 10 (%(default)s)",
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
    result.add_argument(
        "--dry_run",
        action="store_true",
        help="print what would be done, by which network, what would be lost and how long it takes, and do nothing",
    )
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


def _add_data(parser: argparse.ArgumentParser) -> None:
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


def _add_network(parser: argparse.ArgumentParser) -> None:
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
        help=f"what computes: tensorflow, or on processors openvino ({extras.install('cpu')}). auto takes what was measured to "
        "be the fastest for such a network on this kind of processor; --verbose says which and why (%(default)s)",
    )
    network.add_argument(
        "--memory_mb",
        type=argument_types.positive_int,
        metavar="MB",
        help="memory for work on a tile or strip, whose size follows (TensorFlow 384 or more, GPUs 4096, OpenVINO up to 900)",
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


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    cluster = parser.add_argument_group("many machines")
    cluster.add_argument(
        "--cluster",
        type=argument_types.cluster_address,
        metavar="[ADDRESS]",
        help="have the photos done by the machines of a Ray cluster, which reach them by the same names "
        f"({extras.install('cluster')}): of host:port, or of the one that this machine is part of (auto), or without one "
        "by this machine alone",
    )
    cluster.add_argument(
        "--workers",
        type=argument_types.positive_int,
        metavar="N",
        help="how many do photos at a time (default: one for each GPU of the cluster, or where it has none for each machine)",
    )


def _model(text: str) -> str | pathlib.Path:
    return text if text == model_info.AUTO else model_info.find_model(argument_types.name(text))
