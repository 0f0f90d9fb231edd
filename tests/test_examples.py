"""The examples do what they say."""

import base64
import io
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from sr_keras.photos import rgb
from tests.conftest import ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture
def photo(tmp_path: Path, rng: np.random.Generator) -> Path:
    """The only photo of a folder: 48x48 pixels of noise."""
    path = tmp_path / "photos" / "photo.png"
    path.parent.mkdir()
    rgb.write_photo(path, rng.integers(0, 256, (48, 48, 3), dtype=np.uint8))
    return path


def run(script: str, *arguments: object) -> str:
    command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_an_array_is_upscaled(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = photo.with_name("large.png")
    assert runpy.run_path(str(EXAMPLES / "upscale_array.py"))["main"](str(photo), str(target), "espcn") == 0
    assert rgb.read_photo(target).shape == (192, 192, 3)
    assert capsys.readouterr().out.startswith("48x48 -> 192x192, x4, in ")


@pytest.mark.slow
def test_a_network_is_fine_tuned_and_ready_to_use(tmp_path: Path) -> None:
    small = ["--steps_per_iteration=1", "--iterations=1", "--pretrain_iterations=1", "--hr_size=32", "--batch_size=1"]
    assert "best is ready" in run("fine_tune.py", "sample", tmp_path / "run", *small, "--validation_photos=1")


@pytest.mark.slow
def test_two_networks_are_compared_photo_by_photo(photo: Path) -> None:
    last_line = run("compare_networks.py", "espcn", "edsr", photo.parent).splitlines()[-1]
    assert last_line.startswith("photo.png: e")


# In place of ONNX Runtime Web, which would have to be fetched: the mean of the pixels beside each one, zeros around
# the tile, so that tiles without overlap show.
RUNTIME = """
export const env = { wasm: {} };
export class Tensor { constructor(type, data, dims) { Object.assign(this, { data, dims }); } }
export const InferenceSession = { create: async () => ({ run: async ({ lr }) => {
  const [, , h, w] = lr.dims, data = new Float32Array(12 * h * w);
  const at = (c, y, x) => (y < 0 || x < 0 || y >= h || x >= w ? 0 : lr.data[(c * h + y) * w + x]);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < 2 * h; y++)
      for (let x = 0; x < 2 * w; x++) {
        const [a, b] = [y >> 1, x >> 1];
        data[(c * 2 * h + y) * 2 * w + x] = (at(c, a - 1, b) + at(c, a + 1, b) + at(c, a, b - 1) + at(c, a, b + 1)) / 4;
      }
  return { sr: new Tensor("float32", data, [1, 3, 2 * h, 2 * w]) };
} }) };
"""


@pytest.mark.slow
def test_the_page_upscales_in_tiles_that_do_not_show(tmp_path: Path, rng: np.random.Generator) -> None:
    chromium = shutil.which("chromium") or pytest.skip("there is no chromium")
    (tmp_path / "a.onnx").touch()
    photo = rng.integers(0, 256, (150, 170, 3), dtype=np.uint8)
    rgb.write_photo(tmp_path / "photo.png", photo)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        answer = {"body": RUNTIME, "content_type": "text/javascript", "headers": {"Access-Control-Allow-Origin": "*"}}
        page.route("**/ort.wasm.min.mjs", lambda route: route.fulfill(**answer))
        page.goto((EXAMPLES / "run_onnx.html").as_uri())
        page.set_input_files("#network", tmp_path / "a.onnx")
        page.set_input_files("#photo", tmp_path / "photo.png")
        page.fill("#overlap", "1")
        page.click("#start")
        expect(page.locator("#status")).to_have_text("170x150, 2 times as large; a right click saves it", timeout=60_000)
        url = page.evaluate("document.getElementById('result').toDataURL()")
        browser.close()
    sr = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB"))
    padded = np.pad(photo.astype(float), [(1, 1), (1, 1), (0, 0)])
    mean = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4
    assert np.abs(sr - mean.repeat(2, axis=0).repeat(2, axis=1)).max() <= 1


def test_each_example_is_named() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"({path.name})" in listed for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("script", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_what_is_missing_is_a_line(script: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    if script == "serving_client.py":
        pytest.importorskip("tensorflow_serving")
    monkeypatch.setattr(sys, "argv", [script, "alone"])
    with pytest.raises(SystemExit) as ending:
        runpy.run_path(str(EXAMPLES / script), run_name="__main__")
    assert ending.value.code == 2
    assert capsys.readouterr().err.startswith(f"usage: {script} ")
