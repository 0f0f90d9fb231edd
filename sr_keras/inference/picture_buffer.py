"""Memory in which blocks of pixels become a picture: pure arithmetic, NumPy only."""

import numpy as np

from sr_keras.inference.nodes import COLOURS


class PictureBuffer:
    """It is used again for each picture, for new memory takes long."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, np.uint8)

    def unblocked(self, blocks: np.ndarray, scale: int) -> np.ndarray:
        """Blocks of pixels, `[h, w, s s 3]`, as a picture, `[s h, s w, 3]`, which is valid until the next one is asked for."""
        height, width, _ = blocks.shape
        if self._bytes.size < blocks.nbytes:
            self._bytes = np.empty(blocks.nbytes, np.uint8)
        # A block's row of pixels is moved as one piece, which takes half of the time.
        piece = np.dtype((np.void, COLOURS * scale * blocks.itemsize))
        picture = self._bytes[: blocks.nbytes].view(piece).reshape(height, scale, width)
        picture[...] = blocks.view(piece).reshape(height, width, scale).transpose(0, 2, 1)
        return picture.view(blocks.dtype).reshape(scale * height, scale * width, COLOURS)
