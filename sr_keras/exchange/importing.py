"""Makes an exported network of weights that were trained elsewhere."""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np

from sr_keras.exchange import architectures
from sr_keras.inference import saved_model


def convert(weights: Mapping[str, np.ndarray], folder: pathlib.Path, *, file: pathlib.Path, licence: str, origin: str) -> str:
    """Writes the network of the weights as a SavedModel; returns what it is.

    It has no back-projection: networks of others are mostly for photos with noise, which would come back.

    Args:
        weights: arrays by PyTorch's names.
        folder: of the SavedModel.
        file: that they come from, for messages.
        licence, origin: are kept in the model info.

    Raises:
        ArchitectureError: no such network is known, or the weights are not finite.
    """
    try:
        found = architectures.recognise(weights)
    except architectures.ArchitectureError as error:
        raise architectures.ArchitectureError(f"{file}: {error}") from None
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise architectures.ArchitectureError(f"{file}: holds weights that are not finite")
    servable = saved_model.Servable(found.network, is_back_projected=False)
    servable.info = dataclasses.replace(servable.info, licence=licence, origin=origin)
    saved_model.save(servable, folder)
    return f"{found.name}, x{servable.info.scale}"
