"""Pictures as files in memory, and back."""

import io
from typing import Any

import numpy as np
import tifffile
from PIL import ExifTags, Image, ImageCms

from sr_keras.photos import picture_reader, picture_writer
from sr_keras.photos.picture import FORMATS, Picture, fitted
from sr_keras.photos.raster import Raster

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def only(picture: Picture) -> Image.Image:
    """The one frame of a picture of 8 bits."""
    [frame] = picture.frames
    assert isinstance(frame, Image.Image)
    return frame


def deep(picture: Picture) -> Raster:
    """The one frame of any other picture."""
    [frame] = picture.frames
    assert isinstance(frame, Raster)
    return frame


def saved(picture: Image.Image, file_format: str = "PNG", **options: Any) -> io.BytesIO:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    buffer.seek(0)
    return buffer


def tiff(samples: np.ndarray, **options: Any) -> io.BytesIO:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, metadata=None, **options)
    buffer.seek(0)
    return buffer


def saved_as(picture: Picture, suffix: str, depth: int | None = None) -> io.BytesIO:
    """A picture as a file of a format, fitted to it."""
    buffer = io.BytesIO()
    picture_writer.write(buffer, fitted(picture, FORMATS[suffix], depth), FORMATS[suffix])
    buffer.seek(0)
    return buffer


def rewritten(picture: Picture, suffix: str, depth: int | None = None) -> Picture:
    """What is read again after a picture is written in a format."""
    return picture_reader.read(saved_as(picture, suffix, depth), all_frames=True)


def reopened(picture: Picture, suffix: str) -> Image.Image:
    """The same as Pillow opens it."""
    return Image.open(saved_as(picture, suffix))


def exif(orientation: int = 6) -> bytes:
    content = Image.Exif()
    content[ExifTags.Base.Orientation] = orientation
    content[ExifTags.Base.Make] = "Maker"
    details = content.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.ExposureTime] = 0.004
    details[ExifTags.Base.ExifImageWidth] = 12
    content.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return content.tobytes()
