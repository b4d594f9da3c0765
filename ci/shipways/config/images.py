"""`[image.NAME]`: a container image assembled from built binaries."""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shipways.config.kinds import Command, Duration, Frozen, Name, Program, RelativePath, Variables
from shipways.model.oci import parse_reference

Port = Annotated[int, Field(ge=1, le=65535)]
User = Annotated[str, StringConstraints(pattern=r"^\d{1,10}:\d{1,10}$")]
Repository = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9.-]+(:\d+)?/)?[a-z0-9]+([._/-][a-z0-9]+)*$", max_length=255)
]

SCRATCH = "scratch"


def _absolute(text: str) -> str:
    path = PurePosixPath(text)
    if not path.is_absolute() or "\0" in text or ".." in path.parts:
        raise ValueError("expected an absolute path in the image, without `..`")
    return "/" + str(path).lstrip("/")


AbsolutePath = Annotated[str, AfterValidator(_absolute)]


def _base(text: str) -> str:
    if text != SCRATCH:
        parse_reference(text)
    return text


Base = Annotated[str, AfterValidator(_base)]


class Healthcheck(Frozen):
    """`[image.NAME.healthcheck]`: Docker's HEALTHCHECK, written into the image's config."""

    test: Program
    interval: Duration = "30s"
    timeout: Duration = "5s"
    start_period: Duration = "10s"
    retries: Annotated[int, Field(ge=1)] = 3


class Image(Frozen):
    """One multi-platform image."""

    package: Name
    base: Base = SCRATCH
    platforms: Annotated[tuple[Literal["linux/amd64", "linux/arm64"], ...], Field(min_length=1)] = (
        "linux/amd64",
        "linux/arm64",
    )
    repositories: tuple[Repository, ...] = ()
    user: User = "65532:65532"
    workdir: AbsolutePath = "/"
    ports: tuple[Port, ...] = ()
    volumes: tuple[AbsolutePath, ...] = ()
    env: Variables = {}
    entrypoint: Command | None = None
    command: Command = ()
    labels: dict[str, str] = {}
    healthcheck: Healthcheck | None = None
    files: dict[AbsolutePath, RelativePath] = {}
    budget: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)? ?(kB|MB|GB)$")] | None = None
    docker_archive: bool = True
