"""Measures how fast a film is upscaled on this machine, beside what decoding and encoding it alone take."""

import pathlib
import tempfile
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
from av.video.frame import VideoFrame

from sr_keras.benchmark import timing
from sr_keras.films import encoder, film_info, formats, pipeline
from sr_keras.inference.upscaler import Upscaler
from sr_keras.photos import rgb

WIDTH, HEIGHT = 320, 180
_RATE = 24


class FilmSpeed(NamedTuple):
    """Frames a second.

    Attributes:
        whole: of all the work.
        files: of decoding and encoding alone; the pixels are repeated in place of a network.
    """

    whole: float
    files: float

    @property
    def share(self) -> float:
        """Of what decoding and encoding alone reach."""
        return self.whole / self.files


def measure(upscaler: Upscaler, *, num_frames: int, repeats: int, width: int = WIDTH, height: int = HEIGHT) -> FilmSpeed:
    """Measures on a slow pan over a bundled photo, compressed as `upscale` compresses.

    Args:
        upscaler: does the frames.
        num_frames: of the film.
        repeats: how often each is timed; the fastest counts.
        width, height: of the film.
    """
    with tempfile.TemporaryDirectory() as folder:
        film = pathlib.Path(folder) / "film.mp4"
        _write_pan(film, num_frames, width, height)
        info = film_info.probe(film)

        def work(upscaler: pipeline.Upscaler) -> Callable[[], float]:
            encoding = encoder.Encoding(
                "h264", formats.CODECS["h264"].crf, upscaler.scale * width, upscaler.scale * height, 240
            )
            task = pipeline.Task(film, film.with_name("large.mp4"), info, encoding, overwrite=True)
            return timing.timed(lambda: pipeline.run(task, [upscaler]))

        seconds = timing.fastest({"whole": work(upscaler), "files": work(_Repeater(upscaler.scale))}, repeats)
    return FilmSpeed(num_frames / seconds["whole"], num_frames / seconds["files"])


class _Repeater:
    """Repeats pixels."""

    def __init__(self, scale: int) -> None:
        self.scale = scale

    def upscale_to(
        self,
        put: Callable[[int, int, np.ndarray], None],
        photo: np.ndarray,
        *,
        self_ensemble: bool,
        progress: Callable[[float], None],
    ) -> None:
        put(0, 0, photo.repeat(self.scale, axis=0).repeat(self.scale, axis=1))
        progress(1.0)


def _write_pan(path: pathlib.Path, num_frames: int, width: int, height: int) -> None:
    photo = rgb.resize_bicubic(rgb.read_photo(rgb.SAMPLE / "photos" / "astronaut.jpg"), 2 * height, 2 * width)
    # Through the photo and back, a pixel a frame.
    ways = np.abs((np.arange(num_frames) + width) % (2 * width) - width)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(_RATE), options={"crf": "17"})
        stream.width, stream.height = width, height
        for way in ways:
            window = np.ascontiguousarray(photo[way * height // width :][:height, way : way + width])
            frame = VideoFrame.from_ndarray(window, format="rgb24").reformat(format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
