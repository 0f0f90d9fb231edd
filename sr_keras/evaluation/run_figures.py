"""The figures that a report on a run needs: curves of its scalars, its samples, and what its network makes of photos."""

import math
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import tensorflow as tf
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

from sr_keras.evaluation import drawing
from sr_keras.inference.upscaler import Upscaler
from sr_keras.photos import rgb
from sr_keras.runtime.errors import UserError

# The side of the paper's small photos, and of its patches.
SIDE = 64
_MOST_SAMPLES = 8
_SAMPLE_SIDE = 300
# Small photos that are drawn of each large one.
_DRAWS = 4
# Values of a curve that dots can tell apart.
_FEW = 60
# What is of one kind has one colour in all panels; the others take turns.
_COLOURS = {
    "sum": "black",
    **dict.fromkeys(("fake loss", "D(fake)"), "tab:orange"),
    **dict.fromkeys(("real loss", "D(real)"), "tab:green"),
}

# From the iteration to the value, in the order of iterations.
Curve = Mapping[int, float]
# From a window `[H, W, 3]` in [0, 1] and a seed of two numbers to a low-resolution and a high-resolution photo.
MakePair = Callable[[np.ndarray, tuple[int, int]], tuple[np.ndarray, np.ndarray]]


class MissingError(UserError):
    """What is to be shown is not there."""


def read_scalars(folder: pathlib.Path) -> dict[str, Curve]:
    """The scalars in a folder of TensorBoard events, by tag.

    Where a run went back to an earlier checkpoint, the later values count, and what it has not done again yet is left out.
    """
    if not folder.is_dir():
        return {}
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 1}, tensor_size_guidance={"scalars": 0})
    accumulator.Reload()
    tags = accumulator.Tags()["tensors"]
    scalars = [tag for tag in tags if accumulator.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"]
    # In the order in which they were written.
    events = {tag: accumulator.Tensors(tag) for tag in scalars}
    _, last = max(((event.wall_time, event.step) for of_tag in events.values() for event in of_tag), default=(0, 0))
    curves: dict[str, Curve] = {}
    for tag, of_tag in events.items():
        values = {event.step: float(tf.make_ndarray(event.tensor_proto)) for event in of_tag if event.step <= last}
        if values:
            curves[tag] = dict(sorted(values.items()))
    return curves


def draw_losses(scalars: Mapping[str, Curve], title: str) -> Figure:
    """The generator's losses; below, where there is a discriminator, its losses and its predictions.

    Raises:
        MissingError: there is none.
    """
    generator, discriminator = (_losses(scalars, network) for network in ("generator", "discriminator"))
    if not generator:
        raise MissingError("no finished iteration")
    if len(generator) == 2:
        del generator["sum"]  # of one part
    figure, panels = _panels(3 if discriminator else 1, title)
    _draw_curves(panels[0], generator, "generator's loss")
    values = [value for curve in generator.values() for value in curve.values()]
    if 0 < 10 * min(values) < max(values):
        panels[0].set_yscale("log")
    if discriminator:
        panels[0].set_ylabel("generator's loss,\nparts before their weights")
        _mark_beginning(panels[0], scalars)
        panels[0].legend()
        _draw_curves(panels[1], discriminator, "discriminator's loss", guess=2 * math.log(2))
        predictions = {f"D({photos})": scalars[f"discriminator/D_{photos}"] for photos in ("real", "fake")}
        _draw_curves(panels[2], predictions, "mean prediction:\nprobability of a real photo", guess=0.5)
        panels[2].set_ylim(0, 1)
    return figure


def draw_validation(scalars: Mapping[str, Curve], title: str) -> Figure:
    """PSNR and SSIM on the validation photos, the best of each marked.

    Raises:
        MissingError: there is none.
    """
    if "validation/psnr_db" not in scalars:
        raise MissingError("no validation photo was measured" if scalars else "no finished iteration")
    figure, panels = _panels(2, title)
    for axes, name, tag, digits in zip(
        panels, ("PSNR in dB", "SSIM"), ("validation/psnr_db", "validation/ssim"), (2, 4), strict=True
    ):
        curve = scalars[tag]
        best = max(curve, key=lambda iteration: curve[iteration])
        _draw_curves(axes, {name: curve}, name)
        axes.plot([best], [curve[best]], "o", color="tab:red", label=f"best: {curve[best]:.{digits}f} after iteration {best}")
        _mark_beginning(axes, scalars)
        axes.legend(handles=axes.lines[1:])
    return figure


def choose(iterations: Sequence[int], most: int) -> list[int]:
    """At most `most` of sorted iterations, from the first to the last; closer together at first, where more changes."""
    others, chosen = list(iterations), []
    for wanted in np.geomspace(iterations[0], iterations[-1], min(most, len(iterations))):
        chosen.append(min(others, key=lambda iteration: abs(iteration - wanted)))
        others.remove(chosen[-1])
    return sorted(chosen)


def draw_samples(folder: pathlib.Path) -> np.ndarray:
    """The middle of the samples of some iterations, pixel for pixel: uint8 `[H, W, 3]`.

    Raises:
        MissingError: there is none.
    """
    samples = {int(path.stem): path for path in folder.glob("*.png") if path.stem.isdecimal()}
    if not samples:
        raise MissingError("no sample")
    return drawing.grid(
        [
            drawing.side_by_side({f"iteration {n}": _middle(rgb.read_photo(samples[n]), _SAMPLE_SIDE, _SAMPLE_SIDE)})
            for n in choose(sorted(samples), _MOST_SAMPLES)
        ],
        columns=4,
    )


def draw_small_photos(upscaler: Upscaler, photos: Iterable[tuple[str, np.ndarray]]) -> np.ndarray:
    """The middle square of each named photo, downscaled and enlarged again, as low | up: uint8 `[H, W, 3]`."""

    def low_and_up(name: str, photo: np.ndarray) -> np.ndarray:
        side = min(photo.shape[:2])
        small = rgb.resize_bicubic(_middle(photo, side, side), SIDE, SIDE)
        return _low_and_up(upscaler, small, f"{name}, low", "up")

    return drawing.grid([low_and_up(name, photo) for name, photo in photos], columns=2)


def draw_large_photo(upscaler: Upscaler, photo: np.ndarray) -> np.ndarray:
    """A photo, enlarged in patches, as low | up: uint8 `[H, W, 3]`."""
    rows, columns = (-(-length // SIDE) for length in photo.shape[:2])
    return _low_and_up(upscaler, photo, "low", f"up, in {rows * columns} patches")


def draw_degradations(
    photos: Iterable[tuple[str, np.ndarray]], make_pair: MakePair, *, scale: int, window_size: int
) -> np.ndarray:
    """The middle square of each named photo, and small photos that `make_pair` makes of it: uint8 `[H, W, 3]`.

    The large photo is that of the first draw; the others show a place some pixels beside it.

    Args:
        photos: names, and uint8 `[H, W, 3]`.
        make_pair: takes windows of `window_size` pixels a side.
        scale: of its pairs.
    """

    def row(number: int, name: str, photo: np.ndarray) -> np.ndarray:
        side = min(photo.shape[:2])
        window = rgb.to_float(rgb.resize_bicubic(_middle(photo, side, side), window_size, window_size))
        pairs = [make_pair(window, (number, draw)) for draw in range(_DRAWS)]
        large, *small = (rgb.to_uint8(drawn) for drawn in (pairs[0][1], *(lr for lr, _ in pairs)))
        draws = {_sized(f"draw {n}", lr): _as_squares(lr, scale) for n, lr in enumerate(small, 1)}
        return drawing.side_by_side({_sized(name, large): large, **draws})

    return drawing.grid([row(number, *photo) for number, photo in enumerate(photos)], columns=1)


def _losses(scalars: Mapping[str, Curve], network: str) -> dict[str, Curve]:
    """The losses of a network by their name in a legend, the sum first."""
    losses = {tag.removeprefix(f"{network}/"): curve for tag, curve in scalars.items() if tag.startswith(f"{network}/")}
    parts = {name.replace("_", " "): curve for name, curve in losses.items() if name.endswith("_loss")}
    return {"sum": losses["loss"], **parts} if "loss" in losses else {}


def _panels(rows: int, title: str) -> tuple[Figure, Sequence[Axes]]:
    """Axes below each other over the iterations."""
    figure = Figure(figsize=(8, 0.8 + 2.6 * rows), dpi=150, layout="constrained")
    panels = list(figure.subplots(rows, sharex=True, squeeze=False)[:, 0])
    figure.suptitle(title)
    panels[-1].set_xlabel("iteration")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure, panels


def _draw_curves(axes: Axes, curves: Mapping[str, Curve], label: str, guess: float | None = None) -> None:
    """Args:
    guess: the value of a discriminator that knows nothing.
    """
    for name, curve in curves.items():
        # A single value would make no line.
        marker = "." if len(curve) < _FEW else ""
        axes.plot(list(curve), list(curve.values()), marker=marker, color=_COLOURS.get(name), label=name)
    if guess is not None:
        axes.axhline(guess, color="grey", linestyle="--", linewidth=1, label="a mere guess")
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)
    if len(axes.lines) > 1:
        axes.legend()


def _mark_beginning(axes: Axes, scalars: Mapping[str, Curve]) -> None:
    """Of the discriminator, if the generator was trained alone before."""
    first, begun = (min(scalars.get(f"{network}/loss", {0: 0})) for network in ("generator", "discriminator"))
    if first < begun:
        axes.axvline(begun - 0.5, color="grey", linestyle=":", label="the discriminator joins")


def _low_and_up(upscaler: Upscaler, small: np.ndarray, low: str, up: str) -> np.ndarray:
    """The photo, its pixels shown as squares, beside what the network makes of it, each under its title and size."""
    large = upscaler.upscale(small)
    return drawing.side_by_side({_sized(low, small): _as_squares(small, upscaler.scale), _sized(up, large): large})


def _as_squares(small: np.ndarray, scale: int) -> np.ndarray:
    return small.repeat(scale, axis=0).repeat(scale, axis=1)


def _sized(title: str, photo: np.ndarray) -> str:
    return f"{title}: {photo.shape[1]}x{photo.shape[0]}"


def _middle(photo: np.ndarray, height: int, width: int) -> np.ndarray:
    """The middle of a photo, at most so large."""
    y, x = (max(0, have - want) // 2 for have, want in zip(photo.shape, (height, width), strict=False))
    return photo[y : y + height, x : x + width]
