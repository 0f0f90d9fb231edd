"""Photos in an object store: pyarrow's own one in memory stands for S3."""

import pathlib
import pickle
import sys
from collections.abc import Callable, Iterator

import pytest
from pyarrow import fs

from sr_keras.photos import rgb
from sr_keras.runtime import files, store
from sr_keras.runtime.errors import UserError
from sr_keras.runtime.store import StorePath
from sr_keras.upscaling import command
from tests.types import Noise


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[fs.FileSystem]:
    """A store whose bucket is called b."""
    file_system = fs._MockFileSystem()
    file_system.create_dir("b")
    monkeypatch.setattr(store, "_file_system", lambda scheme, bucket: file_system)
    yield file_system


@pytest.fixture
def upload(bucket: fs.FileSystem, noise: Noise, tmp_path: pathlib.Path) -> Callable[[str], bytes]:
    def upload(name: str) -> bytes:
        path = tmp_path / pathlib.PurePath(name).name
        rgb.write_photo(path, noise(9, 12))
        bucket.create_dir(str(pathlib.PurePath(name).parent))
        with bucket.open_output_stream(name) as stream:
            stream.write(path.read_bytes())
        return path.read_bytes()

    return upload


def _names(bucket: fs.FileSystem) -> list[str]:
    return sorted(info.path for info in bucket.get_file_info(fs.FileSelector("b", recursive=True)) if info.is_file)


def test_a_path_in_a_store_is_one() -> None:
    path = StorePath("s3://b/photos/a.jpg")
    assert (str(path), str(path.parent), path.stem, path.suffix) == ("s3://b/photos/a.jpg", "s3://b/photos", "a", ".jpg")
    assert str(StorePath("gs://b") / path.relative_to(StorePath("s3://b"))) == "gs://b/photos/a.jpg"
    assert pathlib.Path("/out") / path.relative_to(StorePath("s3://b")) == pathlib.Path("/out/photos/a.jpg")
    again = pickle.loads(pickle.dumps(path))
    assert (again, type(again), str(again)) == (path, StorePath, str(path))
    assert type(store.path_of("s3.jpg")) is type(pathlib.Path())


def test_a_result_is_whole_or_absent(bucket: fs.FileSystem) -> None:
    path = StorePath("s3://b/a.txt")
    with pytest.raises(RuntimeError), files.written_beside(path) as part:
        part.write_bytes(b"half")
        raise RuntimeError
    assert _names(bucket) == []
    with files.written_beside(path) as part:
        part.write_bytes(b"whole")
        assert _names(bucket) == []
    assert path.read_bytes() == b"whole"
    with pytest.raises(FileExistsError), files.written_beside(path, overwrite=False) as part:
        part.write_bytes(b"another")
    assert path.read_bytes() == b"whole"


def test_photos_of_a_store_are_upscaled(
    bucket: fs.FileSystem, upload: Callable[[str], bytes], capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    for name in ("b/in/a.jpg", "b/in/deep/c.png"):
        upload(name)
    with bucket.open_output_stream("b/in/notes.txt") as stream:
        stream.write(b"text")
    bucket.create_dir("b/out/deep")  # this store has folders of its own, S3 has none
    arguments = ["s3://b/in", "--recursive", "--model=espcn"]
    assert command.main([*arguments, "--output_dir=s3://b/out"]) == 0
    results = {"b/out/a_x4.jpg", "b/out/deep/c_x4.png"}
    assert set(_names(bucket)) == {"b/in/a.jpg", "b/in/deep/c.png", "b/in/notes.txt", *results}
    out = capsys.readouterr().out
    assert "s3://b/in: passed over 1 .txt" in out
    assert "s3://b/in/a.jpg (12x9) -> s3://b/out/a_x4.jpg (48x36)" in out

    # To a folder, with the same pixels; and again: nothing is lost, nothing done twice.
    assert command.main([*arguments, f"--output_dir={tmp_path / 'large'}"]) == 0
    assert (tmp_path / "large" / "deep" / "c_x4.png").read_bytes() == StorePath("s3://b/out/deep/c_x4.png").read_bytes()
    assert command.main([*arguments, "--output_dir=s3://b/out"]) == 1
    capsys.readouterr()
    assert command.main([*arguments, "--output_dir=s3://b/out", "--skip_existing"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 done, 2 skipped, 0 failed"


def test_a_store_that_is_not_reached_is_a_failed_file(
    bucket: fs.FileSystem, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def is_dir(self: StorePath) -> bool:
        raise OSError("Could not connect to server")

    monkeypatch.setattr(StorePath, "is_dir", is_dir)
    assert command.main(["s3://b/in", "--model=espcn", "--output_dir=s3://b/out"]) == 1
    assert "s3://b/in: Could not connect to server" in capsys.readouterr().err


def test_results_lie_beside_objects_too(bucket: fs.FileSystem, upload: Callable[[str], bytes]) -> None:
    upload("b/a.png")
    assert command.main(["s3://b/a.png", "--model=espcn"]) == 0
    assert _names(bucket) == ["b/a.png", "b/a_x4.png"]


@pytest.mark.parametrize(
    "arguments, line",
    [
        (["s3://b/none.jpg"], "s3://b/none.jpg: "),
        (["s3://b/a*.png"], "s3://b/a*.png: patterns are for folders"),
        (["s3://b/film.mp4"], "s3://b/film.mp4: films and their results lie in folders, not in stores"),
        (["s3://"], "must name a bucket"),
    ],
)
def test_what_can_not_be_is_said(
    bucket: fs.FileSystem, arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = command.main(arguments)
    except SystemExit as stop:
        code = int(stop.code or 0)
    assert code in (1, 2)
    assert line in capsys.readouterr().err


@pytest.mark.parametrize(
    "use", [StorePath.read_bytes, StorePath.is_dir, StorePath.exists, lambda path: list(path.lists(recursive=True))]
)
def test_the_package_that_is_missing_is_named(use: Callable[[StorePath], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match=r"s3://missing: needs pyarrow"):
        use(StorePath("s3://missing/a.jpg"))
