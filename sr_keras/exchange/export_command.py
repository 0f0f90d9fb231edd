"""Exports a network for other runtimes, as a file that needs nothing of ours: {call} MODEL --format=onnx

The file takes pictures of any height and width as `lr` and returns them enlarged as `sr`: RGB, float32 from 0 to 1 or uint8,
clipped, with back-projection inside where the network has it. ONNX and OpenVINO have [batch, 3, height, width], LiteRT [batch,
height, width, 3]. It is run, and compared with the SavedModel, before it gets its name. Large pictures need tiles; the metadata
inside says by how much they must overlap (receptive_field).
"""

import argparse
import pathlib
from collections.abc import Sequence

from sr_keras.exchange.file_formats import FILE_FORMATS
from sr_keras.inference import model_info
from sr_keras.runtime import argument_types, command_line, quiet_tensorflow
from sr_keras.runtime.errors import UserError


def main(argv: Sequence[str] | None = None, prog: str = "sr-keras export") -> int:
    options = _parse(argv, prog)
    return command_line.run(prog, lambda: _export(options))


def _export(options: argparse.Namespace) -> int:
    folder = model_info.newest_version(model_info.find_model(options.model))
    file_format = FILE_FORMATS[options.format]
    path = options.output or pathlib.Path(f"{pathlib.PurePath(options.model).name}{file_format.suffix}")
    if path.suffix != file_format.suffix:
        raise UserError(f"{path}: the name of this format ends in {file_format.suffix}")
    for file in file_format.files(path):
        if file.exists() and not options.overwrite:
            raise UserError(f"{file}: exists already; --overwrite replaces it")
    file_format.require(options.format, options.weights)
    info = model_info.read_info(folder)
    # Later, because TensorFlow takes seconds to import: --help and all that is wrong are answered at once.
    with quiet_tensorflow.tensorflow_import():
        from sr_keras.exchange import exporting
        from sr_keras.exchange.formats import FORMATS
    difference = exporting.export(folder, path, FORMATS[options.format], photo_type=options.type, weights=options.weights)
    white = 255 if options.type == "uint8" else 1
    print(f"{path}: at most {difference:.1g} of {white} off the SavedModel, on noise")
    print(f"enlarges {info.scale} times; tiles must overlap by {info.receptive_field} pixels to each side")
    return 0


def _parse(argv: Sequence[str] | None, prog: str) -> argparse.Namespace:
    parser = command_line.Parser(
        prog=prog, description=str(__doc__).format(call=command_line.typed(prog)), epilog=command_line.EXIT_CODES
    )
    parser.add_argument(
        "model",
        type=argument_types.name,
        metavar="MODEL",
        help=f"{', '.join(model_info.shipped())}; or the folder of a run, or of one of its SavedModels",
    )
    parser.add_argument("--format", choices=list(FILE_FORMATS), required=True)
    parser.add_argument(
        "-o", "--output", type=argument_types.output_file, metavar="FILE", help="(default: MODEL.onnx, .tflite or .xml, here)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there already")
    parser.add_argument("--type", choices=("float32", "uint8"), default="float32", help="of the pictures (%(default)s)")
    parser.add_argument(
        "--weights",
        choices=("float32", "float16", "int8"),
        default="float32",
        help="float16 takes half the room, and is up to 4e-3 off; not for onnx. int8 takes a quarter of it, and is up to 8 of "
        "255 levels off; not for litert (%(default)s)",
    )
    return parser.parse_args(argv)
