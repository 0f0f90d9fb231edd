"""Stand-ins for networks, whose results are known without one, and a mask."""

from typing import Any

import numpy as np
from PIL import Image

from sr_keras.inference.tiling import Progress, Put
from sr_keras.photos.picture import Picture
from sr_keras.upscaling import enlarge
from sr_keras.upscaling.target import Target


class Repeater:
    """Enlarges by repetition, in tiles of 5 rows, and counts the pixels that it was given."""

    def __init__(self, scale: int = 4) -> None:
        self.scale = scale
        self.receptive_field = 3
        self.pixels = 0

    def upscale_to(self, put: Put, photo: np.ndarray, *, self_ensemble: bool = False, progress: Progress) -> None:
        self.pixels += photo.shape[0] * photo.shape[1]
        for y in range(0, photo.shape[0], 5):
            put(self.scale * y, 0, photo[y : y + 5].repeat(self.scale, axis=0).repeat(self.scale, axis=1))
            progress(min(1, (y + 5) / photo.shape[0]))


def enlarged(frame: Image.Image, target: Target, **options: Any) -> Image.Image:
    [result] = enlarge.enlarge(Picture((frame,)), options.pop("upscaler", Repeater()), target, **options).frames
    assert isinstance(result, Image.Image)
    return result


class Speckler(Repeater):
    """Leaves a fleck in each pixel's square, whatever the pixel."""

    def upscale_to(self, put: Put, photo: np.ndarray, **options: Any) -> None:
        def speckled(y: int, x: int, tile: np.ndarray) -> None:
            tile = tile.copy()
            tile[1 :: self.scale, 2 :: self.scale] = 77
            put(y, x, tile)

        super().upscale_to(speckled, photo, **options)


def square(side: int, *, bits: int = 8) -> np.ndarray:
    """A mask: a square of 6x6 in the middle."""
    mask = np.zeros((side, side), np.uint8 if bits == 8 else np.uint16)
    mask[side // 2 - 3 : side // 2 + 3, side // 2 - 3 : side // 2 + 3] = 2**bits - 1
    return mask
