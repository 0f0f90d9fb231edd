"""Takes over a network that was trained elsewhere: {call} FILE.pth

FILE is a .pth, a .safetensors, or a .param of ncnn with its .bin beside it. It holds an RRDBNet (ESRGAN, Real-ESRGAN), an
SRVGGNetCompact or a SPAN; which of them, and of what size, follows from the names and shapes in it. It is read without PyTorch,
and nothing that is in it is run. The result is a folder like that of a training: upscale --model=FOLDER takes it. Mind the
licence of what you take over.
"""

import argparse
import pathlib
from collections.abc import Sequence

from sr_keras.runtime import argument_types, command_line, quiet_tensorflow
from sr_keras.runtime.errors import UserError


def main(argv: Sequence[str] | None = None, prog: str = "sr-keras import") -> int:
    options = _parse(argv, prog)
    return command_line.run(prog, lambda: _import(options))


def _import(options: argparse.Namespace) -> int:
    from sr_keras.exchange import ncnn_files, weight_files

    folder = options.output or pathlib.Path(options.file.stem)
    if folder.exists():
        raise UserError(f"{folder}: exists already; --output=FOLDER names another place")
    weights = (ncnn_files if options.file.suffix == ".param" else weight_files).read(options.file)
    # Later, because TensorFlow takes seconds to import: a file that can't be read is said at once.
    with quiet_tensorflow.tensorflow_import():
        from sr_keras.exchange import importing
    architecture = importing.convert(
        weights, folder / "1", file=options.file, licence=options.licence, origin=options.origin or options.file.name
    )
    print(f"{folder}: {architecture}")
    return 0


def _parse(argv: Sequence[str] | None, prog: str) -> argparse.Namespace:
    parser = command_line.Parser(
        prog=prog, description=str(__doc__).format(call=command_line.typed(prog)), epilog=command_line.EXIT_CODES
    )
    parser.add_argument("file", type=argument_types.path, metavar="FILE", help="weights: .pth, .safetensors or .param")
    parser.add_argument("-o", "--output", type=argument_types.path, metavar="FOLDER", help="(default: the name of FILE, here)")
    parser.add_argument(
        "--licence",
        type=argument_types.line,
        default="unknown",
        metavar="TEXT",
        help="kept with the network, and shown by the command models (%(default)s)",
    )
    parser.add_argument(
        "--origin", type=argument_types.line, metavar="TEXT", help="the same, such as an address (default: the name of FILE)"
    )
    return parser.parse_args(argv)
