"""Which option would serve a picture better: told by its samples."""

import numpy as np
from PIL import Image

from sr_keras.photos import condition, raster
from sr_keras.photos.picture import Frame, has_alpha
from sr_keras.photos.raster import Raster

# Levels of 255: what is painted under full transparency by an eraser or an encoder is flatter.
_HIDDEN_DETAIL = 4
_PIXEL_ART_COLOURS, _PIXEL_ART_PIXELS, _HARD_EDGE = 64, 512 * 512, 24
# Of a page of text, 0.9 of the pixels are like those beside them; of dithered photos 0.02 to 0.28, but for skies at night.
_FLAT_SHARE = 0.6
# Of a normal map, this share of the pixels are vectors of length 1, about, that point out of the surface.
_SHARE_OF_NORMALS, _LENGTH_TOLERANCE = 0.95, 0.08
# Enough to know a normal map by, along each axis.
_LOOKED_AT = 256


def hides_detail(frame: Frame) -> bool:
    """Whether there is something to be seen under full transparency, and something is not transparent."""
    if not has_alpha(frame):
        return False
    shares = _shares(frame)
    hidden = shares[shares[..., -1] == 0][:, :-1]
    return 0 < len(hidden) < frame.width * frame.height and bool(255 * hidden.std(axis=0).max() > _HIDDEN_DETAIL)


def is_invisible(frame: Frame) -> bool:
    """Whether all of it is transparent."""
    if isinstance(frame, Raster):
        return frame.alpha and not frame.samples[..., -1].any()
    return has_alpha(frame) and frame.getchannel("A").getextrema() == (0, 0)


def is_pixel_art(frame: Frame) -> bool:
    """Whether it is small, of few colours, and most pixels are like the one beside them, or quite unlike."""
    if (
        isinstance(frame, Raster)
        or frame.mode not in ("RGB", "RGBA")
        or not 64 <= frame.width * frame.height <= _PIXEL_ART_PIXELS
    ):
        return False
    colours = frame.getcolors(_PIXEL_ART_COLOURS)
    if colours is None or len(colours) < 3:
        return False
    steps = np.abs(np.diff(np.asarray(frame).astype(int), axis=1)).max(axis=2)
    edges = steps[steps > 0]
    return edges.size > 0 and edges.size < 0.5 * steps.size and bool(edges.mean() > _HARD_EDGE)


def is_line_art(frame: Frame) -> bool:
    """Whether it is black and white alone, and most of it flat: text and drawings; a photo that was dithered is not."""
    if isinstance(frame, Raster) or frame.mode not in ("L", "RGB") or not condition.is_bilevel(tones := np.asarray(frame)):
        return False
    tones = np.atleast_3d(tones)[..., 0]
    is_flat = (tones[1:, 1:] == tones[:-1, :-1]) & (tones[1:, :-1] == tones[:-1, 1:]) & (tones[1:, 1:] == tones[1:, :-1])
    return bool(is_flat.mean() > _FLAT_SHARE) if is_flat.size else False


def is_normal_map(frame: Frame) -> bool:
    """Whether its colours are unit vectors, as those of a surface are stored: 0 is -1, and white is 1 along each axis."""
    if isinstance(frame, Raster) and (frame.colours != 3 or frame.samples.dtype.kind != "u"):
        return False
    if isinstance(frame, Image.Image) and not frame.mode.startswith("RGB"):
        return False
    step_y, step_x = (-(-length // _LOOKED_AT) for length in (frame.height, frame.width))
    vectors = 2 * _shares(frame, step_y, step_x)[..., :3] - 1
    is_normal = (np.abs(np.linalg.norm(vectors, axis=2) - 1) < _LENGTH_TOLERANCE) & (vectors[..., 2] > 0)
    # One colour is no map, whatever it is.
    return bool(is_normal.mean() >= _SHARE_OF_NORMALS and vectors.std(axis=(0, 1)).max() > 0.01)


def _shares(frame: Frame, step_y: int = 1, step_x: int = 1) -> np.ndarray:
    """Samples, or every so many of them, as float32, with white as 1."""
    samples = (frame.samples if isinstance(frame, Raster) else np.asarray(frame))[::step_y, ::step_x]
    return samples / np.float32(raster.white(samples.dtype))
