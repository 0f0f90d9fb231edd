"""Takes one frame through the network and passes on the rows of its result as they come, so that it is never in memory whole.

Only the alpha of a result is: it comes first, in a run of the network of its own.
"""

import dataclasses
import operator

import numpy as np
from PIL import Image

from sr_keras.inference.tiling import Progress
from sr_keras.photos import raster
from sr_keras.photos.picture import Frame, has_alpha
from sr_keras.photos.raster import Raster
from sr_keras.photos.rows import Layout, PutRows, layout_of
from sr_keras.upscaling import corrections, hints
from sr_keras.upscaling.frame_run import FrameRun, part
from sr_keras.upscaling.row_order import RowOrder
from sr_keras.upscaling.row_reducer import RowReducer
from sr_keras.upscaling.target import Size


def layout(run: FrameRun, frame: Frame) -> Layout | None:
    """The layout of a frame's result, if its rows can be passed on as they come; None where what follows needs all of it."""
    changed_after = run.options.limit or run.options.pixel_art or run.options.normals
    if changed_after or len(run.plan) < 2 or hints.is_line_art(frame):
        return None
    if run.wrap != "none" and _is_reduced(run):
        return None
    if isinstance(frame, Raster):
        is_tones = all(raster.is_tones(frame, group) for group in frame.groups)
        if frame.samples.dtype != np.uint16 or frame.bands != frame.colours + frame.alpha or not is_tones:
            return None
    width, height = run.size
    return layout_of(frame)._replace(width=width, height=height)


class RowRun:
    """The way of one frame, of which there is a `layout`, to the rows of its result."""

    def __init__(self, run: FrameRun, put_rows: PutRows) -> None:
        """Args:
        run: what would make the whole of it.
        put_rows: takes rows, from the top on: `[n, W, C]` of the type of the frame's samples.
        """
        self._run, self._put_rows = run, put_rows
        # The small picture's width and height are those that the last pass takes.
        self._small = run.plan[-2]
        self._large = run.upscaler.scale * self._small[0], run.upscaler.scale * self._small[1]

    def through(self, frame: Frame, progress: Progress) -> None:
        """Passes on all rows; raises what `enlarge` does."""
        pixels = [width * height for width, height in self._run.plan[:-1]]
        share = pixels[-1] / sum(pixels)
        # What all passes but the last make is small.
        before = dataclasses.replace(self._run, plan=self._run.plan[:-1], size=self._small)
        small = before.through_passes(frame, part(progress, 0, 1 - share))
        last = part(progress, 1 - share, share)
        samples = _samples(small)
        if not has_alpha(frame):
            self._pass_through(samples, self._reduced(self._put_rows), last)
            return
        colour, alpha = samples[..., :-1], samples[..., -1]
        is_same_everywhere = alpha.min() == alpha.max() and alpha.min() in (0, raster.white(alpha.dtype))
        is_coverage = self._run.options.alpha == "coverage" and not is_same_everywhere
        # Of more than 8 bits, they are replaced before the first pass.
        if is_coverage and (isinstance(frame, Image.Image) or small is frame):
            colour = corrections.without_hidden_colours(colour, alpha)
        if is_same_everywhere:
            large = final = np.broadcast_to(alpha[:1, :1], self._run.size[::-1])
        else:
            large, final = self._alpha(alpha, _samples(frame)[..., -1], part(last, 0, 0.5))
        put = _Joined(self._put_rows, final).put
        if is_coverage and _is_reduced(self._run) and isinstance(frame, Image.Image):
            # Pillow weighs colours by alpha.
            reducer = RowReducer(lambda rows: put(rows[..., :-1]), self._large, self._run.size)
            self._pass_through(colour, _Joined(reducer.put, large).put, part(last, 0.5, 0.5))
        else:
            self._pass_through(colour, self._reduced(put), part(last, 0.5, 0.5))

    def _alpha(self, alpha: np.ndarray, original: np.ndarray, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
        """The alpha that the network makes, and that of the result: `[h, w]` each.

        Args:
            alpha: what the last pass takes.
            original: of the frame.
        """
        final = _Collected(self._run.size, alpha.dtype)
        large = _Collected(self._large, alpha.dtype) if _is_reduced(self._run) else final
        reduced = self._reduced(final.put)

        def put(rows: np.ndarray) -> None:
            if large is not final:
                large.put(rows)
            reduced(rows)

        self._pass_through(alpha[..., np.newaxis], put, progress)
        if self._run.options.alpha == "coverage" and all(map(operator.ge, self._run.size, self._run.plan[0])):
            corrections.coverage(original, final.samples)
        return large.samples, final.samples

    def _pass_through(self, photo: np.ndarray, put: PutRows, progress: Progress) -> None:
        """The last pass of `[h, w, 1 or 3]`."""
        self._run.through_network(photo, RowOrder(put, self._large[0]).put, progress)

    def _reduced(self, put: PutRows) -> PutRows:
        return RowReducer(put, self._large, self._run.size).put if _is_reduced(self._run) else put


class _Joined:
    """Adds the next rows of a plane to those that come, as their last channel."""

    def __init__(self, put_rows: PutRows, plane: np.ndarray) -> None:
        self._put_rows, self._plane = put_rows, plane
        self._row = 0

    def put(self, rows: np.ndarray) -> None:
        further = self._plane[self._row : self._row + len(rows), :, np.newaxis]
        self._row += len(rows)
        self._put_rows(np.concatenate([rows, further], axis=2))


class _Collected:
    """Rows of one channel, all of which are kept.

    Attributes:
        samples: `[h, w]`.
    """

    def __init__(self, size: Size, dtype: np.dtype) -> None:
        self.samples = np.empty(size[::-1], dtype)
        self._row = 0

    def put(self, rows: np.ndarray) -> None:
        self.samples[self._row : self._row + len(rows)] = rows[..., 0]
        self._row += len(rows)


def _is_reduced(run: FrameRun) -> bool:
    """Whether a reduction follows the last pass."""
    return run.size != tuple(run.upscaler.scale * length for length in run.plan[-2])


def _samples(frame: Frame) -> np.ndarray:
    """`[H, W, C]`."""
    samples = frame.samples if isinstance(frame, Raster) else np.asarray(frame)
    return np.atleast_3d(samples)
