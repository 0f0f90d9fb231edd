"""The networks that pictures are upscaled by, as they were asked for: what a process, or a machine, loads by itself."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from sr_keras.inference import model_info
from sr_keras.inference.engine import Name
from sr_keras.upscaling import choice

if TYPE_CHECKING:  # it takes a while to import
    from sr_keras.inference.upscaler import Upscaler


@dataclasses.dataclass(frozen=True)
class NetworkOptions:
    """Which networks there are to choose from, and how they compute; see `Upscaler.load`.

    Attributes:
        model: the folder of one, the name of a bundled one, or `model_info.AUTO`.
        pixel_art: whether none will compute.
    """

    model: str | pathlib.Path
    denoise: float = 1.0
    precision: str = "auto"
    memory_mb: int | None = None
    tile: int | None = None
    engine: Name = "auto"
    pixel_art: bool = False

    def for_another_machine(self) -> "NetworkOptions":
        """The same where the package lies in another folder: bundled networks go by their names."""
        is_bundled = isinstance(self.model, pathlib.Path) and self.model.parent == model_info.SHIPPED_MODELS
        return dataclasses.replace(self, model=pathlib.Path(self.model).name) if is_bundled else self


def chooser(options: NetworkOptions, device: str | None, loaded: "Callable[[Upscaler], None]") -> choice.Choose:
    """Loads the network of pictures to a device; of `AUTO`, each when the first picture asks for it.

    Args:
        options: which.
        device: as TensorFlow names it.
        loaded: called with each network that was loaded.

    Raises:
        ModelError: nothing is there, it is damaged, or it is not ours.
        ValueError: an option does not fit it.
    """
    from sr_keras.inference.upscaler import Upscaler

    def load(path: str | pathlib.Path, denoise: float) -> Upscaler:
        upscaler = Upscaler.load(
            path,
            denoise=denoise,
            precision=options.precision,
            memory_mb=options.memory_mb,
            tile=options.tile,
            device=device,
            engine=options.engine,
        )
        loaded(upscaler)
        return upscaler

    if options.model != model_info.AUTO:
        folder = model_info.find_model(str(options.model))
        return choice.always(load(folder, options.denoise), "" if options.pixel_art else model_info.name_of(folder))
    if options.pixel_art:  # there is nothing to choose
        return choice.always(load(model_info.ENLARGING, 1.0))
    strengths = {model_info.ENLARGING: 1.0, model_info.RESTORING: options.denoise}
    return choice.by_condition(lambda name: load(name, strengths[name]))
