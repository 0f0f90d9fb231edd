"""How the HTTP interface says things: files, and refusals, which are all alike."""

import mimetypes
import re
from typing import Any
from urllib.parse import quote

import fastapi
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

from sr_keras.web.jobs import Job
from sr_keras.web.orders import Reason, RefusalError
from sr_keras.web.schema import Problem

_STATUSES = {
    Reason.TOO_LARGE: 413,
    Reason.NO_PICTURE: 415,
    Reason.WRONG_USE: 422,
    Reason.BUSY: 429,
    Reason.FAULT: 500,
}
_MEANINGS = {
    400: "The form is damaged",
    403: "Sent by another page, or under a name that is not this server's",
    404: "There is none of that name, or none any more",
    409: "Too early",
    413: "Too large, or it took too long",
    415: "Not a picture",
    422: "Wrong use",
    429: "Too many are waiting",
}
# Seconds after which one who is sent away may try again.
_RETRY = 5
_FAULT = "a fault of the server; its log says more"

# For OpenAPI.
IMAGE: dict[str, Any] = {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: what a request may be refused with."""
    return {status: {"model": Problem, "description": _MEANINGS[status]} for status in statuses}


def result(job: Job, background: BackgroundTask | None = None) -> Response:
    """The file that came of a job that is done, to be kept under its name."""
    assert job.result is not None and job.result_name is not None
    headers = attachment(job.result_name) | {"x-network": job.result.network}
    media_type = mimetypes.guess_type(job.result_name)[0]
    return FileResponse(job.result.path, headers=headers, media_type=media_type, background=background)


def attachment(name: str) -> dict[str, str]:
    """Headers of a file to be kept, by its name (RFC 6266); programs such as curl know plain names alone."""
    plain = re.sub(r"[^ !#-\[\]-~]", "_", name)
    return {"content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"}


def refused(refusal: RefusalError, background: BackgroundTask | None = None) -> Response:
    headers = {"retry-after": str(_RETRY)} if refusal.reason is Reason.BUSY else None
    return JSONResponse({"detail": str(refusal)}, _STATUSES[refusal.reason], headers=headers, background=background)


def problem(refusal: RefusalError) -> HTTPException:
    """The same as an exception that passes through FastAPI's reading of a form, as others do not."""
    return HTTPException(_STATUSES[refusal.reason], str(refusal))


def make_alike(app: fastapi.FastAPI) -> None:
    """Makes all refusals of an application a `Problem`: one line, without a path of the server."""

    @app.exception_handler(RefusalError)
    async def on_refusal(_: Request, refusal: RefusalError) -> Response:
        return refused(refusal)

    @app.exception_handler(RequestValidationError)
    async def on_wrong_use(_: Request, error: RequestValidationError) -> Response:
        return JSONResponse({"detail": "; ".join(map(_line, error.errors()))}, 422)

    @app.exception_handler(HTTPException)
    async def on_problem(_: Request, error: HTTPException) -> Response:
        return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def on_fault(_: Request, error: Exception) -> Response:
        return JSONResponse({"detail": _FAULT}, 500)


def _line(error: dict[str, Any]) -> str:
    # The first part of the place says where in the request.
    name = ".".join(str(part) for part in error["loc"][1:])
    reason = _reason(error["type"], error.get("ctx", {})) or error["msg"].removeprefix("Value error, ")
    return f"{name}: {reason}" if name else reason


def _reason(kind: str, context: dict[str, Any]) -> str:
    """What is wrong with a value, in plain words in place of pydantic's; "" for what our own validators say."""
    bounds = {"greater_than": "above", "greater_than_equal": "at least", "less_than": "below", "less_than_equal": "at most"}
    if kind in bounds:
        [bound] = [value for name, value in context.items() if name in ("gt", "ge", "lt", "le")]
        return f"must be {bounds[kind]} {bound:g}"
    wanted = {"int": "a whole number", "float": "a number", "finite": "a number", "bool": "true or false", "string": "text"}
    if kind.endswith(("_parsing", "_type", "_from_float", "_number")):
        return f"must be {wanted.get(kind.partition('_')[0], 'of another kind')}"
    return {
        "missing": "is missing",
        "extra_forbidden": "there is no such field",
        "string_pattern_mismatch": f"must match {context.get('pattern')}",
    }.get(kind, "")
