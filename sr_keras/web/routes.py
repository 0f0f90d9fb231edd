"""The HTTP interface: what can be asked, and by which address."""

import asyncio
import dataclasses
import pathlib
import shutil
import time
from collections.abc import AsyncIterator
from typing import Annotated

import fastapi
from fastapi import Depends, Form, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

import sr_keras
from sr_keras.web import answers, archive, compute, jobs, orders, schema
from sr_keras.web.answers import IMAGE, refusals
from sr_keras.web.jobs import Job, JobQueue
from sr_keras.web.schema import Health, Model, Session, Status, UpscaleForm
from sr_keras.web.sessions import Sessions

# Seconds between two looks at a job: for one who waits for its end, and for one who watches.
_LOOK, _WATCH = 0.05, 0.2
# Nobody sees it: who asked has gone.
_GONE = 499


@dataclasses.dataclass(frozen=True)
class Service:
    """What the answers need.

    Attributes:
        queue: does the work.
        limits: of what is taken.
        folder: for the files of the jobs.
        sessions: who watches.
    """

    queue: JobQueue
    limits: orders.Limits
    folder: pathlib.Path
    sessions: Sessions

    def take(self, form: UpscaleForm) -> Job:
        """Makes a job of a picture that was sent.

        Raises:
            RefusalError: it is not taken.
        """
        order = form.order()
        job_id = jobs.new_id()
        folder = self.folder / job_id
        folder.mkdir()
        try:
            with jobs.source_in(folder).open("wb") as target:
                shutil.copyfileobj(form.file.file, target)
            size, result_size = orders.examine(jobs.source_in(folder), order, self.limits)
            name = orders.safe_name(form.file.filename)
            job = Job(job_id, name, order, folder, size, result_size, form.session)
            self.queue.add(job)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return job

    def status(self, job: Job) -> Status:
        return schema.status(job, self.queue.place(job), time.monotonic())


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Known = Annotated[Service, Depends(_service)]


def _job(job_id: Annotated[str, Path(max_length=64)], service: Known) -> Job:
    job = service.queue.get(job_id)
    if job is None:
        raise HTTPException(404, "no such job, or it has been removed")
    return job


def _done_job(job: Annotated[Job, Depends(_job)]) -> Job:
    if job.refusal:
        raise job.refusal
    if job.result is None:
        raise HTTPException(409, "not done yet")
    return job


AnyJob = Annotated[Job, Depends(_job)]
DoneJob = Annotated[Job, Depends(_done_job)]

router = fastapi.APIRouter()


@router.post(
    "/v1/upscale",
    response_class=FileResponse,
    responses={
        200: {"description": "The result", **IMAGE},
        202: {"model": Status, "description": "The job, where `wait` is false"},
        **refusals(400, 409, 413, 415, 429),
    },
)
async def upscale(
    request: Request, form: Annotated[UpscaleForm, Form(media_type="multipart/form-data")], service: Known
) -> Response:
    """Takes a picture; answers with the larger one, or with a job."""
    if form.session is not None and not service.sessions.is_open(form.session):
        raise HTTPException(409, "session: nobody reads its events")
    job = await run_in_threadpool(service.take, form)
    if not form.wait:
        return JSONResponse(service.status(job).model_dump(), 202, headers={"location": f"/v1/jobs/{job.id}"})
    try:
        await _ended(job, request)
    except BaseException:
        service.queue.remove(job)
        raise
    removal = BackgroundTask(service.queue.remove, job)
    return answers.refused(job.refusal, removal) if job.refusal else answers.result(job, removal)


async def _ended(job: Job, request: Request) -> None:
    """Waits for the end of a job.

    Raises:
        HTTPException: nobody waits any more.
    """
    while job.state in ("waiting", "computing"):
        if await request.is_disconnected():
            raise HTTPException(_GONE)
        await asyncio.sleep(_LOOK)


@router.get("/v1/models")
async def models() -> list[Model]:
    """The networks to choose from."""
    return schema.models()


@router.get("/v1/limits")
async def limits(service: Known) -> schema.Limits:
    """How much the server takes on."""
    return schema.limits(service.limits)


@router.get("/v1/jobs/{job_id}", responses=refusals(404))
async def job_status(job: AnyJob, service: Known) -> Status:
    """Where a job stands."""
    return service.status(job)


@router.delete("/v1/jobs/{job_id}", status_code=204, responses=refusals(404))
def job_removal(job: AnyJob, service: Known) -> None:
    """Cancels a job, and removes its files."""
    service.queue.remove(job)


@router.get(
    "/v1/jobs/{job_id}/result",
    response_class=FileResponse,
    responses={200: {"description": "The larger picture", **IMAGE}, **refusals(404, 409, 413, 415)},
)
async def job_result(job: DoneJob) -> Response:
    """What came of a picture."""
    return answers.result(job)


@router.get(
    "/v1/jobs/{job_id}/view/{kind}",
    response_class=FileResponse,
    responses={200: {"description": "The picture", **IMAGE}, **refusals(404, 409, 413, 415)},
)
def job_view(job: DoneJob, kind: compute.View) -> Response:
    """The picture, the same enlarged by bicubic, or the result: each in a format that browsers show."""
    return FileResponse(compute.view(job, kind), headers={"cache-control": "private, max-age=3600"})


async def _reading(session: Session, service: Known) -> AsyncIterator[None]:
    with service.sessions.reading(session):
        yield


# As a dependency, it ends with the connection; a generator of events may be left waiting for the next one to be fetched.
@router.get(
    "/v1/sessions/{session}/events", response_class=EventSourceResponse, dependencies=[Depends(_reading, scope="request")]
)
async def session_events(session: Session, service: Known) -> AsyncIterator[ServerSentEvent]:
    """What becomes of a session's jobs, as server-sent events: each time that a job's status changes, the new one.

    Jobs that are not done end when this is read no more.
    """
    seen: dict[str, Status] = {}
    yield ServerSentEvent(comment="here is what becomes of the jobs")
    while not service.queue.is_stopping:
        for job in service.queue.of_session(session):
            status = service.status(job)
            if seen.get(job.id) != status:
                seen[job.id] = status
                yield ServerSentEvent(event="job", data=status)
        await asyncio.sleep(_WATCH)


@router.delete("/v1/sessions/{session}", status_code=204)
def session_removal(session: Session, service: Known) -> None:
    """Cancels all jobs of a session, and removes their files."""
    for job in service.queue.of_session(session):
        service.queue.remove(job)


@router.get(
    "/v1/sessions/{session}/results.zip",
    response_class=StreamingResponse,
    responses={200: {"description": "All results", "content": {"application/zip": {}}}, **refusals(404)},
)
async def session_results(session: Session, service: Known) -> Response:
    """All results of a session that are there, in one archive."""
    done = [(job.result_name or "", job.result.path) for job in service.queue.of_session(session) if job.result]
    if not done:
        raise HTTPException(404, "there is no result")
    content = archive.stream(archive.with_distinct_names(done))
    return StreamingResponse(content, media_type="application/zip", headers=answers.attachment("pictures.zip"))


@router.get("/healthz")
async def health(service: Known) -> Health:
    """That the server answers."""
    waiting, computing = service.queue.counts()
    return Health(version=sr_keras.__version__, waiting=waiting, computing=computing)
