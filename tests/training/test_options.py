"""The options of a training, and that each is a flag of `train.py` and comes back from it."""

import dataclasses
import pathlib
import subprocess
import sys
from collections.abc import Collection, Sequence
from typing import Any, Literal, get_args, get_origin

import pytest
from absl import flags

from sr_keras.networks import generators, perceptual
from sr_keras.runtime import names
from sr_keras.training import losses, options
from sr_keras.training.options import KINDS, Options
from tests.conftest import ROOT

FIELDS = {field.name: field for field in dataclasses.fields(Options)}

# As of a run that was recorded before options were a dataclass.
RECORDED = """\
--data=/photos.txt
--run_dir=/runs/photo_1
--seed=0
--deterministic=False
--iterations=44
--pretrain_iterations=44
--steps_per_iteration=250
--batch_size=12
--learning_rate=0.0004
--schedule=cosine
--warmup_steps=300
--beta1=0.9
--adversarial_weight=1.0
--adversarial_ramp_steps=0
--label_smoothing=0.0
--average_decay=0.999
--pixel_loss=psnr
--perceptual_weight=0.006
--perceptual_distance=squared
--grid_weight=0.0
--teacher_weight=1.0
--shift=1
--back_projection=False
--hold_norms=False
--precision=mixed_bfloat16
--strategy=auto
--jit_compile=False
--generator=edsr
--num_upscales=2
--discriminator_filters=64
--discriminator_head=patch
--spectral_norm=False
--init=/models/edsr
--init_blocks=0,15
--hr_size=128
--max_reduction=inf
--max_enlargement=1.0
--flip_left_right=0.5
--flip_up_down=0.5
--transpose=0.5
--darken=0.0
--darken_by=0.5
--brightness=0.0
--brightness_by=0.1
--saturation=0.0
--saturation_by=0.5
--downscale=bicubic
--degradation=real
--sharpen_reference=True
--validation_fraction=0.02
--validation_photos=28
--validation_pictures=4
--sample=/photos/small.png
--checkpoint_steps=250
--keep_checkpoints=3
--keep_exports=5
--keep_samples=1000
"""


def parse(*arguments: object) -> Options:
    """The options that `train.py` reads from these arguments."""
    values = flags.FlagValues()
    options.define_flags(values)
    values(["train.py", *map(str, arguments)])
    return options.read_flags(values)


def types_of(name: str) -> Sequence[Any]:
    annotation = FIELDS[name].type
    return [annotation] if get_origin(annotation) is Literal else get_args(annotation) or [annotation]


def another_value(name: str, value: Any) -> Any:
    """Of an option that has this one."""
    highest, type_ = KINDS[name].highest, types_of(name)[0]
    if get_origin(type_) is Literal:
        return next(choice for choice in get_args(type_) if choice != value)
    if type_ is bool:
        return not value
    if type_ is int:
        return (value or 0) + 1
    if type_ is float:
        return 1.5 if highest is None else highest / 3
    return "folder/a = b" if type_ is str else ("one", "two, three")


OTHERS = {name: another_value(name, FIELDS[name].default) for name in FIELDS}


def test_each_option_is_a_flag_and_comes_back(tmp_path: pathlib.Path) -> None:
    assert parse() == Options()
    assert [name for name in FIELDS if OTHERS[name] == FIELDS[name].default] == []
    for name, value in OTHERS.items():
        one_of_a_kind = Options(**{name: value})
        text = ",".join(f'"{item}"' for item in value) if isinstance(value, tuple) else value
        assert parse(f"--{name}={text}") == one_of_a_kind
        (tmp_path / "train.flags").write_text("\n".join(one_of_a_kind.lines()))
        assert parse(f"--flagfile={tmp_path / 'train.flags'}") == (Options() if KINDS[name].one_start else one_of_a_kind)


def test_all_options_are_recorded_but_those_of_one_start(tmp_path: pathlib.Path) -> None:
    everything = Options(**OTHERS)
    (tmp_path / "train.flags").write_text("\n".join(everything.lines()))
    assert parse(f"--flagfile={tmp_path / 'train.flags'}") == dataclasses.replace(everything, stop_after=None, profile=None)


def test_the_flags_of_an_earlier_run_are_read_and_recorded_the_same(tmp_path: pathlib.Path) -> None:
    (tmp_path / "train.flags").write_text(RECORDED)
    assert parse(f"--flagfile={tmp_path / 'train.flags'}").lines() == RECORDED.splitlines()


def test_flags_are_as_a_person_types_them() -> None:
    assert parse("--hold_norms", "--nospectral_norm") == Options(hold_norms=True)
    assert parse("--exclude=Set5, BSD100", "--profile", "3,5") == Options(exclude=("Set5", "BSD100"), profile=("3", "5"))


@pytest.mark.parametrize("flag", ["--batch_size=0", "--average_decay=1", "--schedule=linear", "--seed=1.5", "--hold_norms=3"])
def test_values_out_of_bounds_are_refused(flag: str) -> None:
    with pytest.raises(flags.IllegalFlagValueError):
        parse(flag)


def test_paths_become_absolute() -> None:
    """Whatever text is no choice is a path: of another kind of text, this test has to be told."""
    texts: dict[str, Any] = {name: "folder" for name in FIELDS if str in types_of(name)}
    absolute = Options(**texts, exclude=("a", "/b")).with_absolute_paths()
    assert [name for name in texts if getattr(absolute, name) != str(pathlib.Path("folder").absolute())] == []
    assert absolute.exclude == (str(pathlib.Path("a").absolute()), "/b")
    assert [name for name, kind in KINDS.items() if kind.is_path] == [name for name in FIELDS if name in {*texts, "exclude"}]


def test_words_stay_where_paths_become_absolute() -> None:
    words = Options(data="sample", validation="sample", init="random", perceptual_layers=("a",))
    assert words.with_absolute_paths() == words


@pytest.mark.parametrize(
    "choices, known",
    [
        (names.FeatureDistance, perceptual.DISTANCES),
        (names.Generator, generators.FAMILIES),
        (names.PixelLoss, losses.PIXEL_LOSSES),
    ],
)
def test_there_is_something_of_each_name(choices: object, known: Collection[str]) -> None:
    assert get_args(choices) == tuple(known)


@pytest.mark.parametrize("arguments, told", [(["--help"], "train.py:"), (["--hr_size=large"], "--hr_size=large")])
def test_help_and_wrong_flags_are_answered_at_once(arguments: list[str], told: str) -> None:
    command = [sys.executable, "-X", "importtime", "train.py", *arguments]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert told in process.stdout + process.stderr
    imported = {line.rpartition("|")[2].strip() for line in process.stderr.splitlines() if line.startswith("import time:")}
    assert "sr_keras.training.options" in imported
    assert imported.isdisjoint({"tensorflow", "keras"})
    if "--help" in arguments:
        assert [name for name in FIELDS if f"  --{name}:" not in process.stdout.replace("[no]", "")] == []
