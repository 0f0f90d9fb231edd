"""What the HTTP interface takes and answers, as OpenAPI describes it."""

from typing import Annotated, Any

import pydantic
from fastapi import UploadFile
from pydantic import Field

from sr_keras.inference import model_info
from sr_keras.upscaling.target import Target
from sr_keras.web import jobs, networks, orders
from sr_keras.web.jobs import Job

LARGEST_SCALE, LARGEST_SIDE = 32, 65_535

# By the name of a bundled network: what it is for, in a visitor's words, and what to expect of it.
_WORDS = {
    model_info.AUTO: ("Choose for me", "Looks at each picture: clean ones are enlarged, worn ones are restored too."),
    "edsr": ("Clean picture", "Stays nearest to the original and makes nothing up."),
    "photo": ("Photo with noise or JPEG", "Takes out noise, blur and the blocks of JPEG while it enlarges."),
    "photogan": ("Photo with noise or JPEG, to look at", "Restored and sharp. Its texture is made up: not for evidence."),
    "srgan": ("Clean picture, to look at", "Sharp texture. It is made up, so not for measuring or evidence."),
    "espcn": ("Clean picture, quickly", "Many times faster, a little softer."),
    "lapsrn": ("Clean picture, LapSRN", "Between the quick one and the best in time and quality."),
    "srresnet": ("Clean picture, SRResNet", "The generator of the paper, trained on pixels alone. Slow."),
}

_SESSION = r"^[A-Za-z0-9_-]{16,64}$"
Session = Annotated[
    str,
    Field(
        pattern=_SESSION,
        description="16 to 64 letters and digits that the client draws at random. The jobs of a session end with its events.",
    ),
]
_Side = Annotated[int, Field(ge=1, le=LARGEST_SIDE)]


class Problem(pydantic.BaseModel):
    """Why something was refused."""

    detail: str = Field(description="One line for a person.")


class Health(pydantic.BaseModel):
    """That the server answers, and what it is at."""

    status: str = "ok"
    version: str
    waiting: int
    computing: int


class Model(pydantic.BaseModel):
    """A network to choose."""

    name: str
    title: str = Field(description="What it is for, in a few words.")
    about: str
    scale: int = Field(description="How many times larger its results are.")
    strength: bool = Field(description="Whether `denoise` means something to it.")


class Limits(pydantic.BaseModel):
    """How much the server takes on."""

    max_bytes: int = Field(description="Of a file.")
    max_picture_pixels: int
    max_result_pixels: int
    max_jobs: int = Field(description="That wait.")
    max_seconds: float = Field(description="Of computing, for each picture.")
    formats: list[str] = Field(description="That results can be written in.")


class Size(pydantic.BaseModel):
    """In pixels."""

    width: int
    height: int


class Status(pydantic.BaseModel):
    """Where a job stands."""

    id: str
    name: str = Field(description="Of the picture.")
    state: jobs.State
    place: int | None = Field(description="In line; 1 is next.")
    progress: float = Field(ge=0, le=1)
    seconds_left: float | None
    size: Size
    result_size: Size
    result_name: str | None
    result_bytes: int | None
    network: str | None = Field(description="Which one computed it.")
    why: str | None = Field(description="Why that network was chosen, if it was left to the server.")
    notes: list[str] = Field(description="What could not be kept.")
    seconds: float | None = Field(description="Of computing.")
    problem: str | None = Field(description="Why it failed.")


def _model_schema(schema: dict[str, Any]) -> None:
    schema["enum"] = networks.names()


def _format_schema(schema: dict[str, Any]) -> None:
    schema["enum"] = orders.formats()


class UpscaleForm(pydantic.BaseModel):
    """A picture, and what is to be done to it."""

    model_config = pydantic.ConfigDict(extra="forbid")

    file: UploadFile = Field(description="The picture, of any common kind.")
    model: Annotated[str, Field(json_schema_extra=_model_schema)] = model_info.AUTO
    scale: float | None = Field(None, gt=1, le=LARGEST_SCALE, description="Times larger; default: the network's own, 4.")
    width: _Side | None = Field(None, description="Of the result, in place of scale. Alone, it keeps the aspect.")
    height: _Side | None = Field(None, description="Likewise.")
    denoise: float = Field(1.0, ge=0, le=1, description="How much a network that restores takes out: 1 all that it can.")
    format: str | None = Field(
        None, json_schema_extra=_format_schema, description="Of the result; default: the picture's own, else png."
    )
    quality: int | None = Field(None, ge=1, le=100, description="Of JPEG, WebP and AVIF; 95 where it is left out.")
    wait: bool = Field(True, description="True answers with the result; false at once with a job.")
    session: Session | None = None

    @pydantic.field_validator("model")
    @classmethod
    def _known(cls, model: str) -> str:
        if model not in networks.names():
            raise ValueError(f"must be one of {', '.join(networks.names())}")
        return model

    @pydantic.field_validator("format")
    @classmethod
    def _writable(cls, name: str | None) -> str | None:
        if name is not None and name not in orders.formats():
            raise ValueError(f"must be one of {', '.join(orders.formats())}")
        return name

    @pydantic.model_validator(mode="after")
    def _one_size(self) -> "UpscaleForm":
        if self.scale is not None and (self.width is not None or self.height is not None):
            raise ValueError("scale and width or height exclude each other")
        return self

    def order(self) -> orders.Order:
        """Raises:
        RefusalError: a strength is chosen for a network that has none.
        """
        has_side = self.width is not None or self.height is not None
        scale = None if has_side else self.scale or networks.scale_of(self.model)
        target = Target(scale=scale, width=self.width, height=self.height)
        return orders.Order(self.model, target, self.denoise, f".{self.format}" if self.format else None, self.quality)


def models() -> list[Model]:
    def model(name: str) -> Model:
        title, about = _WORDS.get(name) or networks.words(name)
        return Model(name=name, title=title, about=about, scale=networks.scale_of(name), strength=networks.has_strength(name))

    # As they are described above: those that a visitor most likely wants come first.
    names = networks.names()
    return [model(name) for name in sorted(names, key=[*_WORDS, *names].index)]


def limits(of_server: orders.Limits) -> Limits:
    return Limits(
        max_bytes=of_server.max_bytes,
        max_picture_pixels=of_server.max_picture_pixels,
        max_result_pixels=of_server.max_pixels,
        max_jobs=of_server.max_jobs,
        max_seconds=of_server.max_seconds,
        formats=orders.formats(),
    )


def status(job: Job, place: int | None, now: float) -> Status:
    """Args:
    job: where it stands is said.
    place: in line.
    now: by the monotonic clock.
    """
    result = job.result
    return Status(
        id=job.id,
        name=job.name,
        state=job.state,
        place=place,
        progress=job.progress,
        seconds_left=job.pace.seconds_left(job.progress, now) if job.pace and job.state == "computing" else None,
        size=Size(width=job.size[0], height=job.size[1]),
        result_size=Size(width=job.result_size[0], height=job.result_size[1]),
        result_name=job.result_name,
        result_bytes=result.num_bytes if result else None,
        network=result.network if result else None,
        why=result.why or None if result else None,
        notes=list(result.notes) if result else [],
        seconds=result.seconds if result else None,
        problem=str(job.refusal) if job.refusal else None,
    )
