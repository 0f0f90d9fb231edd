"""Which photos come when, and what is drawn for each."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from sr_keras.data import sources
from sr_keras.data.augmentation import Augmentation
from sr_keras.photos import rgb
from tests.data.streams import flat, make_stream, take
from tests.types import Noise


def test_batches_have_their_shape_and_range(folder: pathlib.Path) -> None:
    [(lr, hr)] = take(make_stream(sources.list_photos(folder), augmentation=Augmentation()), 1)
    assert lr.shape == (4, 8, 8, 3)
    assert hr.shape == (4, 32, 32, 3)
    assert lr.dtype == hr.dtype == np.float32
    assert min(lr.min(), hr.min()) >= 0
    assert max(lr.max(), hr.max()) <= 1


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
