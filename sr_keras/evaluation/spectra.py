"""A picture of spectra: bright are the waves that a method's pictures have, the slowest in the middle. A grid shows as dots."""

from collections.abc import Mapping

import numpy as np

from sr_keras.evaluation import drawing

_ZOOM = 4


def sheet(spectra: Mapping[str, np.ndarray]) -> np.ndarray:
    """Spectra side by side, all on one scale: uint8 `[H, W, 3]`.

    Args:
        spectra: as `metrics.spectrum` has them, by title.
    """
    darkest, brightest = (limit([limit(spectrum) for spectrum in spectra.values()]) for limit in (np.min, np.max))

    def picture(spectrum: np.ndarray) -> np.ndarray:
        levels = 255 * (np.fft.fftshift(spectrum) - darkest) / (brightest - darkest)
        zoomed = np.uint8(levels).repeat(_ZOOM, axis=0).repeat(_ZOOM, axis=1)
        return np.stack([zoomed] * 3, axis=-1)

    return drawing.side_by_side({title: picture(spectrum) for title, spectrum in spectra.items()})
