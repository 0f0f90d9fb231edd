"""Draws what a report on a run needs: python -m sr_keras.figures RUN

RUN is the folder of a run, which may still be training. It draws what there is to show, and names what is missing:

  losses.png        the losses of both networks and the discriminator's predictions
  validation.png    PSNR and SSIM on the validation photos
  samples.png       the middle of the sample photo through the iterations
  figure_2.png      as the paper's figure 2: photos of 64x64 pixels, and what the newest network makes of them
  figure_3.png      as the paper's figure 3: a larger photo, enlarged in patches of 64x64 pixels
  degradations.png  of a run with --degradation=real: the photos of figure 2, and small ones of places a few pixels beside
"""

import argparse
import functools
import pathlib
import sys
from collections.abc import Callable, Sequence

import numpy as np

from sr_keras.inference import model_info
from sr_keras.photos import rgb
from sr_keras.runtime import argument_types, command_line, flag_file, quiet_tensorflow
from sr_keras.runtime.errors import UserError

PROG = "python -m sr_keras.figures"

# Of the small photo of figure 3; hardly any program shows larger figures.
_MOST_PIXELS = 1_000_000

NamedPhoto = tuple[str, np.ndarray]


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    options = _parse(argv, prog)
    return command_line.run(prog, lambda: _draw(options))


def _draw(options: argparse.Namespace) -> int:
    if not options.run.is_dir():
        raise UserError(f"{options.run}: no such folder")
    # Later, because TensorFlow takes seconds to import: --help and wrong options are answered at once.
    with quiet_tensorflow.tensorflow_import():
        from sr_keras.evaluation.run_figures import MissingError
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
    return 0


def _pictures(run: pathlib.Path, photos: Sequence[NamedPhoto], large: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    """What draws each figure, by the name of its file."""
    from matplotlib.figure import Figure

    from sr_keras.evaluation import drawing, run_figures
    from sr_keras.inference.upscaler import Upscaler

    scalars = run_figures.read_scalars(run / "tensorboard")
    name = run.resolve().name

    @functools.cache
    def upscaler() -> Upscaler:
        try:
            return Upscaler.load(run, precision="float32", tile=run_figures.SIDE)
        except model_info.ModelError as error:
            raise run_figures.MissingError(str(error)) from None

    def curves(draw: Callable[[dict[str, run_figures.Curve], str], Figure], title: str) -> np.ndarray:
        return drawing.rendered(draw(scalars, f"{name}: {title}"))

    pictures: dict[str, Callable[[], np.ndarray]] = {
        "losses.png": lambda: curves(run_figures.draw_losses, "losses, means of an iteration"),
        "validation.png": lambda: curves(run_figures.draw_validation, "PSNR and SSIM on validation photos"),
        "samples.png": lambda: run_figures.draw_samples(run / "samples"),
        "figure_2.png": lambda: run_figures.draw_small_photos(upscaler(), photos),
        "figure_3.png": lambda: run_figures.draw_large_photo(upscaler(), large),
    }
    flags = flag_file.read(run / "train.flags")
    if flags.get("degradation") == "real":
        pictures["degradations.png"] = lambda: _draw_degradations(photos, 2 ** int(flags.get("num_upscales", 2)))
    return pictures


def _draw_degradations(photos: Sequence[NamedPhoto], scale: int) -> np.ndarray:
    import tensorflow as tf

    from sr_keras.data.pairs import PairMaker
    from sr_keras.evaluation import run_figures

    maker = PairMaker(scale * run_figures.SIDE, scale, degradation="real")
    # As in training: without a graph the same seed gives other photos.
    in_graph = tf.function(lambda window, seed: maker(window, tf.constant(0.0), seed))

    def make_pair(window: np.ndarray, seed: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        lr, hr = in_graph(tf.constant(window), tf.constant(seed, tf.int64))
        return lr.numpy(), hr.numpy()

    return run_figures.draw_degradations(photos, make_pair, scale=scale, window_size=maker.window_size)


def _small_photos(names: Sequence[pathlib.Path]) -> list[NamedPhoto]:
    from sr_keras.data import sources
    from sr_keras.evaluation.run_figures import SIDE

    paths = [path for name in names for path in (sources.list_photos(name) if name.is_dir() else [name])]
    photos = [(pathlib.Path(path), rgb.read_photo(path)) for path in paths]
    for path, photo in photos:
        if min(photo.shape[:2]) < SIDE:
            raise rgb.PhotoError(f"{path}: must have at least {SIDE}x{SIDE} pixels, has {photo.shape[1]}x{photo.shape[0]}")
    return [(path.stem, photo) for path, photo in photos]


def _large_photo(path: pathlib.Path) -> np.ndarray:
    photo = rgb.read_photo(path)
    if photo.shape[0] * photo.shape[1] > _MOST_PIXELS:
        raise rgb.PhotoError(f"{path}: must have at most {_MOST_PIXELS:,} pixels, has {photo.shape[1]}x{photo.shape[0]}")
    return photo


def _parse(argv: Sequence[str] | None, prog: str) -> argparse.Namespace:
    parser = command_line.Parser(prog=prog, description=__doc__.replace(PROG, prog), epilog=command_line.EXIT_CODES)
    parser.add_argument("run", type=argument_types.path, metavar="RUN", help="the run's folder, or one that holds a SavedModel")
    parser.add_argument(
        "-o", "--output", type=argument_types.path, metavar="DIR", help="where the figures go (default: RUN/figures)"
    )
    parser.add_argument(
        "--photos",
        type=argument_types.path,
        nargs="+",
        default=[rgb.SAMPLE / "photos" / f"{name}.jpg" for name in ("astronaut", "cat", "liftoff", "retina")],
        metavar="PHOTO",
        help="of figure 2, files or folders; their middle square is made 64x64 pixels small (default: four bundled photos, not "
        "the paper's; a run with --data=sample may have trained on them)",
    )
    parser.add_argument(
        "--large",
        type=argument_types.path,
        default=rgb.SAMPLE / "small.png",
        metavar="PHOTO",
        help="of figure 3, enlarged as it is, at most a megapixel (default: the bundled cup of coffee, 150x100 pixels)",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
