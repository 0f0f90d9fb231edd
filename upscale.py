"""Makes a photo four times as large: python upscale.py photo.jpg

The result lies beside the photo as photo_x4.jpg. The network works on tiles that overlap by as much as it sees, so the result
shows no seams and does not depend on the tile size.
"""

import argparse
import pathlib
import signal
import sys
import time
from collections.abc import Sequence

import numpy as np

from sr_keras import arguments, images, quiet, tiling

SHIPPED_MODEL = pathlib.Path(__file__).parent / "saved_models" / "srresnet"


def main(argv: Sequence[str] | None = None) -> int:
    options = _parse(argv)
    with quiet.tensorflow_import():
        from sr_keras.export import ModelError
        from sr_keras.upscaler import Upscaler
    try:
        photo = images.read_photo(options.photo)
        upscaler = Upscaler.load(options.model, options.tile)
        output = options.output or _beside(options.photo, upscaler.scale)
        size = [upscaler.scale * length for length in photo.shape[:2]]
        for path in filter(None, (output, options.comparison)):
            images.require_writable(path, *size)
            _refuse_bad_target(path, options)
        begun = time.monotonic()
        sr = upscaler.upscale(photo)
        seconds = time.monotonic() - begun
        images.write_photo(output, sr)
        print(f"{options.photo} ({_size(photo)}) -> {output} ({_size(sr)}), {seconds:.1f} s")
        if options.comparison:
            _write_comparison(options.comparison, photo, sr)
    except (images.PhotoError, ModelError, ValueError) as error:
        print(f"upscale.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _beside(photo: pathlib.Path, scale: int) -> pathlib.Path:
    suffix = photo.suffix if photo.suffix.lower() in images.WRITABLE_SUFFIXES else ".png"
    return photo.with_name(f"{photo.stem}_x{scale}{suffix}")


def _refuse_bad_target(path: pathlib.Path, options: argparse.Namespace) -> None:
    if not path.absolute().parent.is_dir():
        raise images.PhotoError(f"{path}: its folder does not exist")
    if path.exists() and path.samefile(options.photo):
        raise images.PhotoError(f"{path}: would replace the photo itself")
    if path.exists() and not options.overwrite:
        raise images.PhotoError(f"{path}: exists already; --overwrite replaces it")


def _write_comparison(path: pathlib.Path, photo: np.ndarray, sr: np.ndarray) -> None:
    from sr_keras import figures  # matplotlib takes a while to import

    bicubic = images.resize_bicubic(photo, *sr.shape[:2])
    images.write_photo(path, figures.side_by_side({"bicubic": bicubic, "ours": sr}))
    print(f"side by side: {path}")


def _size(photo: np.ndarray) -> str:
    return f"{photo.shape[1]}x{photo.shape[0]}"


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="upscale.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photo", type=pathlib.Path, help="a picture of any kind and size")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE", help="another place or type (PNG, JPEG, WebP, ...)")
    parser.add_argument("--comparison", type=pathlib.Path, metavar="FILE", help="also draw bicubic | ours, side by side")
    parser.add_argument("--overwrite", action="store_true", help="replace a result that is there already")
    parser.add_argument(
        "--model", type=pathlib.Path, default=SHIPPED_MODEL, help="a SavedModel's folder, or a run of train.py (%(default)s)"
    )
    parser.add_argument(
        "--tile",
        type=arguments.positive_int,
        default=tiling.DEFAULT_TILE,
        help="tile size in pixels; smaller needs less memory, more time (%(default)s)",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
