"""The HTTP interface does what its description says: schemathesis calls it in all ways that are described, and in others."""

import pathlib
import subprocess
import sys

import pytest

from sr_keras.web.orders import Limits
from tests.web.conftest import Hand, serving


@pytest.mark.slow
def test_the_interface_keeps_to_its_description(hand: Hand, tmp_path: pathlib.Path) -> None:
    hand.go.set()
    with serving(tmp_path / "server", hand, Limits()) as served:
        command = pathlib.Path(sys.executable).with_name("schemathesis")
        options = [
            "--exclude-path-regex=/events$",  # its answer has no end
            # No description says which files are pictures. Starlette names the methods of one function, not all of an address.
            "--exclude-checks=positive_data_acceptance,allow_header_conformance",
            *("--max-examples=50", "--seed=1", "--no-color"),
        ]
        address = f"{served.client.base_url}/openapi.json"
        result = subprocess.run([command, "run", address, *options], cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert result.returncode == 0, result.stdout
