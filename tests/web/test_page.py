"""The page in a real browser: Debian's chromium, or another that is there. What needs the bundled networks or long is slow."""

import base64
import contextlib
import io
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sr_keras.photos import rgb
from sr_keras.web.orders import Limits
from tests.conftest import ROOT, take_interrupts
from tests.web.conftest import PATIENCE, Hand, Serve, serving, until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
# What axe-core holds to be grave.
GRAVE = ("serious", "critical")
AXE = "axe-core@4.14.1"

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=1000 * PATIENCE)
        # As root, chromium has no sandbox.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens the page of a server. Whatever the page complains of fails the test, and so does what it asks of other hosts."""
    with contextlib.ExitStack() as stack:
        complaints: list[str] = []

        def open_page(address: str, **options: Any) -> Page:
            context = browser.new_context(**options)
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(1000 * PATIENCE)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "request",
                lambda request: (
                    None if request.url.startswith((address, "blob:")) else complaints.append(f"asks for {request.url}")
                ),
            )
            page.goto(address)
            expect(page.locator("#limits")).not_to_be_empty()
            return page

        yield open_page
        assert complaints == []


def drop(page: Page, *paths: pathlib.Path) -> None:
    """As a mouse would."""
    files = [{"name": path.name, "content": base64.b64encode(path.read_bytes()).decode()} for path in paths]
    page.evaluate(
        """(files) => {
            const dataTransfer = new DataTransfer();
            for (const { name, content } of files) {
                dataTransfer.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
            }
            for (const type of ["dragenter", "dragover", "drop"]) {
                document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
            }
        }""",
        files,
    )


def canvas(page: Page) -> np.ndarray:
    """What is seen of the pictures: `[height, width, 3]`, in pixels of the screen."""
    text = page.evaluate("() => document.querySelector('canvas').toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text.split(",")[1]))).convert("RGB"))


def expect_result(page: Page) -> None:
    """Waits until a result is seen."""
    expect(page.locator("#viewer")).to_be_visible()
    expect(page.locator("#stage-text")).to_be_empty()
    page.wait_for_timeout(100)  # it is drawn with the next frame of the screen


def row(page: Page, name: str) -> Any:
    return page.locator(".row").filter(has=page.get_by_text(name, exact=True))


def test_all_formats_that_the_server_writes_are_offered(serve: Serve, hand: Hand, open_page: Open) -> None:
    served = serve(hand)
    page = open_page(str(served.client.base_url))
    offered = page.locator("#format option").evaluate_all("(options) => options.map((option) => option.value)")
    # Other suffixes of the same formats.
    aliases = {"jpeg", "tiff"}
    assert set(offered) == {"", *served.client.get("v1/limits").json()["formats"]} - aliases


def test_drop_a_picture_watch_it_move_the_slider_and_download(
    serve: Serve, hand: Hand, open_page: Open, picture: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    served = serve(hand)
    page = open_page(str(served.client.base_url))
    expect(page.get_by_label("Choose for me")).to_be_checked()
    page.get_by_label("Size").select_option("8")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    drop(page, picture, tmp_path / "broken.png")
    drawn = row(page, "drawn.png")
    expect(drawn).to_contain_text(re.compile("24 . 16 → 192 . 128 · starting"))
    hand.share = 0.5
    expect(drawn).to_contain_text(re.compile(r"50.% · .*.s left"))
    expect(drawn.get_by_role("progressbar")).to_have_js_property("value", 0.5)
    expect(page).to_have_title(re.compile("%"))
    expect(row(page, "broken.png")).to_contain_text("Not a picture")
    hand.go.set()
    expect(drawn).to_contain_text("hand (clean)")
    expect(drawn).to_contain_text("made by hand")

    # At 100 % a pixel of the result is one of the screen. Left of the slider is bicubic, right of it the result.
    expect_result(page)
    expect(page.locator("#zoom")).to_have_text("100 %")
    result = np.asarray(Image.open(picture).resize((192, 128), Image.Resampling.NEAREST))
    bicubic = np.asarray(Image.open(picture).resize((192, 128), Image.Resampling.BICUBIC))
    seen = canvas(page)
    y, x = (seen.shape[0] - 127) // 2, (seen.shape[1] - 191) // 2
    middle = seen.shape[1] // 2
    seen = seen[y : y + 128, x : x + 192]
    np.testing.assert_array_equal(seen[:, middle - x + 1 :], result[:, middle - x + 1 :])
    np.testing.assert_array_equal(seen[:, : middle - x - 1], bicubic[:, : middle - x - 1])

    slider = page.get_by_role("slider", name="How much of the picture shows before")
    slider.press("End")
    expect(slider).to_have_attribute("aria-valuenow", "100")
    box, stage = slider.bounding_box(), page.locator("#stage").bounding_box()
    assert box and stage
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 40)  # its other half is hidden here
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] / 4, box["y"] + 40, steps=3)
    page.mouse.up()
    expect(slider).to_have_attribute("aria-valuenow", "25")

    with page.expect_download() as download:
        page.get_by_role("link", name="Download drawn.png").click()
    assert download.value.suggested_filename == "drawn_x8.png"
    np.testing.assert_array_equal(rgb.read_photo(download.value.path()), result)
    page.get_by_role("button", name="Remove drawn.png").click()
    expect(drawn).to_have_count(0)
    until(lambda: list(served.folder.iterdir()) == [])


@pytest.mark.slow
def test_a_closed_page_cancels_its_jobs(serve: Serve, hand: Hand, open_page: Open, picture: pathlib.Path) -> None:
    served = serve(hand)
    page = open_page(str(served.client.base_url))
    drop(page, picture, picture)
    until(lambda: served.queue.counts() == (1, 1))
    page.close()
    until(lambda: served.queue.counts() == (0, 0))
    until(lambda: list(served.folder.iterdir()) == [])


@pytest.mark.slow
def test_cancel_and_again(serve: Serve, hand: Hand, open_page: Open, picture: pathlib.Path) -> None:
    served = serve(hand)
    page = open_page(str(served.client.base_url))
    drop(page, *[picture] * 5)
    expect(page.locator(".row")).to_have_count(5)
    # Not more than three wait at the server, so that others' pictures get their turn.
    until(lambda: served.queue.counts() == (2, 1))
    page.get_by_role("button", name="Cancel drawn.png").first.click()
    until(lambda: sum(served.queue.counts()) == 3)
    hand.go.set()
    expect(page.get_by_text("4 of 4 done")).to_be_visible()
    page.get_by_label("Format").select_option("webp")
    page.get_by_role("button", name="Do all again like this").click()
    expect(page.get_by_text("4 of 4 done")).to_be_visible()
    until(lambda: len(hand.names) >= 8)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all").click()
    names = zipfile.ZipFile(download.value.path()).namelist()
    assert names[:2] == ["drawn_x4.png", "drawn_x4 (2).png"]
    assert len(names) == 4
    page.get_by_role("button", name="Remove all").click()
    expect(page.locator(".row")).to_have_count(0)
    until(lambda: list(served.folder.iterdir()) == [])


@pytest.mark.slow
def test_paste(serve: Serve, hand: Hand, open_page: Open, picture: pathlib.Path) -> None:
    hand.go.set()
    page = open_page(str(serve(hand).client.base_url))
    page.evaluate(
        """(content) => {
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], "image.png"));
            document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        }""",
        base64.b64encode(picture.read_bytes()).decode(),
    )
    expect(row(page, "image.png")).to_contain_text("hand (clean)")


@pytest.mark.slow
def test_wheel_keys_and_pinch_zoom_and_pan(serve: Serve, hand: Hand, open_page: Open, picture: pathlib.Path) -> None:
    hand.go.set()
    page = open_page(str(serve(hand).client.base_url), **PHONE)
    drop(page, picture)
    stage, zoom = page.locator("#stage"), page.locator("#zoom")
    expect_result(page)
    stage.focus()
    height, width, _ = canvas(page).shape
    all_of_it = f"{round(100 * min(width / 96, height / 64))} %"
    for key, text in (("+", "125 %"), ("1", "100 %"), ("-", "100 %"), ("0", all_of_it), ("1", "100 %")):
        stage.press(key)
        expect(zoom).to_have_text(text)
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.wheel(0, -5000)
    expect(zoom).to_have_text("1600 %")
    before = canvas(page)
    stage.press("ArrowRight")
    page.wait_for_timeout(100)
    assert (canvas(page) != before).any()
    stage.press("1")
    touches = page.context.new_cdp_session(page)
    for kind, distance in (("touchStart", 30), ("touchMove", 60), ("touchMove", 90), ("touchEnd", 0)):
        points = [{"x": x - distance, "y": y + 60}, {"x": x + distance, "y": y + 60}] if distance else []
        touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    expect(zoom).to_have_text("300 %")


@pytest.mark.slow
def test_all_goes_by_keyboard(serve: Serve, hand: Hand, open_page: Open, picture: pathlib.Path) -> None:
    """From the top of the page with Tab alone, each control is reached, and is seen to have the focus."""
    hand.go.set()
    page = open_page(str(serve(hand).client.base_url))
    drop(page, picture)
    expect_result(page)
    names = []
    page.keyboard.press("Tab")
    for _ in range(40):
        name, outline = page.evaluate(
            """() => {
                const focused = document.activeElement;
                const outlined = [focused, focused.nextElementSibling, focused.closest(".button"), focused.firstElementChild];
                const seen = outlined.some((each) => each && getComputedStyle(each).outlineStyle !== "none");
                return [focused.getAttribute("aria-label") ?? focused.id ?? focused.name, seen];
            }"""
        )
        names.append(name)
        assert outline, name
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement === document.body"):
            break
    wanted = {
        *("Zoom out", "zoom-full", "Zoom in", "Show all of it", "The picture", "How much of the picture shows before"),
        *("Compare before and after of drawn.png", "Download drawn.png", "Remove drawn.png", "choose", "clear"),
        *("size", "strength", "format", "more"),
    }
    assert wanted <= set(names)


@pytest.mark.slow
def test_what_a_server_lost_is_sent_to_the_next_one(
    open_page: Open, hand: Hand, picture: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    with serving(tmp_path / "first", hand, Limits()) as first:
        page = open_page(str(first.client.base_url))
        drop(page, picture)
        until(lambda: first.queue.counts() == (0, 1))
    expect(page.get_by_text(re.compile("The server can.t be reached"))).to_be_visible()
    with serving(tmp_path / "second", hand, Limits(), port=first.client.base_url.port or 0) as second:
        until(lambda: second.queue.counts() == (0, 1))
        hand.go.set()
        expect(row(page, "drawn.png")).to_contain_text("hand (clean)")
        page.close()


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, PHONE, {**PHONE, "color_scheme": "dark"}], ids=str)
def test_axe_finds_nothing_grave(
    serve: Serve, hand: Hand, open_page: Open, axe: str, picture: pathlib.Path, tmp_path: pathlib.Path, options: dict[str, Any]
) -> None:
    served = serve(hand)
    page = open_page(str(served.client.base_url), **options)
    page.evaluate(axe)

    def grave() -> list[str]:
        found = page.evaluate("() => axe.run()")["violations"]
        return [
            f"{each['id']}: {each['help']}: {[node['html'] for node in each['nodes']]}"
            for each in found
            if each["impact"] in GRAVE
        ]

    assert grave() == []
    (tmp_path / "broken.png").write_bytes(b"nothing")
    drop(page, tmp_path / "broken.png", picture, picture)
    expect(page.get_by_text("starting")).to_be_visible()
    page.locator("#settings").evaluate("(details) => { details.open = true; }")
    page.get_by_label("Size").select_option("width")
    page.get_by_label("Format").select_option("webp")
    assert grave() == []
    hand.go.set()
    expect(page.get_by_text("2 of 3 done")).to_be_visible()
    expect_result(page)
    assert grave() == []


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, from npm."""
    if not shutil.which("npm"):
        pytest.skip("there is no npm")
    folder = tmp_path_factory.mktemp("axe")
    subprocess.run(["npm", "pack", "--silent", AXE], cwd=folder, check=True, capture_output=True)
    [archive] = folder.glob("*.tgz")
    with tarfile.open(archive) as members:
        script = members.extractfile("package/axe.min.js")
        assert script
        return script.read().decode()


@pytest.mark.slow
def test_the_command_serves_the_sample_and_leaves_nothing(open_page: Open, tmp_path: pathlib.Path) -> None:
    """`sr-keras web` as a person starts it, with the bundled networks; killed and started again."""
    environment = {"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}

    def start() -> "tuple[subprocess.Popen[str], str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "sr_keras.web", "--port=0"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=take_interrupts,
        )
        assert process.stdout
        return process, process.stdout.readline().split()[0]

    killed, address = start()
    page = open_page(address)
    page.get_by_role("button", name="Try a sample").click()
    expect(row(page, "sample.jpg")).to_contain_text("photo (JPEG of quality")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download sample.jpg").click()
    assert rgb.read_photo(download.value.path()).shape == (640, 640, 3)
    assert [path.name for path in tmp_path.rglob("source")] == ["source"]
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert [path.name for path in tmp_path.rglob("source")] == ["source"]
    process, address = start()
    assert list(tmp_path.rglob("source")) == []
    page = open_page(address)
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Choose pictures").click()
    chooser.value.set_files(rgb.SAMPLE / "small.png")
    expect(row(page, "small.png")).to_contain_text("edsr (clean)")
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 130
    process.communicate()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["lock"]
