"""What TensorBoard shows of a run; each function returns an action of the loop, or metrics for one."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import psutil
import tensorflow as tf
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import summary as custom_scalar

from sr_keras.evaluation import drawing, metrics
from sr_keras.photos import rgb
from sr_keras.training.loop import Action, Metrics

Upscale = Callable[[np.ndarray], np.ndarray]

# TensorBoard shows them beside the names.
_DESCRIPTIONS = {
    "generator/loss": "What the generator makes small: losses of pixels, features, grids, and w times the adversarial one.",
    "generator/pixel_loss": "Error over all pixels of pictures in [0, 1]: squared, or as --pixel_loss says.",
    "generator/adversarial_loss": "Small where the discriminator is deceived by generated pictures; 0.69 where it can't tell.",
    "discriminator/loss": "Small where the discriminator tells originals from generated pictures; 1.39 where it can't.",
    "discriminator/fake_loss": "The part of the discriminator's loss that comes from generated pictures.",
    "discriminator/real_loss": "The part of the discriminator's loss that comes from originals.",
    "discriminator/D_real": "Mean probability of being original that the discriminator gives to originals.",
    "discriminator/D_fake": "Mean probability of being original that the discriminator gives to generated pictures.",
    "discriminator/verdicts_real": "The discriminator's predictions on real photos, from 0 (generated) to 1 (real).",
    "discriminator/verdicts_fake": "The discriminator's predictions on generated pictures, from 0 (generated) to 1 (real).",
    "generator/perceptual_loss": "Distance of features of the originals and of the generated pictures.",
    "generator/grid_loss": "How far the generated pictures have a grid, in the period of the enlargement.",
    "generator/gradient_norm": "Norm of all gradients of the generator, before any clipping.",
    "discriminator/gradient_norm": "Norm of all gradients of the discriminator, before any clipping.",
    "generator/skipped_steps": "Share of the steps whose gradients overflowed float16 and were not applied; the scale adapts.",
    "discriminator/skipped_steps": "Share of the steps whose gradients overflowed float16 and were not applied.",
    "generator/learning_rate": "Of the generator's optimizer; --schedule=cosine lets it fall.",
    "discriminator/learning_rate": "Of the discriminator's optimizer; --schedule=cosine lets it fall.",
    "generator/loss_scale": "What float16 losses are multiplied by; it adapts.",
    "discriminator/loss_scale": "What float16 losses are multiplied by; it adapts.",
    "work/photos_per_second": "Photos trained on in a second, without the time that measuring, pictures and exports take.",
    "work/skipped_photos": "Photos that could not be read, since this process began; the tab Text names them.",
    "work/enlarged_photos": "Photos smaller than the smallest window, which had to be enlarged, since this process began.",
    "validation/psnr_db": "Mean PSNR over the validation photos in dB, on luma, without a border as wide as the scale.",
    "validation/ssim": "Mean SSIM over the validation photos, on luma, without a border as wide as the scale.",
    "work/traces_of_the_step": "How often TensorFlow traced the step: 1, or something makes it slow and takes memory.",
    "work/host_mib": "Resident memory of the process, in MiB; it should stay flat.",
}

# The tab Custom Scalars: what matters most comes first, and one chart has what is to be compared. Tags are regular expressions;
# TensorBoard can't draw a tag with a bracket here.
_LAYOUT = {
    "Quality": {
        "PSNR on validation photos, in dB": "validation/psnr_db",
        "SSIM on validation photos": "validation/ssim",
        "pixel loss": "generator/pixel_loss",
    },
    "Networks": {
        "generator: loss and its parts": r"generator/(\w+_)?loss$",
        "discriminator: loss and its parts": r"discriminator/(\w+_)?loss$",
        "mean predictions: D(real) and D(fake)": r"discriminator/D_",
        "gradient norms": r"\w+/gradient_norm",
        "learning rates": r"\w+/learning_rate",
    },
    "Work": {
        "photos a second": "work/photos_per_second",
        "memory in MiB": r"work/\w+_mib",
        "photos skipped or enlarged": r"work/\w+_photos",
    },
    "Float16, where it is used": {
        "loss scales": r"\w+/loss_scale",
        "share of skipped steps": r"\w+/skipped_steps",
    },
}


def write_layout(writer: tf.summary.SummaryWriter) -> None:
    """Lays out TensorBoard's tab Custom Scalars."""
    layout = layout_pb2.Layout(
        category=[
            layout_pb2.Category(
                title=title,
                chart=[
                    layout_pb2.Chart(title=name, multiline=layout_pb2.MultilineChartContent(tag=[f"^{tag}"]))
                    for name, tag in charts.items()
                ],
            )
            for title, charts in _LAYOUT.items()
        ]
    )
    with writer.as_default(step=0):
        tf.summary.experimental.write_raw_pb(custom_scalar.pb(layout).SerializeToString())


def metrics_writer(writer: tf.summary.SummaryWriter) -> Action:
    """Writes the iteration's metrics: scalars, and distributions over equal bins of [0, 1]."""

    def write(iteration: int, metrics: Metrics) -> None:
        with writer.as_default(step=iteration):
            for name, value in metrics.items():
                if isinstance(value, np.ndarray):
                    tf.summary.histogram(name, _drawn(value), buckets=len(value), description=_DESCRIPTIONS.get(name))
                else:
                    tf.summary.scalar(name, value, description=_DESCRIPTIONS.get(name))
        writer.flush()

    return write


def picture_writer(writer: tf.summary.SummaryWriter, upscale: Upscale, lr: np.ndarray, hr: np.ndarray) -> Action:
    """Writes each validation pair: LR (its pixels as squares) and bicubic, below them HR and ours.

    The longer a run, the fewer of its iterations: 190 of 1000.

    Args:
        upscale: uint8 `[h, w, 3]` to uint8 `[H, W, 3]`.
        lr, hr: `[N, h, w, 3]` and `[N, H, W, 3]` in [0, 1].
    """
    pairs = list(zip(map(rgb.to_uint8, lr), map(rgb.to_uint8, hr), strict=True))

    def write(iteration: int, _: Metrics) -> None:
        if not _is_shown(iteration):
            return
        with writer.as_default(step=iteration):
            for index, (small, original) in enumerate(pairs):
                picture = _comparison(small, original, upscale(small))
                tf.summary.image(
                    f"validation/photo_{index}", picture[np.newaxis], description="A click shows it in its full size."
                )
        writer.flush()

    return write


def text_writer(writer: tf.summary.SummaryWriter, name: str, read: Callable[[], Sequence[str]]) -> Action:
    """Writes lines whenever they have changed."""
    last: list[str] = []

    def write(iteration: int, _: Metrics) -> None:
        nonlocal last
        if (lines := list(read())) != last:
            # Indented, Markdown leaves them as they are. File names need not be valid text.
            text = "".join(f"    {line}\n" for line in lines).encode(errors="backslashreplace").decode()
            with writer.as_default(step=iteration):
                tf.summary.text(name, text)
            last = lines

    return write


@contextlib.contextmanager
def traced(folder: pathlib.Path, steps: tuple[int, int] | None) -> Iterator[Callable[[], None]]:
    """Records what TensorFlow does from the first of these steps, counted from 1, to the last, for the tab Profile.

    Returns a function to call after each step.
    """
    first, last = steps or (0, 0)
    done = 0
    recording = False

    def record() -> None:
        nonlocal recording
        if done == first - 1:
            tf.profiler.experimental.start(str(folder))
            recording = True
        elif recording and done == last:
            tf.profiler.experimental.stop()
            recording = False

    def after_step() -> None:
        nonlocal done
        done += 1
        record()

    record()
    try:
        yield after_step
    finally:
        if recording:
            tf.profiler.experimental.stop()


def validation_scalars(upscale: Upscale, lr: np.ndarray, hr: np.ndarray) -> Metrics:
    """Mean PSNR and SSIM over validation pairs in [0, 1], luma, without a border as wide as the scale."""
    if not len(lr):
        return {}
    border = hr.shape[1] // lr.shape[1]
    pairs = zip(map(rgb.to_uint8, lr), map(rgb.to_uint8, hr), strict=True)
    psnr_db, ssim = np.mean([metrics.psnr_ssim(original, upscale(small), border) for small, original in pairs], axis=0)
    return {"validation/psnr_db": float(psnr_db), "validation/ssim": float(ssim)}


def memory_scalars() -> Metrics:
    """Resident memory of the process, and what TensorFlow holds now and held at most ("peak") on each GPU, in MiB."""
    scalars: Metrics = {"work/host_mib": psutil.Process().memory_info().rss / 2**20}
    for index, _ in enumerate(tf.config.list_physical_devices("GPU")):
        for name, used in tf.config.experimental.get_memory_info(f"GPU:{index}").items():
            scalars[f"work/gpu{index}_{name}_mib"] = used / 2**20
    return scalars


def optimizer_scalars(**optimizers: keras.optimizers.Optimizer) -> Metrics:
    """Learning rates, and loss scales where there are any."""
    scalars: Metrics = {}
    for name, optimizer in optimizers.items():
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            scalars[f"{name}/loss_scale"] = float(keras.ops.convert_to_numpy(optimizer.dynamic_scale))
        scalars[f"{name}/learning_rate"] = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    return scalars


def _is_shown(iteration: int) -> bool:
    """All below 100, then every tenth, from 1000 on every hundredth, ...: a long run must not fill the disk with pictures."""
    return iteration % int(10 ** max(0, len(str(iteration)) - 2)) == 0


def _drawn(distribution: np.ndarray) -> np.ndarray:
    """A thousand numbers, or nearly, that are distributed so: TensorBoard wants to count by itself.

    Both ends are among them, so that its bins are ours and all pictures have one axis.
    """
    middles = (np.arange(len(distribution)) + 0.5) / len(distribution)
    return np.concatenate([[0.0], np.repeat(middles, np.rint(1000 * distribution).astype(int)), [1.0]])


def _comparison(small: np.ndarray, original: np.ndarray, ours: np.ndarray) -> np.ndarray:
    height, width = original.shape[:2]
    scale = height // small.shape[0]
    bicubic = rgb.resize_bicubic(small, height, width)

    def titled(name: str, photo: np.ndarray) -> str:
        return f"{name}, {metrics.psnr_ssim(original, photo, border=scale)[0]:.2f} dB"

    pictures = {
        f"low, {small.shape[1]}x{small.shape[0]}": small.repeat(scale, axis=0).repeat(scale, axis=1),
        titled("bicubic", bicubic): bicubic,
        "original": original,
        titled("ours", ours): ours,
    }
    # Two by two: TensorBoard fits pictures into cards, where four in a row would be as small as stamps.
    return drawing.grid([drawing.side_by_side({title: picture}) for title, picture in pictures.items()], columns=2)
