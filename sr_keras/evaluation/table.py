"""The table that compares methods: its columns, the means of its lines, as Markdown and as JSON."""

import json
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sr_keras.runtime import files

# What is measured beside the networks.
BICUBIC, ORIGINAL = "bicubic", "original"
ABOUT_METHODS = (
    f"{BICUBIC}: the low-resolution photos enlarged by bicubic interpolation, without a network",
    f"{ORIGINAL}: the references themselves, which is what a perfect result would be measured as",
)

# By the names of `_COLUMNS`; what was not measured is missing, or NaN.
TableRow = Mapping[str, Any]

_NOTHING = "-"
# Headings and formats, by the names that JSON has too.
_COLUMNS = {
    "data": ("data", "{}"),
    "photo": ("photo", "{}"),
    "method": ("method", "{}"),
    "psnr_db": ("PSNR, dB", "{:.2f}"),
    "ssim": ("SSIM", "{:.4f}"),
    "restored": ("restored", "{:.2f}"),
    "colour_error": ("colour error", "{:.2f}"),
    "largest_colour_error": ("largest", "{:.2f}"),
    "sharpness": ("sharpness", "{:.2f}"),
    "edge_db": ("edges, dB", "{:+.2f}"),
    "seam": ("seams", "{:.2f}"),
    "grid_db": ("grid, dB", "{:+.2f}"),
    "feature_distance": ("SqueezeNet", "{:.3f}"),
    "flat_noise": ("flat noise", "{:.2f}"),
    "noise_left": ("of bicubic's", "{:.2f}"),
    "blockiness": ("blocks", "{:.2f}"),
    "piqe": ("PIQE", "{:.1f}"),
    "off_float32": ("off float32", "{:.2f}"),
    "most_off_float32": ("worst pixel", "{:.0f}"),
    "seconds_per_megapixel": ("s/MP", "{:.2f}"),
}
_TEXTS = ("data", "photo", "method")


def means(rows: Sequence[TableRow], seconds_per_megapixel: Mapping[str, float] | None = None) -> list[TableRow]:
    """A row for each set and method, in their order: the mean over the photos that have a value, or the largest.

    Args:
        rows: of the photos.
        seconds_per_megapixel: by method, the column of that name.
    """
    groups: dict[tuple[str, str], list[TableRow]] = {}
    for row in rows:
        groups.setdefault((row["data"], row["method"]), []).append(row)
    of_groups: list[TableRow] = [{"data": data, "method": method, **_mean(group)} for (data, method), group in groups.items()]
    of_bicubic = {row["data"]: row.get("flat_noise") for row in of_groups if row["method"] == BICUBIC}
    with_noise = [_with_noise_left(row, of_bicubic.get(row["data"])) for row in of_groups]
    if seconds_per_megapixel is None:
        return with_noise
    return [{**row, "seconds_per_megapixel": seconds_per_megapixel.get(row["method"], math.nan)} for row in with_noise]


def markdown(rows: Sequence[TableRow]) -> str:
    """A table of the columns that have a value in any row."""

    def cell(row: TableRow, name: str) -> str:
        value = row.get(name, math.nan)
        return _COLUMNS[name][1].format(value) if isinstance(value, str) or math.isfinite(value) else _NOTHING

    cells = {name: [cell(row, name) for row in rows] for name in _COLUMNS}
    shown = {name: [_COLUMNS[name][0], *column] for name, column in cells.items() if set(column) != {_NOTHING}}
    widths = {name: max(map(len, column)) for name, column in shown.items()}

    def line(texts: Sequence[str]) -> str:
        # Names to the left, numbers to the right.
        sides = ["<" if name in _TEXTS else ">" for name in shown]
        padded = [f"{text:{side}{width}}" for text, side, width in zip(texts, sides, widths.values(), strict=True)]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if name in _TEXTS else "-" * (width - 1) + ":" for name, width in widths.items()]
    heading, *lines = zip(*shown.values(), strict=True)
    return "\n".join(map(line, [heading, rule, *lines]))


def write_json(path: pathlib.Path, tables: Mapping[str, Sequence[TableRow]]) -> None:
    """Writes all values of tables, by their names; the file appears whole or not at all."""

    def as_json(row: TableRow) -> dict[str, Any]:
        # JSON has no word for NaN and infinity.
        return {name: value if isinstance(value, str) or math.isfinite(value) else None for name, value in row.items()}

    with files.written_beside(path) as part:
        text = json.dumps({name: [as_json(row) for row in rows] for name, rows in tables.items()}, indent=2)
        part.write_text(text + "\n", encoding="utf-8")


def _with_noise_left(row: TableRow, flat_noise_of_bicubic: float | None) -> TableRow:
    if not flat_noise_of_bicubic or "flat_noise" not in row:
        return row
    return {**row, "noise_left": row["flat_noise"] / flat_noise_of_bicubic}


def _mean(rows: Sequence[TableRow]) -> dict[str, float]:
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0] if name not in _TEXTS}
    known = {name: column[np.isfinite(column)] for name, column in columns.items()}
    mean = {name: float(numbers.mean()) if numbers.size else math.nan for name, numbers in known.items()}
    if "most_off_float32" in mean:
        mean["most_off_float32"] = float(columns["most_off_float32"].max())
    return {**mean, "largest_colour_error": float(columns["colour_error"].max())}
