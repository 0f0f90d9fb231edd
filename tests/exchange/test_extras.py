"""Export needs the packages of its own extra, and none of another one's."""

import pathlib
import subprocess
import sys

import pytest

from sr_keras.exchange.file_formats import FILE_FORMATS

# What extras bring, each under the names that it is imported by.
OF_EXTRAS = {
    *(package for each in FILE_FORMATS.values() for package in each.packages),
    *("av", "fastapi", "nncf", "ncnn", "pillow_heif", "pillow_jxl", "pyarrow", "rawpy", "ray", "tensorflow_addons", "torch"),
    *("pytest", "scipy", "tensorflow_serving", "uvicorn"),
}


def run(*arguments: str, packages: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """The command in an environment that has, of `OF_EXTRAS`, these packages alone."""
    missing = sorted(OF_EXTRAS.difference(packages))
    code = f"""
import sys
sys.modules.update(dict.fromkeys({missing}))
from sr_keras.__main__ import main
sys.exit(main({list(arguments)}))
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILE_FORMATS)
def test_export_needs_its_own_extra_alone(name: str, tmp_path: pathlib.Path) -> None:
    packages = FILE_FORMATS[name].packages
    for package in packages:
        pytest.importorskip(package)
    path = tmp_path / f"a{FILE_FORMATS[name].suffix}"
    command = ["export", "espcn", f"--format={name}", f"--output={path}"]
    done = run(*command, packages=packages)
    assert (done.returncode, path.is_file()) == (0, True), done.stderr
    for file in FILE_FORMATS[name].files(path):
        file.unlink()
    done = run(*command)
    assert (done.returncode, path.is_file()) == (2, False)
    assert done.stderr.endswith(f"--format={name} needs {', '.join(packages)}: pip install '.[{name}]' in the checkout\n")
