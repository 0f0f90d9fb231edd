"""The photos of a training: which there are, which are left out, which validate."""

import logging
import pathlib

from sr_keras.data import near_duplicates, sources
from sr_keras.data.pairs import PairMaker, Pairs, are_reductions, validation_pairs
from sr_keras.evaluation import metrics
from sr_keras.photos import rgb
from sr_keras.training.options import Options

logger = logging.getLogger(__name__)


def split(options: Options) -> tuple[sources.Photos, sources.Photos]:
    """To train on, and to validate on."""
    if options.data is None:
        raise ValueError('--data is missing: a folder of photos or of shards, a list file, or "sample" for a few bundled ones')
    try:
        photos = _open(options, options.data)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error}; data_prep/README.md says how to get the paper's photos, and --data=sample trains on a few bundled ones"
        ) from None
    if options.validation is None:
        train_photos, validation_photos = sources.split(photos, options.validation_fraction)
    else:
        train_photos, validation_photos = photos, _open(options, options.validation)
    if options.exclude:
        train_photos = _without(train_photos, [pathlib.Path(folder) for folder in options.exclude])
    if not len(train_photos):
        raise ValueError(f"{options.data}: no photo is left to train on, of {len(photos)}")
    return train_photos, validation_photos


def _open(options: Options, text: str) -> sources.Photos:
    """The photos of `--data` or `--validation`, with their low-resolution files where they have some."""
    source = _source(text)
    of_data = options.lr if text == options.data else None
    if options.lr == "none" or (of_data is None and options.degradation != "none"):
        return sources.open_photos(sources.high_resolution(source))
    if options.degradation != "none":
        raise ValueError("--degradation is for photos that are downscaled, not for those with low-resolution files (--lr)")
    photos = sources.open_training_photos(source, None if of_data is None else pathlib.Path(of_data), 2**options.num_upscales)
    if isinstance(photos, sources.PairedFiles):
        logger.info("pairs: low-resolution files are those in %s", pathlib.Path(photos.lr_paths[0]).parent)
    return photos


def is_back_projected(options: Options, photos: sources.Photos) -> bool:
    """Whether results are made to fit the small photos; that would bring noise and the blocks of JPEG back."""
    if not isinstance(photos, sources.PairedFiles):
        return options.degradation != "real"
    if are_reductions(photos):
        return True
    if options.back_projection:
        raise ValueError(
            "--back_projection is not for low-resolution files that are noisy, soft or JPEGs: it would bring that back"
        )
    logger.info(
        "pairs: low-resolution files are not their photos made smaller alone, so what is exported is not back-projected"
    )
    return False


def _source(text: str) -> pathlib.Path:
    return rgb.SAMPLE / "photos" if text == "sample" else pathlib.Path(text)


def _without(photos: sources.Photos, folders: list[pathlib.Path]) -> sources.Photos:
    found = near_duplicates.find(photos, folders)
    for number in sorted(found):
        logger.info("excluded: %s", photos.where(number))
    return photos.choose([number for number in range(len(photos)) if number not in found])


def pairs_to_validate(options: Options, photos: sources.Photos, make_pair: PairMaker) -> Pairs:
    smallest = metrics.smallest_side(border=make_pair.scale)
    if options.validation_photos and make_pair.hr_size < smallest:
        raise ValueError(f"hr_size must be at least {smallest} for photos to be measured (or --validation_photos=0)")
    return validation_pairs(photos, make_pair, options.validation_photos)
