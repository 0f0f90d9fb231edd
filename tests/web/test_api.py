"""The HTTP interface as programs use it."""

import dataclasses
import io
import json
import pathlib
import shutil
import threading
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

import sr_keras
from sr_keras.inference import model_info
from sr_keras.photos import rgb
from sr_keras.runtime.errors import UserError
from sr_keras.upscaling import command
from sr_keras.web import compute, networks
from sr_keras.web.jobs import Compute
from sr_keras.web.orders import Limits
from tests.web.conftest import Hand, Serve, Served, serving, until

SESSION = "0123456789abcdef"


@pytest.fixture(scope="module")
def real() -> Compute:
    """Computes with the bundled networks, each of which it loads once."""
    return compute.computer(None, Limits())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same for tests that leave no job behind."""
    hand = Hand()
    hand.go.set()
    with serving(tmp_path_factory.mktemp("shared") / "server", hand, Limits()) as served:
        yield served


@pytest.fixture
def served(serve: Serve, hand: Hand) -> Served:
    """A server whose jobs are done as soon as it is their turn."""
    hand.go.set()
    return serve(hand)


def draw(path: pathlib.Path, mode: str) -> pathlib.Path:
    y, x = np.mgrid[:20, :28]
    grey = (9 * x + 3 * y).astype(np.uint8)
    if mode == "I;16":
        picture = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        picture = Image.merge(
            "RGBA", [Image.fromarray(each) for each in (grey, grey.T.copy().reshape(grey.shape), 255 - grey, grey)]
        )
    picture.convert(mode).save(path)
    return path


@pytest.mark.parametrize(
    "name, mode, fields",
    [
        ("drawn.png", "RGBA", {}),
        ("drawn.jpg", "RGB", {"scale": 1.5, "quality": 80}),
        ("drawn.tif", "I;16", {"width": 100}),
        ("drawn.png", "RGB", {"format": "webp", "height": 50}),
    ],
)
def test_pixels_equal_those_of_the_command(
    serve: Serve, real: Compute, tmp_path: pathlib.Path, name: str, mode: str, fields: dict[str, Any]
) -> None:
    served = serve(real)
    photo = draw(tmp_path / name, mode)
    answer = served.post(photo, model="espcn", **fields)
    assert answer.status_code == 200, answer.text
    flags = [f"--{field}={value}" for field, value in fields.items()]
    assert command.main([str(photo), f"--output_dir={tmp_path / 'command'}", "--model=espcn", *flags]) == 0
    [result] = (tmp_path / "command").iterdir()
    assert answer.content == result.read_bytes()
    assert answer.headers["content-disposition"] == f"attachment; filename=\"{result.name}\"; filename*=UTF-8''{result.name}"
    assert list(served.folder.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("fields", [{}, {"denoise": 0.5}, {"model": "photo", "scale": 2}, {"model": "srgan"}], ids=str)
def test_pixels_of_all_networks_equal_those_of_the_command(
    serve: Serve, real: Compute, tmp_path: pathlib.Path, fields: dict[str, Any]
) -> None:
    served = serve(real)
    flags = [f"--{field}={value}" for field, value in fields.items()]
    for photo in (rgb.SAMPLE / "web.jpg", rgb.SAMPLE / "small.png"):
        answer = served.post(photo, **fields)
        result = tmp_path / photo.name
        assert command.main([str(photo), f"--output={result}", *flags]) == 0
        assert answer.content == result.read_bytes()


def test_networks_of_folders_are_offered(
    serve: Serve, real: Compute, tmp_path: pathlib.Path, interpolator: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the command import makes them: one that can be mixed with what only enlarges, and one of another scale."""
    monkeypatch.setattr(networks, "_added", {})
    for name, scale in {"theirs": 4, "twice": 2}.items():
        copy = shutil.copytree(interpolator, tmp_path / name) / "1"
        info = dataclasses.replace(model_info.read_info(copy), back_projection=False, scale=scale, licence="CC0-1.0")
        model_info.write_info(info, copy)
    networks.add([tmp_path / "theirs", tmp_path / "twice"])
    served = serve(real)
    listed = {each["name"]: each for each in served.client.get("/v1/models").json()}
    assert listed["theirs"] | {"title": ""} == {
        "name": "theirs",
        "title": "",
        "about": "licence: CC0-1.0",
        "scale": 4,
        "strength": True,
    }
    assert (listed["twice"]["scale"], listed["twice"]["strength"]) == (2, False)
    photo = draw(tmp_path / "drawn.png", "RGB")
    answer = served.post(photo, model="theirs")
    assert command.main([str(photo), f"--output={tmp_path / 'larger.png'}", f"--model={tmp_path / 'theirs'}"]) == 0
    assert answer.content == (tmp_path / "larger.png").read_bytes()
    assert "theirs" in served.client.get("/openapi.json").text
    with pytest.raises(UserError, match="there is a network called theirs already"):
        networks.add([tmp_path / "theirs"])


def test_what_could_not_be_kept_is_said(serve: Serve, real: Compute, tmp_path: pathlib.Path) -> None:
    served = serve(real)
    job_id = served.job(draw(tmp_path / "drawn.png", "RGBA"), model="espcn", format="jpg")
    until(lambda: served.state(job_id) == "done")
    [note] = served.client.get(f"/v1/jobs/{job_id}").json()["notes"]
    assert "what was transparent became white" in note


def test_an_animation_is_its_first_frame_and_no_option_is_named(serve: Serve, real: Compute, tmp_path: pathlib.Path) -> None:
    served = serve(real)
    frames = [Image.new("L", (8, 8), grey) for grey in (0, 200)]
    frames[0].save(tmp_path / "moving.png", save_all=True, append_images=frames[1:])
    job_id = served.job(tmp_path / "moving.png", model="espcn")
    until(lambda: served.state(job_id) == "done")
    assert served.client.get(f"/v1/jobs/{job_id}").json()["notes"] == ["the first of 2 frames"]


def test_a_picture_that_browsers_do_not_show_is_shown_all_the_same(serve: Serve, real: Compute, tmp_path: pathlib.Path) -> None:
    served = serve(real)
    job_id = served.job(draw(tmp_path / "deep.tif", "I;16"), model="espcn", scale=2)
    until(lambda: served.state(job_id) == "done")

    def view(kind: str) -> Image.Image:
        answer = served.client.get(f"/v1/jobs/{job_id}/view/{kind}")
        assert answer.headers["content-type"] == "image/png"
        return Image.open(io.BytesIO(answer.content))

    original, bicubic, result = view("original"), view("bicubic"), view("result")
    assert (original.size, bicubic.size, result.size) == ((28, 20), (56, 40), (56, 40))
    eight_bit = Image.fromarray((np.asarray(Image.open(tmp_path / "deep.tif")) // 257).astype(np.uint8))
    np.testing.assert_array_equal(original, eight_bit)
    np.testing.assert_array_equal(bicubic, eight_bit.resize((56, 40), Image.Resampling.BICUBIC))


def test_a_job_waits_is_computed_and_is_done(serve: Serve, hand: Hand, picture: pathlib.Path) -> None:
    served = serve(hand)
    first, second, third = (served.job(picture, scale=2) for _ in range(3))
    until(lambda: served.state(first) == "computing")
    hand.share = 0.25

    def status(job_id: str) -> dict[str, object]:
        answer: dict[str, object] = served.client.get(f"/v1/jobs/{job_id}").json()
        return answer

    until(lambda: status(first)["progress"] == 0.25)
    assert isinstance(status(first)["seconds_left"], float)
    # One at a time; the others are told their place.
    assert [(status(each)["state"], status(each)["place"]) for each in (second, third)] == [("waiting", 1), ("waiting", 2)]
    assert served.client.get(f"/v1/jobs/{first}/result").status_code == 409
    assert served.client.get("/healthz").json() == {
        "status": "ok",
        "version": sr_keras.__version__,
        "waiting": 2,
        "computing": 1,
    }
    assert served.client.delete(f"/v1/jobs/{second}").status_code == 204
    assert status(third)["place"] == 1
    hand.go.set()
    until(lambda: served.state(third) == "done")
    done = status(first)
    assert done["size"] == {"width": 24, "height": 16}
    assert (done["result_name"], done["network"], done["notes"]) == ("drawn_x2.png", "hand", ["made by hand"])
    result = Image.open(io.BytesIO(served.client.get(f"/v1/jobs/{first}/result").content))
    np.testing.assert_array_equal(result, Image.open(picture).resize((48, 32), Image.Resampling.NEAREST))
    for job_id in (first, third):
        assert served.client.delete(f"/v1/jobs/{job_id}").status_code == 204
        assert served.client.get(f"/v1/jobs/{job_id}").status_code == 404
    assert list(served.folder.iterdir()) == []


def test_a_cancelled_job_stops(serve: Serve, hand: Hand, picture: pathlib.Path) -> None:
    served = serve(hand)
    job_id = served.job(picture)
    until(lambda: served.state(job_id) == "computing")
    served.client.delete(f"/v1/jobs/{job_id}")
    until(lambda: served.client.get("/healthz").json()["computing"] == 0)
    until(lambda: not list(served.folder.iterdir()))


def test_who_goes_away_cancels_the_job(serve: Serve, hand: Hand, picture: pathlib.Path) -> None:
    served = serve(hand)
    impatient = httpx.Client(base_url=served.client.base_url, timeout=0.3)
    with impatient, picture.open("rb") as file, pytest.raises(httpx.ReadTimeout):
        impatient.post("/v1/upscale", files={"file": file})
    until(lambda: served.queue.counts() == (0, 0))
    until(lambda: not list(served.folder.iterdir()))


def events(served: Served, session: str = SESSION) -> "tuple[threading.Thread, list[dict[str, object]], threading.Event]":
    """Reads a session's events until it is told to go away."""
    heard: list[dict[str, object]] = []
    leave = threading.Event()

    def read() -> None:
        with served.client.stream("GET", f"/v1/sessions/{session}/events") as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    heard.append(json.loads(line.removeprefix("data: ")))
                if leave.is_set():
                    return

    thread = threading.Thread(target=read)
    thread.start()
    return thread, heard, leave


def test_a_session_hears_of_its_jobs_and_ends_with_its_reader(serve: Serve, hand: Hand, picture: pathlib.Path) -> None:
    served = serve(hand)
    assert served.post(picture, session=SESSION).status_code == 409
    other = served.job(picture)
    thread, heard, leave = events(served)
    until(lambda: served.post(picture, session=SESSION, wait="false").status_code == 202)
    job_id = served.job(picture, session=SESSION)
    until(lambda: {event["state"] for event in heard} == {"waiting"} and len(heard) == 2)
    assert served.client.get(f"/v1/sessions/{SESSION}/results.zip").status_code == 404
    served.client.delete(f"/v1/jobs/{other}")
    hand.share = 0.5
    until(lambda: heard[-1]["progress"] == 0.5)
    leave.set()
    thread.join()
    until(lambda: served.queue.counts() == (0, 0))
    assert served.state(job_id) is None
    until(lambda: not list(served.folder.iterdir()))


def test_all_results_of_a_session_come_in_one_archive(served: Served, picture: pathlib.Path) -> None:
    thread, heard, leave = events(served)
    until(lambda: served.post(picture, session=SESSION, wait="false").status_code == 202)
    for name in ("drawn.png", "../../Drawn.png"):
        served.post(picture, name=name, session=SESSION, wait="false")
    until(lambda: sum(event["state"] == "done" for event in heard) == 3)
    archive = zipfile.ZipFile(io.BytesIO(served.client.get(f"/v1/sessions/{SESSION}/results.zip").content))
    assert archive.namelist() == ["drawn_x4.png", "drawn_x4 (2).png", "Drawn_x4 (3).png"]
    assert archive.testzip() is None
    assert Image.open(archive.open("drawn_x4 (2).png")).size == (96, 64)
    assert served.client.delete(f"/v1/sessions/{SESSION}").status_code == 204
    assert list(served.folder.iterdir()) == []
    leave.set()
    served.queue.stop_soon()
    thread.join()


@pytest.mark.parametrize(
    "limits, status, words",
    [
        (Limits(max_bytes=10), 413, "the file is larger than the 10 bytes that are taken here"),
        (Limits(max_pixels=4 * 383), 413, "the picture has 24x16 pixels; at most 383 are taken here"),
        (Limits(max_pixels=6143), 413, "the result would have 96x64 pixels; at most 6,143 are taken here"),
        (Limits(max_seconds=0), 413, "it took longer than 0 seconds"),
        (Limits(max_jobs=0), 429, "0 pictures are waiting, and no more are taken"),
    ],
    ids=["bytes", "pixels", "pixels of the result", "time", "queue"],
)
def test_limits_are_answered_clearly(
    serve: Serve, hand: Hand, tmp_path: pathlib.Path, picture: pathlib.Path, limits: Limits, status: int, words: str
) -> None:
    served = serve(hand, limits)
    if limits.max_bytes == 10:
        picture.write_bytes(picture.read_bytes() + bytes(200_000))
    answer = served.post(picture)
    assert (answer.status_code, answer.json()["detail"][: len(words)]) == (status, words)
    assert ("retry-after" in answer.headers) == (status == 429)
    until(lambda: not list(served.folder.iterdir()))
    assert served.client.get("/v1/limits").json()["max_result_pixels"] == limits.max_pixels


def test_a_file_whose_length_is_not_announced_is_limited_too(serve: Serve, hand: Hand, picture: pathlib.Path) -> None:
    served = serve(hand, Limits(max_bytes=10))
    head = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\n\r\n'

    def chunks() -> Iterator[bytes]:
        yield head
        for _ in range(20):
            yield bytes(10_000)

    answer = served.client.post("/v1/upscale", content=chunks(), headers={"content-type": "multipart/form-data; boundary=x"})
    assert (answer.status_code, answer.json()["detail"][:21]) == (413, "the file is larger th")


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"model": "nothing"}, "model: must be one of auto, "),
        ({"scale": 1}, "scale: must be above 1"),
        ({"scale": 33}, "scale: must be at most 32"),
        ({"scale": "four"}, "scale: must be a number"),
        ({"scale": "nan"}, "scale: must be "),
        ({"width": 0}, "width: must be at least 1"),
        ({"width": "9.5"}, "width: must be a whole number"),
        ({"wait": "perhaps"}, "wait: must be true or false"),
        ({"scale": 2, "width": 9}, "scale and width or height exclude each other"),
        ({"model": "edsr", "denoise": 0.5}, "denoise: edsr has no strength to choose"),
        ({"format": "exe"}, "format: must be one of avif, "),
        ({"modle": "edsr"}, "modle: there is no such field"),
        ({"session": "short"}, "session: must match "),
    ],
    ids=str,
)
def test_wrong_use_is_named(shared: Served, picture: pathlib.Path, fields: dict[str, Any], words: str) -> None:
    answer = shared.post(picture, **fields)
    assert (answer.status_code, answer.json()["detail"][: len(words)]) == (422, words)


@pytest.mark.parametrize(
    "content", [b"", b"nothing", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"], ids=["empty", "text", "EPS"]
)
def test_what_is_no_picture_is_refused(shared: Served, tmp_path: pathlib.Path, content: bytes) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(content)
    assert shared.post(path).status_code == 415
    assert list(shared.folder.iterdir()) == []


def test_a_damaged_picture_fails_by_itself(serve: Serve, real: Compute, tmp_path: pathlib.Path, picture: pathlib.Path) -> None:
    served = serve(real)
    half = tmp_path / "half.png"
    half.write_bytes(picture.read_bytes()[:-60])
    answer = served.post(half, model="espcn")
    assert answer.status_code == 415
    assert str(tmp_path) not in answer.text
    assert served.post(picture, model="espcn").status_code == 200


def test_a_fault_is_no_path_and_no_end(serve: Serve, picture: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise FileNotFoundError(2, "No such file", "/secret/place")

    served = serve(fail)
    for _ in range(2):
        answer = served.post(picture)
        assert (answer.status_code, answer.json()["detail"]) == (500, "a fault of the server; its log says more")
    assert "/secret/place" in caplog.text


@pytest.mark.parametrize(
    "name, result",
    [
        ("../../etc/passwd.png", "passwd_x4.png"),
        (r"C:\photos\me.png", "me_x4.png"),
        ("a<b>c;d.png", "abc;d_x4.png"),
        ("日本.png", "日本_x4.png"),
        ("x" * 300 + ".png", "x" * 120 + "_x4.png"),
        ("..", "picture_x4.png"),
    ],
)
def test_names_are_never_paths(served: Served, picture: pathlib.Path, name: str, result: str) -> None:
    before = set(picture.parent.rglob("*"))
    job_id = served.job(picture, name=name)
    until(lambda: served.state(job_id) == "done")
    assert served.client.get(f"/v1/jobs/{job_id}").json()["result_name"] == result
    made = set(picture.parent.rglob("*")) - before
    assert {path.name for path in made} == {job_id, "source", "result.png"}
    plain = result.replace("日本", "__")
    said = served.client.get(f"/v1/jobs/{job_id}/result").headers["content-disposition"]
    assert said.startswith(f'attachment; filename="{plain}"; ')


def test_no_answer_holds_a_path_of_the_server(served: Served, picture: pathlib.Path) -> None:
    job_id = served.job(picture)
    until(lambda: served.state(job_id) == "done")
    paths = [
        *("/", "/nothing", "/static/nothing", "/static/../app.py", "/openapi.json", "/healthz", "/v1/models", "/v1/limits"),
        *(f"/v1/jobs/{job_id}{rest}" for rest in ("", "/result", "/view/bicubic", "/view/nothing", "/../../source")),
        *("/v1/jobs/nothing", f"/v1/jobs/{'x' * 100}", "/v1/sessions/a/results.zip"),
    ]
    answers = [served.client.get(path) for path in paths] + [served.client.post(path) for path in paths]
    for answer in answers:
        assert str(picture.parent).encode() not in answer.content
        assert str(picture.parent) not in str(answer.headers)
        assert answer.status_code < 500


@pytest.mark.parametrize(
    "headers, allowed",
    [
        ({}, True),
        ({"host": "localhost:8000"}, True),
        ({"host": "192.168.1.5:8000"}, True),
        ({"host": "[::1]:8000"}, True),
        ({"host": "evil.example"}, False),
        ({"host": "localhost.evil.example"}, False),
        ({"host": "["}, False),
        ({"host": "localhost:1", "origin": "http://localhost:1"}, True),
        ({"host": "localhost:1", "origin": "http://localhost:2"}, False),
        ({"origin": "null"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
    ],
    ids=str,
)
def test_other_pages_are_refused(shared: Served, picture: pathlib.Path, headers: dict[str, str], allowed: bool) -> None:
    with picture.open("rb") as file:
        answer = shared.client.post("/v1/upscale", files={"file": file}, headers=headers)
    assert answer.status_code == (200 if allowed else 403)
    assert shared.client.get("/healthz", headers=headers).status_code == (200 if allowed else 403)


def test_a_link_elsewhere_leads_to_the_page_but_no_form_does(shared: Served) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert shared.client.get("/", headers=headers).status_code == 200
    assert shared.client.post("/v1/upscale", headers=headers).status_code == 403


def test_the_page_takes_nothing_from_elsewhere(shared: Served) -> None:
    policy = shared.client.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    for path in (pathlib.Path(compute.__file__).parent / "static").iterdir():
        assert shared.client.get(f"/static/{path.name}").content == path.read_bytes()
        assert "://" not in path.read_text().replace("http://www.w3.org/2000/svg", "")


def test_the_interface_is_described(shared: Served) -> None:
    described = shared.client.get("/openapi.json").json()
    assert set(described["paths"]) >= {"/v1/upscale", "/v1/models", "/v1/jobs/{job_id}", "/healthz"}
    form = described["components"]["schemas"]["UpscaleForm"]["properties"]
    assert form["model"]["enum"] == [model_info.AUTO, *model_info.shipped()]
    assert set(form["format"]["enum"]) >= {"png", "jpg", "webp", "tif", "avif", "bmp"}
    models = shared.client.get("/v1/models").json()
    assert {model["name"] for model in models} == {model_info.AUTO, *model_info.shipped()}
    assert {model["name"] for model in models if model["strength"]} == {model_info.AUTO, model_info.RESTORING, "photogan"}
    assert models[0]["title"] == "Choose for me"


def test_results_that_nobody_fetches_are_removed(serve: Serve, hand: Hand, picture: pathlib.Path) -> None:
    served = serve(hand, Limits(keep_seconds=0))
    hand.go.set()
    job_id = served.job(picture)
    until(lambda: served.state(job_id) == "done")
    served.queue.remove_expired()
    assert served.state(job_id) is None
    assert list(served.folder.iterdir()) == []
