"""The names by which parts of a training are chosen, as types: options know them here without TensorFlow."""

from typing import Literal

Degradation = Literal["none", "blur", "real"]
Downscale = Literal["bicubic", "bilinear", "area"]
FeatureDistance = Literal["squared", "directions"]
Generator = Literal["srgan", "edsr", "espcn", "lapsrn"]
PixelLoss = Literal["mse", "mae", "charbonnier", "psnr"]
Precision = Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"]
Strategy = Literal["auto", "one", "mirrored", "multi_worker"]
