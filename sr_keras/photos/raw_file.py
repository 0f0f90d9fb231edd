"""Camera raw, developed by LibRaw. Importing this needs rawpy."""

from collections.abc import Callable
from typing import BinaryIO

import numpy as np
import rawpy
from PIL import Image

from sr_keras.photos.errors import PhotoError
from sr_keras.photos.picture import Frame
from sr_keras.photos.raster import Raster

# Of LibRaw's codes for how a picture is turned.
_MIRRORED, _UPSIDE_DOWN, _TRANSPOSED = 1, 2, 4
# LibRaw's own curve is that of BT.709, with sRGB's primaries.
_SRGB_CURVE = (2.4, 12.92)


def develop(stream: BinaryIO, bits: int, check_size: Callable[[int, int], None]) -> Frame:
    """The picture, upright, in sRGB, by the camera's white balance, brightened until a hundredth of it is white: RGB or grey.

    Args:
        stream: the file, from its start.
        bits: 8 or 16, of a channel.
        check_size: is called with width and height before anything is developed.

    Raises:
        PhotoError: LibRaw can't read it.
    """
    try:
        with rawpy.imread(stream) as raw:
            rows, columns = _final_picture(raw.sizes)
            flip = raw.sizes.flip  # `postprocess` sets it to what it was told
            size = columns.stop - columns.start, rows.stop - rows.start
            check_size(*(size[::-1] if flip & _TRANSPOSED else size))
            samples = raw.postprocess(use_camera_wb=True, gamma=_SRGB_CURVE, user_flip=0, output_bps=bits)
            samples = _turned(samples[rows, columns], flip)
            if bits > 8:
                return Raster(samples, colours=samples.shape[2])
            return Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
    except rawpy.LibRawError as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise PhotoError(f"camera raw that LibRaw can't develop ({reason})") from None


def _final_picture(sizes: rawpy.ImageSizes) -> tuple[slice, slice]:
    """Rows and columns of what the file says is the picture; LibRaw develops the rim around it too, if it can."""
    width, height = sizes.crop_width, sizes.crop_height
    left, top = sizes.crop_left_margin - sizes.left_margin, sizes.crop_top_margin - sizes.top_margin
    if min(width, height) > 0 and min(left, top) >= 0 and left + width <= sizes.width and top + height <= sizes.height:
        return slice(top, top + height), slice(left, left + width)
    return slice(0, sizes.height), slice(0, sizes.width)


def _turned(samples: np.ndarray, flip: int) -> np.ndarray:
    """A picture `[H, W, C]` turned upright, by LibRaw's code."""
    samples = samples[:: -1 if flip & _UPSIDE_DOWN else 1, :: -1 if flip & _MIRRORED else 1]
    return np.ascontiguousarray(samples.swapaxes(0, 1) if flip & _TRANSPOSED else samples)
