"""Composes the frames of an APNG, where Pillow does not as the standard says.

Source: the PNG specification, third edition, sections 11.3.6.2 (fcTL) and 13.16 (alpha channel processing).
"""

from typing import cast

from PIL import Image
from PIL.PngImagePlugin import Blend, PngImageFile

_WITH_ALPHA = ("RGBA", "LA")


def compose(file: Image.Image) -> None:
    """Decodes the frame that a file was brought to by `seek`, onto what is below it.

    Pillow 13 mixes the alpha of both as it mixes their colours, so that a half transparent frame makes an opaque one below it
    transparent (findings/pillow_apng_over_makes_holes.sh), and begins with the picture for programs that know no animations.

    Args:
        file: of any format, at any frame but the first, not loaded there.
    """
    if file.format != "PNG" or file.mode not in _WITH_ALPHA:
        return
    png = cast(PngImageFile, file)
    if png.default_image and png.tell() == 1:
        png.im = Image.new(png.mode, png.size).im
        png._prev_im = png.im.copy()
    if png.blend_op != Blend.OP_OVER or png._prev_im is None:
        return
    canvas = png._new(png._prev_im.copy())
    png.blend_op = Blend.OP_SOURCE
    png.load()
    left, top, right, bottom = (int(side) for side in png.dispose_extent)
    canvas.alpha_composite(png.crop((left, top, right, bottom)), (left, top))
    png.im = canvas.im
