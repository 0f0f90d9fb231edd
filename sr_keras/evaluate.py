"""Measures a network by the protocol of the field: python -m sr_keras.evaluate --model=MODEL --hr=DIR [--lr=DIR]

PSNR and SSIM are taken on luma (BT.601) without a border as wide as the scale, from 8-bit pictures. Low-resolution files of
DIR have the names of the originals; without them, the originals are made small by antialiased bicubic.
"""

import argparse
import dataclasses
import functools
import json
import math
import pathlib
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from sr_keras import arguments, images, quiet, tiling
from sr_keras.facts import PRECISIONS, ModelError

with quiet.tensorflow_import():
    from sr_keras import metrics
    from sr_keras.upscaler import Upscaler


@dataclasses.dataclass(frozen=True)
class Row:
    """One photo, or the mean of several.

    Attributes:
        psnr_db, ssim: of the network's picture against the original.
        bicubic_psnr_db, bicubic_ssim: the same of a bicubic enlargement.
        colour_shift: of the network's picture against the bicubic one, in levels of 255.
        edge_db: by how many dB the outer 16 pixels are worse than the inside, beyond what bicubic has there.
        seam: how much larger the steps across the tiles' borders are than elsewhere, relative to bicubic; 1 is no seam.
            NaN if the photo is a single tile.
    """

    photo: str
    psnr_db: float
    ssim: float
    bicubic_psnr_db: float
    bicubic_ssim: float
    colour_shift: float
    edge_db: float
    seam: float


def evaluate(
    upscale: Callable[[np.ndarray], np.ndarray], pairs: Iterable[tuple[str, np.ndarray, np.ndarray]], *, scale: int, tile: int
) -> Iterator[Row]:
    """A row for each `(name, lr, hr)`, uint8 `[h, w, 3]` and `[scale * h, scale * w, 3]`.

    Args:
        upscale: from `lr` to a picture of the size of `hr`.
        tile: the tile size that `upscale` works with, in pixels of `lr`.
    """
    for name, lr, hr in pairs:
        sr = upscale(lr)
        bicubic = images.resize_bicubic(lr, *hr.shape[:2])
        yield Row(
            name,
            *metrics.psnr_ssim(hr, sr, border=scale),
            *metrics.psnr_ssim(hr, bicubic, border=scale),
            metrics.colour_shift(sr, bicubic),
            metrics.edge_loss(hr, sr) - metrics.edge_loss(hr, bicubic),
            _seam(sr, bicubic, scale, tile),
        )


def read_pairs(hr_dir: pathlib.Path, lr_dir: pathlib.Path | None, scale: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Reads `(name, lr, hr)`, in the order of the names; originals are cut to a multiple of `scale`, as the field does.

    Raises:
        PhotoError: a photo can't be read, is missing in `lr_dir`, or has the wrong size there.
    """
    for path in _photos(hr_dir):
        hr = images.read_photo(path)
        height, width = (length // scale for length in hr.shape[:2])
        hr = hr[: scale * height, : scale * width]
        lr = images.resize_bicubic(hr, height, width) if lr_dir is None else images.read_photo(lr_dir / path.name)
        if lr.shape[:2] != (height, width):
            raise images.PhotoError(
                f"{path.name}: its low-resolution file must have {width}x{height} pixels, has {lr.shape[1]}x{lr.shape[0]}"
            )
        yield path.name, lr, hr


def mean(rows: Sequence[Row]) -> Row:
    """The mean of all columns."""
    columns = np.array([dataclasses.astuple(row)[1:] for row in rows]).T
    return Row(
        "mean", *(float(np.mean(known)) if (known := column[~np.isnan(column)]).size else math.nan for column in columns)
    )


def main(argv: Sequence[str] | None = None) -> int:
    options = _parse(argv)
    try:
        rows = _print_table(options)
        if options.json:
            _write_json(options.json, options.model, rows)
    except (images.PhotoError, ModelError, OSError, ValueError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _print_table(options: argparse.Namespace) -> list[Row]:
    upscaler = Upscaler.load(options.model, precision=options.precision, tile=options.tile)
    names = _photos(options.hr)
    width = max(len(path.name) for path in names)
    print(f"{'photo':{width}}  PSNR dB    SSIM  | bicubic    SSIM  | colour shift  edge dB    seam")
    rows = []
    pairs = read_pairs(options.hr, options.lr, upscaler.scale)
    upscale = functools.partial(upscaler.upscale, self_ensemble=options.self_ensemble)
    for row in evaluate(upscale, pairs, scale=upscaler.scale, tile=options.tile):
        print(_line(row, width), flush=True)
        rows.append(row)
    print(_line(mean(rows), width))
    print(f"largest colour shift: {max(row.colour_shift for row in rows):.2f} of 255 levels")
    if upscaler.precision != "float32":
        _print_precision_cost(options, upscaler)
    return rows


def _print_precision_cost(options: argparse.Namespace, upscaler: Upscaler) -> None:
    """How far a reduced precision is from float32."""
    exact = Upscaler.load(options.model, precision="float32", tile=options.tile)
    differences = [
        np.abs(upscaler.upscale(lr).astype(np.int16) - exact.upscale(lr))
        for _, lr, _ in read_pairs(options.hr, options.lr, upscaler.scale)
    ]
    means = [difference.mean() for difference in differences]
    largest = max(difference.max() for difference in differences)
    print(
        f"{upscaler.precision} against float32: {np.mean(means):.2f} levels off on average, {max(means):.2f} in the worst photo"
        f", {largest} in the worst pixel"
    )


def _seam(sr: np.ndarray, bicubic: np.ndarray, scale: int, tile: int) -> float:
    rows, columns = (
        [scale * span.start for span in tiling.split(length // scale, tile, overlap=0)[1:]] for length in sr.shape[:2]
    )
    if not rows and not columns:
        return math.nan
    return metrics.seam_ratio(sr, rows, columns) / metrics.seam_ratio(bicubic, rows, columns)


def _write_json(path: pathlib.Path, model: pathlib.Path, rows: Sequence[Row]) -> None:
    def as_dict(row: Row) -> dict[str, object]:
        # JSON has no word for NaN and infinity.
        return {
            name: None if not isinstance(value, str) and not math.isfinite(value) else value
            for name, value in dataclasses.asdict(row).items()
        }

    content = {"model": str(model), "photos": [as_dict(row) for row in rows], "mean": as_dict(mean(rows))}
    with images.written_beside(path) as part:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _line(row: Row, width: int) -> str:
    return (
        f"{row.photo:{width}}  {row.psnr_db:7.2f}  {row.ssim:6.4f}  | {row.bicubic_psnr_db:7.2f}  {row.bicubic_ssim:6.4f}"
        f"  | {row.colour_shift:12.2f}  {row.edge_db:+7.2f}  {row.seam:6.3f}"
    )


def _photos(folder: pathlib.Path) -> list[pathlib.Path]:
    if not folder.is_dir():
        raise images.PhotoError(f"{folder}: no such folder")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in images.PHOTO_SUFFIXES)
    if not paths:
        raise images.PhotoError(f"{folder}: holds no JPEG, PNG or BMP photo")
    return paths


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sr_keras.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=pathlib.Path, required=True, help="a SavedModel's folder, or a run's")
    parser.add_argument("--hr", type=pathlib.Path, required=True, metavar="DIR", help="the originals")
    parser.add_argument("--lr", type=pathlib.Path, metavar="DIR", help="their low-resolution files (default: made here)")
    parser.add_argument(
        "--tile",
        type=arguments.positive_int,
        default=64,
        help="tile size, in pixels of the small photo (%(default)s, as the paper)",
    )
    parser.add_argument("--precision", choices=["auto", *PRECISIONS], default="float32", help="of the numbers (%(default)s)")
    parser.add_argument("--self_ensemble", action="store_true", help="the mean of 8 flips and turns")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the numbers here too")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
