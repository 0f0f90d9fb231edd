"""`python -m sr_keras.figures` as a person runs it, on runs that are made up here."""

import pathlib
import shutil
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import tensorflow as tf

from sr_keras import figures
from sr_keras.evaluation import run_figures
from sr_keras.photos import rgb
from sr_keras.training import run_folder, tensorboard
from tests.folders import listing
from tests.types import Noise

PIXELS = {"generator/loss": 0.02, "generator/pixel_loss": 0.02, "validation/psnr_db": 25.0, "validation/ssim": 0.6}
ADVERSARIAL = {
    "generator/adversarial_loss": 0.7,
    "discriminator/loss": 1.4,
    "discriminator/fake_loss": 0.7,
    "discriminator/real_loss": 0.7,
    "discriminator/D_real": 0.5,
    "discriminator/D_fake": 0.4,
}
CURVES, NETWORK = ["losses.png", "validation.png"], ["figure_2.png", "figure_3.png"]


def write_events(run: pathlib.Path, iterations: Mapping[int, dict[str, float]]) -> None:
    """What a process writes that does these iterations, each with its scalars."""
    writer = tf.summary.create_file_writer(str(run / "tensorboard"))
    tensorboard.write_layout(writer)
    write = tensorboard.metrics_writer(writer)
    for iteration, scalars in iterations.items():
        write(iteration, {**scalars})
    writer.close()


def size(path: pathlib.Path) -> tuple[int, int]:
    height, width = rgb.read_photo(path).shape[:2]
    return width, height


@pytest.fixture
def run(tmp_path: pathlib.Path, interpolator: pathlib.Path, noise: Noise) -> pathlib.Path:
    """Three iterations, of which one is on pixels alone, with two samples and a network."""
    run = tmp_path / "run"
    write_events(run, {1: PIXELS, 2: PIXELS | ADVERSARIAL, 3: PIXELS | ADVERSARIAL})
    (run / "samples").mkdir()
    for iteration in (1, 3):
        rgb.write_photo(run / "samples" / f"{iteration}.png", noise(200, 320))
    shutil.copytree(interpolator / "1", run / "3")
    return run


def test_a_run_gives_all_figures(run: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert figures.main([str(run)]) == 0
    folder = run / "figures"
    names = sorted([*CURVES, *NETWORK, "samples.png"])
    assert listing(folder) == names
    out, err = capsys.readouterr()
    assert sorted(out.splitlines()) == [str(folder / name) for name in names]
    assert not err
    assert size(folder / "samples.png") == (300 + 8 + 300, 28 + 200)
    assert size(folder / "figure_2.png") == (4 * 256 + 3 * 8, 2 * (28 + 256) + 8)
    assert size(folder / "figure_3.png") == (2 * 600 + 8, 28 + 400)


def test_photos_are_by_path(run: pathlib.Path, tmp_path: pathlib.Path, noise: Noise) -> None:
    """Files, and folders for what is in them."""
    (tmp_path / "folder").mkdir()
    for name, photo in {
        "small": noise(64, 64),
        "folder/a": noise(80, 90),
        "folder/b": noise(90, 80),
        "large": noise(70, 30),
    }.items():
        rgb.write_photo(tmp_path / f"{name}.png", photo)
    photos = [str(tmp_path / "small.png"), str(tmp_path / "folder"), str(rgb.SAMPLE / "photos" / "cat.jpg")]
    output = tmp_path / "output"
    assert figures.main([str(run), f"--output={output}", f"--large={tmp_path / 'large.png'}", "--photos", *photos]) == 0
    figure = rgb.read_photo(output / "figure_2.png")
    assert figure.shape[:2] == (2 * (28 + 256) + 8, 4 * 256 + 3 * 8)
    np.testing.assert_array_equal(figure[28 : 28 + 256 : 4, :256:4], rgb.read_photo(tmp_path / "small.png"))
    assert size(output / "figure_3.png") == (150 + 8 + 150, 28 + 280)
    assert not (run / "figures").exists()


def test_a_run_on_degraded_photos_shows_some(run: pathlib.Path) -> None:
    """The large photo, and four small ones whose pixels are squares; of two photos."""
    run_folder.record_flags(run, ["--degradation=real", "--num_upscales=2"])
    photos = [str(rgb.SAMPLE / "photos" / f"{name}.jpg") for name in ("cat", "retina")]
    assert figures.main([str(run), "--photos", *photos]) == 0
    figure = rgb.read_photo(run / "figures" / "degradations.png")
    assert figure.shape[:2] == (2 * (28 + 256) + 8, 5 * 256 + 4 * 8)
    columns = [figure[28 : 28 + 256, left : left + 256] for left in range(0, 5 * 264, 264)]
    draws = {draw[::4, ::4].tobytes(): draw for draw in columns[1:]}
    assert len(draws) == 4
    for draw in draws.values():
        np.testing.assert_array_equal(draw, draw[::4, ::4].repeat(4, axis=0).repeat(4, axis=1))
        np.testing.assert_allclose(draw.mean((0, 1)), columns[0].mean((0, 1)), atol=12)


def test_of_iterations_done_again_the_later_values_count(tmp_path: pathlib.Path) -> None:
    """A run wrote 4 iterations, went back to the checkpoint of the first, and is now in its fourth again."""
    name = "generator/loss"
    write_events(tmp_path, {iteration: {name: iteration} for iteration in (1, 2, 3, 4)})
    write_events(tmp_path, {iteration: {name: 10 * iteration} for iteration in (2, 3)})
    assert run_figures.read_scalars(tmp_path / "tensorboard") == {name: {1: 1.0, 2: 20.0, 3: 30.0}}


def test_the_end_of_what_is_being_written_is_left_out(tmp_path: pathlib.Path) -> None:
    write_events(tmp_path, {1: PIXELS, 2: PIXELS})
    [events] = (tmp_path / "tensorboard").iterdir()
    events.write_bytes(events.read_bytes()[:-10])
    scalars = run_figures.read_scalars(tmp_path / "tensorboard")
    assert list(scalars["generator/loss"]) == [1, 2]
    assert list(scalars["validation/ssim"]) == [1]


def test_curves_hold_the_values(tmp_path: pathlib.Path) -> None:
    write_events(tmp_path, {1: PIXELS, 2: PIXELS | ADVERSARIAL | {"generator/loss": 0.5}})
    figure = run_figures.draw_losses(run_figures.read_scalars(tmp_path / "tensorboard"), "title")
    drawn = [{str(line.get_label()): np.asarray(line.get_xydata()) for line in axes.lines} for axes in figure.axes]
    np.testing.assert_allclose(drawn[0]["sum"], [[1, 0.02], [2, 0.5]])
    np.testing.assert_allclose(drawn[0]["adversarial loss"], [[2, 0.7]])
    np.testing.assert_allclose(drawn[1]["sum"], [[2, 1.4]])
    np.testing.assert_allclose(drawn[2]["D(fake)"], [[2, 0.4]])


def test_a_run_on_pixels_alone_has_one_curve(tmp_path: pathlib.Path) -> None:
    write_events(tmp_path, {1: PIXELS, 2: PIXELS})
    [axes] = run_figures.draw_losses(run_figures.read_scalars(tmp_path / "tensorboard"), "title").axes
    assert [line.get_label() for line in axes.lines] == ["pixel loss"]


@pytest.mark.parametrize(
    "iterations, chosen",
    [([7], [7]), ([27, 28, 29, 30], [27, 28, 29, 30]), (range(1, 1001), [1, 10, 100, 1000]), ([1, 2, 3, 4, 50], [1, 3, 4, 50])],
)
def test_samples_are_chosen_from_the_first_to_the_last(iterations: Sequence[int], chosen: list[int]) -> None:
    assert run_figures.choose(list(iterations), 4) == chosen


def test_a_network_alone_has_its_figures(
    interpolator: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert figures.main([str(interpolator), f"--output={tmp_path}"]) == 0
    assert listing(tmp_path) == NETWORK
    assert capsys.readouterr().err.splitlines() == [
        "no losses.png: no finished iteration",
        "no validation.png: no finished iteration",
        "no samples.png: no sample",
    ]


def test_curves_need_no_network(tmp_path: pathlib.Path) -> None:
    write_events(tmp_path / "run", {1: PIXELS})
    assert figures.main([str(tmp_path / "run")]) == 0
    assert listing(tmp_path / "run" / "figures") == CURVES


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nowhere"], "nowhere: no such folder"),
        (["{begun}"], "begun: nothing to draw yet: no finished iteration; no sample"),
        (["{begun}", "--photos=nowhere.png"], "nowhere.png: No such file"),
        (["{begun}", "--photos={small}"], "small.png: must have at least 64x64 pixels, has 70x60"),
        (["{begun}", "--large={large}"], "large.png: must have at most 1,000,000 pixels, has 1001x1000"),
    ],
)
def test_wrong_use_is_one_clear_line(
    tmp_path: pathlib.Path, noise: Noise, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    write_events(tmp_path / "begun", {})
    for name, photo in {"small": noise(60, 70), "large": noise(1000, 1001)}.items():
        rgb.write_photo(tmp_path / f"{name}.png", photo)
    paths = {"begun": tmp_path / "begun", "small": tmp_path / "small.png", "large": tmp_path / "large.png"}
    assert figures.main([argument.format(**paths) for argument in arguments]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m sr_keras.figures: ")
    assert message in line
    assert not (tmp_path / "begun" / "figures").exists()
