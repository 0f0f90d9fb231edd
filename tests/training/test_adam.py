"""Adam in one pass is Keras's Adam."""

import keras
import numpy as np
import pytest

from sr_keras.runtime import precision
from sr_keras.training.adam import Adam


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize("schedule", [False, True])
def test_the_updates_are_those_of_keras(rng: np.random.Generator, policy: str, schedule: bool) -> None:
    """Of variables and of all that the optimizer keeps, so that a checkpoint of the one goes on with the other."""
    rate = keras.optimizers.schedules.CosineDecay(0.0, 9, warmup_target=0.1, warmup_steps=2) if schedule else 0.01
    begin = [rng.normal(size=shape) for shape in ((3, 4), (5,))]
    gradients = [[rng.normal(size=value.shape).astype(np.float32) for value in begin] for _ in range(4)]
    after = []
    for optimizer_class in (keras.optimizers.Adam, Adam):
        variables = [keras.Variable(value, dtype="float32") for value in begin]
        optimizer = precision.with_loss_scale(optimizer_class(rate, beta_1=0.8), policy)
        optimizer.build(variables)
        for step in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in step], variables)
        after.append([np.asarray(variable) for variable in (*variables, *optimizer.variables)])
    for theirs, ours in zip(*after, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=2e-6)
