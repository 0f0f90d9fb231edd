"""Compares networks with each other and with bicubic, on sets of photos."""

import functools
import math
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from sr_keras.evaluation import metrics
from sr_keras.evaluation.photo_sets import Pair, PhotoSet, read_pairs
from sr_keras.evaluation.table import BICUBIC, ORIGINAL, TableRow
from sr_keras.inference import engine as engines
from sr_keras.inference import model_info, tiling
from sr_keras.inference.upscaler import Upscaler
from sr_keras.networks import perceptual
from sr_keras.photos import condition, rgb

# Crops are drawn of the first ones of each set; more would be too many to look at.
PHOTOS_IN_CROPS = 5
_CROP_SIDE = 80
_SPEED_SIDE = 256

# uint8 `[H, W, 3]` to the enlarged photo.
Upscale = Callable[[np.ndarray], np.ndarray]
FeatureDistance = Callable[[np.ndarray, np.ndarray], float]


class Comparison(NamedTuple):
    """What was measured and seen.

    Attributes:
        photos: a row for each photo and method.
        crops: for some photos of each set, the crop of each method's picture by its title, uint8 `[h, w, 3]`.
        spectra: the mean spectrum of each method's pictures, see `metrics.spectrum`.
    """

    photos: list[TableRow]
    crops: list[dict[str, np.ndarray]]
    spectra: dict[str, np.ndarray]


class Methods:
    """The networks that are compared, by the name that each was called by.

    Attributes:
        scale: how many times they enlarge.
        upscale: what each makes of a photo.
        exact: the same in float32, where a precision is reduced.
        about: what computes each network, in words.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        engine: engines.Name,
        precision: str,
        tile: int | None,
        self_ensemble: bool,
        denoise: Sequence[float],
        peers: Mapping[str, Upscale],
    ) -> None:
        """Loads them; see `Upscaler` for the arguments.

        Args:
            names: of bundled networks, or their folders.
            denoise: strengths at which networks that restore are compared too.
            peers: other programs' networks of the same scale, by name.

        Raises:
            ModelError: one can't be loaded, they are of different scales, or there are strengths and none restores.
            ValueError: the engine is not installed, or can't compute one.
        """
        parts = [
            part
            for name in names
            for part in ((model_info.ENLARGING, model_info.RESTORING) if name == model_info.AUTO else (name,))
        ]
        parts += [model_info.ENLARGING] if denoise else []
        loaded = {name: _loaded(name, engine, precision) for name in dict.fromkeys(parts)}
        scales = {name: network.info.scale for name, network in loaded.items()}
        if len(set(scales.values())) > 1:
            raise model_info.ModelError(
                "only networks of one scale can be compared, not "
                + ", ".join(f"{name} (x{scale})" for name, scale in scales.items())
            )
        self.scale = scales[parts[0]]
        weakened = _weakened(names, loaded, denoise)

        def of(precision: str) -> dict[str, Upscaler]:
            enlarging = loaded.get(model_info.ENLARGING)
            return {
                method: Upscaler(loaded[name], enlarging=enlarging, denoise=share, precision=precision, tile=tile)
                for method, (name, share) in ({name: (name, 1.0) for name in loaded} | weakened).items()
            }

        upscalers, compared = of(precision), [*names, *weakened]
        self.upscale = {**_by_method(compared, upscalers, self_ensemble=self_ensemble), **peers}
        is_reduced = any(each.precision != "float32" for each in upscalers.values())
        self.exact = _by_method(compared, of("float32"), self_ensemble=self_ensemble) if is_reduced else {}
        self.about = [f"{name}: computed by {upscalers[name].engine}, in {upscalers[name].precision}" for name in loaded]

    def pictures(self, pair: Pair) -> dict[str, np.ndarray]:
        """`[H, W, 3]` by method: bicubic first, the reference last."""
        bicubic = rgb.resize_bicubic(pair.lr, *pair.hr.shape[:2])
        return {BICUBIC: bicubic, **{name: upscale(pair.lr) for name, upscale in self.upscale.items()}, ORIGINAL: pair.hr}

    def seconds_per_megapixel(self) -> dict[str, float]:
        """Of the small photo, by method."""
        # Of noise: how long a network takes does not depend on what it sees.
        photo = np.random.default_rng(0).integers(0, 256, (_SPEED_SIDE, _SPEED_SIDE, 3), dtype=np.uint8)
        side = self.scale * _SPEED_SIDE
        ways = {BICUBIC: lambda lr: rgb.resize_bicubic(lr, side, side), **self.upscale}
        megapixels = _SPEED_SIDE**2 / 1e6
        return {name: _seconds(functools.partial(upscale, photo)) / megapixels for name, upscale in ways.items()}


def compare(
    methods: Methods,
    sets: Sequence[PhotoSet],
    *,
    tile: int | None = None,
    feature_distance: FeatureDistance | None = None,
    crops: bool = False,
    spectra: bool = False,
) -> Comparison:
    """Measures each method's picture of each photo.

    Args:
        methods, sets: what is compared, on what.
        tile: the tile size that `methods` work with, in pixels of the small photo; None measures no seams.
        feature_distance: measures the distance of two photos.
        crops, spectra: whether they are wanted.

    Raises:
        PhotoError: a photo can't be read.
        ValueError: a photo is too small to be measured; the message names it.
    """
    rows: list[TableRow] = []
    lines = []
    waves: dict[str, list[np.ndarray]] = {}
    for photos in sets:
        pairs = tqdm(read_pairs(photos, methods.scale), photos.name, len(photos.references), leave=False, disable=None)
        for index, pair in enumerate(pairs):
            pictures = methods.pictures(pair)
            measured = _measure_all(methods, photos, pair, pictures, tile, feature_distance)
            rows += [{"data": photos.name, "photo": pair.name, "method": method, **row} for method, row in measured.items()]
            if crops and index < PHOTOS_IN_CROPS:
                photo = f"{pair.name}, {photos.degradation}" if photos.degradation else pair.name
                lines.append(_crops(photo, pictures, measured))
            for method, picture in pictures.items():
                if spectra and math.isfinite(measured[method]["grid_db"]):
                    waves.setdefault(_short(method), []).append(metrics.spectrum(picture))
    return Comparison(rows, lines, {method: np.mean(of_method, axis=0) for method, of_method in waves.items()})


def measure(
    hr: np.ndarray, sr: np.ndarray, *, scale: int, tile: int | None = None, feature_distance: FeatureDistance | None = None
) -> dict[str, float]:
    """What there is to measure of a picture and its reference, by the names of the table's columns.

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


def load_feature_distance(weights: pathlib.Path) -> FeatureDistance:
    """The distance of two photos' features in SqueezeNet 1.1; see `perceptual.squeezenet` for the file and what it raises."""
    model = perceptual.squeezenet(weights)

    def distance(hr: np.ndarray, sr: np.ndarray) -> float:
        pair = (rgb.to_float(photo)[np.newaxis] for photo in (hr, sr))
        return float(perceptual.feature_distance(model, *pair)[0])

    return distance


def busiest_place(hr: np.ndarray, sr: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns of at most 80x80 pixels where a picture is furthest from its reference, by squared error of luma.

    Args:
        hr, sr: uint8 `[H, W, 3]`.
    """
    error = np.square(metrics.luma(hr) - metrics.luma(sr))[..., 0]
    height, width = (min(length, _CROP_SIDE) for length in error.shape)
    # Sums over all windows, as differences of sums from the corner on.
    total = np.pad(error.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums = total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    y, x = np.unravel_index(sums.argmax(), sums.shape)
    return slice(int(y), int(y) + height), slice(int(x), int(x) + width)


def _loaded(name: str, engine: engines.Name, precision: str) -> engines.Network:
    folder = model_info.newest_version(model_info.find_model(name))
    return engines.load(engines.resolve(engine, folder, precision).name, folder)


def _weakened(
    names: Sequence[str], loaded: Mapping[str, engines.Network], denoise: Sequence[float]
) -> dict[str, tuple[str, float]]:
    """The networks that restore, at each strength: by the method, the network's name and the strength.

    Raises:
        ModelError: there are strengths, and no such network.
    """
    restoring = [name for name in names if name != model_info.AUTO and not loaded[name].info.back_projection]
    if denoise and not restoring:
        raise model_info.ModelError(f"denoise is for networks that restore; name one, such as {model_info.RESTORING}")
    return {f"{name}, denoise {strength:g}": (name, strength) for name in restoring for strength in denoise}


def _by_method(names: Sequence[str], upscalers: Mapping[str, Upscaler], *, self_ensemble: bool) -> dict[str, Upscale]:
    """What computes each of the names that were asked for, by the networks that they stand for."""
    each = {name: functools.partial(upscaler.upscale, self_ensemble=self_ensemble) for name, upscaler in upscalers.items()}

    def by_condition(lr: np.ndarray) -> np.ndarray:
        return each[model_info.RESTORING if condition.examine(lr).wear else model_info.ENLARGING](lr)

    return {name: by_condition if name == model_info.AUTO else each[name] for name in names}


def _measure_all(
    methods: Methods,
    photos: PhotoSet,
    pair: Pair,
    pictures: Mapping[str, np.ndarray],
    tile: int | None,
    feature_distance: FeatureDistance | None,
) -> dict[str, dict[str, float]]:
    """What is measured of each method's picture of one photo."""
    measured = {}
    for method, sr in pictures.items():
        try:
            row = measure(pair.hr, sr, scale=methods.scale, tile=tile, feature_distance=feature_distance)
        except ValueError as error:
            raise ValueError(f"{pair.name}: {error}") from None
        if photos.degradation:
            row["flat_noise"] = metrics.flat_noise(pair.hr, sr)
            row["blockiness"] = metrics.blockiness(sr, methods.scale)
        if method == model_info.AUTO:
            row["restored"] = float(bool(condition.examine(pair.lr).wear))
        if method in methods.exact:
            row |= _off_float32(methods.exact[method](pair.lr), sr)
        measured[method] = row
    return measured


def _seam(sr: np.ndarray, scale: int, tile: int) -> float:
    """NaN if the photo is a single tile."""
    rows, columns = (
        [scale * span.start for span in tiling.split(length // scale, tile, overlap=0)[1:]] for length in sr.shape[:2]
    )
    return metrics.seam_ratio(sr, rows, columns) if rows or columns else math.nan


def _off_float32(exact: np.ndarray, sr: np.ndarray) -> dict[str, float]:
    difference = np.abs(sr.astype(np.int16) - exact)
    return {"off_float32": float(difference.mean()), "most_off_float32": float(difference.max())}


def _crops(
    photo: str, pictures: Mapping[str, np.ndarray], measured: Mapping[str, Mapping[str, float]]
) -> dict[str, np.ndarray]:
    """The place where bicubic is furthest from the reference, which favours no network."""
    place = busiest_place(pictures[ORIGINAL], pictures[BICUBIC])

    def title(method: str) -> str:
        return f"original of {photo}" if method == ORIGINAL else f"{_short(method)}, {measured[method]['psnr_db']:.2f} dB"

    return {title(method): picture[place] for method, picture in pictures.items()}


def _short(method: str) -> str:
    """The last name of a path, which may be long."""
    return pathlib.PurePath(method).name


def _seconds(work: Callable[[], object]) -> float:
    """The faster of two runs: the first also traces, and either may have waited for something else."""
    taken = []
    for _ in range(2):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken)
