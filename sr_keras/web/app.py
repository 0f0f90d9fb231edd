"""The application: the HTTP interface, the files of the page, and what stands before both."""

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator, Collection

import fastapi
from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import sr_keras
from sr_keras.photos import rgb
from sr_keras.web import answers, routes
from sr_keras.web.guard import Guard
from sr_keras.web.jobs import JobQueue
from sr_keras.web.orders import Limits, Reason, RefusalError
from sr_keras.web.sessions import GRACE, Sessions

_STATIC = pathlib.Path(__file__).parent / "static"
_SAMPLE = rgb.SAMPLE / "web.jpg"

# Seconds between two looks for results that nobody fetched.
_HOUSEKEEPING = 30
# Beyond a file: what the other fields of its form and their frames take.
_FORM_BYTES = 100_000


def create_app(
    queue: JobQueue, limits: Limits, folder: pathlib.Path, names: Collection[str], *, grace: float = GRACE
) -> ASGIApp:
    """The application, for any ASGI server.

    Args:
        queue: does the work.
        limits: of what is taken.
        folder: for the files of the jobs.
        names: by which the server is known, besides its addresses.
        grace: see `Sessions`.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: fastapi.FastAPI) -> AsyncIterator[None]:
        housekeeping = asyncio.create_task(_keep_house(queue))
        yield
        housekeeping.cancel()

    app = fastapi.FastAPI(
        title="sr_keras",
        summary="Makes pictures larger.",
        version=sr_keras.__version__,
        lifespan=lifespan,
        # They would load files from another host.
        docs_url=None,
        redoc_url=None,
        responses=answers.refusals(403, 422),
    )
    app.state.service = routes.Service(queue, limits, folder, Sessions(queue, grace))
    app.include_router(routes.router)
    answers.make_alike(app)
    _add_page(app)
    return Guard(_Door(app, queue, limits.max_bytes), names)


def _add_page(app: fastapi.FastAPI) -> None:
    def add(address: str, path: pathlib.Path) -> None:
        async def page() -> Response:
            return FileResponse(path)

        app.add_api_route(address, page, include_in_schema=False)

    add("/", _STATIC / "index.html")
    add("/sample.jpg", _SAMPLE)
    app.mount("/static", StaticFiles(directory=_STATIC))


async def _keep_house(queue: JobQueue) -> None:
    while True:
        await asyncio.sleep(_HOUSEKEEPING)
        await run_in_threadpool(queue.remove_expired)


class _Door:
    """Refuses what is sent before it is read: where too many pictures wait, and where it is too large."""

    def __init__(self, app: ASGIApp, queue: JobQueue, max_bytes: int) -> None:
        self._app = app
        self._queue = queue
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and scope["method"] == "POST":
            try:
                self._queue.require_place()
                self._require_size(int(Headers(scope=scope).get("content-length", 0)))
            except RefusalError as refusal:
                app = answers.refused(refusal)
        await app(scope, self._counting(receive), send)

    def _counting(self, receive: Receive) -> Receive:
        received = 0

        async def receive_some() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            try:
                self._require_size(received)
            except RefusalError as refusal:
                raise answers.problem(refusal) from None
            return message

        return receive_some

    def _require_size(self, num_bytes: int) -> None:
        if num_bytes > self._max_bytes + _FORM_BYTES:
            raise RefusalError(Reason.TOO_LARGE, f"the file is larger than the {self._max_bytes:,} bytes that are taken here")
