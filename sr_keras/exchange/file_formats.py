"""The files of other runtimes by their formats: what they are called, and what writing them needs. Needs no TensorFlow."""

import importlib.util
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from sr_keras.runtime import extras
from sr_keras.runtime.errors import UserError


class FileFormat(NamedTuple):
    """The files of one network in a format.

    Attributes:
        suffixes: of the main file, and of those that lie beside it.
        packages: that writing and running needs; the extra of the format's name installs them.
        lacks: the weights that it can't be written with, and why.
    """

    suffixes: tuple[str, ...]
    packages: tuple[str, ...]
    lacks: Mapping[str, str] = {}

    @property
    def suffix(self) -> str:
        """Of the main file."""
        return self.suffixes[0]

    def files(self, path: pathlib.Path) -> list[pathlib.Path]:
        """All files of a network whose main file is `path`."""
        return [path.with_suffix(suffix) for suffix in self.suffixes]

    def require(self, name: str, weights: str = "float32") -> None:
        """Tells before the work that the format of a name can't be written.

        Raises:
            UserError: it has no such weights, or a package is missing; the message says what installs it.
        """
        if weights in self.lacks:
            raise UserError(f"--format={name} has no weights in {weights}{self.lacks[weights]}")
        missing = [package for package in self.packages if importlib.util.find_spec(package) is None]
        if missing:
            raise UserError(f"--format={name} needs {', '.join(missing)}: {extras.install(name)}")


FILE_FORMATS = {
    "onnx": FileFormat((".onnx",), ("tf2onnx", "onnx", "onnxruntime"), lacks={"float16": ""}),
    "litert": FileFormat(
        (".tflite",), ("ai_edge_litert",), lacks={"int8": ": it would compute in int8 too, and lose too much"}
    ),
    "openvino": FileFormat((".xml", ".bin"), ("openvino",)),
}
