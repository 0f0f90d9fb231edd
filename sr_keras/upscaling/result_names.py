"""What results are called, and in which folder each lies."""

import dataclasses
import hashlib
import os
import pathlib
import re
import string
from collections.abc import Callable, Container, Mapping

from sr_keras.runtime.errors import UserError
from sr_keras.upscaling.search import STANDARD_STREAM, Found

# Bytes, of nearly all file systems.
_LONGEST_NAME = 255


class Template:
    """What results are called: "{stem}_x{scale}{ext}".

    Its fields are the name of the source without its ending, the factor, the label (as `Target.label` has it) and the ending.
    """

    def __init__(self, text: str) -> None:
        """Raises:
        UserError: it is no name of a file in the folder that results are for.
        """
        fields = [field for _, field, _, _ in self._parsed(text) if field is not None]
        if unknown := [field for field in fields if field not in ("stem", "scale", "label", "ext")]:
            raise UserError(f"--name={text}: {{{unknown[0]}}} is unknown; there are {{stem}}, {{scale}}, {{label}} and {{ext}}")
        if "stem" not in fields or not text.endswith("{ext}"):
            raise UserError(f"--name={text}: must have {{stem}}, and end in {{ext}}")
        if any(character in text for character in "/\\\0") or text.startswith("-"):
            raise UserError(f"--name={text}: must be a name, not a path or an option; --output_dir says in which folder")
        self._text = text
        self._has_scale = "scale" in fields

    def fill(self, stem: str, label: str, ext: str) -> str:
        """The name of a result. One that is too long for a file system is shortened, and stays one of a kind.

        Raises:
            UserError: it has {scale}, and the label is not that of a factor.
        """
        if self._has_scale and not re.fullmatch(r"x[\d.]+", label):
            raise UserError(f"--name={self._text}: there is no {{scale}} with --width and --height; {{label}} is {label}")

        def filled(stem: str) -> str:
            return self._text.format(stem=stem, scale=label[1:], label=label, ext=ext)

        excess = len(os.fsencode(filled(stem))) - _LONGEST_NAME
        if excess <= 0:
            return filled(stem)
        kept = os.fsencode(stem)[: -(excess + len(mark(stem))) * self._text.count("{stem}")]
        return filled(kept.decode(errors="ignore") + mark(stem))

    @staticmethod
    def _parsed(text: str) -> list[tuple[str, str | None, str | None, str | None]]:
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError as error:
            raise UserError(f"--name={text}: {error}") from None
        if any(spec or conversion for _, _, spec, conversion in parts):
            raise UserError(f"--name={text}: fields are plain, without : or !")
        return parts


def mark(stem: str) -> str:
    """What a stem that is shortened ends in: of its own, so that it stays one of a kind."""
    return "~" + hashlib.sha1(os.fsencode(stem), usedforsecurity=False).hexdigest()[:8]


@dataclasses.dataclass(frozen=True)
class Namer:
    """Says where a result goes.

    Attributes:
        label: what a result's name says of its size.
        output: the one result; "-" is standard output.
        output_dir: where results lie as deep as their sources below their roots; None is beside the sources.
        template: of the names of results.
        frame_template: of those of numbered frames, which lie in a folder of their own.
        suffixes: by the path of a picture, what its result ends in.
        film_suffix: gives the ending of a film's result from its own.
        frames: those of the pictures that are numbered frames.
    """

    label: str
    output: pathlib.Path | None
    output_dir: pathlib.Path | None
    template: Template
    frame_template: Template
    suffixes: Mapping[pathlib.Path, str]
    film_suffix: Callable[[str], str]
    frames: Container[pathlib.Path]

    def result(self, source: Found, *, tells_format: bool) -> pathlib.Path | None:
        """The path of a result; None is standard output.

        Args:
            source: what it is made of.
            tells_format: whether its name says what format the source has.

        Raises:
            UserError: as `Template.fill` does.
        """
        if self.output is not None:
            return None if str(self.output) == STANDARD_STREAM else self.output
        path = source.path
        if path is None:
            return None
        folder = path.parent if self.output_dir is None else self.output_dir / path.parent.relative_to(source.root)
        stem = f"{path.stem}_{path.suffix[1:]}" if tells_format and path.suffix else path.stem
        if source.is_film:
            return folder / self.template.fill(stem, self.label, self.film_suffix(path.suffix))
        ext = self.suffixes[path]
        if path in self.frames:
            return self._frame_folder(folder) / self.frame_template.fill(path.stem, self.label, ext)
        return folder / self.template.fill(stem, self.label, ext)

    def _frame_folder(self, folder: pathlib.Path) -> pathlib.Path:
        if self.output_dir is not None:
            return folder
        beside = folder if folder.name not in ("", "..") else folder.resolve()
        return beside.with_name(f"{beside.name}_{self.label}")
