"""Training on several devices or machines, by tf.distribute: which strategy, which share of a batch, and who writes."""

import json
import os
from collections.abc import Iterable, Iterator

import keras
import tensorflow as tf
from keras import layers

from sr_keras.runtime import names

_TF_CONFIG = "TF_CONFIG"
# Other roles of a cluster don't train.
_TRAINING_ROLES = ("chief", "worker")


def create(name: names.Strategy) -> tf.distribute.Strategy:
    """The strategy of a `--strategy`; call it before TensorFlow computes anything.

    Args:
        name: "one" device; "mirrored" on all GPUs of this machine, or else on its logical CPUs; "multi_worker" on the machines
            of the environment variable TF_CONFIG; "auto" takes the last one that fits.

    Raises:
        ValueError: TF_CONFIG is missing or unusable.
    """
    cluster = _cluster()
    if name == "auto":
        name = "multi_worker" if cluster else "mirrored" if len(tf.config.list_physical_devices("GPU")) > 1 else "one"
    if name == "multi_worker":
        if not cluster:
            raise ValueError(
                f"multi_worker needs {_TF_CONFIG} in the environment, with two workers or more; see docs/distributed.md"
            )
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def place(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """This process's number among the workers, from 0, and how many there are. Number 0 is the chief, who writes the run."""
    resolver = strategy.cluster_resolver
    if resolver is None:
        return 0, 1
    jobs = resolver.cluster_spec().as_dict()
    chiefs, workers = (len(jobs.get(role, [])) for role in _TRAINING_ROLES)
    return (resolver.task_id if resolver.task_type == "chief" else chiefs + resolver.task_id), chiefs + workers


def spread(
    strategy: tf.distribute.Strategy, batches: Iterable[tuple[tf.Tensor, ...]]
) -> Iterator[tuple[tf.Tensor | tf.distribute.DistributedValues, ...]]:
    """Splits each batch equally among the devices of this process."""
    devices = devices_here(strategy)
    for batch in batches:
        if devices == 1:
            yield batch
        else:
            yield tuple(_scattered(strategy, tf.split(tensor, devices)) for tensor in batch)


def devices_here(strategy: tf.distribute.Strategy) -> int:
    """How many devices of this process compute."""
    return int(strategy.num_replicas_in_sync) // place(strategy)[1]


def synchronise_norms(model: keras.Model) -> None:
    """Makes batch norms take the statistics of the whole batch, not of a device's part of it."""
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.synchronized = True


def gathered(strategy: tf.distribute.Strategy, number: float) -> list[float]:
    """A value of each worker, by the worker's number; all workers must ask at the same moment."""
    workers = place(strategy)[1]
    if workers == 1:
        return [number]
    devices = devices_here(strategy)
    everyone = strategy.gather(_scattered(strategy, [tf.constant([number], tf.float64)] * devices), axis=0)
    return [float(one) for one in everyone.numpy()[::devices]]


def _scattered(strategy: tf.distribute.Strategy, parts: list[tf.Tensor]) -> tf.distribute.DistributedValues:
    return strategy.experimental_distribute_values_from_function(
        lambda context: parts[context.replica_id_in_sync_group % len(parts)]
    )


def _cluster() -> dict[str, list[str]]:
    """The machines that TF_CONFIG names, by role; nothing where it names fewer than two."""
    try:
        config = json.loads(os.environ.get(_TF_CONFIG) or "{}")
        cluster: dict[str, list[str]] = config.get("cluster", {})
        machines = sum(len(cluster[role]) for role in cluster)
        role = config["task"]["type"] if cluster else ""
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{_TF_CONFIG} can't be used ({type(error).__name__}: {error})") from None
    if machines < 2:
        return {}
    if role not in _TRAINING_ROLES:
        raise ValueError(f"{_TF_CONFIG}: the task's type must be one of {_TRAINING_ROLES}, got {role!r}")
    return cluster
