"""Photos in shards are the photos that were packed: the same stream, the same split, the same skips."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from data_prep import make_shards
from sr_keras.data import shards, sources
from sr_keras.data.augmentation import Augmentation
from sr_keras.data.pairs import PairMaker, validation_pairs
from sr_keras.data.stream import TrainStream
from sr_keras.photos import rgb
from tests.data.streams import Batches, take
from tests.data.test_sources import fill_parquet, fill_tars
from tests.folders import contents
from tests.training_runs import SMALL, train
from tests.types import Noise

SCRIPT = pathlib.Path(make_shards.__file__)


@pytest.fixture
def folder(tmp_path: pathlib.Path, noise: Noise) -> pathlib.Path:
    """Ten photos of several kinds, in two folders."""
    root = tmp_path / "photos"
    (root / "sub").mkdir(parents=True)
    for number in range(10):
        name = f"{'sub/' if number % 2 else ''}{number}{['.jpg', '.png', '.bmp', '.JPEG'][number % 4]}"
        Image.fromarray(noise(33 + number, 60)).save(root / name)
    return root


@pytest.fixture
def packed(folder: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """The folder's photos in three shards."""
    assert pack(folder, tmp_path / "shards") == 0
    return tmp_path / "shards"


def pack(source: pathlib.Path, target: pathlib.Path, photos_per_shard: int = 4) -> int:
    return make_shards.main([str(source), str(target), f"--photos_per_shard={photos_per_shard}"])


def make_stream(photos: sources.Photos, position: int = 0) -> TrainStream:
    return TrainStream(
        photos,
        tf.Variable(position, dtype=tf.int64),
        make_pair=PairMaker(32, 4),
        augmentation=Augmentation(),
        max_reduction=np.inf,
        max_enlargement=1,
        batch_size=4,
        seed=3,
    )


def assert_same_batches(some: Batches, others: Batches) -> None:
    for (lr, hr), (other_lr, other_hr) in zip(some, others, strict=True):
        np.testing.assert_array_equal(lr, other_lr)
        np.testing.assert_array_equal(hr, other_hr)


def damage(file: pathlib.Path, offset: int) -> None:
    content = bytearray(file.read_bytes())
    content[offset] ^= 1
    file.write_bytes(content)


def test_the_stream_is_the_files_stream(folder: pathlib.Path, packed: pathlib.Path) -> None:
    from_files, from_shards = (sources.open_photos(source) for source in (folder, packed))
    assert isinstance(from_shards, shards.Shards)
    assert from_shards.names == from_files.names
    assert_same_batches(take(make_stream(from_shards), 6), take(make_stream(from_files), 6))


@pytest.mark.parametrize("position", [1, 12, 37])
def test_the_stream_goes_on_from_any_position(folder: pathlib.Path, packed: pathlib.Path, position: int) -> None:
    assert_same_batches(*(take(make_stream(sources.open_photos(source), position), 2) for source in (packed, folder)))


def test_photos_fall_on_the_side_on_which_files_do(folder: pathlib.Path, packed: pathlib.Path) -> None:
    for of_files, of_shards in zip(
        *(sources.split(sources.open_photos(source), 0.4) for source in (folder, packed)), strict=True
    ):
        assert 0 < len(of_files) < 10
        assert of_files.names == of_shards.names
        for number in range(len(of_files)):
            np.testing.assert_array_equal(of_files.photo(number), of_shards.photo(number))
        assert_same_batches(take(make_stream(of_files), 2), take(make_stream(of_shards), 2))


def test_a_list_of_photos_elsewhere_splits_as_it_does_unpacked(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The shards lie nearer to the root than the list, and their photos' names still lead up from where the list is."""
    deep = tmp_path / "a" / "b" / "c" / "list.txt"
    deep.parent.mkdir(parents=True)
    deep.write_text("\n".join([str(folder / "0.jpg"), os.path.relpath(folder / "4.jpg", deep.parent)]))
    assert pack(deep, tmp_path / "shards") == 0
    assert sources.open_photos(tmp_path / "shards").names == sources.open_photos(deep).names
    assert "../../../photos/0.jpg" in sources.open_photos(deep).names


def test_a_record_holds_name_and_file_for_any_reader(folder: pathlib.Path, packed: pathlib.Path) -> None:
    files = sorted(packed.glob("*.tfrecord"))
    assert len(files) == 3
    found = {}
    for record in tf.data.TFRecordDataset([str(file) for file in files]):
        feature = tf.train.Example.FromString(record.numpy()).features.feature
        found[feature["name"].bytes_list.value[0].decode()] = feature["photo"].bytes_list.value[0]
    assert found == contents(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_need_not_be_text(tmp_path: pathlib.Path, noise: Noise) -> None:
    (tmp_path / "photos").mkdir()
    Image.fromarray(noise(40, 40)).save(tmp_path / "photos" / os.fsdecode(b"caf\xe9.png"))
    target = tmp_path / os.fsdecode(b"f\xe9")
    assert pack(tmp_path / "photos", target) == 0
    photos = sources.open_photos(target)
    assert photos.names == [os.fsdecode(b"caf\xe9.png")]
    assert photos.photo(0).shape == (40, 40, 3)
    stream = make_stream(photos)
    take(stream, 1)
    assert not stream.skipped


def test_photos_that_cannot_be_read_are_named_counted_and_left_out(
    folder: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (folder / "0.jpg").read_bytes()
    (folder / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "list.txt").write_text("0.jpg\ngone.jpg\nhalf.jpg\nsub/1.png\n")
    bad = [str(folder / name) for name in ("gone.jpg", "half.jpg")]
    # A second run tells the same.
    for summary in ("2 packed, 2 failed", "0 packed, 2 done before, 2 failed"):
        assert pack(folder / "list.txt", tmp_path / "shards") == 1
        captured = capsys.readouterr()
        assert captured.out == f"4 photos: {summary}\n"
        assert [line.split(": ")[0] for line in captured.err.splitlines()] == bad
    assert sources.open_photos(tmp_path / "shards").names == ["0.jpg", "sub/1.png"]


def test_damaged_records_are_skipped_named_and_counted(packed: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    photos = shards.load(packed)
    for number in (2, 5):
        shard, offset, size = photos.places[number]
        damage(photos.files[shard], offset + size // 2)
    bad = {photos.where(number) for number in (2, 5)}
    assert f"{packed / '00000.tfrecord'}: {photos.names[2]}" in bad
    stream = make_stream(photos)
    take(stream, 5)
    assert set(stream.skipped) == bad
    for photo in bad:
        assert caplog.text.count(f"skipped: {photo}: its record can't be read (DataLossError)") == 1
    lr, _ = validation_pairs(photos, PairMaker(32, 4), count=10)
    assert len(lr) == 8


def test_a_shard_that_vanishes_is_a_clear_error(packed: pathlib.Path) -> None:
    photos = shards.load(packed)
    for file in photos.files:
        file.unlink()
    with pytest.raises(rgb.PhotoError, match=r"none of the 10 photos can be read; .*0\.jpg: its record .*NotFoundError"):
        take(make_stream(photos), 1)


def test_packing_goes_on_after_an_interruption(folder: pathlib.Path, packed: pathlib.Path) -> None:
    before = contents(packed)
    for name in ("shards.json", "00001.json"):
        (packed / name).unlink()
    (packed / "00001.tfrecord").write_bytes(b"older")
    with pytest.raises(ValueError, match=r"shards: has no shards\.json, its shards are unfinished"):
        sources.open_photos(packed)
    first = packed / "00000.tfrecord"
    modified = first.stat().st_mtime_ns
    assert pack(folder, packed) == 0
    assert contents(packed) == before
    assert first.stat().st_mtime_ns == modified


def test_an_error_in_the_middle_leaves_no_half_shard(
    folder: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = tf.io.TFRecordWriter.write
    written = []

    def write_seven(self: tf.io.TFRecordWriter, record: bytes) -> None:
        written.append(record)
        if len(written) == 7:
            raise tf.errors.ResourceExhaustedError(None, None, "beside.part; No space left on device")
        write(self, record)

    monkeypatch.setattr(tf.io.TFRecordWriter, "write", write_seven)
    target = tmp_path / "shards"
    assert pack(folder, target) == 2
    assert set(contents(target)) == {"00000.tfrecord", "00000.json"}
    assert capsys.readouterr().err == f"make_shards.py: {target / '00001.tfrecord'}: No space left on device\n"


def test_ctrl_c_leaves_no_half_shard(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    # One photo by 300 ways, for time to pass.
    (folder / "list.txt").write_text("\n".join(["0.jpg"] + [f"sub/../sub/{'../sub/' * n}1.png" for n in range(300)]))
    Image.effect_noise((1500, 1500), 50).save(folder / "sub" / "1.png")
    target = tmp_path / "shards"
    command = [sys.executable, str(SCRIPT), str(folder / "list.txt"), str(target), "--photos_per_shard=20"]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parent.parent)}
    # A terminal sends Ctrl-C to the whole group, this process must not be in it.
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while process.poll() is None and not (target / "00000.json").exists():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == ""
    assert len(out.splitlines()) == 1
    assert " of 301 photos: " in out
    assert "will be packed again" in out
    names = set(contents(target))
    assert names == {f"{name[:5]}{suffix}" for name in names for suffix in (".json", ".tfrecord")}


@pytest.mark.parametrize(
    "prepare, arguments, message",
    [
        (None, ["nowhere", "out"], "nowhere: no such folder or list file"),
        (None, ["empty", "out"], "empty: holds no photo"),
        (None, ["photos", "photos/0.jpg"], "photos/0.jpg: File exists"),
        (None, ["photos", "shards", "--photos_per_shard=5"], "shards/00000.tfrecord: holds other photos than it would now"),
        ("00001.tfrecord", ["photos", "shards", "--photos_per_shard=4"], "has 4 bytes, and by 00001.json it should have"),
        ("00001.json", ["photos", "shards", "--photos_per_shard=4"], "shards/00001.json: is damaged"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    packed: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    prepare: str | None,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(packed.parent)
    pathlib.Path("empty").mkdir()
    if prepare:
        (packed / prepare).write_text("half")
    before = contents(packed.parent)
    capsys.readouterr()
    assert make_shards.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("make_shards.py: ")
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1
    assert contents(packed.parent) == before


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("shards.json", "{}", "shards.json: not a list of shards"),
        ("shards.json", '{"shards": {"00000.tfrecord": 7}}', "00000.tfrecord: holds 4 photos, and .*shards.json says 7"),
        ("00002.json", '{"names": []}', "00002.tfrecord: has .* bytes, and by 00002.json it should have 0"),
        ("00002.json", "[]", "00002.json: not the index of a shard"),
        ("00002.json", "{", "00002.json: is damaged, it holds no JSON"),
        ("00002.tfrecord", "cut", "00002.tfrecord: has 3 bytes, and by 00002.json it should have"),
        ("00002.tfrecord", None, "00002.tfrecord: No such file"),
    ],
)
def test_shards_that_do_not_fit_their_indices_are_refused(
    packed: pathlib.Path, name: str, content: str | None, message: str
) -> None:
    if content is None:
        (packed / name).unlink()
    else:
        (packed / name).write_text(content)
    with pytest.raises((OSError, ValueError), match=message):
        sources.open_photos(packed)


def test_shards_without_a_photo_are_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "0.jpg").write_text("no photo")
    assert pack(tmp_path, tmp_path / "shards") == 1
    with pytest.raises(FileNotFoundError, match="shards: holds no photo"):
        sources.open_photos(tmp_path / "shards")


def test_train_takes_shards_as_it_takes_files(tmp_path: pathlib.Path) -> None:
    sample = rgb.SAMPLE / "photos"
    assert pack(sample, tmp_path / "shards") == 0
    photos = shards.load(tmp_path / "shards")
    train_photos, _ = sources.split(photos, 0.3)
    assert isinstance(train_photos, shards.Shards)
    shard, offset, size = train_photos.places[0]
    damage(train_photos.files[shard], offset + size // 2)
    run_dir = tmp_path / "run"
    code, stderr = train(*SMALL, f"--data={tmp_path / 'shards'}", f"--run_dir={run_dir}", "--iterations=1", "--batch_size=8")
    assert code == 0, stderr
    assert f"skipped: {train_photos.where(0)}" in stderr
    shutil.move(tmp_path / "shards", tmp_path / "moved")
    code, stderr = train(f"--flagfile={run_dir}/train.flags", f"--data={tmp_path / 'moved'}", "--iterations=2")
    assert code == 0, stderr
    assert "resumed from" in stderr
    assert (run_dir / "2").is_dir()


WILD = [
    lambda index: index["offsets"].__setitem__(1, 10**30),
    lambda index: index["offsets"].__setitem__(1, -5),
    lambda index: index["offsets"].__setitem__(1, 7.5),
    lambda index: index["offsets"].__setitem__(1, "7"),
    lambda index: index["offsets"].__setitem__(0, True),
    lambda index: index["offsets"].__setitem__(slice(1, 3), index["offsets"][2:0:-1]),
    lambda index: index["names"].__setitem__(0, 3),
    lambda index: index.__setitem__("names", 3),
    lambda index: index.__setitem__("left_out", [3]),
]


@pytest.mark.parametrize("spoil", WILD)
def test_a_wild_index_is_one_line_before_training(packed: pathlib.Path, spoil: Callable[[dict[str, Any]], None]) -> None:
    """TensorFlow would end the process over a place that no file has."""
    path = packed / "00000.json"
    index = json.loads(path.read_text())
    spoil(index)
    path.write_text(json.dumps(index))
    with pytest.raises(ValueError, match=r"00000\.json: not the index of a shard$"):
        sources.open_photos(packed)


@pytest.mark.parametrize("listed", [{"../00000.tfrecord": 4}, {"00000.tfrecord": "4"}, {"00000.tfrecord": 1.5}, []])
def test_a_wild_list_of_shards_is_one_line(packed: pathlib.Path, listed: Any) -> None:
    (packed / "shards.json").write_text(json.dumps({"shards": listed}))
    with pytest.raises(ValueError, match=r"shards\.json: not a list of shards$"):
        sources.open_photos(packed)


@pytest.mark.parametrize("fill", [fill_tars, fill_parquet])
def test_what_holds_many_photos_is_packed_too(
    tmp_path: pathlib.Path, noise: Noise, fill: Callable[[pathlib.Path, list[np.ndarray]], None]
) -> None:
    (tmp_path / "held").mkdir()
    fill(tmp_path / "held", [noise(20 + number, 20) for number in range(5)])
    assert pack(tmp_path / "held", tmp_path / "shards") == 0
    held, packed = (sources.open_photos(tmp_path / name) for name in ("held", "shards"))
    assert packed.names == held.names
    for number in range(5):
        assert packed.content(number) == held.content(number)
