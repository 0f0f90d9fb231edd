"""How high the strips are in which stages are computed: as low as they can be without much that is computed twice."""

import math
from collections.abc import Sequence

from sr_keras.inference import strips, tiling
from sr_keras.inference.stages import Stage
from sr_keras.inference.tiling import Span

# The share of a stage's work that may be done twice, where windows overlap, from the smallest strips on, which take the least
# memory: as small as the whole network's share allows. That is less for photos up to so many pixels.
_OVERLAPS = (0.12, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.015, 0.01)
_SMALL_PHOTO = 512 * 512
_SMALL_PHOTO_SHARE, _SHARE = 0.019, 0.07
# Of the last stage, which has little arithmetic but large tensors.
_LAST_OVERLAP = 0.15
# It works beside all that the stages before it keep, so that its share of the memory is smaller.
_LAST_SHARE = 1 / 5
# What strips overlap before a photo is divided into columns too, which overlap as far as the whole network sees.
_MOST_OVERLAP = 0.075

# Of the memory, for two tensors of a photo that is computed whole: twice as much is in use, and later stages follow.
_WHOLE_SHARE = 1 / 3

# Lower strips make many calls of little work, and so do blocks with fewer values in their largest tensor.
_LEAST_WINDOW = 16
_LEAST_STRIP = 4
_BLOCK_VALUES = 4_000_000

# Of photos up to so many rows, what lags would compute beyond the photo counts for more than the memory of rows that wait.
_LOW_PHOTO = 512


def choose(division: Sequence[Stage], height: int, width: int, memory: int, precision: str) -> tuple[int, ...]:
    """The height of each stage's strips: the smallest that make little overlap, if they fit into memory.

    Args:
        division: the stages.
        height, width: of the photo, in pixels.
        memory: bytes, for the work of a stage.
        precision: of the tensors between stages.
    """
    share = _SMALL_PHOTO_SHARE if height * width <= _SMALL_PHOTO else _SHARE
    depth = sum(_receptive_field(stage) for stage in division) if height > _LOW_PHOTO else 0
    for overlap in _OVERLAPS:
        heights = tuple(_strip(stage, height, width, memory, precision, overlap=overlap, depth=depth) for stage in division)
        if overlap_factor(division, height, heights) <= 1 + share:
            break
    return heights


def widest(division: Sequence[Stage], memory: int, precision: str) -> int:
    """The width up to which a photo is computed in one column: strips are high enough to overlap little."""
    before = [stage for stage in division if not stage.is_last]
    rows = [max(_LEAST_STRIP + 2, 2 * stage.margin * (1 + 1 / _MOST_OVERLAP)) for stage in before]
    widths = [memory / _pixel_bytes(stage, precision) / least for stage, least in zip(before, rows, strict=True)]
    return max(tiling.SMALLEST_TILE, int(min(widths)))


def is_whole(first: Stage, height: int, width: int, memory: int, precision: str) -> bool:
    """Whether there is memory for all layers at the photo's own size at once, which are the first stage then."""
    return _pixel_bytes(first, precision) * height * width <= _WHOLE_SHARE * memory


def spans(division: Sequence[Stage], height: int, heights: Sequence[int]) -> list[list[Span]]:
    """The windows of each stage."""
    found: list[list[Span]] = []
    # What makes each tensor in blocks: the height of these, and how far they lag behind the photo's own.
    makers: dict[str, tuple[int, int]] = {}
    for stage, strip in zip(division, heights, strict=True):
        if stage.is_exact:
            lags = [
                makers[value.name][1] + math.ceil(beyond / value.scale)
                for value, beyond in zip(stage.inputs, stage.beyond, strict=True)
                if makers.get(value.name, (0, 0))[0] == strip
            ]
            lag = max(lags, default=0) if height > _LOW_PHOTO else 0
            makers |= {value.name: (strip, lag) for value in stage.outputs}
            found.append(strips.blocks(height, strip, lag))
        else:
            found.append(strips.windows(height, strip, stage.margin))
    return found


def overlap_factor(division: Sequence[Stage], height: int, heights: Sequence[int]) -> float:
    """How many times the arithmetic of a column is done."""
    work = [sum(node.operations for node in stage.nodes) for stage in division]
    factors = [strips.overlap_factor(each, height) for each in spans(division, height, heights)]
    return sum(part * factor for part, factor in zip(work, factors, strict=True)) / sum(work)


def work_memory(division: Sequence[Stage], height: int, width: int, heights: Sequence[int], precision: str) -> int:
    """What the work of all stages takes at once, in bytes."""
    rows = [first.window_stop - first.window_start for first, *_ in spans(division, height, heights)]
    return sum(_pixel_bytes(stage, precision) * count * width for stage, count in zip(division, rows, strict=True))


def _even(rows: int, strip: int) -> int:
    """The height of blocks, from half of a strip's on, that go least beyond so many rows."""
    strip = min(strip, rows)
    return min(range(max(1, strip // 2), strip + 1), key=lambda block: (math.ceil(rows / block) * block, -block))


def _receptive_field(stage: Stage) -> int:
    """How far a stage that is exact sees, in rows of the photo."""
    return max((math.ceil(beyond / value.scale) for value, beyond in zip(stage.inputs, stage.beyond, strict=True)), default=0)


def _pixel_bytes(stage: Stage, precision: str) -> int:
    """What a stage takes for each pixel of a window."""
    return stage.values * (4 if stage.is_picture or precision == "float32" else 2)


def _strip(stage: Stage, height: int, width: int, memory: int, precision: str, *, overlap: float, depth: int) -> int:
    """The height of a stage's strips: the smallest that makes little overlap, if that fits into memory."""
    share = _LAST_SHARE if stage.is_last else 1
    fits = int(share * memory) // (_pixel_bytes(stage, precision) * width) - 2 * stage.margin
    if stage.is_exact:
        largest = max(value.channels * value.scale**2 for value in (*stage.inputs, *stage.outputs))
        least = max(_LEAST_STRIP, _BLOCK_VALUES // (largest * width))
        return max(1, min(_even(height + depth, least), fits))
    overlap = _LAST_OVERLAP if stage.is_last else overlap
    windows = 1 + math.floor(overlap * height / max(1, 2 * stage.margin))
    inner = math.ceil((height - 2 * stage.margin) / windows)
    return max(1, stage.margin, min(height, fits, max(inner, _LEAST_WINDOW)))
