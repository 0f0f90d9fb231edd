import dataclasses
import importlib.util
import os
import pathlib
import platform
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sr_keras.data import sources
from sr_keras.data.augmentation import Augmentation
from sr_keras.data.pairs import DOWNSCALE_METHODS, PairMaker, validation_pairs
from sr_keras.data.stream import TrainStream
from sr_keras.photos import rgb
from tests.types import Noise

Batches = list[tuple[np.ndarray, np.ndarray]]

PLAIN = Augmentation(flip_left_right=0, flip_up_down=0, darken=0, brightness=0, saturation=0)


@pytest.fixture
def folder(tmp_path: pathlib.Path, noise: Noise) -> pathlib.Path:
    """Twelve photos of several sizes and kinds."""
    for index, (height, width) in enumerate(3 * [(40, 60), (70, 50), (33, 33), (32, 90)]):
        suffix, mode = [(".jpg", "RGB"), (".png", "RGB"), (".bmp", "L"), (".JPEG", "L")][index // 3]
        sub = tmp_path / "sub" if index % 2 else tmp_path
        sub.mkdir(exist_ok=True)
        Image.fromarray(noise(height, width)).convert(mode).save(sub / f"{index}{suffix}")
    return tmp_path


def files(paths: Sequence[str], source: str | pathlib.Path = "/") -> sources.Files:
    return sources.Files(paths, pathlib.Path(source))


def split(paths: Sequence[str], source: str | pathlib.Path, fraction: float) -> tuple[list[str], ...]:
    sides = sources.split(files(paths, source), fraction)
    return tuple([side.where(number) for number in range(len(side))] for side in sides)


def make_stream(
    paths: Sequence[str],
    position: int = 0,
    batch_size: int = 4,
    seed: int = 1,
    hr_size: int = 32,
    augmentation: Augmentation = PLAIN,
    max_reduction: float = np.inf,
    max_enlargement: float = 1,
    share: tuple[int, int] = (0, 1),
    sharpen_reference: bool = False,
    **pair: Any,
) -> TrainStream:
    return TrainStream(
        files(paths),
        tf.Variable(position, dtype=tf.int64),
        make_pair=PairMaker(hr_size, 4, **pair),
        augmentation=augmentation,
        max_reduction=max_reduction,
        max_enlargement=max_enlargement,
        batch_size=batch_size,
        seed=seed,
        sharpen_reference=sharpen_reference,
        worker=share[0],
        workers=share[1],
    )


def take(stream: TrainStream, count: int) -> Batches:
    # The range comes first: it ends before one batch too many is drawn.
    return [(lr.numpy(), hr.numpy()) for _, (lr, hr) in zip(range(count), stream, strict=False)]


def flat(tmp_path: pathlib.Path, colours: Sequence[tuple[int, int, int]], size: tuple[int, int] = (50, 40)) -> list[str]:
    paths = []
    for index, colour in enumerate(colours):
        paths.append(str(tmp_path / f"{index}.png"))
        Image.new("RGB", size, colour).save(paths[-1])
    return paths


def test_photos_are_found_in_folders_and_lists(folder: pathlib.Path) -> None:
    paths = sources.list_photos(folder)
    assert len(paths) == 12
    (folder / "list.txt").write_text("sub/1.jpg\n\n0.jpg\n")
    assert sources.list_photos(folder / "list.txt") == [str(folder / "0.jpg"), str(folder / "sub/1.jpg")]


def test_lists_train_and_split_like_folders(folder: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    names = ["0.jpg", "sub/1.jpg", str(folder / "2.jpg"), os.path.relpath(folder / "4.png", elsewhere)]
    (elsewhere / "list.txt").write_text("\n".join(names[2:]), encoding="utf-8-sig")
    (folder / "list.txt").write_text("\n".join(names[:3]))
    for source in (elsewhere / "list.txt", folder / "list.txt"):
        paths = sources.list_photos(source)
        train, validation = split(paths, source, 0.5)
        assert sorted(train + validation) == paths
        stream = make_stream(paths)
        take(stream, 2)
        assert not stream.skipped
    assert split([str(folder / "0.jpg")], folder, 0.5) == split([str(folder / "0.jpg")], folder / "list.txt", 0.5)


def test_what_is_no_list_is_refused(folder: pathlib.Path) -> None:
    with pytest.raises(ValueError, match=r"0\.jpg: neither a folder of photos nor a list"):
        sources.list_photos(folder / "0.jpg")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_need_not_be_text(folder: pathlib.Path, noise: Noise) -> None:
    path = os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png")
    Image.fromarray(noise(40, 40)).save(path)
    assert path in sources.list_photos(folder)
    assert split([path], folder, 1.0) == ([], [path])
    stream = make_stream([path])
    take(stream, 1)
    assert not stream.skipped


def test_nothing_to_train_on_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no photo"):
        sources.list_photos(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such folder or list file"):
        sources.list_photos(tmp_path / "nothing")


def test_split_depends_on_the_path_alone(tmp_path: pathlib.Path) -> None:
    paths = [str(tmp_path / f"{index}.jpg") for index in range(2000)]
    train, validation = split(paths, tmp_path, 0.1)
    assert sorted(train + validation) == sorted(paths)
    assert 130 < len(validation) < 270
    fewer_train, fewer_validation = split(paths[::3], tmp_path, 0.1)
    assert set(fewer_train) <= set(train)
    assert set(fewer_validation) <= set(validation)


def test_split_survives_a_move(tmp_path: pathlib.Path) -> None:
    (tmp_path / "moved").mkdir()
    names = [f"{index}.jpg" for index in range(100)]
    here, there = (split([str(root / name) for name in names], root, 0.2)[1] for root in (tmp_path, tmp_path / "moved"))
    assert [path.replace("/moved", "") for path in there] == here


def test_batches_have_their_shape_and_range(folder: pathlib.Path) -> None:
    [(lr, hr)] = take(make_stream(sources.list_photos(folder), augmentation=Augmentation()), 1)
    assert lr.shape == (4, 8, 8, 3)
    assert hr.shape == (4, 32, 32, 3)
    assert lr.dtype == hr.dtype == np.float32
    assert min(lr.min(), hr.min()) >= 0
    assert max(lr.max(), hr.max()) <= 1


def test_lr_has_the_levels_of_a_file(folder: pathlib.Path) -> None:
    [(lr, _)] = take(make_stream(sources.list_photos(folder)), 1)
    np.testing.assert_allclose(lr * 255, np.rint(lr * 255), atol=1e-4)


@pytest.mark.parametrize("downscale", DOWNSCALE_METHODS)
def test_a_flat_colour_makes_a_flat_pair(tmp_path: pathlib.Path, downscale: str) -> None:
    [(lr, hr)] = take(make_stream(flat(tmp_path, [(50, 100, 200)]), downscale=downscale), 1)
    for photos in (lr, hr):
        np.testing.assert_allclose(photos * 255, np.broadcast_to([50, 100, 200], photos.shape), atol=1e-3)


def test_lr_is_pillows_bicubic_of_hr(folder: pathlib.Path) -> None:
    """The field makes low-resolution photos by antialiased bicubic (a = -0.5); Pillow's has no part in the pipeline."""
    for lr, hr in take(make_stream(sources.list_photos(folder)), 3):
        for small, large in zip(lr, hr, strict=True):
            channels = [np.asarray(Image.fromarray(large[..., c]).resize((8, 8), Image.Resampling.BICUBIC)) for c in range(3)]
            np.testing.assert_allclose(small, np.clip(np.dstack(channels), 0, 1), atol=1.01 / 510)


def test_each_pass_visits_every_photo_once_in_another_order(tmp_path: pathlib.Path) -> None:
    paths = flat(tmp_path, [(level, 0, 0) for level in range(0, 240, 20)])
    passes = [np.rint(hr[:, 0, 0, 0] * 255).tolist() for _, hr in take(make_stream(paths, batch_size=12), 3)]
    assert all(sorted(levels) == list(range(0, 240, 20)) for levels in passes)
    assert len({tuple(levels) for levels in passes}) == 3


def test_the_seed_repeats_the_stream(folder: pathlib.Path) -> None:
    paths = sources.list_photos(folder)
    first, again, other = (take(make_stream(paths, seed=seed, augmentation=Augmentation()), 4) for seed in (1, 1, 2))
    for (lr, hr), (lr_again, hr_again) in zip(first, again, strict=True):
        np.testing.assert_array_equal(lr, lr_again)
        np.testing.assert_array_equal(hr, hr_again)
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(first, other, strict=True))


# The mean of lr, its first value, the mean of hr, its first value and one of its last row: of examples 7 to 12 of a seed.
OF_SEED_3 = {
    "none": [
        [0.4369, 0.1020, 0.4367, 0.0786, 0.1431],
        [0.5603, 0.5059, 0.5596, 0.4868, 0.7947],
        [0.3021, 0.2902, 0.3024, 0.2824, 0.0000],
        [0.4556, 0.5647, 0.4557, 0.5781, 0.2446],
        [0.3171, 0.0000, 0.3161, 0.0000, 0.1010],
        [0.4653, 0.5725, 0.4652, 0.5815, 0.2550],
    ],
    "real": [
        [0.3912, 0.1451, 0.4001, 0.1180, 0.2159],
        [0.4842, 0.5490, 0.4828, 0.5354, 0.5043],
        [0.3941, 0.2902, 0.3897, 0.2741, 0.0000],
        [0.4466, 0.5451, 0.4465, 0.5546, 0.2643],
        [0.3101, 0.1451, 0.3267, 0.0000, 0.3997],
        [0.4289, 0.5608, 0.4219, 0.5297, 0.2188],
    ],
}


@pytest.mark.parametrize("degradation", OF_SEED_3)
def test_an_old_seed_repeats_what_it_gave(tmp_path: pathlib.Path, degradation: str) -> None:
    """A run that goes on from an old checkpoint must see the examples that it would have seen then."""
    y, x = np.mgrid[:90, :120]
    paths = []
    for index in range(3):
        photo = np.dstack([(2 * y + 40 * index) % 256, (3 * x + y) % 256, (x * y) // (20 + index) % 256])
        paths.append(str(tmp_path / f"{index}.png"))
        Image.fromarray(photo.astype(np.uint8)).save(paths[-1])
    every_change = Augmentation(transpose=0.5)
    stream = make_stream(
        paths,
        7,
        batch_size=6,
        seed=3,
        augmentation=every_change,
        max_reduction=2.0,
        max_enlargement=1.5,
        degradation=degradation,
    )
    [(lr, hr)] = take(stream, 1)
    seen = [[a.mean(), a[0, 0, 0], b.mean(), b[0, 0, 0], b[-1, 3, 2]] for a, b in zip(lr, hr, strict=True)]
    # A level of 255 is 0.004: other processors may round it the other way.
    np.testing.assert_allclose(seen, OF_SEED_3[degradation], atol=0.005)


def test_the_stream_goes_on_from_its_position(folder: pathlib.Path) -> None:
    paths = [*sources.list_photos(folder), str(folder / "gone.jpg")]
    whole = make_stream(paths)
    batches = take(whole, 7)
    begun = make_stream(paths)
    take(begun, 3)
    resumed = take(make_stream(paths, position=int(begun.position)), 4)
    for (lr, _), (lr_again, _) in zip(batches[3:], resumed, strict=True):
        np.testing.assert_array_equal(lr, lr_again)


def test_photos_draw_their_own_numbers(tmp_path: pathlib.Path) -> None:
    paths = flat(tmp_path, [(100, 100, 100)] * 32)
    [(_, hr)] = take(make_stream(paths, batch_size=32, augmentation=Augmentation()), 1)
    assert len(np.unique(np.rint(hr[:, 0, 0, 0] * 255))) > 8


@pytest.mark.parametrize("change", ["flip_left_right", "flip_up_down", "darken", "brightness", "saturation", "transpose"])
def test_a_change_happens_as_often_as_it_should(tmp_path: pathlib.Path, noise: Noise, change: str) -> None:
    path = tmp_path / "photo.png"
    photo = noise(32, 32)
    Image.fromarray(photo).save(path)
    augmentation = dataclasses.replace(PLAIN, **{change: 0.25})
    batches = take(make_stream([str(path)], batch_size=50, augmentation=augmentation), 8)
    unchanged = [np.array_equal(rgb.to_uint8(hr), photo) for _, batch in batches for hr in batch]
    assert 0.65 < np.mean(unchanged) < 0.85


@pytest.mark.parametrize("change, axis", [("flip_left_right", 1), ("flip_up_down", 0)])
def test_flips_flip(tmp_path: pathlib.Path, noise: Noise, change: str, axis: int) -> None:
    photo = noise(32, 32)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    augmentation = dataclasses.replace(PLAIN, **{change: 1.0})
    [(_, hr)] = take(make_stream([str(tmp_path / "photo.png")], batch_size=1, augmentation=augmentation), 1)
    np.testing.assert_array_equal(rgb.to_uint8(hr[0]), np.flip(photo, axis))


def test_transposing_exchanges_rows_and_columns(tmp_path: pathlib.Path, noise: Noise) -> None:
    photo = noise(32, 32)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    augmentation = dataclasses.replace(PLAIN, transpose=1.0)
    [(_, hr)] = take(make_stream([str(tmp_path / "photo.png")], batch_size=1, augmentation=augmentation), 1)
    np.testing.assert_array_equal(rgb.to_uint8(hr[0]), photo.transpose(1, 0, 2))


def test_darkening_only_darkens(tmp_path: pathlib.Path) -> None:
    augmentation = dataclasses.replace(PLAIN, darken=1.0)
    [(_, hr)] = take(make_stream(flat(tmp_path, [(200, 100, 50)]), batch_size=20, augmentation=augmentation), 1)
    share = hr[:, 0, 0] / (np.array([200, 100, 50], np.float32) / 255)
    assert 0.5 <= share.min() < share.max() <= 1.0001
    np.testing.assert_allclose(share, np.broadcast_to(share[:, :1], share.shape), rtol=1e-4)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize(
    "limits, sides",
    [
        ({"max_reduction": 1.0}, {32}),
        ({}, set(range(32, 65))),
        ({"max_reduction": 1.0, "max_enlargement": 1.5}, set(range(22, 33))),
    ],
)
def test_windows_are_square_pieces_of_the_photo(
    tmp_path: pathlib.Path, suffix: str, limits: dict[str, Any], sides: set[int]
) -> None:
    """Each pixel's colour says where it is, so a window says what it shows."""
    y, x = np.mgrid[0:64, 0:100]
    photo = np.dstack([2 * y, 2 * x, 0 * x]).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / f"photo{suffix}", quality=100)
    seen = set()
    stream = make_stream([str(tmp_path / f"photo{suffix}")], batch_size=30, **limits)
    for _, batch in take(stream, 4):
        for hr in batch:
            height, width = (np.ptp(hr[..., axis].mean(axis=1 - axis)) * 255 / 2 * 32 / 31 for axis in (0, 1))
            assert height == pytest.approx(width, abs=1.5)
            seen.add(round(height))
    assert min(seen) >= min(sides) - 1
    assert max(seen) <= max(sides) + 1
    assert len(seen) >= len(sides) / 2
    assert stream.enlarged == 0


def test_small_photos_are_enlarged_and_counted(tmp_path: pathlib.Path) -> None:
    stream = make_stream(flat(tmp_path, [(10, 20, 30)], size=(20, 50)), batch_size=3)
    [(_, hr)] = take(stream, 1)
    assert hr.shape == (3, 32, 32, 3)
    assert stream.enlarged == 3
    as_asked = make_stream(flat(tmp_path, [(10, 20, 30)], size=(20, 50)), batch_size=3, max_enlargement=2)
    assert take(as_asked, 1)[0][1].shape == (3, 32, 32, 3)
    assert as_asked.enlarged == 0


def test_large_enough_photos_are_never_enlarged(folder: pathlib.Path) -> None:
    stream = make_stream(sources.list_photos(folder))
    take(stream, 6)
    assert stream.enlarged == 0


def test_bad_photos_are_skipped_named_and_counted(folder: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "text.jpg").write_text("no photo")
    whole = (folder / "0.jpg").read_bytes()
    (folder / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").write_bytes(b"")
    bad = {str(folder / name) for name in ("text.jpg", "half.jpg", "empty.png")}
    stream = make_stream(sources.list_photos(folder), batch_size=5)
    take(stream, 9)  # three passes of 15, three of them bad
    assert set(stream.skipped) == bad
    # Each has its turn in each pass; one that follows another bad one is met once more.
    assert all(3 <= count <= 9 for count in stream.skipped.values())
    for path in bad:
        assert caplog.text.count(path) == 1


def test_workers_share_each_batch(folder: pathlib.Path) -> None:
    """Together they have what one process has, also where photos can't be read."""
    (folder / "text.jpg").write_text("no photo")
    paths = sources.list_photos(folder)
    whole = take(make_stream(paths, batch_size=6, position=5), 5)
    shares = [take(make_stream(paths, batch_size=6, position=5, share=(worker, 3)), 5) for worker in range(3)]
    for (_, hr), *parts in zip(whole, *shares, strict=True):
        np.testing.assert_array_equal(hr, np.concatenate([part for _, part in parts]))
    with pytest.raises(ValueError, match="batch_size must be a multiple of 4"):
        make_stream(paths, batch_size=6, share=(0, 4))


def test_no_readable_photo_is_a_clear_error(tmp_path: pathlib.Path) -> None:
    (tmp_path / "text.jpg").write_text("no photo")
    with pytest.raises(rgb.PhotoError, match=r"none of the 1 photos can be read; .*text\.jpg: not a picture"):
        take(make_stream([str(tmp_path / "text.jpg")]), 1)


def test_greyscale_is_widened(folder: pathlib.Path) -> None:
    paths = [str(folder / "sub" / "9.JPEG"), str(folder / "8.bmp")]
    for lr, hr in take(make_stream(paths), 2):
        for photos in (lr, hr):
            np.testing.assert_allclose(photos[..., :1].repeat(3, axis=-1), photos, atol=1e-6)


def test_validation_takes_the_middle(tmp_path: pathlib.Path) -> None:
    photo = np.zeros((50, 60, 3), np.uint8)
    photo[9:41, 14:46] = 200
    Image.fromarray(photo).save(tmp_path / "0.png")
    (tmp_path / "1.png").write_text("no photo")
    lr, hr = validation_pairs(files([str(tmp_path / f"{i}.png") for i in (1, 0)]), PairMaker(32, 4), count=5)
    assert lr.shape == (1, 8, 8, 3)
    np.testing.assert_allclose(hr, np.full((1, 32, 32, 3), 200 / 255), atol=1e-6)


def test_validation_may_be_empty() -> None:
    lr, hr = validation_pairs(files([]), PairMaker(32, 4), count=5)
    assert lr.shape == (0, 8, 8, 3)
    assert hr.shape == (0, 32, 32, 3)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"hr_size": 30}, "hr_size must be a multiple of 4, got 30"),
        ({"hr_size": 32, "downscale": "nearest"}, "downscale must be one of .*, got 'nearest'"),
        ({"hr_size": 12, "degradation": "real"}, "hr_size must be at least 16 for the degradation real, got 12"),
        ({"hr_size": 32, "degradation": "rain"}, "degradation must be one of .*, got 'rain'"),
    ],
)
def test_wrong_pairs_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PairMaker(scale=4, **arguments)


def test_degraded_examples_are_functions_of_the_seed_and_their_number(tmp_path: pathlib.Path, noise: Noise) -> None:
    """So each pass degrades a photo in another way, and a stream goes on from any position."""
    Image.fromarray(noise(64, 64)).save(tmp_path / "photo.png")
    whole, resumed = (make_stream([str(tmp_path / "photo.png")], degradation="real", position=first) for first in (0, 12))
    batches = take(whole, 5)
    for (lr, hr), (lr_again, hr_again) in zip(batches[3:], take(resumed, 2), strict=True):
        np.testing.assert_array_equal(lr, lr_again)
        np.testing.assert_array_equal(hr, hr_again)
    lr, hr = map(np.concatenate, zip(*batches, strict=True))
    assert lr.shape == (20, 8, 8, 3)
    assert hr.shape == (20, 32, 32, 3)
    assert 0 <= min(lr.min(), hr.min()) < max(lr.max(), hr.max()) <= 1
    np.testing.assert_allclose(lr * 255, np.rint(lr * 255), atol=1e-4)
    assert len(np.unique(lr, axis=0)) == 20


def test_degraded_validation_photos_are_the_same_again(folder: pathlib.Path) -> None:
    photos, make_pair = files(sources.list_photos(folder)), PairMaker(32, 4, degradation="real")
    (lr, hr), (lr_again, hr_again) = (validation_pairs(photos, make_pair, count=5) for _ in range(2))
    assert lr.shape == (5, 8, 8, 3)
    assert hr.shape == (5, 32, 32, 3)
    np.testing.assert_array_equal(lr, lr_again)
    np.testing.assert_array_equal(hr, hr_again)


def test_sharpening_the_reference_leaves_lr_alone(folder: pathlib.Path) -> None:
    paths = sources.list_photos(folder)
    plain, sharp = (take(make_stream(paths, sharpen_reference=on), 2) for on in (False, True))
    for (lr, hr), (same_lr, sharp_hr) in zip(plain, sharp, strict=True):
        np.testing.assert_array_equal(lr, same_lr)
        assert np.abs(np.diff(sharp_hr, axis=1)).mean() > 1.1 * np.abs(np.diff(hr, axis=1)).mean()


# The last build of tensorflow-addons knows Python up to 3.11; its import warns of that.
HAS_ADDONS = importlib.util.find_spec("tensorflow_addons") is not None


@pytest.mark.skipif(not HAS_ADDONS, reason="tensorflow-addons can't be installed here")
@pytest.mark.filterwarnings("ignore")
def test_blur_softens_lr_alone(folder: pathlib.Path) -> None:
    paths = sources.list_photos(folder)
    sharp, soft = (take(make_stream(paths, degradation=name), 3) for name in ("none", "blur"))
    for (lr, hr), (soft_lr, soft_hr) in zip(sharp, soft, strict=True):
        np.testing.assert_array_equal(hr, soft_hr)
        assert np.abs(np.diff(soft_lr, axis=1)).mean() < np.abs(np.diff(lr, axis=1)).mean()


def test_blur_without_the_addons_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow_addons", None)
    monkeypatch.setitem(sys.modules, "tensorflow_addons.image", None)
    with pytest.raises(ImportError, match=r"needs tensorflow-addons: pip install"):
        PairMaker(32, 4, degradation="blur")


def test_addons_are_imported_only_when_asked_for() -> None:
    assert HAS_ADDONS or sys.version_info >= (3, 12) or platform.machine() != "x86_64"
    code = "import sys; from sr_keras.data import pairs; pairs.PairMaker(32, 4); print('tensorflow_addons' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
