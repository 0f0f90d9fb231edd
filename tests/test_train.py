"""`train.py` as a person runs it: as a process, on the bundled photos, with very small networks."""

import json
import math
import pathlib
import re
import shutil
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2, metadata

from sr_keras.evaluation import run_figures
from sr_keras.inference import model_info, saved_model
from sr_keras.photos import rgb
from tests.conftest import ROOT
from tests.folders import listing
from tests.training_runs import SMALL, printed_until, refused, start, train

CAT = ROOT / "sr_keras" / "sample" / "photos" / "cat.jpg"


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, str]:
    """A run of 20 iterations: one on pixels alone, then both networks. Returns its folder and what it printed."""
    run_dir = tmp_path_factory.mktemp("run")
    flags = ["--iterations=20", "--pretrain_iterations=1", "--keep_exports=2", "--keep_checkpoints=2", "--keep_samples=4"]
    process = start(*SMALL, *flags, f"--run_dir={run_dir}")
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    return run_dir, stderr


@pytest.fixture(scope="module")
def events(finished_run: tuple[pathlib.Path, str]) -> EventAccumulator:
    accumulator = EventAccumulator(str(finished_run[0] / "tensorboard"), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


def scalars(events: EventAccumulator, name: str) -> dict[int, float]:
    from tensorflow import make_ndarray

    return {event.step: float(make_ndarray(event.tensor_proto)) for event in events.Tensors(name)}


def test_a_run_leaves_what_it_should(finished_run: tuple[pathlib.Path, str]) -> None:
    run_dir, _ = finished_run
    assert listing(run_dir) == ["19", "20", "best", "checkpoints", "lock", "samples", "tensorboard", "train.flags"]
    assert listing(run_dir / "samples") == ["17.png", "18.png", "19.png", "20.png"]
    assert listing(run_dir / "checkpoints") == [
        "checkpoint",
        *(f"ckpt-{n}.{part}" for n in (19, 20) for part in ("data-00000-of-00001", "index")),
    ]


def test_the_best_network_is_kept(finished_run: tuple[pathlib.Path, str], events: EventAccumulator) -> None:
    """Though its iteration may be long past, and its own export gone."""
    psnr_db = scalars(events, "validation/psnr_db")
    best = max(psnr_db, key=psnr_db.__getitem__)
    kept = json.loads((finished_run[0] / "best" / "psnr.json").read_text())
    assert kept == {"iteration": best, "psnr_db": pytest.approx(psnr_db[best])}
    assert saved_model.ExportedNetwork(finished_run[0] / "best").info.scale == 4


def test_the_sample_is_what_the_export_makes(finished_run: tuple[pathlib.Path, str]) -> None:
    run_dir, _ = finished_run
    network = saved_model.ExportedNetwork(run_dir)
    small = rgb.read_photo(ROOT / "sr_keras" / "sample" / "small.png")
    whole = rgb.to_uint8(network(rgb.to_float(small)[np.newaxis])[0])
    difference = np.abs(rgb.read_photo(run_dir / "samples" / "20.png").astype(int) - whole)
    assert difference.max() <= 1


EVERY_ITERATION = (
    "generator/loss generator/pixel_loss generator/learning_rate work/photos_per_second validation/psnr_db validation/ssim "
    "work/skipped_photos work/enlarged_photos work/host_mib"
)
ADVERSARIAL_ITERATIONS = (
    "generator/adversarial_loss discriminator/loss discriminator/fake_loss discriminator/real_loss "
    "discriminator/D_real discriminator/D_fake"
)


def test_tensorboard_has_every_number_of_every_iteration(events: EventAccumulator) -> None:
    for first, names in ((1, EVERY_ITERATION), (2, ADVERSARIAL_ITERATIONS)):
        for name in names.split():
            assert sorted(scalars(events, name)) == list(range(first, 21)), name


def test_tensorboard_has_pictures_and_flags(events: EventAccumulator) -> None:
    tags = events.Tags()["tensors"]
    assert "validation/photo_0" in tags
    [text] = [event.tensor_proto.string_val[0].decode() for event in events.Tensors("flags")]
    assert "--hr_size=32" in text


def test_every_chart_of_the_layout_shows_something(events: EventAccumulator) -> None:
    """In the tab Custom Scalars, which can't draw tags with a bracket."""
    [event] = events.Tensors(metadata.CONFIG_SUMMARY_TAG)
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    tags = [tag for tag in events.Tags()["tensors"] if events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"]
    assert not [tag for tag in tags if "(" in tag]
    # The last category is about float16, which is not at work here.
    charts = [chart for category in layout.category if "loat16" not in category.title for chart in category.chart]
    assert len(charts) >= 8
    for chart in charts:
        [pattern] = chart.multiline.tag
        assert any(re.match(pattern, tag) for tag in tags), chart.title


def test_memory_stays_flat_over_20_iterations(events: EventAccumulator) -> None:
    """The authors had to reload their network after each iteration. A copy of this one has 1.4 MB, of all that is trained 5."""
    resident = scalars(events, "work/host_mib")
    early, late = (np.mean([resident[i] for i in range(first, first + 5)]) for first in (6, 16))
    assert (late - early) / 10 < 1.0, resident


def test_a_pipe_gets_plain_lines(finished_run: tuple[pathlib.Path, str]) -> None:
    _, stderr = finished_run
    assert "\r" not in stderr
    assert (
        len(re.findall(r"iteration \d+ of 20: generator loss [\d.e-]+.*, PSNR \d+\.\d\d dB, [\d.e+]+ photos/s", stderr)) == 20
    )
    assert "Warning" not in stderr


def test_a_run_repeats_from_its_own_flags(finished_run: tuple[pathlib.Path, str], tmp_path: pathlib.Path) -> None:
    """The same flags and seed give the same weights, and other iterations are taken from the command line."""
    run_dir, _ = finished_run
    for name in ("one", "two"):
        code, stderr = train(f"--flagfile={run_dir}/train.flags", f"--run_dir={tmp_path / name}", "--iterations=2")
        assert code == 0, stderr
    one, two = (saved_model.load_weights(tmp_path / name) for name in ("one", "two"))
    for first, second in zip(one, two, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-5)


def test_a_stopped_run_saves_and_resumes(tmp_path: pathlib.Path) -> None:
    flags = [*SMALL, f"--run_dir={tmp_path}", "--steps_per_iteration=100000", "--iterations=1"]
    before: list[str] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        process = start(*flags)
        assert "Ctrl-C stops it" in printed_until(process, "Ctrl-C stops it")
        process.send_signal(number)
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == 128 + number, stderr
        assert f"stopped by {number.name}" in stderr
        assert listing(tmp_path / "checkpoints") != before
        before = listing(tmp_path / "checkpoints")

    code, stderr = train(f"--flagfile={tmp_path}/train.flags", "--steps_per_iteration=1")
    assert code == 0, stderr
    assert "resumed from" in stderr
    assert [path.name for path in model_info.versions(tmp_path)] == ["1"]


def test_a_run_stops_where_it_is_told_and_goes_on_from_there(tmp_path: pathlib.Path) -> None:
    """Between the stages, and in the second; its learning rate falls as that of a whole run."""
    flags = [*SMALL, f"--run_dir={tmp_path}", "--steps_per_iteration=1", "--iterations=3", "--pretrain_iterations=1"]
    for iteration in (1, 2):
        code, stderr = train(*flags, "--schedule=cosine", f"--stop_after={iteration}")
        assert code == 0, stderr
        assert f"stopped after iteration {iteration}; to go on: python train.py --flagfile={tmp_path}/train.flags" in stderr
        assert [path.name for path in model_info.versions(tmp_path)][-1] == str(iteration)
        assert f"iteration {iteration} of 3: " in stderr
        rate = run_figures.read_scalars(tmp_path / "tensorboard")["generator/learning_rate"][iteration]
        assert rate == pytest.approx(1e-4 * (0.505 + 0.495 * math.cos(math.pi * iteration / 3)), rel=1e-3)
    code, stderr = train(f"--flagfile={tmp_path}/train.flags")
    assert code == 0, stderr
    assert "finished" in stderr
    assert "iteration 3 of 3: " in stderr


def test_the_papers_flagfile_says_how_to_get_its_photos(tmp_path: pathlib.Path) -> None:
    code, stderr = train("--flagfile=srgan.flags", f"--run_dir={tmp_path / 'run'}")
    assert code == 2
    assert "data_prep/README.md" in stderr
    assert "--data=sample" in stderr
    assert len(stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "flag, message",
    [
        ("--hr_size=30", "hr_size must be a multiple of 4, got 30"),
        ("--hr_size=16", "hr_size must be at least 19"),
        ("--filters=1", "filters must be at least 3, got 1"),
        ("--init=nowhere", "nowhere: no such model folder"),
        ("--init=saved_models/espcn", "saved_models/espcn does not fit the generator that the flags describe"),
        (
            "--init=saved_models/edsr --init_blocks=0 --num_blocks=1 --filters=64 --upscale_filters=256",
            "saved_models/edsr needs --hold_norms: the generator's batch norms know nothing of photos",
        ),
        ("--init_blocks=0", "--init_blocks is for blocks of a trained network, not of --init=interpolator"),
        ("--init=saved_models/edsr --init_blocks=0,a", "--init_blocks must be numbers from 0, separated by commas, got 0,a"),
        ("--teacher=nowhere", "nowhere: no such model folder"),
        ("--sample=nowhere.png", "nowhere.png: No such file"),
        ("--validation_fraction=1", "no photo is left to train on"),
        ("--profile=3,2", "--profile must be START,END, two step numbers from 1, got 3,2"),
        ("--strategy=multi_worker", "multi_worker needs TF_CONFIG"),
        ("--warmup_steps=1", "--warmup_steps needs --schedule=cosine"),
        ("--schedule=cosine --warmup_steps=99999", "--warmup_steps must be below"),
        ("--back_projection --degradation=real", "--back_projection is not for --degradation=real"),
        ("--discriminator_head=unet --hr_size=36", "hr_size must be a multiple of 8 for --discriminator_head=unet, got 36"),
        ("--shift=33", "shift must be at most hr_size, 32, got 33"),
        ("--perceptual_model=nowhere.keras", "--perceptual_layers is missing"),
        ("--generator=edsr", "the generator edsr has no upscale_filters"),
        ("--num_upscales=1 --teacher=saved_models/espcn", "saved_models/espcn enlarges 4 times, not 2"),
        ("stray", "unknown argument 'stray'"),
    ],
)
def test_wrong_use_is_one_clear_line(tmp_path: pathlib.Path, flag: str, message: str) -> None:
    assert message in refused(*SMALL, f"--run_dir={tmp_path}", *flag.split())


def test_a_run_starts_from_some_blocks_of_an_edsr(tmp_path: pathlib.Path) -> None:
    sizes = ["--num_blocks=2", "--filters=64", "--upscale_filters=256"]
    flags = [*SMALL, "--iterations=1", "--learning_rate=0", "--hold_norms", f"--run_dir={tmp_path}"]
    code, stderr = train(*flags, *sizes, "--init=saved_models/edsr", "--init_blocks=0,15")
    assert code == 0, stderr
    [first, last] = [w for w in saved_model.load_weights("saved_models/edsr") if w.shape == (3, 3, 64, 64)][:32:31]
    kernels = [w for w in saved_model.load_weights(tmp_path) if w.shape == (3, 3, 64, 64)]
    np.testing.assert_array_equal(kernels[0], first)
    np.testing.assert_array_equal(kernels[3], last)


def test_flags_that_do_not_fit_the_checkpoint_are_refused(finished_run: tuple[pathlib.Path, str]) -> None:
    run_dir, _ = finished_run
    changes = ["--num_blocks=2", "--precision=mixed_float16", "--average_decay=0.9", "--schedule=cosine"]
    line = refused(f"--flagfile={run_dir}/train.flags", *changes)
    said = "--average_decay was 0.0, is 0.9, --num_blocks was 1, is 2, --precision was float32, is mixed_float16, "
    assert f"holds other networks: {said}--schedule was constant, is cosine" in line
    assert "--num_blocks=1" in (run_dir / "train.flags").read_text()


def test_the_papers_run_is_the_papers() -> None:
    lines = (ROOT / "srgan.flags").read_text().splitlines()
    assert {line for line in lines if line.startswith("--")} >= {
        "--num_blocks=8",
        "--num_upscales=2",
        "--hr_size=256",
        "--iterations=1000",
        "--batch_size=8",
        "--learning_rate=1e-4",
        "--beta1=0.9",
        "--adversarial_weight=1",
    }


def test_a_run_starts_from_an_export_and_learns_from_another(
    finished_run: tuple[pathlib.Path, str], tmp_path: pathlib.Path
) -> None:
    """From the same, so what it is taught is nearer than the originals are."""
    flags = ["--iterations=1", "--learning_rate=0", f"--init={finished_run[0]}", f"--teacher={finished_run[0]}"]
    code, stderr = train(*SMALL, *flags, "--hold_norms", "--back_projection", f"--run_dir={tmp_path}")
    assert code == 0, stderr
    assert model_info.read_info(tmp_path / "1").scale == 4
    for old, new in zip(saved_model.load_weights(finished_run[0]), saved_model.load_weights(tmp_path), strict=True):
        np.testing.assert_array_equal(old, new)
    curves = run_figures.read_scalars(tmp_path / "tensorboard")
    assert curves["generator/teacher_loss"][1] < curves["generator/pixel_loss"][1]


def test_a_resumed_run_makes_a_missing_export_and_takes_a_changed_learning_rate(
    finished_run: tuple[pathlib.Path, str], tmp_path: pathlib.Path
) -> None:
    run_dir = shutil.copytree(finished_run[0], tmp_path / "run")
    shutil.rmtree(run_dir / "20")
    code, stderr = train(f"--flagfile={run_dir}/train.flags", f"--run_dir={run_dir}", "--iterations=21", "--learning_rate=0.5")
    assert code == 0, stderr
    assert run_figures.read_scalars(run_dir / "tensorboard")["generator/learning_rate"][21] == pytest.approx(0.5)
    assert [path.name for path in model_info.versions(run_dir)] == ["20", "21"]
    for old, new in zip(saved_model.load_weights(finished_run[0]), saved_model.load_weights(run_dir / "20"), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.fixture(scope="module")
def pixel_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, str]:
    """A run on pixels alone, of another network, with options of its own. Returns its folder and what it printed."""
    folder = tmp_path_factory.mktemp("pixels")
    with Image.open(CAT) as picture:
        mirrored = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        mirrored.resize((picture.width * 3 // 4, picture.height * 3 // 4)).save(folder / "test.png")
    sizes = [flag for flag in SMALL if not flag.startswith("--upscale_filters")]
    flags = ["--generator=edsr", "--pixel_loss=mae", "--iterations=4", "--pretrain_iterations=4", "--profile=2,2"]
    flags += ["--schedule=cosine", "--warmup_steps=4", f"--exclude={folder}", f"--validation={folder}"]
    code, stderr = train(*sizes, *flags, f"--run_dir={folder / 'run'}")
    assert code == 0, stderr
    return folder / "run", stderr


def test_another_generator_trains_on_another_loss(pixel_run: tuple[pathlib.Path, str]) -> None:
    assert model_info.read_info(pixel_run[0] / "4").scale == 4


def test_the_learning_rate_grows_before_it_falls(pixel_run: tuple[pathlib.Path, str]) -> None:
    """Without a discriminator, whose steps are fewer than those of the warm-up."""
    rates = list(run_figures.read_scalars(pixel_run[0] / "tensorboard")["generator/learning_rate"].values())
    assert rates == pytest.approx([0.5e-4, 1e-4, 0.505e-4, 1e-6], rel=1e-3)


def test_test_photos_are_excluded_by_what_they_show(pixel_run: tuple[pathlib.Path, str]) -> None:
    """One of the bundled photos, under another name, smaller and mirrored."""
    assert f"excluded: {CAT}" in pixel_run[1]
    count = len(list(CAT.parent.glob("*.jpg")))
    assert f"{count - 1} photos to train, 1 to validate" in pixel_run[1]


def test_a_trace_is_recorded(pixel_run: tuple[pathlib.Path, str]) -> None:
    [trace] = (pixel_run[0] / "tensorboard" / "plugins" / "profile").rglob("*.xplane.pb")
    # By this the tab Profile finds the steps; without it, it shows no time.
    assert b"step_num" in trace.read_bytes()


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A file of a network whose layer `edges` is a feature."""
    photo = keras.Input((None, None, 3))
    path = tmp_path_factory.mktemp("features") / "features.keras"
    keras.Model(photo, keras.layers.Conv2D(4, 3, activation="relu", name="edges")(photo)).save(path)
    return path


@pytest.fixture(scope="module")
def gan_run(features: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder of a run of both networks, with all that can be added to the generator's loss."""
    run_dir = tmp_path_factory.mktemp("gan")
    flags = ["--iterations=2", "--schedule=cosine", "--spectral_norm", f"--perceptual_model={features}"]
    flags += ["--perceptual_layers=edges", "--perceptual_weight=1e6", "--grid_weight=1", "--shift=4", "--hold_norms"]
    code, stderr = train(*SMALL, *flags, "--back_projection", f"--run_dir={run_dir}")
    assert code == 0, stderr
    return run_dir


def test_the_learning_rate_falls(gan_run: pathlib.Path) -> None:
    rates = list(run_figures.read_scalars(gan_run / "tensorboard")["generator/learning_rate"].values())
    assert rates == pytest.approx([0.505e-4, 1e-6], rel=1e-3)  # half-way from 1e-4 to its hundredth, and there


def test_kernels_are_normalised(gan_run: pathlib.Path) -> None:
    reader = tf.train.load_checkpoint(str(gan_run / "checkpoints"))
    assert any("vector_u" in name for name in reader.get_variable_to_shape_map())


def test_features_are_compared_where_a_model_is_given(gan_run: pathlib.Path) -> None:
    curves = run_figures.read_scalars(gan_run / "tensorboard")
    assert curves["generator/loss"][1] == pytest.approx(1e6 * curves["generator/perceptual_loss"][1], rel=1e-3)
    assert "--perceptual_layers=edges" in (gan_run / "train.flags").read_text()


def test_features_of_no_layer_are_refused(features: pathlib.Path, tmp_path: pathlib.Path) -> None:
    line = refused(*SMALL, f"--perceptual_model={features}", "--perceptual_layers=corners", f"--run_dir={tmp_path}")
    assert "features.keras has no layer 'corners'; it has" in line
