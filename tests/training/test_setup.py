"""From options to what a run is made of."""

import dataclasses
import pathlib
from typing import Any

import keras
import pytest
import tensorflow as tf

from sr_keras.inference import model_info
from sr_keras.training import networks, setup
from sr_keras.training.options import Options
from tests.training.test_options import another_value

# Of each network and optimizer, where there is one: the shapes of its variables.
Checkpoint = list[list[tuple[int, ...]] | None]

SMALL = Options(
    num_blocks=1, filters=4, upscale_filters=4, discriminator_filters=2, hr_size=32, precision="float32", batch_size=2
)


class Reading:
    """Options that note what is read of them."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.names.add(name)
        return getattr(self.options, name)


def checkpoint_of(options: Any) -> Checkpoint:
    """What a checkpoint holds of the networks and optimizers: the shapes of all variables."""
    try:
        _, run = networks.build(options, tf.distribute.get_strategy(), 10, is_back_projected=True)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    parts = (run.generator, run.discriminator, run.generator_optimizer, run.discriminator_optimizer, run.average)
    return [[tuple(variable.shape) for variable in part.variables] if part else None for part in parts]


def test_what_changes_a_checkpoint_is_refused_and_nothing_else() -> None:
    """Of all options that networks and optimizers are made by; those of which one value does not tell are below."""
    reading = Reading(SMALL)
    before = checkpoint_of(reading)
    assert {"filters", "hr_size", "learning_rate", "average_decay"} < reading.names
    for name in sorted(reading.names - {"generator", "precision"}):
        assert_refused_if_it_changes_a_checkpoint(SMALL, before, name, another_value(name, getattr(SMALL, name)))


def assert_refused_if_it_changes_a_checkpoint(base: Options, before: Checkpoint, name: str, value: Any) -> None:
    now = dataclasses.replace(base, **{name: value})
    is_refused = now.is_misfit(name, str(getattr(base, name)), str(value))
    assert is_refused == (checkpoint_of(now) != before), (name, value)


@pytest.mark.parametrize(
    "base, name, value",
    [
        ({"upscale_filters": None}, "generator", "edsr"),
        ({}, "discriminator_head", "unet"),
        ({"discriminator_head": "image"}, "hr_size", 48),
        ({}, "precision", "mixed_float16"),
        ({}, "precision", "mixed_bfloat16"),
        ({"average_decay": 0.5}, "average_decay", 0.9),
        ({"average_decay": 0.5}, "average_decay", 0.0),
    ],
)
def test_what_changes_a_checkpoint_in_some_cases(base: dict[str, Any], name: str, value: object) -> None:
    options = dataclasses.replace(SMALL, **base)
    assert_refused_if_it_changes_a_checkpoint(options, checkpoint_of(options), name, value)


def test_a_run_records_what_it_found(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here, of what is another thing elsewhere: a folder, a machine, another day."""
    monkeypatch.chdir(tmp_path)
    options = Options(data="photos", teacher="edsr", init="saved_models/mine")
    resolved = setup.resolved(options, pathlib.Path("/runs/1"))
    assert resolved == dataclasses.replace(
        options,
        data=str(tmp_path / "photos"),
        run_dir="/runs/1",
        init=str(tmp_path / "saved_models" / "mine"),
        teacher=str(model_info.SHIPPED_MODELS / "edsr"),
        precision=resolved.precision,
    )
    assert resolved.precision != "auto"
    assert setup.resolved(resolved, pathlib.Path("/runs/1")) == resolved
