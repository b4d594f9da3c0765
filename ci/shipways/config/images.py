"""`[image.NAME]`: a container image assembled from built binaries, or built from a Dockerfile."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shipways.config.kinds import (
    Command,
    Duration,
    Frozen,
    Name,
    Program,
    RelativePath,
    Size,
    Variable,
    Variables,
    Word,
)
from shipways.config.packages import Package
from shipways.model.oci import parse_reference

Port = Annotated[int, Field(ge=1, le=65535)]
User = Annotated[str, StringConstraints(pattern=r"^\d{1,10}:\d{1,10}$")]
Repository = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9.-]+(:\d+)?/)?[a-z0-9]+([._/-][a-z0-9]+)*$", max_length=255)
]

Stage = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]

SCRATCH = "scratch"
_ASSEMBLED: Final = (
    *("base", "user", "workdir", "ports", "volumes", "env"),
    *("entrypoint", "command", "healthcheck", "files"),
)
"""The keys of what a Dockerfile says itself."""
_OF_DOCKERFILE: Final = ("context", "target", "args")


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


def _reference(text: str) -> str:
    parse_reference(text)
    return text


ImageName = Annotated[str, AfterValidator(_reference)]


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
    also: tuple[Name, ...] = ()
    dockerfile: RelativePath | None = None
    context: RelativePath = "."
    target: Stage | None = None
    args: dict[Variable, Word] = {}
    base: Base = SCRATCH
    platforms: tuple[Literal["linux/amd64", "linux/arm64"], ...] = ("linux/amd64", "linux/arm64")
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
    tender: ImageName | None = None
    budget: Size | None = None
    docker_archive: bool = True

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        """It is assembled or built from a Dockerfile, and has the keys of that way only."""
        wrong = []
        if self.dockerfile is not None:
            foreign = [key for key in _ASSEMBLED if key in self.model_fields_set]
            wrong = [
                f"{key} and dockerfile are both set, but an image is assembled or built from one" for key in foreign
            ]
        else:
            lone = [key for key in _OF_DOCKERFILE if getattr(self, key) != type(self).model_fields[key].default]
            wrong = [f"{key} is set, but dockerfile is not" for key in lone]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self


def image_problems(images: Mapping[str, Image], packages: Mapping[str, Package]) -> Iterator[str]:
    """What images say about packages whose programs they have besides that of their own one."""
    for name, image in images.items():
        own = packages.get(image.package)
        if image.also and own and not own.makes_programs:
            yield f"image.{name}.also: {image.package} makes no programs that others could be beside"
        for other in image.also:
            if other not in packages or not packages[other].makes_programs:
                yield f"image.{name}.also: there is no [package.{other}] that makes programs"
            elif own and own.tag != packages[other].tag:
                yield f"image.{name}.also: {other} has another tag than {image.package}, and is not built with it"
