"""Measures how steady networks are in films: python benchmarks/flicker.py [MODEL...] [--data=FOLDER]

A slow pan over still photos is made small, frame by frame, and enlarged. Once the pan is undone, neighbouring frames should be
equal; the table shows by how many levels of 255 they differ, beside bicubic. Above 1.2 times bicubic, a network flickers.
"""

import itertools
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from sr_keras.evaluation import flicker
from sr_keras.inference import model_info
from sr_keras.photos import rgb
from sr_keras.runtime import argument_types, command_line, quiet_tensorflow
from sr_keras.runtime.errors import UserError

STEADY = 1.2


def main(argv: Sequence[str] | None = None) -> int:
    prog = "flicker.py"
    parser = command_line.Parser(prog=prog, description=__doc__, epilog=command_line.EXIT_CODES)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names or folders (default: all that are bundled)")
    parser.add_argument(
        "--data", type=argument_types.path, default=rgb.SAMPLE / "photos", metavar="FOLDER", help="photos (the bundled ones)"
    )
    parser.add_argument(
        "--photos", type=argument_types.positive_int, default=7, metavar="N", help="the first N of them (%(default)s)"
    )
    parser.add_argument(
        "--side",
        type=argument_types.positive_int,
        default=200,
        metavar="PIXELS",
        help="of the part that is panned over, from each photo's middle (%(default)s)",
    )
    options = parser.parse_args(argv)
    return command_line.run(
        prog, lambda: print_table(options.models or model_info.shipped(), options.data, options.photos, options.side)
    )


def print_table(models: Sequence[str], folder: pathlib.Path, num_photos: int, side: int) -> int:
    with quiet_tensorflow.tensorflow_import():
        from sr_keras.inference.upscaler import Upscaler
    photos = list(itertools.islice(middles(folder, side), num_photos))
    if not photos:
        raise UserError(f"{folder}: holds no photo of {side} pixels a side")
    print(f"{len(photos)} photos of {side}x{side}, one pixel a frame\n{'':12}  levels  times bicubic")
    for model in models:
        upscaler = Upscaler.load(model_info.find_model(model))
        ours, bicubic = (
            flicker.mean_flicker(each, photos, scale=upscaler.scale) for each in (upscaler.upscale, bicubic_of(upscaler.scale))
        )
        verdict = "" if ours <= STEADY * bicubic else "  flickers"
        print(f"{pathlib.PurePath(model).name:12}  {ours:6.2f}  {ours / bicubic:13.2f}{verdict}", flush=True)
    return 0


def middles(folder: pathlib.Path, side: int) -> Iterator[np.ndarray]:
    """The middle of each photo that is large enough, uint8 `[side, side, 3]`."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in rgb.PHOTO_SUFFIXES:
            photo = rgb.read_photo(path)
            y, x = (length // 2 - side // 2 for length in photo.shape[:2])
            if min(y, x) >= 0:
                yield photo[y : y + side, x : x + side]


def bicubic_of(scale: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda photo: rgb.resize_bicubic(photo, scale * photo.shape[0], scale * photo.shape[1])


if __name__ == "__main__":
    sys.exit(main())
