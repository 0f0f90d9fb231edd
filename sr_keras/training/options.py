"""The options of a training: each is a field of `Options`, with all that is known of it, and a flag. Needs no TensorFlow."""

import dataclasses
import math
import pathlib
import types
from collections.abc import Callable
from typing import Any, Literal, TypeVar, get_args, get_origin

from absl import flags

from sr_keras.data.augmentation import Augmentation
from sr_keras.photos import rgb
from sr_keras.runtime import argument_types, names

# Flags belong to the script that has them defined: its --help shows them.
flags.disclaim_key_flags()

PAPER = Augmentation()

# Upper limits of counts and of weights of losses: a larger value was mistyped.
MOST = argument_types.MOST
LARGEST_FACTOR = 1e6

T = TypeVar("T")

# Whether a change does not fit the networks in a checkpoint, by the options as they are now, and a flag's text before and now.
Rule = Callable[["Options", str, str], bool]


def _never(options: "Options", before: str, now: str) -> bool:
    return False


def _always(options: "Options", before: str, now: str) -> bool:
    return True


def _with_one_logit(options: "Options", before: str, now: str) -> bool:
    """With one logit for the photo, the dense layer has weights for each of its pixels."""
    return options.discriminator_head == "image"


def _by_float16(options: "Options", before: str, now: str) -> bool:
    """With float16, optimizers have a loss scale."""
    return "mixed_float16" in (before, now)


def _by_an_average(options: "Options", before: str, now: str) -> bool:
    """With 0 there is no averaged generator."""
    return (float(before) == 0) != (float(now) == 0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """What is known of an option, apart from its name, type and default.

    Attributes:
        help: what --help says, with the unit.
        lowest, highest: the smallest and the largest number, if there is one. A count is at most `MOST` in any case.
        is_path: the value is the path of a file or a folder, or several.
        words: values that are no paths, though others are.
        one_start: it concerns a single start, so the run's folder does not record it.
        fixes_networks: whether a change of it does not fit the networks in a checkpoint.
    """

    help: str
    lowest: float | None = None
    highest: float | None = None
    is_path: bool = False
    words: tuple[str, ...] = ()
    one_start: bool = False
    fixes_networks: Rule = _never


def _option(
    default: T,
    help: str,
    lowest: float | None = None,
    highest: float | None = None,
    *,
    one_start: bool = False,
    fixes_networks: Rule = _never,
) -> T:
    return _field(default, Kind(help=help, lowest=lowest, highest=highest, one_start=one_start, fixes_networks=fixes_networks))


def _path(default: T, help: str, *, words: tuple[str, ...] = ()) -> T:
    return _field(default, Kind(help=help, is_path=True, words=words))


def _field(default: T, kind: Kind) -> T:
    return dataclasses.field(default=default, metadata={"kind": kind})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """All options of a training; the help of each field describes it."""

    data: str | None = _path(
        None,
        'Photos: a folder, a folder of shards, a list file (one path per line), or "sample" for a few bundled ones.',
        words=("sample",),
    )
    lr: str | None = _path(
        None,
        "Low-resolution files of the photos in --data, of the same names or with the scale in them (0801x4.png of 0801.png). "
        'Default: those in LR_x4/ or LR_bicubic/X4/ beside HR/ in --data, or beside a DIV2K_train_HR. "none": the photos are '
        "downscaled.",
        words=("none",),
    )
    exclude: tuple[str, ...] | None = _path(
        None, "Folders of test photos. Photos that show the same, by content, are kept out of training."
    )
    run_dir: str | None = _path(
        None, "The folder of the run. If it holds a run, that is resumed. Default: a new one in saved_models/."
    )
    seed: int = _option(0, "Seed of the first weights and of all random choices in the data.", 0, 2**32 - 1)
    deterministic: bool = _option(False, "Make the same flags give the same weights, bit for bit, on the same machine. Slower.")

    iterations: int = _option(
        1000, "Iterations of the whole run, each of which ends with a validation and an export.", lowest=1
    )
    stop_after: int | None = _option(
        None,
        "Stop after this iteration, as Ctrl-C does. The run can go on later, up to --iterations.",
        lowest=1,
        one_start=True,
    )
    pretrain_iterations: int = _option(0, "Iterations at the start that train on the pixel loss alone.", lowest=0)
    steps_per_iteration: int = _option(0, "Training steps per iteration. 0: one pass over the photos.", lowest=0)
    batch_size: int = _option(8, "Photos in a training step.", 1, 65_536)
    learning_rate: float = _option(1e-4, "Learning rate of Adam, for both networks.", 0, 1)
    schedule: Literal["constant", "cosine"] = _option(
        "constant", "Learning rate over the run. cosine: falls to 1 % (Loshchilov & Hutter 2017).", fixes_networks=_always
    )
    warmup_steps: int = _option(
        0, "With --schedule=cosine: steps in which the rate first grows from 0 (Goyal et al. 2017).", lowest=0
    )
    beta1: float = _option(0.9, "Adam's decay of the mean gradient.", lowest=0, highest=0.9999)
    adversarial_weight: float = _option(
        1.0, "w in the generator's loss, which is pixel loss + w * adversarial loss.", 0, LARGEST_FACTOR
    )
    adversarial_ramp_steps: int = _option(
        0,
        "Steps in which w grows from 0 to its value, from the first step with the discriminator on; a soft form of the "
        "warm-up of Esser et al. 2021.",
        lowest=0,
    )
    label_smoothing: float = _option(0.0, "Real photos have the label 1 minus this (Salimans et al. 2016).", 0, 0.5)
    clip_gradients: float | None = _option(
        None, "Clip the gradients of each network to this global norm (Pascanu et al. 2013).", 0, LARGEST_FACTOR
    )
    average_decay: float = _option(
        0.0,
        "Decay of a moving average of the generator's weights, such as 0.999, which is then exported (Karras et al. 2018). "
        "0: none.",
        0,
        0.99999,
        fixes_networks=_by_an_average,
    )
    pixel_loss: names.PixelLoss = _option(
        "mse", "Squared error, absolute error, LapSRN's penalty between the two, or log of the squared error, as in PSNR."
    )
    perceptual_model: str | None = _path(
        None,
        "A saved Keras model that takes RGB in [0, 1]: adds a perceptual loss on its features (Ledig et al. 2016). "
        "data_prep/feature_model.py makes one.",
    )
    perceptual_layers: tuple[str, ...] | None = _option(
        None, "Names of the layers of --perceptual_model whose outputs are compared."
    )
    perceptual_weight: float = _option(
        0.006, "Weight of the perceptual loss. Ledig et al. have 0.006 for VGG19.", 0, LARGEST_FACTOR
    )
    perceptual_distance: names.FeatureDistance = _option(
        "squared",
        "squared: mean squared difference of features. directions: of features of unit norm (Zhang et al. 2018).",
    )
    grid_weight: float = _option(
        0.0, "Weight of a loss on checkerboards, which have the period of the scale.", 0, LARGEST_FACTOR
    )
    teacher: str | None = _path(
        None, "Distillation: a bundled network, or the folder of a SavedModel, whose results the network also learns to match."
    )
    teacher_weight: float = _option(
        1.0,
        "Weight of the losses against the teacher's results (Hinton et al. 2015): the pixel loss and, where there is one, the "
        "perceptual loss.",
        0,
        LARGEST_FACTOR,
    )
    shift: int = _option(
        1,
        "Shift what the discriminator and the perceptual model see by 0 to SHIFT - 1 pixels, at random, so that their strides "
        "leave no grid.",
        lowest=1,
    )
    back_projection: bool = _option(
        False, "Compute the losses after back-projection, that is, on the result as it is exported."
    )
    hold_norms: bool = _option(
        False, "Freeze the statistics of the generator's batch norms: they use their moving averages and don't update them."
    )
    precision: names.Precision = _option(
        "auto", "Number format of the arithmetic. auto: the fastest on this hardware.", fixes_networks=_by_float16
    )

    strategy: names.Strategy = _option(
        "auto",
        "one: train on one device. mirrored: on all GPUs of this machine. multi_worker: on the machines of TF_CONFIG. auto: on "
        "all that there are.",
    )
    jit_compile: bool = _option(False, "Compile the step with XLA, on one device. `sr-keras benchmark train` compares.")

    generator: names.Generator = _option(
        "srgan", "Architecture of the generator: the paper's, or another paper's.", fixes_networks=_always
    )
    num_upscales: int = _option(2, "How many times the generator doubles height and width (u).", 1, 5, fixes_networks=_always)
    num_blocks: int | None = _option(
        None, "Residual blocks of the generator (b). Default: as its paper has it.", 0, 1000, fixes_networks=_always
    )
    filters: int | None = _option(
        None, "Channels of the generator's residual blocks. Default: as its paper has it.", 1, 4096, fixes_networks=_always
    )
    upscale_filters: int | None = _option(
        None, "Channels of srgan's upscaling blocks. Default: 256, as the paper has it.", 1, 4096, fixes_networks=_always
    )
    discriminator_filters: int = _option(
        64, "Channels of the discriminator's first convolution.", 1, 4096, fixes_networks=_always
    )
    discriminator_head: Literal["patch", "image", "unet"] = _option(
        "patch",
        "patch: the discriminator has a logit for each 16x16 region. image: one for the photo. unet: another "
        "discriminator, Real-ESRGAN's U-Net, with one for each pixel and always spectral norm (Wang et al. 2021, section 3.4).",
        fixes_networks=_always,
    )
    spectral_norm: bool = _option(
        False, "Spectral norm in the discriminator's layers (Miyato et al. 2018).", fixes_networks=_always
    )
    init: str = _path(
        "interpolator",
        'First weights: "interpolator", "random", a bundled network, or the folder of a SavedModel. '
        "An edsr is grown into a deeper one or into the srgan generator (Net2Net).",
        words=("interpolator", "random"),
    )
    init_blocks: tuple[str, ...] | None = _option(
        None, "Residual blocks, counted from 0, that are kept of the edsr in --init. Default: all."
    )

    hr_size: int = _option(256, "Side of the HR crops, in pixels.", 1, 16_384, fixes_networks=_with_one_logit)
    max_reduction: float = _option(
        float("inf"),
        "Largest window cut from a photo, in units of hr_size; it is downscaled to hr_size. 1: never downscaled.",
        lowest=1,
    )
    max_enlargement: float = _option(
        1.0,
        "The smallest window is hr_size divided by this. It is enlarged to hr_size, a soft photo. 1: never enlarged.",
        1,
        100,
    )
    flip_left_right: float = _option(PAPER.flip_left_right, "Probability that a photo is flipped left-right.", 0, 1)
    flip_up_down: float = _option(PAPER.flip_up_down, "Probability that a photo is flipped up-down.", 0, 1)
    transpose: float = _option(PAPER.transpose, "Probability that a photo's rows and columns are exchanged.", 0, 1)
    darken: float = _option(PAPER.darken, "Probability that a photo is darkened.", 0, 1)
    darken_by: float = _option(PAPER.darken_by, "Largest share of the light that darkening takes.", 0, 1)
    brightness: float = _option(PAPER.brightness, "Probability that a photo's brightness is changed.", 0, 1)
    brightness_by: float = _option(PAPER.brightness_by, "Largest change of brightness; white is 1.", 0, 1)
    saturation: float = _option(PAPER.saturation, "Probability that a photo's saturation is changed.", 0, 1)
    saturation_by: float = _option(PAPER.saturation_by, "Largest change of the saturation's factor from 1.", 0, 1)
    downscale: names.Downscale = _option("bicubic", "Kernel by which the LR picture is made; always antialiased.")
    degradation: names.Degradation = _option(
        "none",
        "What is done to LR pictures. blur: blurred before they are downscaled. real: blur, resizing, noise and JPEG at "
        "random, in two rounds (Wang et al. 2021), as in the photos that people have.",
    )
    sharpen_reference: bool = _option(False, "Sharpen the HR pictures a little, not the LR ones (Wang et al. 2021).")

    validation: str | None = _path(
        None, "Photos to validate on, in any form that --data takes. Default: a share of --data.", words=("sample",)
    )
    validation_fraction: float = _option(0.05, "Share of --data kept for validation, chosen by a hash of the path.", 0, 1)
    validation_photos: int = _option(16, "Validation photos measured after each iteration, at most.", lowest=0)
    validation_pictures: int = _option(4, "Validation photos shown in TensorBoard, at most.", lowest=0)
    sample: str = _path(str(rgb.SAMPLE / "small.png"), "Photo that is upscaled to samples/ after each iteration.")
    checkpoint_steps: int = _option(
        1000, "Save a checkpoint every N steps within an iteration too. 0: only after iterations.", lowest=0
    )
    keep_checkpoints: int = _option(3, "How many checkpoints to keep; the newest.", lowest=1)
    keep_exports: int = _option(5, "How many SavedModels to keep; the newest.", lowest=1)
    keep_samples: int = _option(1000, "How many samples to keep; the newest.", lowest=1)
    profile: tuple[str, ...] | None = _option(
        None, "START,END: record a trace of these steps, counted from this start, for TensorBoard.", one_start=True
    )

    def lines(self) -> list[str]:
        """The flags that repeat the run, each `--name=value`; none for what is not set, or is about a single start."""
        recorded = {name: getattr(self, name) for name, kind in KINDS.items() if not kind.one_start}
        return [f"--{name}={_as_text(value)}" for name, value in recorded.items() if value is not None]

    def with_absolute_paths(self) -> "Options":
        """So that they mean the same wherever the run is resumed."""
        paths = {name: _absolute(getattr(self, name), kind.words) for name, kind in KINDS.items() if kind.is_path}
        return dataclasses.replace(self, **paths)

    def is_misfit(self, name: str, before: str, now: str) -> bool:
        """Whether a changed flag does not fit a checkpoint: it asks for variables that are not there, or for fewer.

        Args:
            name: the flag's; an old run may have one that is gone.
            before, now: its text, as in `lines`.
        """
        return name in KINDS and KINDS[name].fixes_networks(self, before, now)


KINDS: dict[str, Kind] = {field.name: field.metadata["kind"] for field in dataclasses.fields(Options)}

_NOT_MEANT = "must not be empty, nor NaN"

_DEFINITIONS = {bool: flags.DEFINE_bool, str: flags.DEFINE_string, tuple[str, ...]: flags.DEFINE_list}


def define_flags(values: flags.FlagValues) -> None:
    """Defines a flag for each option."""
    for field in dataclasses.fields(Options):
        kind, value_type = KINDS[field.name], _type_if_set(field.type)
        common = {"name": field.name, "default": field.default, "help": kind.help, "flag_values": values}
        if get_origin(value_type) is Literal:
            flags.DEFINE_enum(enum_values=get_args(value_type), **common)
        elif value_type in (int, float):
            define = flags.DEFINE_integer if value_type is int else flags.DEFINE_float
            most = MOST if value_type is int and kind.highest is None else kind.highest
            define(lower_bound=kind.lowest, upper_bound=most, **common)
        else:
            _DEFINITIONS[value_type](**common)
        flags.register_validator(field.name, _is_meant, _NOT_MEANT, flag_values=values)


def _is_meant(value: Any) -> bool:
    """False for texts without a letter, and for NaN, which is within all bounds."""
    if isinstance(value, list):
        return bool(value) and all(map(str.strip, value))
    if isinstance(value, str):
        return bool(value.strip()) and "\0" not in value
    return value is None or not math.isnan(value)


def read_flags(values: flags.FlagValues) -> Options:
    """The options that flags have, once they are parsed."""
    return Options(**{name: _frozen(values[name].value) for name in KINDS})


def _type_if_set(annotation: Any) -> Any:
    if not isinstance(annotation, types.UnionType):
        return annotation
    [value_type] = set(get_args(annotation)) - {types.NoneType}
    return value_type


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _absolute(value: Any, words: tuple[str, ...]) -> Any:
    if isinstance(value, tuple):
        return tuple(_absolute(path, words) for path in value)
    return value if value is None or value in words else str(pathlib.Path(value).absolute())


def _as_text(value: Any) -> str:
    return flags.CsvListSerializer(",").serialize(list(value)) if isinstance(value, tuple) else str(value)
