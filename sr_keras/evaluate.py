"""Compares networks with each other and with bicubic: python -m sr_keras.evaluate MODEL... --data=DIR [--data=DIR ...]

A line of the table is the mean over a set's photos, for a network, for bicubic, and for the references themselves:

  PSNR, SSIM     by the protocol of the field: of luma (BT.601), without a border as wide as the scale, from 8-bit pictures
  restored       of auto, the share of photos that it takes to be worn
  colour error   by how many levels of 255 a photo's mean colour is off the reference's, in the worst channel
  largest        the same, of the worst photo
  sharpness      the mean gradient as a share of the reference's; 1 is as sharp
  edges          by how many dB the outer 16 pixels are worse than the inside
  seams          how much larger the steps across the tiles' borders are than elsewhere; 1 is no seam (with --tile)
  grid           by how many dB waves with the period of the scale stand out from those beside them; 0 is no checkerboard
  SqueezeNet     SqueezeNet feature distance: how far apart the features of SqueezeNet 1.1 are (with --perceptual). It is not
                 LPIPS, which has learned weights
  flat noise     how much noise is in flat areas, in levels of 255: the standard deviation of what is finer than 8 pixels
  of bicubic's   the same, as a share of what bicubic leaves
  blocks         how much larger steps along the borders of JPEG's blocks are than elsewhere; 1 is no blocks (both: --degrade)
  PIQE           a metric that does not see the reference; 0 is best, 100 is worst (with the library pypiqe)
  off float32    by how many levels of 255 a reduced precision changes a photo, on average and in the worst pixel
  s/MP           seconds for each megapixel of the small photo, measured on 256x256 pixels

Compare edges, seams, grid, noise, blocks and PIQE with the lines of bicubic and of the references (original).
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sr_keras.evaluation import degradations, photo_sets, table
from sr_keras.inference import engine, model_info
from sr_keras.photos import rgb
from sr_keras.photos.drawn_pictures import drawn
from sr_keras.runtime import argument_types, command_line, extras, quiet_tensorflow
from sr_keras.runtime.errors import UserError

if TYPE_CHECKING:
    from sr_keras.evaluation.comparison import Comparison, Upscale

PROG = "python -m sr_keras.evaluate"


def main(argv: Sequence[str] | None = None, prog: str = PROG, peers: "Mapping[str, Upscale] | None" = None) -> int:
    """The command.

    Args:
        argv: its arguments; None are those of the process.
        prog: what it was called by.
        peers: other programs' networks of the same scale, to be compared too, by name: uint8 `[H, W, 3]` to the enlarged photo.

    Returns:
        The exit code.
    """
    options = _parse(argv, prog)
    return command_line.run(prog, lambda: _evaluate(options, peers or {}))


def _evaluate(options: argparse.Namespace, peers: "Mapping[str, Upscale]") -> int:
    for path in filter(None, (options.crops, options.spectra)):
        rgb.require_writable(path, 1, 1)
    # Later, because TensorFlow takes seconds to import: --help and wrong options are answered at once.
    with quiet_tensorflow.tensorflow_import():
        from sr_keras.evaluation import comparison
    methods = comparison.Methods(
        options.models,
        engine=options.engine,
        precision=options.precision,
        tile=options.tile,
        self_ensemble=options.self_ensemble,
        denoise=options.denoise,
        peers=peers,
    )
    sets = photo_sets.find_all(options.data, methods.scale)
    found = comparison.compare(
        methods,
        [each for photos in sets for each in (photos, *(photo_sets.degraded(photos, kind) for kind in options.degrade))],
        tile=options.tile,
        feature_distance=comparison.load_feature_distance(options.perceptual) if options.perceptual else None,
        crops=bool(options.crops),
        spectra=bool(options.spectra),
    )
    means = table.means(found.photos, methods.seconds_per_megapixel())
    tables = [found.photos, means] if options.photos else [means]
    print("\n\n".join(table.markdown(rows) for rows in tables))
    print("", *(photos.origin for photos in sets), *table.ABOUT_METHODS, *methods.about, *_left_out(options), sep="\n")
    if options.json:
        table.write_json(options.json, {"means": means, "photos": found.photos})
    _draw(options, found)
    return 0


def _draw(options: argparse.Namespace, found: "Comparison") -> None:
    from sr_keras.evaluation import drawing

    if options.crops:
        rgb.write_photo(options.crops, drawing.crop_sheet(found.crops))
    if options.spectra:
        if not found.spectra:
            raise UserError(f"no photo is large enough for {options.spectra}")
        rgb.write_photo(options.spectra, drawing.spectrum_sheet(found.spectra))


def _left_out(options: argparse.Namespace) -> Iterator[str]:
    from sr_keras.evaluation import metrics

    if not options.perceptual:
        yield "Left out: the SqueezeNet feature distance; --perceptual=FILE names its weights."
    if not metrics.has_piqe():
        yield f"Left out: PIQE; its library is installed by {extras.install('judge')}."


def _parse(argv: Sequence[str] | None, prog: str) -> argparse.Namespace:
    parser = command_line.Parser(prog=prog, description=__doc__.replace(PROG, prog), epilog=command_line.EXIT_CODES)
    parser.add_argument(
        "models",
        nargs="+",
        type=argument_types.name,
        metavar="MODEL",
        help=f"{model_info.AUTO}, {', '.join(model_info.shipped())}; or the folder of a SavedModel, or a run's",
    )
    parser.add_argument(
        "--data",
        action="append",
        type=argument_types.name,
        required=True,
        metavar="DIR",
        help="a folder of photos, which are downscaled by antialiased bicubic; or one that holds references in HR/ and "
        "low-resolution files in LR_x4/ or LR_bicubic/X4/; or DIV2K_valid_HR, with its LR folder beside it; or HR_DIR,LR_DIR; "
        f"or the word {photo_sets.DRAWN}: {len(drawn.MEASURED)} pictures of text, line art, flat shapes, windows and pages. "
        "May be given again",
    )
    parser.add_argument(
        "--degrade",
        action="append",
        choices=list(degradations.KINDS),
        default=[],
        help="also measure on small photos made of the references as a phone, the web or a surveillance camera would. "
        "May be given again",
    )
    parser.add_argument(
        "--denoise",
        action="append",
        type=argument_types.share,
        default=[],
        metavar="0-1",
        help="also compare networks that restore at this strength, as sr-keras upscale has it. May be given again",
    )
    parser.add_argument("--perceptual", type=argument_types.path, metavar="FILE", help="weights of SqueezeNet 1.1 (.npz)")
    parser.add_argument(
        "--tile",
        type=argument_types.positive_int,
        metavar="PIXELS",
        help="tile size, in pixels of the small photo; 64 is the paper's (default: as for sr-keras upscale)",
    )
    parser.add_argument(
        "--precision", choices=["auto", *model_info.PRECISIONS], default="float32", help="of the arithmetic (%(default)s)"
    )
    parser.add_argument(
        "--engine", choices=engine.NAMES, default="auto", help="what computes, as in sr-keras upscale (%(default)s)"
    )
    parser.add_argument("--self_ensemble", action="store_true", help="the mean over 8 flips and rotations")
    parser.add_argument("--photos", action="store_true", help="also print a line for each photo")
    parser.add_argument(
        "--json", type=argument_types.output_file, metavar="FILE", help="write all figures here, those of each photo too"
    )
    parser.add_argument(
        "--crops",
        type=argument_types.output_file,
        metavar="FILE",
        help="draw crops of the first 5 photos of each set, where bicubic is furthest from the reference",
    )
    parser.add_argument(
        "--spectra", type=argument_types.output_file, metavar="FILE", help="draw the mean spectrum of each method's pictures"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
