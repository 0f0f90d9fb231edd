"""Which engine was measured to be the fastest: by kind of processor, precision and family of networks.

`sr-keras benchmark engines` measures that; what it found where we ran it is the file beside this module.
"""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sr_keras.inference import layer_graph
from sr_keras.runtime import files

FILE = pathlib.Path(__file__).with_name("engine_speeds.json")


class Place(NamedTuple):
    """What decides which engine is the fastest.

    Attributes:
        kind: of the processor, as `processor.kind` has it.
        precision: of the arithmetic.
        family: of networks, see `family`.
    """

    kind: str
    precision: str
    family: str


class EngineSpeeds(NamedTuple):
    """How much work each engine made somewhere: in seconds of all cores together, which other work disturbs least.

    Attributes:
        place: where.
        network: that was measured, of its family.
        processor, cores: its name, and how many there were.
        libraries: the versions of the engines' libraries.
        start_seconds: by engine, from the start of a process until it has a first result, without the work on that.
        seconds_per_megapixel: by engine, of the small photo.
    """

    place: Place
    network: str
    processor: str
    cores: int
    libraries: Mapping[str, str]
    start_seconds: Mapping[str, float]
    seconds_per_megapixel: Mapping[str, float]

    @property
    def fastest(self) -> str:
        """The engine by which a process has a megapixel first: it starts on one core, and computes on all."""

        def seconds(engine: str) -> float:
            return self.start_seconds[engine] + self.seconds_per_megapixel[engine] / self.cores

        return min(self.libraries, key=seconds)

    def in_words(self) -> str:
        """The figures, the fastest engine first."""
        engines = sorted(self.libraries, key=lambda engine: engine != self.fastest)
        return ", ".join(
            f"{engine} {self.start_seconds[engine]:.1f} + {self.seconds_per_megapixel[engine]:.1f}" for engine in engines
        )


def family(folder: pathlib.Path) -> str:
    """The kinds of layers of the network in a SavedModel's folder: they decide which kernels an engine has for it.

    Raises:
        ModelError: its layers are missing or damaged.
    """
    return " ".join(sorted({layer.kind for layer in layer_graph.read(folder)}))


def measured_at(place: Place) -> EngineSpeeds | None:
    """What was measured there, if anything was."""
    return next((speeds for speeds in read(FILE) if speeds.place == place), None)


def read(path: pathlib.Path) -> list[EngineSpeeds]:
    """What a file holds.

    Raises:
        ValueError: it holds something else.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [EngineSpeeds(**row | {"place": Place(**row["place"])}) for row in rows]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: holds no measured engines ({type(error).__name__})") from None


def write(path: pathlib.Path, found: Sequence[EngineSpeeds]) -> None:
    """Adds what was measured to a file, in place of what it holds of the same places."""
    others = read(path) if path.exists() else []
    rows = {speeds.place: speeds for speeds in (*others, *found)}
    lines = ",\n".join(json.dumps(rows[place]._asdict() | {"place": place._asdict()}) for place in sorted(rows))
    with files.written_beside(path) as part:
        part.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
