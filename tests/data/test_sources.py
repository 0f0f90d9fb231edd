"""Where photos come from: pairs of one's own, files that hold many photos, and what is passed over."""

import io
import logging
import pathlib
import sys
import tarfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import tensorflow as tf
import tifffile
from PIL import Image

from sr_keras.data import sources
from sr_keras.data.augmentation import Augmentation
from sr_keras.data.pairs import PairMaker, are_reductions, validation_pairs
from sr_keras.data.stream import TrainStream
from sr_keras.evaluation.degradations import with_noise
from sr_keras.photos import rgb

PLAIN = Augmentation(flip_left_right=0, flip_up_down=0, darken=0, brightness=0, saturation=0)


def batches(photos: sources.Photos, count: int = 1, augmentation: Augmentation = PLAIN) -> list[tuple[np.ndarray, np.ndarray]]:
    stream = TrainStream(
        photos,
        tf.Variable(0, dtype=tf.int64),
        make_pair=PairMaker(16, 4),
        augmentation=augmentation,
        max_reduction=1.0,
        max_enlargement=1.0,
        batch_size=4,
        seed=1,
    )
    taken = [(lr.numpy(), hr.numpy()) for _, (lr, hr) in zip(range(count), stream, strict=False)]
    assert not stream.skipped
    return taken


def save(path: pathlib.Path, photo: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(photo).save(path)


def save_pairs(hr: pathlib.Path, lr: pathlib.Path, name_of_lr: str = "{}.png") -> None:
    """HR photos whose pixels say where they are; each LR pixel is the first of the 4x4 that it stands for, less 100."""
    for number in range(3):
        y, x = np.mgrid[0 : 44 + 4 * number, 0:48]
        photo = np.dstack([100 + 2 * y, 100 + 2 * x, 100 + 0 * x]).astype(np.uint8)
        save(hr / f"{number:04d}.png", photo)
        save(lr / name_of_lr.format(f"{number:04d}"), photo[::4, ::4] - 100)


@pytest.mark.parametrize(
    "hr, lr, name_of_lr",
    [
        ("HR", "LR_x4", "{}.png"),
        ("HR", "LR_bicubic/X4", "{}x4.png"),
        ("../DIV2K_train_HR", "../DIV2K_train_LR_bicubic/X4", "{}x4.png"),
    ],
)
def test_pairs_are_found_in_the_layouts_of_the_field(tmp_path: pathlib.Path, hr: str, lr: str, name_of_lr: str) -> None:
    source = tmp_path / ("DIV2K_train_HR" if "DIV2K" in hr else "div")
    source.mkdir()
    save_pairs(source / hr, source / lr, name_of_lr)
    photos = sources.open_training_photos(source, None, 4)
    assert len(photos) == 3
    assert isinstance(photos, sources.PairedFiles)
    assert all(pathlib.Path(path).is_file() for path in photos.lr_paths)


@pytest.mark.parametrize("augmentation", [PLAIN, Augmentation(1.0, 1.0, 0, 0, 0, transpose=1.0)])
def test_a_window_of_a_pair_shows_the_same_place_in_both(tmp_path: pathlib.Path, augmentation: Augmentation) -> None:
    save_pairs(tmp_path / "large", tmp_path / "small")
    photos = sources.open_training_photos(tmp_path / "large", tmp_path / "small", 4)
    corner = slice(None, None, 4) if augmentation is PLAIN else slice(3, None, 4)
    places = set()
    for lr, hr in batches(photos, 3, augmentation):
        np.testing.assert_allclose(lr, hr[:, corner, corner] - 100 / 255, atol=1e-5)
        places |= {tuple(place) for place in hr[:, 0, 0].tolist()}
    assert len(places) > 3


def test_pairs_split_and_are_validated_like_other_photos(tmp_path: pathlib.Path) -> None:
    save_pairs(tmp_path / "large", tmp_path / "small")
    photos = sources.open_training_photos(tmp_path / "large", tmp_path / "small", 4)
    sides = sources.split(photos, 0.5)
    assert [len(side) for side in sides] != [0, 0]
    lr, hr = validation_pairs(photos, PairMaker(16, 4), 5)
    assert lr.shape == (3, 4, 4, 3)
    np.testing.assert_allclose(lr, hr[:, ::4, ::4] - 100 / 255, atol=1e-6)


def reduced(photo: np.ndarray, method: Image.Resampling) -> np.ndarray:
    height, width = photo.shape[:2]
    return np.asarray(Image.fromarray(photo).resize((width // 4, height // 4), method))


def as_jpeg(photo: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=85)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize(
    "make_lr, is_reduction",
    [
        (lambda hr, _: reduced(hr, Image.Resampling.BICUBIC), True),
        (lambda hr, _: reduced(hr, Image.Resampling.LANCZOS), True),
        (lambda hr, _: as_jpeg(reduced(hr, Image.Resampling.BICUBIC)), False),
        (lambda hr, rng: with_noise(reduced(hr, Image.Resampling.BICUBIC), 2.0, rng), False),
    ],
    ids=["bicubic", "lanczos", "jpeg", "noise"],
)
def test_low_resolution_files_show_what_their_photos_do_or_more(
    tmp_path: pathlib.Path,
    rng: np.random.Generator,
    make_lr: Callable[[np.ndarray, np.random.Generator], np.ndarray],
    is_reduction: bool,
) -> None:
    photo = rgb.read_photo(rgb.SAMPLE / "photos" / "cat.jpg")
    hr = photo[: photo.shape[0] // 4 * 4, : photo.shape[1] // 4 * 4]
    save(tmp_path / "HR" / "cat.png", hr)
    save(tmp_path / "LR_x4" / "cat.png", make_lr(hr, rng))
    photos = sources.open_training_photos(tmp_path, None, 4)
    assert isinstance(photos, sources.PairedFiles)
    assert are_reductions(photos) == is_reduction


def test_pairs_that_do_not_fit_are_named(tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    save_pairs(tmp_path / "large", tmp_path / "small")
    save(tmp_path / "small" / "0001.png", np.zeros((5, 5, 3), np.uint8))
    photos = sources.open_training_photos(tmp_path / "large", tmp_path / "small", 4)
    with pytest.raises(AssertionError):
        batches(photos, 2)
    assert "0001.png: must have 12x12 pixels for" in caplog.text
    (tmp_path / "small" / "0002.png").unlink()
    with pytest.raises(ValueError, match=r"0002.png: no such file; 1 of 3 photos lack a low-resolution file"):
        sources.open_training_photos(tmp_path / "large", tmp_path / "small", 4)
    with pytest.raises(ValueError, match="nowhere: no such folder"):
        sources.open_training_photos(tmp_path / "large", tmp_path / "nowhere", 4)


def test_low_resolution_files_of_another_scale_are_no_photos_to_learn_from(tmp_path: pathlib.Path) -> None:
    save_pairs(tmp_path / "HR", tmp_path / "LR_x2")
    photos = sources.open_training_photos(tmp_path, None, 4)
    assert not isinstance(photos, sources.PairedFiles)
    assert len(photos) == 3


def test_every_format_is_a_photo_and_the_rest_is_counted(
    tmp_path: pathlib.Path, noise: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for suffix in rgb.PHOTO_SUFFIXES:
        save(tmp_path / f"photo{suffix}", noise(20, 20))
    for name in ("one.heic", "two.heic", "notes.txt", "none", ".hidden.png"):
        (tmp_path / name).touch()
    with caplog.at_level(logging.WARNING):
        paths = sources.list_photos(tmp_path)
    assert {pathlib.Path(path).suffix for path in paths} == set(rgb.PHOTO_SUFFIXES)
    assert "files passed over (no photos by their names): 2 .heic, 1 " in caplog.text
    batches(sources.Files(paths, tmp_path), 2)


def test_16_bits_keep_their_depth(tmp_path: pathlib.Path) -> None:
    """Between two levels of 8 bits lie 257 of 16."""
    tones = 20000 + np.arange(16 * 16, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(tones).save(tmp_path / "grey.png")
    Image.fromarray(tones).save(tmp_path / "grey.tif")
    colours = np.dstack([tones, tones, tones])
    (tmp_path / "colour.png").write_bytes(tf.io.encode_png(colours).numpy())
    tifffile.imwrite(tmp_path / "colour.tif", colours, photometric="rgb")
    for name in ("grey.png", "grey.tif", "colour.png", "colour.tif"):
        [(_, hr)] = batches(sources.Files([str(tmp_path / name)], tmp_path))
        np.testing.assert_allclose(hr[0], colours / 65535, atol=1e-6, err_msg=name)


def png(photo: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "PNG")
    return file.getvalue()


def fill_tars(folder: pathlib.Path, photos: list[np.ndarray]) -> None:
    for shard in range(2):
        with tarfile.open(folder / f"{shard}.tar", "w") as tar:
            for number in range(shard, len(photos), 2):
                for name, content in ((f"{number}.png", png(photos[number])), (f"{number}.json", b"{}")):
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))


def fill_parquet(folder: pathlib.Path, photos: list[np.ndarray]) -> None:
    for shard in range(2):
        rows = [{"bytes": png(photo), "path": "x.png"} for photo in photos[shard::2]]
        table = pyarrow.table({"label": list(range(len(rows))), "image": rows})
        pyarrow.parquet.write_table(table, folder / f"{shard}.parquet", row_group_size=2)


@pytest.mark.parametrize("fill", [fill_tars, fill_parquet])
def test_files_that_hold_many_photos_are_sources(tmp_path: pathlib.Path, noise: Any, fill: Any) -> None:
    photos = [noise(16 + number, 16) for number in range(6)]
    fill(tmp_path, photos)
    opened = sources.open_photos(tmp_path)
    assert len(set(opened.names)) == 6
    in_order = [photos[number] for number in (0, 2, 4, 1, 3, 5)]
    for number, expected in enumerate(in_order):
        np.testing.assert_array_equal(opened.photo(number), expected)
    np.testing.assert_array_equal(opened.choose([4]).photo(0), in_order[4])
    train, validation = sources.split(opened, 0.5)
    assert sorted([*train.names, *validation.names]) == sorted(opened.names)
    assert batches(opened, 2)[0][1].shape == (4, 16, 16, 3)


@pytest.mark.parametrize("name", ["photos.tar", "photos.parquet"])
def test_damaged_files_of_photos_are_one_line(tmp_path: pathlib.Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(ValueError, match=rf"{name}: not .* or damaged \([^\n]*\)$"):
        sources.open_photos(tmp_path)


def test_parquet_without_pyarrow_says_what_installs_it(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "photos.parquet").touch()
    with pytest.raises(ImportError, match=r"pip install '\.\[datasets\]' in the checkout"):
        sources.open_photos(tmp_path)
