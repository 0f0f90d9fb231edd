"""What is read of a network's model info, and what is refused."""

import json
import pathlib
import shutil
from typing import Any

import pytest

from sr_keras.inference import model_info


@pytest.fixture
def write(tmp_path: pathlib.Path, interpolator: pathlib.Path) -> Any:
    """Writes the model info of a network with other values, or another text; returns its folder."""
    shutil.copytree(interpolator / "1", tmp_path / "1")
    path = tmp_path / "1" / "assets.extra" / "sr_keras.json"
    fields = json.loads(path.read_text())

    def write(text: str = "", **values: Any) -> pathlib.Path:
        path.write_text(text or json.dumps(fields | values))
        return tmp_path / "1"

    return write


@pytest.mark.parametrize(
    "values",
    [
        *({"scale": scale} for scale in (0, -4, 10**9, True, 4.0, "4", None, [4])),
        *({"grid": grid} for grid in (0, 10**9, True, 2.0, None)),
        *({"receptive_field": field} for field in (-1, 10**9, False)),
        {"peak_values": 0},
        {"back_projection": 1},
        {"licence": None},
        {"training": ["edsr"]},
    ],
    ids=str,
)
def test_what_no_network_is_like_is_refused(write: Any, values: dict[str, Any]) -> None:
    with pytest.raises(model_info.ModelError, match=f"is damaged.*{next(iter(values))}"):
        model_info.read_info(write(**values))


@pytest.mark.parametrize("text", ["[" * 100_000, "null", "[1]", "{", '"x"'])
def test_what_is_no_model_info_is_refused(write: Any, text: str) -> None:
    with pytest.raises(model_info.ModelError):
        model_info.read_info(write(text))
