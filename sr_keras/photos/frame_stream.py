"""Frames that come one after the other, as they are computed: a large animation need never be in memory as a whole."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:  # which imports, by way of others, what writes frames
    from sr_keras.photos.picture import Frame

Size = tuple[int, int]


@dataclasses.dataclass
class FrameStream:
    """Frames, and what is known of them before they come.

    Attributes:
        like: frames of the same kinds, of any size.
        sizes: width and height of each that comes.
        fault: what was raised while one was made.
    """

    like: "Sequence[Frame]"
    sizes: Sequence[Size]
    frames: "dataclasses.InitVar[Iterator[Frame]]"
    fault: BaseException | None = None

    def __post_init__(self, frames: "Iterator[Frame]") -> None:
        self._frames = frames

    def __iter__(self) -> "Iterator[Frame]":
        """Each frame, once."""
        try:
            yield from self._frames
        except BaseException as error:
            self.fault = error
            raise

    def __len__(self) -> int:
        return len(self.sizes)


def of(frames: "Sequence[Frame]") -> FrameStream:
    """Frames that are there."""
    return FrameStream(frames, [frame.size for frame in frames], iter(frames))


class SoughtFrames(Image.Image):
    """Frames as Pillow's writers of animations take them: sought one after the other, and only the last one is in memory.

    They go through all of them once. Some look at the mode of each before.
    """

    def __init__(self, stream: FrameStream) -> None:
        """Args:
        stream: of Pillow's pictures, of one size.
        """
        super().__init__()
        self._stream, self._frames = stream, iter(stream)
        self._size = stream.sizes[0]
        self._made = -1
        self.n_frames, self.is_animated = len(stream), len(stream) > 1
        self.seek(0)

    def seek(self, frame: int) -> None:
        """See `Image.seek`; nothing is made yet.

        Raises:
            EOFError: there is none of that number.
        """
        if not 0 <= frame < self.n_frames:
            raise EOFError
        like = self._stream.like[frame]
        assert isinstance(like, Image.Image)
        self._place, self._mode = frame, like.mode

    def tell(self) -> int:
        return self._place

    def load(self) -> Any:
        """See `Image.load`; frames are made up to this one."""
        while self._made < self._place:
            frame = next(self._frames)
            assert isinstance(frame, Image.Image)
            self.im = frame.im
            self._made += 1
        return super().load()
