"""Upscales photos of any size with an exported network."""

import itertools
import math
import os
import pathlib

import numpy as np
from PIL import Image

from sr_keras.inference import engine as engines
from sr_keras.inference import model_info, tiling
from sr_keras.inference.engine import Network


class Upscaler:
    """Upscales photos, tile by tile; the tiles do not show. It may be used from several threads at once.

    Attributes:
        scale: how many times larger results are, along each axis.
        receptive_field: how many pixels of the photo on each side of a pixel its result depends on.
        precision: the number format of the arithmetic: float32, bfloat16 or float16.
        tile: the largest height and width of a tile, in pixels of the small photo.
        device: where the network is, as TensorFlow names it; None is the engine's own choice.
        engine: what computes: "tensorflow" or "openvino".
        why_engine: why that one, in words; empty where it was asked for.
        has_tiles: whether a photo is computed in tiles; "openvino" takes strips of its whole width, unless `tile` is given.
    """

    def __init__(
        self,
        network: Network,
        *,
        enlarging: Network | None = None,
        denoise: float = 1.0,
        precision: str = "auto",
        memory_mb: int | None = None,
        tile: int | None = None,
        device: str | None = None,
    ) -> None:
        """Takes networks that are loaded; `load` takes a name or a folder.

        Args:
            network: computes the result.
            enlarging: a network of the same scale that only enlarges. Its result and that of `network` are mixed.
            denoise: the share of `network` in that, from 0 to 1. Noise falls steadily as it grows; 0 is `enlarging` alone.
            precision: "auto" is the fastest of "float32", "bfloat16" and "float16" that the hardware multiplies natively.
            memory_mb: memory for the work on a tile, in MB (10^6 bytes), beside the photo and the result. The tile size follows
                from it. None is 4096 on a GPU, up to 900 for OpenVINO, and for TensorFlow on a CPU 384, or up to an eighth of
                what is free for networks that see far.
            tile: overrides `memory_mb`.
            device: where the network was loaded, as TensorFlow names it.

        Raises:
            ValueError: an argument is none of its values.
        """
        if precision not in ("auto", *model_info.PRECISIONS):
            raise ValueError(f"precision must be auto or one of {', '.join(model_info.PRECISIONS)}, got {precision!r}")
        for name, number in (("memory_mb", memory_mb), ("tile", tile)):
            if number is not None and (not isinstance(number, (int, np.integer)) or number < 1):
                raise ValueError(f"{name} must be a whole number from 1 on, got {number!r}")
        self._shares = [
            (each.engine(precision=precision, memory_mb=memory_mb, tile=tile, device=device), share)
            for each, share in _shares(network, enlarging, denoise)
        ]
        first, _ = self._shares[0]
        self.scale, self.precision, self.engine = network.info.scale, first.precision, first.name
        self.receptive_field = max(each.info.receptive_field for each, _ in self._shares)
        self.tile = min(each.tile for each, _ in self._shares)
        self.has_tiles = tile is not None or first.name == "tensorflow"
        self.device = device
        self.why_engine = ""
        self._process = os.getpid()

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        denoise: float = 1.0,
        precision: str = "auto",
        memory_mb: int | None = None,
        tile: int | None = None,
        device: str | None = None,
        engine: engines.Name = "auto",
    ) -> "Upscaler":
        """Loads a bundled network, or a SavedModel's folder, to `device`. See `__init__` for the others.

        Only load models that you trust: a SavedModel is a program, and TensorFlow runs it.

        Args:
            path: the folder, or one whose newest numbered version is loaded; a text may also be the name of a bundled network.
            denoise: below 1, the result is mixed with that of the bundled `edsr`, which only enlarges.
            engine: what computes: "tensorflow", or on processors "openvino", which does without TensorFlow
                (`pip install '.[cpu]'` in the checkout). "auto" is TensorFlow on a GPU; on processors the one that was measured
                to be faster, or "openvino" where that was not measured.

        Raises:
            ModelError: nothing is there, it is damaged, it is not ours, or there is nothing to mix.
            ValueError: an argument is none of its values.
        """
        model = model_info.find_model(path) if isinstance(path, str) else pathlib.Path(path)
        folder = model_info.newest_version(model)
        name, why = engines.resolve(engine, folder, precision, device)
        network = engines.load(name, folder, device)
        enlarging = engines.load(name, _enlarging_folder(), device) if denoise < 1 else None
        if enlarging:
            model_info.require_strength(network.info, model)
        if enlarging and network.info.scale != enlarging.info.scale:
            raise model_info.ModelError(
                f"{path}: enlarges {network.info.scale} times, {model_info.ENLARGING} {enlarging.info.scale} times"
            )
        upscaler = cls(
            network,
            enlarging=enlarging,
            denoise=denoise,
            precision=precision,
            memory_mb=memory_mb,
            tile=tile,
            device=device,
        )
        upscaler.why_engine = why
        return upscaler

    def upscale(self, photo: "np.ndarray | Image.Image", *, self_ensemble: bool = False) -> np.ndarray:
        """Upscales a photo: `[H, W, 3]` RGB, uint8, uint16, or float32 in [0, 1], to `[s H, s W, 3]` of the same type.

        The result does not depend on the tile size, up to rounding: in float32 at most 1 level of 255 differs anywhere, in
        fewer than 1 of 10,000 pixels; in the reduced precisions at most 2 levels. All but uint8 is always computed in float32.

        Args:
            photo: at least one pixel; an array, or a picture of Pillow's of mode "RGB".
            self_ensemble: the mean over the 8 flips and quarter turns of the photo (Lim et al. 2017, section 3.4): a little
                better, and 8 times the work.

        Raises:
            ValueError: it is no such photo, or the network computed a value that is not finite.
            MemoryError: there is too little even for the smallest tile.
            RuntimeError: it is used in a fork of the process that loaded it, where TensorFlow would wait without end.
        """
        photo = np.asarray(photo)
        _require_photo(photo)
        result = np.empty((self.scale * photo.shape[0], self.scale * photo.shape[1], 3), photo.dtype)

        def put(y: int, x: int, tile: np.ndarray) -> None:
            result[y : y + tile.shape[0], x : x + tile.shape[1]] = tile

        self.upscale_to(put, photo, self_ensemble=self_ensemble)
        return result

    def upscale_to(
        self,
        put: tiling.Put,
        photo: np.ndarray,
        *,
        self_ensemble: bool = False,
        progress: tiling.Progress = lambda share: None,
    ) -> None:
        """`upscale` for results that are kept elsewhere: each tile of them is passed to `put(y, x, tile)`.

        Args:
            put: y and x are where the tile begins in the result. The tile is its own until it returns.
            photo, self_ensemble: as in `upscale`.
            progress: called with the share that is done, from 0 to 1, again and again. What it raises ends the work.

        Raises:
            ValueError, MemoryError, RuntimeError: as `upscale` does.
        """
        _require_photo(photo)
        if os.getpid() != self._process:
            raise RuntimeError("this Upscaler was loaded before a fork, and works there alone; load one in each process")
        if len(self._shares) == 1 and not self_ensemble:
            self._shares[0][0].upscale_to(put, photo, progress)
            return
        tiling.upscale_tiled(
            _ensemble(self._upscale_tile) if self_ensemble else self._upscale_tile,
            photo,
            put,
            scale=self.scale,
            tile=self.tile,
            overlap=self.receptive_field,
            grid=math.lcm(*(each.info.grid for each, _ in self._shares)),
            progress=progress,
        )

    def overlap_factor(self, height: int, width: int) -> float:
        """How many times the network's arithmetic for a photo of such a size is done, because its parts overlap."""
        return self._shares[0][0].overlap_factor(height, width)

    def _upscale_tile(self, window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
        tiles = [each.upscale_tile(window, start, size) for each, _ in self._shares]
        if len(tiles) == 1:
            return tiles[0]
        mean = np.sum([np.float32(share) * tile for tile, (_, share) in zip(tiles, self._shares, strict=True)], axis=0)
        return _rounded(mean, window.dtype)


def devices(engine: engines.Name = "auto") -> list[str | None]:
    """Each GPU, or None for the CPU where there is none: values for `device` of `Upscaler.load`."""
    return engines.devices(engine)


def _enlarging_folder() -> pathlib.Path:
    return model_info.newest_version(model_info.SHIPPED_MODELS / model_info.ENLARGING)


def _shares(network: Network, enlarging: Network | None, denoise: float) -> list[tuple[Network, float]]:
    """The networks whose results are mixed, and the share of each."""
    if not 0 <= denoise <= 1:
        raise ValueError(f"denoise must be from 0 to 1, got {denoise}")
    if denoise < 1 and enlarging is None:
        raise ValueError("denoise below 1 needs a network that only enlarges")
    shares = [(network, denoise), (enlarging, 1 - denoise)]
    return [(each, share) for each, share in shares if each is not None and share > 0]


def _require_photo(photo: np.ndarray) -> None:
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.size == 0 or photo.dtype not in (np.uint8, np.uint16, np.float32):
        raise ValueError(f"a photo must be uint8, uint16 or float32 [H, W, 3], got {photo.dtype} {list(photo.shape)}")
    if photo.dtype == np.float32 and not (photo.min() >= 0 and photo.max() <= 1):  # nor if one is no number
        raise ValueError(f"a float32 photo must be in [0, 1], got {photo.min()} to {photo.max()}")


def _rounded(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Values as those of a photo's type."""
    return (x if dtype == np.float32 else np.rint(x)).astype(dtype)


def _ensemble(upscale_tile: tiling.UpscaleTile) -> tiling.UpscaleTile:
    """The mean over the 8 symmetries of a square."""

    def upscale(window: np.ndarray, start: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
        # In float32, which has the sums of 16-bit levels exactly.
        mean: np.ndarray = np.zeros((), np.float32)
        for flip_y, flip_x, transpose in itertools.product((False, True), repeat=3):
            flips = slice(None, None, -1 if flip_y else 1), slice(None, None, -1 if flip_x else 1)
            # What begins `start` after one end begins so far before the other.
            place = [
                length - begin - extent if flip else begin
                for flip, length, begin, extent in zip((flip_y, flip_x), window.shape, start, size, strict=False)
            ]
            if transpose:
                sr = upscale_tile(window[flips].swapaxes(0, 1), (place[1], place[0]), (size[1], size[0])).swapaxes(0, 1)
            else:
                sr = upscale_tile(window[flips], (place[0], place[1]), size)
            mean = mean + sr[flips] / np.float32(8)
        return mean if window.dtype == np.float32 else np.floor(mean + np.float32(0.5)).astype(window.dtype)

    return upscale
