"""The same networks of Keras layers, trained with Keras on JAX: a step compiled as a whole."""

import os
import sys
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import protocol  # type: ignore[import-not-found]  # it lies beside this file

try:
    import jax
    import keras
except ImportError:
    sys.exit(protocol.NOT_INSTALLED)
from sr_keras.networks import generators, srgan

_State = list[Any]


def main() -> None:
    options = protocol.arguments()
    keras.mixed_precision.set_global_policy(options.policy)
    generator, discriminator = generators.build(options.generator), srgan.build_discriminator()
    optimizers = [keras.optimizers.Adam(1e-4) for _ in range(2)]
    for network, optimizer in zip((generator, discriminator), optimizers, strict=True):
        optimizer.build(network.trainable_variables)
    keys = jax.random.split(jax.random.key(0))
    lr, hr = (
        jax.random.uniform(key, (options.batch_size, side, side, 3))
        for key, side in zip(keys, (options.hr_size // 4, options.hr_size), strict=True)
    )
    adversarial = options.generator == "srgan"

    def bce(label: float, logits: Any) -> Any:
        return keras.ops.mean(keras.ops.binary_crossentropy(keras.ops.full_like(logits, label), logits, from_logits=True))

    def generator_loss(weights: _State, rest: _State, of_judge: tuple[_State, _State]) -> tuple[Any, tuple[Any, _State]]:
        sr, rest = generator.stateless_call(weights, rest, lr, training=True)
        loss = keras.ops.mean(keras.ops.square(hr - sr))
        if adversarial:
            loss += bce(1.0, discriminator.stateless_call(*of_judge, sr, training=True)[0])
        return loss, (sr, rest)

    def discriminator_loss(weights: _State, rest: _State, sr: Any) -> tuple[Any, _State]:
        real, _ = discriminator.stateless_call(weights, rest, hr, training=True)
        fake, rest = discriminator.stateless_call(weights, rest, sr, training=True)
        return bce(1.0, real) + bce(0.0, fake), rest

    @jax.jit
    def step(run: tuple[_State, ...]) -> tuple[_State, ...]:
        weights, rest, moments, of_judge, rest_of_judge, moments_of_judge = run
        gradient = jax.value_and_grad(generator_loss, has_aux=True)
        (_, (sr, rest)), gradients = gradient(weights, rest, (of_judge, rest_of_judge))
        weights, moments = optimizers[0].stateless_apply(moments, gradients, weights)
        if adversarial:
            judge_gradient = jax.value_and_grad(discriminator_loss, has_aux=True)
            (_, rest_of_judge), gradients = judge_gradient(of_judge, rest_of_judge, jax.lax.stop_gradient(sr))
            of_judge, moments_of_judge = optimizers[1].stateless_apply(moments_of_judge, gradients, of_judge)
        return weights, rest, moments, of_judge, rest_of_judge, moments_of_judge

    def values(variables: list[keras.Variable]) -> _State:
        return [variable.value for variable in variables]

    run = tuple(
        values(variables)
        for network, optimizer in zip((generator, discriminator), optimizers, strict=True)
        for variables in (network.trainable_variables, network.non_trainable_variables, optimizer.variables)
    )

    def timed_step() -> None:
        nonlocal run
        run = jax.block_until_ready(step(run))

    protocol.serve(timed_step)


if __name__ == "__main__":
    main()
