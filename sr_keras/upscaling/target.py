"""The size that is asked for, and the passes of a network that lead to it."""

import dataclasses
import math

Size = tuple[int, int]  # width and height, as Pillow has them


@dataclasses.dataclass(frozen=True)
class Target:
    """The size that is asked for: a factor, or a width or height, or both of them.

    Attributes:
        scale: how many times larger along each axis; 1 restores alone.
        width, height: in pixels; one alone keeps the aspect.
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None

    def size(self, width: int, height: int) -> Size:
        """The size of the result for a picture of such a size."""
        if self.width and self.height:
            return self.width, self.height
        factor = self.scale or (self.width / width if self.width else (self.height or 0) / height)
        return self.width or max(1, round(factor * width)), self.height or max(1, round(factor * height))

    @property
    def label(self) -> str:
        """What a result's name says of its size: "x4", "x1.5", "1920w", "1080h", "1920x1080"."""
        if self.scale:
            return f"x{self.scale:g}"
        if self.width and self.height:
            return f"{self.width}x{self.height}"
        return f"{self.width}w" if self.width else f"{self.height}h"


def passes(size: Size, target: Target, scale: int) -> list[Size]:
    """The sizes to which the picture is reduced after each pass of the network; the last is the target's.

    Before the last pass the picture is reduced so far that the pass leads to the target: more pixels would cost much and bring
    nothing that can be seen. It never gets smaller than it was, unless the target is. A network of scale 1 restores once.
    """
    wanted = target.size(*size)
    if target.scale == 1 or scale == 1:
        return [wanted]
    sizes: list[Size] = []
    needed = wanted
    while needed[0] > size[0] or needed[1] > size[1]:
        sizes.insert(0, needed)
        width, height = (
            max(math.ceil(length / scale), min(own, most)) for length, own, most in zip(needed, size, wanted, strict=True)
        )
        needed = width, height
    return sizes


def work(size: Size, target: Target, scale: int) -> int:
    """The pixels that a network of a scale computes for a picture of a size."""
    plan = [size, *passes(size, target, scale)]
    return sum(width * height for width, height in plan[:-1])
