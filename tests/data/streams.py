"""Streams of training examples that are easy to check."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from sr_keras.data import sources
from sr_keras.data.augmentation import Augmentation
from sr_keras.data.pairs import PairMaker
from sr_keras.data.stream import TrainStream

Batches = list[tuple[np.ndarray, np.ndarray]]

PLAIN = Augmentation(flip_left_right=0, flip_up_down=0, darken=0, brightness=0, saturation=0)


def files(paths: Sequence[str], source: str | pathlib.Path = "/") -> sources.Files:
    return sources.Files(paths, pathlib.Path(source))


def split(paths: Sequence[str], source: str | pathlib.Path, fraction: float) -> tuple[list[str], ...]:
    sides = sources.split(files(paths, source), fraction)
    return tuple([side.where(number) for number in range(len(side))] for side in sides)


def make_stream(
    paths: Sequence[str],
    position: int = 0,
    batch_size: int = 4,
    seed: int = 1,
    hr_size: int = 32,
    augmentation: Augmentation = PLAIN,
    max_reduction: float = np.inf,
    max_enlargement: float = 1,
    share: tuple[int, int] = (0, 1),
    sharpen_reference: bool = False,
    **pair: Any,
) -> TrainStream:
    return TrainStream(
        files(paths),
        tf.Variable(position, dtype=tf.int64),
        make_pair=PairMaker(hr_size, 4, **pair),
        augmentation=augmentation,
        max_reduction=max_reduction,
        max_enlargement=max_enlargement,
        batch_size=batch_size,
        seed=seed,
        sharpen_reference=sharpen_reference,
        worker=share[0],
        workers=share[1],
    )


def take(stream: TrainStream, count: int) -> Batches:
    # The range comes first: it ends before one batch too many is drawn.
    return [(lr.numpy(), hr.numpy()) for _, (lr, hr) in zip(range(count), stream, strict=False)]


def flat(tmp_path: pathlib.Path, colours: Sequence[tuple[int, int, int]], size: tuple[int, int] = (50, 40)) -> list[str]:
    paths = []
    for index, colour in enumerate(colours):
        paths.append(str(tmp_path / f"{index}.png"))
        Image.new("RGB", size, colour).save(paths[-1])
    return paths
