"""Which photos are found in folders and lists, and which of them are for validation."""

import os
import pathlib
import sys

import pytest
from PIL import Image

from sr_keras.data import sources
from tests.data.streams import make_stream, split, take
from tests.types import Noise


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
