"""Upscales photos of any size with an exported network."""

import os

import numpy as np

from sr_keras import export, images, tiling


class Upscaler:
    """Turns uint8 `[H, W, 3]` into `[s H, s W, 3]`, tile by tile; tiles overlap by as much as the network sees."""

    def __init__(self, network: export.Network | export.Servable, tile: int = tiling.DEFAULT_TILE) -> None:
        """`tile` is the largest height and width of a tile, in pixels of the small photo, without its overlap."""
        self.scale = network.facts.scale
        self._network = network
        self._tile = tile

    @classmethod
    def load(cls, path: str | os.PathLike[str], tile: int = tiling.DEFAULT_TILE) -> "Upscaler":
        """Loads a SavedModel's folder, or the newest of its numbered versions.

        Raises:
            ModelError: nothing is there, it is damaged, or it is not ours.
        """
        return cls(export.Network(path), tile)

    def upscale(self, photo: np.ndarray) -> np.ndarray:
        """uint8 `[H, W, 3]` to uint8 `[s H, s W, 3]`.

        Raises:
            ValueError: the network gave a number that is not finite.
        """
        return tiling.upscale_tiled(
            lambda window: images.to_uint8(self._network(images.to_float(window)[np.newaxis])[0]),
            photo,
            scale=self.scale,
            tile=self._tile,
            overlap=self._network.facts.reach,
        )
