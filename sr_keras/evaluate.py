"""Compares networks with each other and with bicubic: python -m sr_keras.evaluate MODEL... --data=DIR [--data=DIR ...]

A line of the table is the mean over a folder's photos, for a network, for bicubic, and for the originals themselves:

  PSNR, SSIM     by the protocol of the field: of luma (BT.601), without a border as wide as the scale, from 8-bit pictures
  restored       of auto, the share of photos that it takes for worn
  colour error   by how many levels of 255 a photo's mean colour is off the original's, in the worst channel
  largest        the same, of the worst photo
  sharpness      the mean gradient as a share of the original's; 1 is as sharp
  edges          by how many dB the outer 16 pixels are worse than the inside
  seams          how much larger the steps across the tiles' borders are than elsewhere; 1 is no seam (with --tile)
  grid           by how many dB waves with the period of the scale stand out from those beside them; 0 is no checkerboard
  SqueezeNet     SqueezeNet feature distance: how far apart the features of SqueezeNet 1.1 are (with --perceptual). It is not
                 LPIPS, which has learned weights
  flat noise     how much noise is in flat areas, in levels of 255: the standard deviation of what is finer than 8 pixels
  of bicubic's   the same, as a share of what bicubic leaves
  blocks         how much larger steps along the borders of JPEG's blocks are than elsewhere; 1 is no blocks (both: --degrade)
  PIQE           what a judge thinks who has not seen the original; 0 is best, 100 is worst (with the library pypiqe)
  off float32    by how many levels of 255 the numbers of a reduced precision change a photo, on average and in the worst pixel
  s/MP           seconds for each megapixel of the small photo, measured on 256x256 pixels

Judge edges, seams, grid, noise, blocks and PIQE by the lines of bicubic and of the originals.
"""

import argparse
import functools
import json
import math
import pathlib
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from sr_keras.evaluation import degradations
from sr_keras.inference import model_info, tiling
from sr_keras.photos import condition, rgb
from sr_keras.photos.drawn_pictures import drawn
from sr_keras.runtime import argument_types, command_line, files, quiet_tensorflow

with quiet_tensorflow.tensorflow_import():
    from sr_keras.evaluation import crops, metrics, spectra
    from sr_keras.inference import saved_model
    from sr_keras.inference.upscaler import Upscaler
    from sr_keras.networks import perceptual
    from sr_keras.runtime import precision as precisions

PROG = "python -m sr_keras.evaluate"
BICUBIC, ORIGINAL = "bicubic", "original"

# Of each folder; more would be too many to look at.
_PHOTOS_IN_CROPS = 5
_SPEED_SIDE = 256
_NO_NUMBER = "-"

Upscale = Callable[[np.ndarray], np.ndarray]
FeatureDistance = Callable[[np.ndarray, np.ndarray], float]
# By the names of `_COLUMNS`; what was not measured is missing, or NaN.
Row = Mapping[str, Any]

_COLUMNS = {
    "data": ("data", "{}"),
    "photo": ("photo", "{}"),
    "method": ("method", "{}"),
    "psnr_db": ("PSNR, dB", "{:.2f}"),
    "ssim": ("SSIM", "{:.4f}"),
    "restored": ("restored", "{:.2f}"),
    "colour_error": ("colour error", "{:.2f}"),
    "largest_colour_error": ("largest", "{:.2f}"),
    "sharpness": ("sharpness", "{:.2f}"),
    "edge_db": ("edges, dB", "{:+.2f}"),
    "seam": ("seams", "{:.2f}"),
    "grid_db": ("grid, dB", "{:+.2f}"),
    "feature_distance": ("SqueezeNet", "{:.3f}"),
    "flat_noise": ("flat noise", "{:.2f}"),
    "noise_left": ("of bicubic's", "{:.2f}"),
    "blockiness": ("blocks", "{:.2f}"),
    "piqe": ("PIQE", "{:.1f}"),
    "off_float32": ("off float32", "{:.2f}"),
    "most_off_float32": ("worst pixel", "{:.0f}"),
    "seconds_per_megapixel": ("s/MP", "{:.2f}"),
}


class Data(NamedTuple):
    """Originals, and the folder of their low-resolution files if they are given; or how the originals are degraded.

    Attributes:
        name: what the table calls them.
        originals: by its file's name, what reads or draws each: uint8 `[H, W, 3]`.
        lr_dir: holds files of the same names.
        degradation: one of `degradations.KINDS`.
    """

    name: str
    originals: Mapping[str, Callable[[], np.ndarray]]
    lr_dir: pathlib.Path | None = None
    degradation: str | None = None


class Networks:
    """The networks that are compared, by the name that each was called by.

    Attributes:
        scale: how many times they enlarge.
        upscale: what each makes of a photo.
        exact: the same in float32, of those whose precision is reduced.
    """

    def __init__(self, names: Sequence[str], *, precision: str, tile: int | None, self_ensemble: bool) -> None:
        """Loads them; see `Upscaler` for the arguments.

        Raises:
            ModelError: one can't be loaded, or they are of different scales.
        """
        parts = [
            part
            for name in names
            for part in ((model_info.ENLARGING, model_info.RESTORING) if name == model_info.AUTO else (name,))
        ]
        loaded = {name: saved_model.ExportedNetwork(model_info.find_model(name)) for name in dict.fromkeys(parts)}
        scales = {name: network.info.scale for name, network in loaded.items()}
        if len(set(scales.values())) > 1:
            raise model_info.ModelError(
                "only networks of one scale can be compared, not "
                + ", ".join(f"{name} (x{scale})" for name, scale in scales.items())
            )
        self.scale = scales[parts[0]]

        def upscale(name: str, precision: str) -> Upscale:
            upscaler = Upscaler(loaded[name], precision=precision, tile=tile)
            return functools.partial(upscaler.upscale, self_ensemble=self_ensemble)

        def upscale_by_condition(precision: str) -> Upscale:
            restore, enlarge = (upscale(name, precision) for name in (model_info.RESTORING, model_info.ENLARGING))
            return lambda lr: (restore if condition.examine(lr).wear else enlarge)(lr)

        def of(precision: str) -> dict[str, Upscale]:
            return {
                name: upscale_by_condition(precision) if name == model_info.AUTO else upscale(name, precision) for name in names
            }

        self.upscale = of(precision)
        self.exact = of("float32") if precisions.resolve_inference(precision) != "float32" else {}


def compare(
    hr: np.ndarray, sr: np.ndarray, *, scale: int, tile: int | None, feature_distance: FeatureDistance | None = None
) -> dict[str, float]:
    """What there is to measure of a picture and its original, by the names of the columns.

    Args:
        hr, sr: uint8 `[H, W, 3]`, more than 32 high and wide.
        tile: the tile size that `sr` was made with, in pixels of the small photo; None measures no seams.
        feature_distance: measures the distance of two such photos.

    Raises:
        ValueError: they are smaller.
    """
    psnr_db, ssim = metrics.psnr_ssim(hr, sr, border=scale)
    measured = {
        "psnr_db": psnr_db,
        "ssim": ssim,
        "colour_error": metrics.colour_error(hr, sr),
        "sharpness": metrics.sharpness(hr, sr),
        "edge_db": metrics.edge_loss(hr, sr),
        "grid_db": metrics.grid(sr, scale),
    }
    if tile is not None:
        measured["seam"] = _seam(sr, scale, tile)
    if feature_distance is not None:
        measured["feature_distance"] = feature_distance(hr, sr)
    if metrics.has_piqe():
        measured["piqe"] = metrics.piqe(sr)
    return measured


def read_pairs(data: Data, scale: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yields `(name, lr, hr)`, in the order of the names; originals are cut to a multiple of `scale`, as the field does.

    Raises:
        PhotoError: a photo can't be read, is missing in `lr_dir`, or has the wrong size there.
    """
    for name, original in data.originals.items():
        hr = original()
        height, width = (length // scale for length in hr.shape[:2])
        hr = hr[: scale * height, : scale * width]
        lr = _small_photo(data, name, hr, scale)
        if lr.shape[:2] != (height, width):
            raise rgb.PhotoError(
                f"{name}: its low-resolution file must have {width}x{height} pixels, has {lr.shape[1]}x{lr.shape[0]}"
            )
        yield name, lr, hr


def _small_photo(data: Data, name: str, hr: np.ndarray, scale: int) -> np.ndarray:
    if data.degradation:
        return degradations.degrade(hr, data.degradation, name, scale)
    if data.lr_dir:
        return rgb.read_photo(data.lr_dir / name)
    return rgb.resize_bicubic(hr, *(length // scale for length in hr.shape[:2]))


def find_data(text: str, scale: int) -> Data:
    """What `--data` means: `drawn`, `HR_DIR,LR_DIR`, a folder with `HR` and perhaps `LR_x<scale>` in it, or a folder of photos.

    Raises:
        PhotoError: a folder of originals is missing, or holds no photo.
    """
    if text == "drawn":
        return Data(text, {drawn.file_name(n): functools.partial(drawn.picture, n) for n in drawn.MEASURED})
    hr_dir, _, lr_dir = text.partition(",")
    if lr_dir:
        return _of_folder(pathlib.Path(hr_dir), pathlib.Path(lr_dir))
    folder = pathlib.Path(text)
    if not (folder / "HR").is_dir():
        return _of_folder(folder, None)
    given = folder / f"LR_x{scale}"
    return _of_folder(folder / "HR", given if given.is_dir() else None)


def _of_folder(hr_dir: pathlib.Path, lr_dir: pathlib.Path | None) -> Data:
    path = hr_dir.resolve()
    originals = {photo.name: functools.partial(rgb.read_photo, photo) for photo in _photos(hr_dir)}
    return Data(path.parent.name if path.name == "HR" else path.name, originals, lr_dir)


def means(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """A row for each folder and method, in their order: the mean over the photos that have a number, or the largest."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["data"], row["method"]), []).append(row)
    of_groups: list[dict[str, Any]] = [
        {"data": data, "method": method, **_mean(group)} for (data, method), group in groups.items()
    ]
    of_bicubic = {row["data"]: row.get("flat_noise") for row in of_groups if row["method"] == BICUBIC}
    return [_with_noise_left(row, of_bicubic.get(row["data"])) for row in of_groups]


def _with_noise_left(row: dict[str, Any], flat_noise_of_bicubic: float | None) -> dict[str, Any]:
    if not flat_noise_of_bicubic or "flat_noise" not in row:
        return row
    return {**row, "noise_left": row["flat_noise"] / flat_noise_of_bicubic}


def main(argv: Sequence[str] | None = None, prog: str = PROG, peers: Mapping[str, Upscale] | None = None) -> int:
    """The command.

    Args:
        argv: its arguments; None are those of the process.
        prog: what it was called by.
        peers: other programs' networks of the same scale, to be compared too, by name: uint8 `[H, W, 3]` to the enlarged photo.

    Returns:
        The exit code.
    """
    options = _parse(argv, prog)
    try:
        _run(options, peers or {})
    # ValueError: a photo that is too small to be measured, or a file of other weights.
    except (rgb.PhotoError, model_info.ModelError, OSError, ValueError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _run(options: argparse.Namespace, peers: Mapping[str, Upscale]) -> None:
    for path in filter(None, (options.crops, options.spectra)):
        rgb.require_writable(path, 1, 1)
    networks = Networks(options.models, precision=options.precision, tile=options.tile, self_ensemble=options.self_ensemble)
    networks.upscale |= peers
    feature_distance = _feature_distance(options.perceptual) if options.perceptual else None
    rows: list[Row] = []
    lines = []
    waves: dict[str, list[np.ndarray]] = {}
    for data in _all_data(options, networks.scale):
        pairs = tqdm(read_pairs(data, networks.scale), data.name, len(data.originals), leave=False, disable=None)
        for index, (photo, lr, hr) in enumerate(pairs):
            pictures = _pictures(networks, lr, hr)
            for method, sr in pictures.items():
                measured = compare(hr, sr, scale=networks.scale, tile=options.tile, feature_distance=feature_distance)
                if data.degradation:
                    measured |= _wear(hr, sr, networks.scale)
                if method == model_info.AUTO:
                    measured["restored"] = float(bool(condition.examine(lr).wear))
                if method in networks.exact:
                    measured |= _off_float32(networks.exact[method](lr), sr)
                rows.append({"data": data.name, "photo": photo, "method": method, **measured})
                if options.spectra and math.isfinite(measured["grid_db"]):
                    waves.setdefault(_short(method), []).append(metrics.spectrum(sr))
            if options.crops and index < _PHOTOS_IN_CROPS:
                lines.append(_crops(pictures, rows[-len(pictures) :]))
    of_folders = _with_seconds(means(rows), networks)
    print("\n\n".join(_markdown(table) for table in ([rows] if options.photos else []) + [of_folders]))
    for line in _left_out(options):
        print(f"\n{line}")
    if options.json:
        _write_json(options.json, {"means": of_folders, "photos": rows})
    if options.crops:
        rgb.write_photo(options.crops, crops.sheet(lines))
    if options.spectra:
        if not waves:
            raise ValueError(f"no photo is large enough for {options.spectra}")
        rgb.write_photo(options.spectra, spectra.sheet({name: np.mean(of_name, axis=0) for name, of_name in waves.items()}))


def _all_data(options: argparse.Namespace, scale: int) -> list[Data]:
    """All that is asked for, as it is, then degraded in each of the ways that are asked for."""
    given = [find_data(text, scale) for text in options.data]
    return [data for one in given for data in (one, *(_degraded(one, kind) for kind in options.degrade))]


def _degraded(data: Data, kind: str) -> Data:
    return data._replace(name=f"{data.name}, {kind}", degradation=kind)


def _wear(hr: np.ndarray, sr: np.ndarray, scale: int) -> dict[str, float]:
    return {"flat_noise": metrics.flat_noise(hr, sr), "blockiness": metrics.blockiness(sr, scale)}


def _pictures(networks: Networks, lr: np.ndarray, hr: np.ndarray) -> dict[str, np.ndarray]:
    """`[H, W, 3]` by method."""
    bicubic = rgb.resize_bicubic(lr, *hr.shape[:2])
    return {BICUBIC: bicubic, **{name: upscale(lr) for name, upscale in networks.upscale.items()}, ORIGINAL: hr}


def _feature_distance(weights: pathlib.Path) -> FeatureDistance:
    model = perceptual.squeezenet(weights)

    def distance(hr: np.ndarray, sr: np.ndarray) -> float:
        pair = (rgb.to_float(photo)[np.newaxis] for photo in (hr, sr))
        return float(perceptual.feature_distance(model, *pair)[0])

    return distance


def _seam(sr: np.ndarray, scale: int, tile: int) -> float:
    """NaN if the photo is a single tile."""
    rows, columns = (
        [scale * span.start for span in tiling.split(length // scale, tile, overlap=0)[1:]] for length in sr.shape[:2]
    )
    return metrics.seam_ratio(sr, rows, columns) if rows or columns else math.nan


def _off_float32(exact: np.ndarray, sr: np.ndarray) -> dict[str, float]:
    difference = np.abs(sr.astype(np.int16) - exact)
    return {"off_float32": float(difference.mean()), "most_off_float32": float(difference.max())}


def _crops(pictures: Mapping[str, np.ndarray], rows: Sequence[Row]) -> dict[str, np.ndarray]:
    """The place where bicubic is furthest from the original, which favours no network."""
    place = crops.busiest_place(pictures[ORIGINAL], pictures[BICUBIC])

    def title(row: Row) -> str:
        is_original = row["method"] == ORIGINAL
        return f"original of {row['photo']}" if is_original else f"{_short(row['method'])}, {row['psnr_db']:.2f} dB"

    return {title(row): picture[place] for row, picture in zip(rows, pictures.values(), strict=True)}


def _short(method: str) -> str:
    """The last name of a path, which may be long."""
    return pathlib.PurePath(method).name


def _mean(rows: Sequence[Row]) -> dict[str, float]:
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0] if name not in ("data", "photo", "method")}
    known = {name: column[np.isfinite(column)] for name, column in columns.items()}
    mean = {name: float(numbers.mean()) if numbers.size else math.nan for name, numbers in known.items()}
    if "most_off_float32" in mean:
        mean["most_off_float32"] = float(columns["most_off_float32"].max())
    return {**mean, "largest_colour_error": float(columns["colour_error"].max())}


def _with_seconds(rows: Sequence[Row], networks: Networks) -> list[Row]:
    # Noise does: how long a network takes does not depend on what it sees.
    photo = np.random.default_rng(0).integers(0, 256, (_SPEED_SIDE, _SPEED_SIDE, 3), dtype=np.uint8)
    side = networks.scale * _SPEED_SIDE
    ways = {BICUBIC: lambda lr: rgb.resize_bicubic(lr, side, side), **networks.upscale}
    megapixels = _SPEED_SIDE**2 / 1e6
    seconds = {name: _seconds(functools.partial(upscale, photo)) / megapixels for name, upscale in ways.items()}
    return [{**row, "seconds_per_megapixel": seconds.get(row["method"], math.nan)} for row in rows]


def _seconds(work: Callable[[], object]) -> float:
    """The faster of two runs: the first also traces, and either may have waited for something else."""
    taken = []
    for _ in range(2):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def _markdown(rows: Sequence[Row]) -> str:
    """A table of the columns that have a number in any row."""

    def cell(row: Row, name: str) -> str:
        value = row.get(name, math.nan)
        return _COLUMNS[name][1].format(value) if isinstance(value, str) or math.isfinite(value) else _NO_NUMBER

    cells = {name: [cell(row, name) for row in rows] for name in _COLUMNS}
    shown = {_COLUMNS[name][0]: column for name, column in cells.items() if set(column) != {_NO_NUMBER}}
    widths = [max(map(len, [heading, *column])) for heading, column in shown.items()]
    # Names to the left, numbers to the right.
    is_name = [heading in ("data", "photo", "method") for heading in shown]

    def line(texts: Sequence[str]) -> str:
        padded = [f"{text:{'<' if name else '>'}{width}}" for text, width, name in zip(texts, widths, is_name, strict=True)]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if name else "-" * (width - 1) + ":" for width, name in zip(widths, is_name, strict=True)]
    return "\n".join(map(line, [list(shown), rule, *zip(*shown.values(), strict=True)]))


def _left_out(options: argparse.Namespace) -> Iterator[str]:
    if not options.perceptual:
        yield "Left out: the SqueezeNet feature distance; --perceptual=FILE gives its weights."
    if not metrics.has_piqe():
        yield "Left out: PIQE; pip install '.[judge]' gives its library."


def _write_json(path: pathlib.Path, content: dict[str, list[Row]]) -> None:
    def as_json(row: Row) -> dict[str, Any]:
        # JSON has no word for NaN and infinity.
        return {name: value if isinstance(value, str) or math.isfinite(value) else None for name, value in row.items()}

    with files.written_beside(path) as part:
        text = json.dumps({name: [as_json(row) for row in rows] for name, rows in content.items()}, indent=2)
        part.write_text(text + "\n", encoding="utf-8")


def _photos(folder: pathlib.Path) -> list[pathlib.Path]:
    if not folder.is_dir():
        raise rgb.PhotoError(f"{folder}: no such folder")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in rgb.PHOTO_SUFFIXES)
    if not paths:
        raise rgb.PhotoError(f"{folder}: holds no JPEG, PNG or BMP photo")
    return paths


def _parse(argv: Sequence[str] | None, prog: str) -> argparse.Namespace:
    parser = command_line.Parser(prog=prog, description=__doc__.replace(PROG, prog), epilog=command_line.EXIT_CODES)
    parser.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help=f"{model_info.AUTO}, {', '.join(model_info.shipped())}; or the folder of a SavedModel, or a run's",
    )
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="DIR",
        help="a folder of originals, which are made small by antialiased bicubic; or one with HR/ and LR_x4/ in it, originals "
        "and low-resolution files of the same names; or HR_DIR,LR_DIR; or the word drawn: "
        f"{len(drawn.MEASURED)} pictures of text, line art, flat shapes, windows and pages. May be given again",
    )
    parser.add_argument(
        "--degrade",
        action="append",
        choices=list(degradations.KINDS),
        default=[],
        help="also measure on small photos that are made of the originals as a phone, the web or a surveillance camera would. "
        "May be given again",
    )
    parser.add_argument("--perceptual", type=pathlib.Path, metavar="FILE", help="weights of SqueezeNet 1.1 (.npz)")
    parser.add_argument(
        "--tile",
        type=argument_types.positive_int,
        metavar="PIXELS",
        help="tile size, in pixels of the small photo; 64 is the paper's (default: as upscale.py takes it)",
    )
    parser.add_argument(
        "--precision", choices=["auto", *model_info.PRECISIONS], default="float32", help="of the numbers (%(default)s)"
    )
    parser.add_argument("--self_ensemble", action="store_true", help="the mean of 8 flips and turns")
    parser.add_argument("--photos", action="store_true", help="print a line for each photo too")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all numbers here, those of each photo too")
    parser.add_argument(
        "--crops",
        type=pathlib.Path,
        metavar="FILE",
        help=f"draw crops of the first {_PHOTOS_IN_CROPS} photos of each folder, where bicubic is furthest from the original",
    )
    parser.add_argument("--spectra", type=pathlib.Path, metavar="FILE", help="draw the mean spectrum of each method's pictures")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
