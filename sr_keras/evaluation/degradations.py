"""Three fixed ways in which photos are degraded to measure with. They never change, so that figures can be compared.

- phone: blurred, downscaled by bicubic, noisy, JPEG of quality 85. A photo by a small sensor.
- web: downscaled by Lanczos, JPEG of quality 60, opened and saved again at 75. A photo that went from page to page.
- cctv: blurred much, downscaled by means over areas, very noisy, JPEG of quality 50. A frame of a surveillance camera.

All JPEG stores colours at half the height and width (4:2:0).
"""

import functools
import hashlib
import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from sr_keras.photos import rgb

Resampling = Image.Resampling


def degrade(hr: np.ndarray, kind: str, name: str, scale: int) -> np.ndarray:
    """A small photo of a large one.

    Args:
        hr: uint8 `[H, W, 3]`, both multiples of `scale`.
        kind: one of `KINDS`.
        name: of the photo's file: the same name gets the same noise.
        scale: how many times smaller the result is.

    Returns:
        uint8 `[H / scale, W / scale, 3]`.
    """
    digest = hashlib.blake2b(f"{kind}/{name}".encode(errors="surrogateescape"), digest_size=8).digest()
    noise = np.random.default_rng(int.from_bytes(digest, "big"))
    return KINDS[kind](Image.fromarray(hr), (hr.shape[1] // scale, hr.shape[0] // scale), noise)


def with_noise(photo: np.ndarray, sigma: float, random: np.random.Generator) -> np.ndarray:
    """Adds Gaussian noise of standard deviation `sigma` in levels, 0.8 of it common to the channels: uint8 `[H, W, 3]`."""
    height, width = photo.shape[:2]
    noise = 0.8 * random.standard_normal((height, width, 1)) + 0.6 * random.standard_normal((height, width, 3))
    return rgb.to_uint8((photo + sigma * noise) / 255)


def jpeg(photo: Image.Image, quality: int) -> Image.Image:
    """A photo after JPEG compression, with colours at half the height and width."""
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return Image.open(file)


def _by_camera(
    photo: Image.Image,
    size: tuple[int, int],
    random: np.random.Generator,
    *,
    blur: float,
    resampling: Resampling,
    sigma: float,
    quality: int,
) -> np.ndarray:
    """Blur in pixels of the large photo, noise in levels."""
    small = photo.filter(ImageFilter.GaussianBlur(blur)).resize(size, resampling)
    return np.asarray(jpeg(Image.fromarray(with_noise(np.asarray(small), sigma, random)), quality))


def _from_web(photo: Image.Image, size: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    return np.asarray(jpeg(jpeg(photo.resize(size, Resampling.LANCZOS), 60), 75))


KINDS: dict[str, Callable[[Image.Image, tuple[int, int], np.random.Generator], np.ndarray]] = {
    "phone": functools.partial(_by_camera, blur=1.0, resampling=Resampling.BICUBIC, sigma=3.0, quality=85),
    "web": _from_web,
    "cctv": functools.partial(_by_camera, blur=2.4, resampling=Resampling.BOX, sigma=9.0, quality=50),
}
