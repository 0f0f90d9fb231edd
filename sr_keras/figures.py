"""Draws what a report on a run needs: python -m sr_keras.figures RUN

RUN is the folder of a run of train.py, which may still be training. What there is to show is drawn, what is missing is said:

  losses.png        the losses of both networks and the discriminator's verdicts
  validation.png    PSNR and SSIM on the validation photos
  samples.png       the middle of the sample photo through the iterations
  figure_2.png      as the paper's figure 2: photos of 64x64 pixels, and what the newest network makes of them
  figure_3.png      as the paper's figure 3: a larger photo, enlarged in patches of 64x64 pixels
  degradations.png  of a run with --degradation=real: the photos of figure 2, and some small ones that it makes of each
"""

import argparse
import functools
import math
import pathlib
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sr_keras.evaluation import drawing
from sr_keras.inference import model_info
from sr_keras.photos import rgb
from sr_keras.runtime import command_line, flag_file, quiet_tensorflow

with quiet_tensorflow.tensorflow_import():
    import tensorflow as tf
    from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

    from sr_keras.data import sources
    from sr_keras.data.pairs import PairMaker
    from sr_keras.inference.upscaler import Upscaler

PROG = "python -m sr_keras.figures"

# The side of the paper's small photos, and of its patches.
_SIDE = 64
_MOST_SAMPLES = 8
_SAMPLE_SIDE = 300
# Small photos that are drawn of each large one.
_DRAWS = 4
# Of the small photo of figure 3; hardly any program shows larger figures.
_MOST_PIXELS = 1_000_000
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
Draw = Callable[[], np.ndarray]


class MissingError(Exception):
    """What is to be shown is not there; the message is one line."""


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
    """The generator's losses; below, where there is a discriminator, its losses and its verdicts.

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
        verdicts = {f"D({photos})": scalars[f"discriminator/D_{photos}"] for photos in ("real", "fake")}
        _draw_curves(panels[2], verdicts, "mean verdict:\nprobability of an original", guess=0.5)
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
    """At most so many of sorted iterations, from the first to the last; closer together at first, where more changes."""
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
    """The middle square of each named photo, made small and enlarged again, as low | up: uint8 `[H, W, 3]`."""

    def low_and_up(name: str, photo: np.ndarray) -> np.ndarray:
        side = min(photo.shape[:2])
        small = rgb.resize_bicubic(_middle(photo, side, side), _SIDE, _SIDE)
        return _low_and_up(upscaler, small, f"{name}, low", "up")

    return drawing.grid([low_and_up(name, photo) for name, photo in photos], columns=2)


def draw_large_photo(upscaler: Upscaler, photo: np.ndarray) -> np.ndarray:
    """A photo, enlarged in patches, as low | up: uint8 `[H, W, 3]`."""
    rows, columns = (-(-length // _SIDE) for length in photo.shape[:2])
    return _low_and_up(upscaler, photo, "low", f"up, in {rows * columns} patches")


def draw_degradations(photos: Iterable[tuple[str, np.ndarray]], scale: int) -> np.ndarray:
    """The middle square of each named photo, and small photos that `degradation="real"` makes of it: uint8 `[H, W, 3]`.

    The large photo is that of the first draw; the others show a place some pixels beside it.
    """
    make_pair = PairMaker(scale * _SIDE, scale, degradation="real")
    # As in training: without a graph the same seed gives other photos.
    in_graph = tf.function(lambda window, seed: make_pair(window, tf.constant(0.0), seed))

    def row(number: int, name: str, photo: np.ndarray) -> np.ndarray:
        side = min(photo.shape[:2])
        window = rgb.resize_bicubic(_middle(photo, side, side), *[make_pair.window_size] * 2)
        seeds = [tf.constant([number, draw], tf.int64) for draw in range(_DRAWS)]
        pairs = [in_graph(tf.constant(rgb.to_float(window)), seed) for seed in seeds]
        large, *small = (rgb.to_uint8(drawn.numpy()) for drawn in (pairs[0][1], *(lr for lr, _ in pairs)))
        draws = {_sized(f"draw {n}", lr): _as_squares(lr, scale) for n, lr in enumerate(small, 1)}
        return drawing.side_by_side({_sized(name, large): large, **draws})

    return drawing.grid([row(number, *photo) for number, photo in enumerate(photos)], columns=1)


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    options = _parse(argv, prog)
    try:
        _draw(options)
    except (MissingError, rgb.PhotoError, OSError, ValueError, MemoryError) as error:
        print(f"figures: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _draw(options: argparse.Namespace) -> None:
    if not options.run.is_dir():
        raise MissingError(f"{options.run}: no such folder")
    # First: a photo that can't be used is said at once.
    pictures = _pictures(options.run, _small_photos(options.photos), _large_photo(options.large))
    output = options.output or options.run / "figures"
    missing = {}
    for name, draw in pictures.items():
        try:
            picture = draw()
        except MissingError as error:
            missing[name] = str(error)
            continue
        output.mkdir(parents=True, exist_ok=True)
        rgb.write_photo(output / name, picture)
        print(output / name)
    if len(missing) == len(pictures):
        raise MissingError(f"{options.run}: nothing to draw yet: {'; '.join(dict.fromkeys(missing.values()))}")
    for name, reason in missing.items():
        print(f"no {name}: {reason}", file=sys.stderr)


def _pictures(run: pathlib.Path, photos: Sequence[tuple[str, np.ndarray]], large: np.ndarray) -> dict[str, Draw]:
    """What is drawn, by the name of its file."""
    scalars = read_scalars(run / "tensorboard")
    name = run.resolve().name

    @functools.cache
    def upscaler() -> Upscaler:
        try:
            return Upscaler.load(run, precision="float32", tile=_SIDE)
        except model_info.ModelError as error:
            raise MissingError(str(error)) from None

    pictures: dict[str, Draw] = {
        "losses.png": lambda: drawing.rendered(draw_losses(scalars, f"{name}: losses, means of an iteration")),
        "validation.png": lambda: drawing.rendered(draw_validation(scalars, f"{name}: PSNR and SSIM on validation photos")),
        "samples.png": lambda: draw_samples(run / "samples"),
        "figure_2.png": lambda: draw_small_photos(upscaler(), photos),
        "figure_3.png": lambda: draw_large_photo(upscaler(), large),
    }
    flags = flag_file.read(run / "train.flags")
    if flags.get("degradation") == "real":
        pictures["degradations.png"] = lambda: draw_degradations(photos, 2 ** int(flags["num_upscales"]))
    return pictures


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
    """Draws curves into a panel.

    Args:
        guess: what a discriminator has that knows nothing.
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


def _small_photos(names: Sequence[pathlib.Path]) -> list[tuple[str, np.ndarray]]:
    paths = [path for name in names for path in (sources.list_photos(name) if name.is_dir() else [name])]
    photos = [(pathlib.Path(path), rgb.read_photo(path)) for path in paths]
    for path, photo in photos:
        if min(photo.shape[:2]) < _SIDE:
            raise rgb.PhotoError(f"{path}: must have at least {_SIDE}x{_SIDE} pixels, has {photo.shape[1]}x{photo.shape[0]}")
    return [(path.stem, photo) for path, photo in photos]


def _large_photo(path: pathlib.Path) -> np.ndarray:
    photo = rgb.read_photo(path)
    if photo.shape[0] * photo.shape[1] > _MOST_PIXELS:
        raise rgb.PhotoError(f"{path}: must have at most {_MOST_PIXELS:,} pixels, has {photo.shape[1]}x{photo.shape[0]}")
    return photo


def _parse(argv: Sequence[str] | None, prog: str) -> argparse.Namespace:
    parser = command_line.Parser(prog=prog, description=__doc__.replace(PROG, prog), epilog=command_line.EXIT_CODES)
    parser.add_argument("run", type=pathlib.Path, metavar="RUN", help="the run's folder, or one that holds a SavedModel")
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="DIR", help="where the figures go (default: RUN/figures)")
    parser.add_argument(
        "--photos",
        type=pathlib.Path,
        nargs="+",
        default=[rgb.SAMPLE / "photos" / f"{name}.jpg" for name in ("astronaut", "cat", "liftoff", "retina")],
        metavar="PHOTO",
        help="of figure 2, files or folders; their middle square is made 64x64 pixels small (default: four bundled photos, not "
        "the paper's; a run with --data=sample may have trained on them)",
    )
    parser.add_argument(
        "--large",
        type=pathlib.Path,
        default=rgb.SAMPLE / "small.png",
        metavar="PHOTO",
        help="of figure 3, enlarged as it is, at most a megapixel (default: the bundled cup of coffee, 150x100 pixels)",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
